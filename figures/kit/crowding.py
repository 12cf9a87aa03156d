"""Whether all that a figure says has room in it."""

from collections.abc import Iterator
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

LOOSE = 2.0
"""Points that a text may reach over the edge, or into its neighbour: boxes are larger than ink."""


def crowded(figure: Figure) -> list[str]:
    """What leaves the figure, titles over titles, and labels of ticks over labels.

    Args:
        figure: already drawn, so that all stands in its place.

    Returns:
        A phrase for each; none where all has room.
    """
    slack = LOOSE / 72 * figure.dpi
    canvas = figure.bbox.padded(slack)
    found = [
        f"{name} leaves the page"
        for name, box in _boxes(figure)
        if not (canvas.contains(*box.min) and canvas.contains(*box.max))
    ]
    for row in _rows(figure):
        for one, other in pairwise(row):
            first, second = one.get_window_extent(), other.get_window_extent()
            width = min(first.x1, second.x1) - max(first.x0, second.x0)
            height = min(first.y1, second.y1) - max(first.y0, second.y0)
            if width > slack and height > slack:
                found.append(f"{one.get_text()!r} runs into {other.get_text()!r}")
    return found


def _boxes(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """What each panel, legend and text of the figure takes up, in pixels."""
    for ax in figure.axes:
        box = ax.get_tightbbox() if ax.get_visible() else None
        if box is not None:
            title = next((text.get_text() for text in _titles(ax)), ax.get_ylabel())
            yield f"the panel {title!r}", box
    for legend in figure.legends:
        yield "the legend", legend.get_window_extent()
    for text in figure.texts:
        if text.get_text():
            yield repr(text.get_text()), text.get_window_extent()


def _rows(figure: Figure) -> Iterator[list[Text]]:
    """Texts that stand beside one another: labels of each axis, and titles of a line."""
    titles: list[Text] = []
    for ax in figure.axes:
        if not ax.get_visible():
            continue
        titles += _titles(ax)
        for axis in (ax.xaxis, ax.yaxis):
            if not (ax.axison and axis.get_visible()):
                continue
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            ticks.sort(key=lambda tick: tick.get_loc())
            labels = [t.label1 for t in ticks if t.label1.get_rotation() == 0]
            yield [one for one in labels if one.get_text() and one.get_visible()]

    def place(text: Text) -> tuple[int, float]:
        box = text.get_window_extent()
        return -round(box.y0), box.x0

    yield sorted(titles, key=place)


def _titles(ax: Axes) -> list[Text]:
    """Its titles: the texts over it that are no part of an axis."""
    said = {ax.get_title(where) for where in ("left", "center", "right")} - {""}
    return [one for one in ax.get_children() if isinstance(one, Text) and one.get_text() in said]
