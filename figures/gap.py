"""Do invariant policies generalise better? Generalisation gap against three measures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import emergence
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    in_method_order,
    method_colours,
    on_paper,
    without_backgrounds,
)
from figures.onsets import method_handles

NAME = "gap"
TABLE = "emergence_gap"
COMMAND = emergence.COMMAND
COLUMNS = (
    *("game", "measure", "layer", "between", "implied", "rho", "low", "high", "policies"),
    *("runs", "verdict", "allowed"),
)
AGAINST = {
    "tv": "TV, twins (theorem: ρ > 0)",
    "ratio": "TV, twins ÷ states (ρ > 0)",
    "icc": "ICC, last layer (ρ < 0)",
}


def plot_gap(ax: Axes, points: pd.DataFrame, colours: dict[str, str]) -> Axes:
    """One game: the generalisation gap of each policy against a measure; last steps filled.

    Args:
        ax: where to draw.
        points: from :func:`points_of`; the gap's interval speaks of unseen levels only.
        colours: method -> colour.
    """
    for method in in_method_order(points["method"]):
        one, colour = points[points["method"] == method], colours[method]
        ax.vlines(one["value"], one["gap_low"], one["gap_high"], color=colour, lw=0.6, alpha=0.5)
        for last in (False, True):
            some = one[one["last"] == last]
            face = colour if last else "white"
            ax.scatter(some["value"], some["gap"], s=12, ec=colour, fc=face, zorder=3)
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    return ax


def points_of(values: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A row a trained policy: ``value`` of a measure in its last layer; ``gap`` and its ends."""
    trained = values[values["method"] != emergence.UNTRAINED]
    gap = trained[trained["measure"] == "gap"].set_index("id")
    some = emergence.of_panel(trained, emergence.Panel(measure, ""))
    ends = some.groupby(some["id"].str.replace(r"/step\d+$", "", regex=True))["step"].transform(
        "max"
    )
    names = {"gap": "value", "gap_low": "low", "gap_high": "high"}
    found = {new: some["id"].map(gap[old]) for new, old in names.items()}
    return some.assign(last=some["step"] == ends, **found)


def words_of(gaps: pd.DataFrame, game: str, measure: str, layer: str) -> str:
    """The rank correlation as the table says it, and what a bound says of total variation."""
    some = gaps[(gaps["game"] == game) & (gaps["measure"] == measure) & (gaps["layer"] == layer)]
    lines = []
    for one in some.itertuples():
        ends = "" if np.isnan(one.low) else f" [{one.low:.2f}, {one.high:.2f}]"
        value = "–" if np.isnan(one.rho) else f"{one.rho:+.2f}"
        runs = f"{one.runs} run{'s' if one.runs != 1 else ''}"
        said = f"{one.between}: ρ {value}{ends}, {runs}"
        lines.append(said.replace("-", "−").replace("0.", "."))
    allowed = some.loc[some["between"] == "last", "allowed"].dropna()
    if len(allowed):
        lines.append(f"a bound lets {allowed.iloc[0]:.0%} of the range be lost")
    return "\n".join(lines)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a row for each game, a panel for each measure; all training backgrounds."""
    values = load_rows(tables, emergence.NAME, emergence.COLUMNS, COMMAND)
    gaps = load_rows(tables, TABLE, COLUMNS, COMMAND)
    values = values.assign(method=[without_backgrounds(name) for name in values["method"]])
    games, colours = sorted(set(values["game"])), method_colours(values["method"])
    figure = Figure(figsize=(PAGE_WIDTH, 0.8 + 1.75 * len(games)))
    axes = figure.subplots(len(games), len(AGAINST), squeeze=False, sharey="row", sharex="col")
    shown = []
    for line, game in zip(axes, games, strict=True):
        for ax, measure in zip(line, AGAINST, strict=True):
            points = points_of(values[values["game"] == game], measure)
            plot_gap(ax, points, colours)
            layer = points["layer"].iloc[0] if len(points) else ""
            ax.set_title(words_of(gaps, game, measure, layer), fontsize=SMALL)
            shown.append(points)
        line[0].set_ylabel(f"{game}:\ntrain − unseen return")
    for ax, words in zip(axes[-1], AGAINST.values(), strict=True):
        ax.set_xlabel(words)
    style: dict[str, Any] = {"color": "0.3", "linestyle": "", "marker": "o"}
    open_ = Line2D([], [], **style, markerfacecolor="white", label="an earlier step")
    last = Line2D([], [], **style, label="a run's last step")
    handles = [*method_handles(colours), open_, last]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    yield Drawing(NAME, figure, pd.concat(shown, ignore_index=True))
