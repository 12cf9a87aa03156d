"""Runs drawn against one setting of their training, at equal steps: rows of panels."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.records.runs import BEGUN, RETURNS, Measure, MeasuredRun, is_factor
from checkpoints.policy.ids import UNTRAINED
from figures.kit.style import (
    LETTERS,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    method_handles,
    short,
    show_factors,
)

APART, SEEDS_APART = 0.16, 0.05
TITLE = (
    "A point a run, its bar {over}; rings: one run alone. TV twins ÷ states of 1: the wallpaper "
    "decides as much as the game. Dotted under returns: untrained networks; the blind floor was "
    "not measured here"
)
RATIOS = ("ratio", "ratio_unseen")
"""Drawn on a logarithmic axis; all else from 0."""
COLUMNS = (
    *("game", "line", "method", "seed", "place", "setting", "step", "measure", "layer"),
    *("value", "low", "high", "verdict"),
)
"""Of points: a row a run and measure. ``place`` is that of its setting on the axis."""


class Row(NamedTuple):
    """A row of panels."""

    title: str
    axis: str
    """what is varied"""
    ticks: tuple[str, ...]
    """names of its settings, from the left"""
    points: pd.DataFrame
    measures: Mapping[str, Measure]
    """label -> what a panel shows"""
    untrained: float
    """return of untrained policies; NaN where that is not known"""
    notes: tuple[str, ...] = ()


def shared_step(groups: Iterable[Sequence[MeasuredRun]]) -> int:
    """The last step at which every group of runs has one, but for those far behind; 0 if none.

    A group that has only begun (``BEGUN``) is being trained, or was cut short: it is named, and
    the others are not compared at its last step.

    Args:
        groups: runs of each setting and method.
    """
    kept = [{step for run in runs for step in run.steps} for runs in groups if runs]
    longest = max((max(steps) for steps in kept), default=0)
    able = [steps for steps in kept if max(steps) >= BEGUN * longest]
    return max(set.intersection(*able), default=0) if able else 0


def points_of(
    runs: Iterable[MeasuredRun],
    where: Mapping[str, tuple[int, str]],
    line: Mapping[str, str],
    step: int,
    measures: Iterable[Measure],
) -> pd.DataFrame:
    """Columns as in :data:`COLUMNS`, of the runs that were kept at a step.

    Args:
        runs: of one game.
        where: method -> place on the axis, and the setting's name.
        line: method -> the line it lies on.
        step: environment steps of each policy.
        measures: what is read; the mean over peers, of factors geometric.
    """
    found = []
    for run in runs:
        if step not in run.steps:
            continue
        place, setting = where[run.method]
        for measure in measures:
            value, why = run.at(measure, step)
            value = float(np.exp(value)) if is_factor(measure) else value
            found.append(
                (
                    run.game,
                    line[run.method],
                    run.method,
                    run.seed,
                    place,
                    setting,
                    step,
                    *measure,
                    value,
                    *run.ends_at(measure, step),
                    why,
                )
            )
    return pd.DataFrame(found, columns=list(COLUMNS))


def behind(runs: Iterable[MeasuredRun], step: int) -> tuple[str, ...]:
    """A note naming the runs that were not kept at a step; none if all were."""
    names = [
        f"{run.name.split('/', 1)[1]} ({short(run.steps[-1])})"
        for run in runs
        if step not in run.steps
    ]
    return (f"not so far: {', '.join(names)}",) if names else ()


def plot(
    ax: Axes,
    points: pd.DataFrame,
    ticks: Sequence[str],
    styles: Mapping[str, Style],
    lines: Mapping[str, Style],
) -> Axes:
    """A point a run with its interval, a line through means of at least two runs.

    The line breaks at a run that stands alone, a ring, and where one has no value: its verdict
    stands there instead of a mean.

    Args:
        ax: where to draw.
        points: of one measure.
        ticks: names of all settings; one without a run is called so.
        styles: method -> looks of its points.
        lines: line -> looks, in the order in which lines lie side by side.
    """
    factor = bool(len(points)) and is_factor((points["measure"].iloc[0], ""))
    for number, (name, look) in enumerate(lines.items()):
        shift = APART * (number - (len(lines) - 1) / 2)
        means = np.full(len(ticks), np.nan)
        for place, some in points[points["line"] == name].groupby("place"):
            values = np.log(some["value"]) if factor else some["value"]
            mean = values.mean(skipna=False) if len(some) > 1 else np.nan
            means[int(place)] = np.exp(mean) if factor else mean
            for k, one in enumerate(some.sort_values(["method", "seed"]).itertuples()):
                x = place + shift + SEEDS_APART * (k - (len(some) - 1) / 2)
                style = styles[one.method]
                ax.vlines(x, one.low, one.high, color=style.colour, linewidth=0.6, alpha=0.6)
                ax.plot(x, one.value, **style.points(filled=len(some) > 1))
        bars: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "linewidth": 1.0}
        middle = np.arange(len(ticks)) + shift
        ax.plot(middle, means, marker="_", markersize=8, markeredgewidth=1.2, zorder=1, **bars)
    for place in range(len(ticks)):
        some = points[points["place"] == place]
        lost = some.loc[some["value"].isna(), "verdict"]
        why = ", ".join(dict.fromkeys(lost)) if len(some) else "no run"
        upright: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom"}
        if why:
            along = ax.get_xaxis_transform()
            words = ax.text(
                place, 0.04, why, fontsize=SMALL, color="0.35", transform=along, **upright
            )
            words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
    ax.set_xticks(range(len(ticks)), ticks)
    ax.set_xlim(-0.45, len(ticks) - 0.55)
    if set(points["measure"]) & set(RATIOS):
        _logarithmic(ax)
    else:
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    return ax


def _logarithmic(ax: Axes) -> None:
    ax.axhline(1.0, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.45), max(high, 1.1))
    show_factors(ax.yaxis)


def draw_rows(
    rows: Sequence[Row], styles: Mapping[str, Style], lines: Mapping[str, Style], over: str
) -> Figure:
    """A figure of page width: a row of panels for each of at least one row.

    Args:
        rows: at least one.
        styles: method -> looks.
        lines: line -> looks.
        over: what the bars are taken over.
    """
    figure = Figure(figsize=(PAGE_WIDTH, 0.55 + 1.8 * len(rows)))
    parts: Any = figure.subfigures(len(rows), 1, squeeze=False)
    for part, row in zip(parts.flat, rows, strict=True):
        axes = part.subplots(1, len(row.measures), squeeze=False)[0]
        own = {name: look for name, look in lines.items() if name in set(row.points["line"])}
        for ax, (words, measure) in zip(axes, row.measures.items(), strict=True):
            if measure == RETURNS and np.isfinite(row.untrained):
                ax.axhline(row.untrained, color=styles[UNTRAINED].colour, linestyle=":", zorder=0)
            here = row.points["measure"].eq(measure[0]) & row.points["layer"].eq(measure[1])
            plot(ax, row.points[here], row.ticks, styles, own)
            ax.set_ylabel(words, fontsize=SMALL)
        part.suptitle(row.title, x=0.01, ha="left", fontsize=8)
        said = [row.axis, *(line for note in row.notes for line in textwrap.wrap(note, LETTERS))]
        part.supxlabel("\n".join(said), fontsize=SMALL)
    named = {name: look for name, look in lines.items() if name in styles}
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": 5}
    title = textwrap.fill(TITLE.format(over=over), LETTERS)
    figure.legend(handles=_handles(named), title=title, title_fontsize=SMALL, **place)
    return figure


def _handles(methods: dict[str, Style]) -> list[Line2D]:
    handles = method_handles(methods, lines=True)
    grey: dict[str, Any] = {"color": "0.2", "linestyle": ""}
    handles.append(Line2D([], [], marker="_", markersize=8, label="mean of two or more", **grey))
    handles.append(Line2D([], [], color="0.45", linestyle=":", label="untrained, or a ratio of 1"))
    return handles


def shown_in(rows: Iterable[Row]) -> set[tuple[str, str, int]]:
    """Game, method and step of all points."""
    some = (row.points[["game", "method", "step"]] for row in rows)
    return {key for points in some for key in points.itertuples(index=False, name=None)}


def drawing(
    name: str,
    rows: Sequence[Row],
    nothing: str,
    styles: Mapping[str, Style],
    lines: Mapping[str, Style],
    over: str,
) -> Drawing:
    """The finished figure and its points; without a row, one that says that there is nothing."""
    if not rows:
        figure = Figure(figsize=(PAGE_WIDTH, 0.6))
        figure.text(0.5, 0.5, nothing, ha="center", va="center", fontsize=8)
        return Drawing(name, figure, pd.DataFrame(columns=list(COLUMNS)))
    points = pd.concat([row.points for row in rows], ignore_index=True)
    return Drawing(name, draw_rows(rows, styles, lines, over), points)
