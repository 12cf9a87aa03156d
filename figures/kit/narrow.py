"""A figure on less width than it was laid out for: lines are broken, and legends grow downwards."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator

from figures.kit.crowding import titles, touching

SHARE = 0.95
"""Of the room there is, that a line may take: letters are a little wider in some formats."""
FEW = 4
"""Numbers on a short axis, at most."""
WHOLE = re.compile(r"(?<!=) (?!=)(?![^\[]*\])")
"""Where a line may be broken."""
TURNS = 45.0, 90.0
"""Degrees by which words at an axis are turned where they would run into one another."""


def panel_height(figure: Figure) -> float:
    """Inches that all panels of the tallest column have together; pictures keep their shape."""
    heights: dict[tuple[int, int], float] = {}
    for ax in _panels(figure):
        if ax.get_aspect() != "auto":
            continue
        place = ax.get_subplotspec()
        column = (id(ax.figure), place.colspan.start if place else 0)
        high = ax.get_window_extent().height / figure.dpi
        heights[column] = heights.get(column, 0.0) + high
    below: dict[int, list[float]] = {}
    for (part, _), high in heights.items():
        below.setdefault(part, []).append(high)
    return sum(max(some) for some in below.values())


def settle(figure: Figure) -> None:
    """Break lines and legends at the figure's width, and thin or turn labels that touch.

    Args:
        figure: of its new width, already drawn there, so that its panels have a width.
    """
    for text in _over_all(figure):
        _break(figure, text, figure.bbox.width, flow=True)
    for ax in _panels(figure):
        box = ax.get_window_extent()
        for text in (*titles(ax), ax.xaxis.label):
            inside = text.get_horizontalalignment() != "center"
            _break(figure, text, box.width if inside else max(box.width, 0.6 * _slot(ax)))
        _break(figure, ax.yaxis.label, 1.1 * box.height, flow=True)
    for legend in list(figure.legends):
        _lower(figure, legend)
    for ax in _panels(figure):
        if touching(figure, ax.xaxis):
            _thin(ax)


def _panels(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_visible()]


def _over_all(figure: Any) -> Iterator[Text]:
    """Texts of a figure and of its parts that stand beside no one panel."""
    yield from figure.texts
    for part in figure.subfigs:
        yield from _over_all(part)


def _slot(ax: Axes) -> float:
    """Pixels of a panel's column, with what stands left of it."""
    place = ax.get_subplotspec()
    return ax.figure.bbox.width / (place.get_gridspec().ncols if place else 1)


def _break(figure: Figure, text: Text, room: float, *, flow: bool = False) -> None:
    """Break the lines of a text that are longer than ``room`` pixels.

    With ``flow``, lines that were broken for a wider page are joined before, unless a sentence
    begins there. Intervals and what stands beside an equals sign are not broken.
    """
    room *= SHARE
    lines = text.get_text().split("\n")
    if not any(lines) or all(_long(figure, text, line) <= room for line in lines):
        return
    if flow:
        joined = [lines[0]]
        for line in lines[1:]:
            if line[:1].isupper():
                joined.append(line)
            else:
                joined[-1] += f" {line}"
        lines = joined
    found = []
    for line in lines:
        words = WHOLE.split(line)
        found.append(words[0])
        for word in words[1:]:
            longer = f"{found[-1]} {word}"
            if _long(figure, text, longer) <= room:
                found[-1] = longer
            else:
                found.append(word)
    text.set_text("\n".join(found))


def _long(figure: Figure, text: Text, line: str) -> float:
    """Pixels of a line in the type of a text."""
    renderer = figure._get_renderer()  # type: ignore[attr-defined]
    wide, _, _ = renderer.get_text_width_height_descent(
        line, text.get_fontproperties(), ismath=False
    )
    return float(wide)


def _lower(figure: Figure, legend: Legend) -> None:
    """A legend of as many columns as have room, in the place of a wider one."""
    room = figure.bbox.width
    title = legend.get_title()
    _break(figure, title, room, flow=True)
    count = max(1, min(legend._ncols, len(legend.legend_handles)))  # type: ignore[attr-defined]
    old: dict[str, Any] = {
        "handles": legend.legend_handles,
        "labels": [one.get_text() for one in legend.get_texts()],
        "loc": "outside lower center",
        "title": title.get_text() or None,
        "title_fontsize": title.get_fontsize(),
        "prop": legend.get_texts()[0].get_fontproperties(),
        "columnspacing": min(1.2, legend.columnspacing),
        "handlelength": legend.handlelength,
    }
    legend.remove()
    for columns in range(count, 0, -1):
        new = figure.legend(**old, ncols=columns)
        if columns == 1 or new.get_window_extent(figure._get_renderer()).width <= room:  # type: ignore[attr-defined]
            return
        new.remove()


def _thin(ax: Axes) -> None:
    """Fewer numbers at the axis below; words are turned."""
    axis = ax.xaxis
    # What ``set_xticks`` was given as names is looked up by a partial function.
    if isinstance(getattr(axis.get_major_formatter(), "func", None), partial):
        now = axis.get_ticklabels()[0].get_rotation()
        turn = next((turn for turn in TURNS if turn > now), now)
        for label in axis.get_ticklabels():
            label.set(rotation=turn, ha="right", va="center" if turn == 90 else "top")
            label.set_rotation_mode("anchor" if turn == 90 else "default")
        return
    locator = axis.get_major_locator()
    if isinstance(locator, FixedLocator):
        low, high = sorted(axis.get_view_interval())
        there = [one for one in axis.get_majorticklocs() if low <= one <= high]
        start = there.index(1.0) % 2 if 1.0 in there else (len(there) - 1) % 2
        axis.set_major_locator(FixedLocator(there[start::2]))
    else:
        axis.set_major_locator(MaxNLocator(FEW - 1))
