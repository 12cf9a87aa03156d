"""Whether all that a figure says has room in it."""

import math
from collections.abc import Iterator
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

DENSE = 0.8
"""Of the size of their type, that lines of turned labels must be apart."""
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
    rows = [_titles_of(figure), *(labels(axis) for ax in _shown(figure) for axis in _axes(ax))]
    pairs = [pair for row in rows for pair in _met(row, slack)]
    for ax in _shown(figure):
        if ax.xaxis in _axes(ax):
            pairs += _lying(labels(ax.xaxis, turned=True), figure.dpi)
    found += [f"{one.get_text()!r} runs into {other.get_text()!r}" for one, other in pairs]
    return found


def _boxes(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """What each panel, legend and text of the figure takes up, in pixels."""
    for ax in figure.axes:
        box = ax.get_tightbbox() if ax.get_visible() else None
        if box is not None:
            title = next((text.get_text() for text in titles(ax)), ax.get_ylabel())
            yield f"the panel {title!r}", box
    for legend in figure.legends:
        yield "the legend", legend.get_window_extent()
    for text in figure.texts:
        if text.get_text():
            yield repr(text.get_text()), text.get_window_extent()


def touching(figure: Figure, axis: Axis) -> bool:
    """Whether labels of an axis nearly run into one another, in a figure that is drawn."""
    near = -LOOSE / 72 * figure.dpi
    return any(_met(labels(axis), near)) or any(_lying(labels(axis, turned=True), figure.dpi))


def _lying(turned: list[Text], dpi: float) -> Iterator[tuple[Text, Text]]:
    """Neighbours among turned labels whose lines are less than :data:`DENSE` apart."""
    for one, other in pairwise(turned):
        places = [text.get_transform().transform(text.get_position())[0] for text in (one, other)]
        apart = abs(places[1] - places[0]) * math.sin(math.radians(one.get_rotation()))
        if apart < DENSE * float(one.get_fontsize()) / 72 * dpi:
            yield one, other


def _met(row: list[Text], slack: float) -> Iterator[tuple[Text, Text]]:
    """Neighbours that overlap by more than ``slack`` pixels either way."""
    for one, other in pairwise(row):
        first, second = one.get_window_extent(), other.get_window_extent()
        width = min(first.x1, second.x1) - max(first.x0, second.x0)
        height = min(first.y1, second.y1) - max(first.y0, second.y0)
        if width > slack and height > slack:
            yield one, other


def labels(axis: Axis, *, turned: bool = False) -> list[Text]:
    """Upright labels of an axis that can be seen, or those that are turned, in their order."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    ticks.sort(key=lambda tick: tick.get_loc())
    there = [tick.label1 for tick in ticks if (tick.label1.get_rotation() != 0) == turned]
    return [one for one in there if one.get_text() and one.get_visible()]


def _shown(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_visible()]


def _axes(ax: Axes) -> list[Axis]:
    return [axis for axis in (ax.xaxis, ax.yaxis) if ax.axison and axis.get_visible()]


def _titles_of(figure: Figure) -> list[Text]:
    """All titles, line by line."""

    def place(text: Text) -> tuple[int, float]:
        box = text.get_window_extent()
        return -round(box.y0), box.x0

    return sorted((title for ax in _shown(figure) for title in titles(ax)), key=place)


def titles(ax: Axes) -> list[Text]:
    """Its titles: the texts over it that are no part of an axis."""
    said = {ax.get_title(where) for where in ("left", "center", "right")} - {""}
    return [one for one in ax.get_children() if isinstance(one, Text) and one.get_text() in said]
