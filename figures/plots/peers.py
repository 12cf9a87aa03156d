"""Do representations of peers converge? Every pair of a method's policies, peers or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.policies.relations import PEERS
from analysis.records.values import SAMPLES_PEERS
from analysis.studies.samples.peers import PAIRS
from figures.kit.panels import name_lines, panel_title
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_method_order,
    method_styles,
    on_paper,
    one_column,
    without_backgrounds,
)
from figures.kit.verdicts import written

NAME = "peers"
MEASURES = {
    "cka": "CKA, last layer",
    "agreement": "states whose likeliest\nbuttons agree",
    "shift": "background effects: correlation",
}
ROOM = 0.7
"""Share of a line over which its pairs are spread."""


class PairsLine(NamedTuple):
    """One line of a panel: the pairs of a method that are of one kind."""

    method: str
    kind: str

    def label(self) -> str:
        """What stands beside it."""
        kind = "peers" if self.kind == PEERS else "trained apart"
        return f"{without_backgrounds(self.method)}, {kind}"


def lines_of(pairs: pd.DataFrame) -> list[PairsLine]:
    """Methods in their order from the top; of each its peers before those trained apart."""
    there = set(pairs[["method", "kind"]].itertuples(index=False, name=None))
    methods = in_method_order({method for method, _ in there})
    return [
        PairsLine(*one) for one in sorted(there, key=lambda one: (methods.index(one[0]), one[1]))
    ]


def plot_pairs(ax: Axes, pairs: pd.DataFrame, measure: str, styles: dict[str, Style]) -> Axes:
    """One measure of every pair, with its interval if it has one; a tick at the mean.

    Intervals resample levels: also a correlation of what backgrounds do keeps its backgrounds.

    Args:
        ax: where to draw.
        pairs: :data:`analysis.studies.samples.peers.PAIRS`, of one game.
        measure: ``cka``, ``agreement`` or ``shift``.
        styles: looks of each method.
    """
    lines = lines_of(pairs)
    for place, line in enumerate(lines):
        some = pairs[(pairs["method"] == line.method) & (pairs["kind"] == line.kind)]
        style, values = styles[line.method], some[measure]
        heights = place + ROOM * ((np.arange(len(some)) + 0.5) / len(some) - 0.5)
        if f"{measure}_low" in some:
            ends = some[f"{measure}_low"], some[f"{measure}_high"]
            ax.hlines(heights, *ends, color=style.colour, linewidth=0.7, alpha=0.7)
        ax.plot(values, heights, **style.points(filled=line.kind == PEERS, size=2.8))
        mean = float(values.mean())
        ax.vlines(mean, place - 0.42, place + 0.42, color=style.colour, linewidth=2.2, alpha=0.45)
    name_lines(ax, [line.label() for line in lines])
    return ax


def differences(rows: pd.DataFrame, measure: str) -> list[str]:
    """Peers less those trained apart, over runs: a line for each method that has peers."""
    here = rows[rows["measure"] == measure]
    several = len(here) > 1
    return [
        (f"{without_backgrounds(one.method)} " if several else "")
        + written(one.difference, one.difference_low, one.difference_high, factor=False)
        for one in here.itertuples()
    ]


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure a game: a panel a measure, and over it how much more alike peers are."""
    every, found = load_rows(tables, PAIRS), load_rows(tables, SAMPLES_PEERS)
    styles = method_styles(every["method"])
    games = sorted(set(every["game"]))
    for game in games:
        pairs = every[every["game"] == game]
        count = len(lines_of(pairs))
        down = len(MEASURES) if one_column() else 1
        figure = Figure(figsize=(PAGE_WIDTH, 0.9 + down * (0.6 + 0.42 * count)))
        axes = figure.subplots(down, len(MEASURES) // down, sharey=True, squeeze=False)
        for ax, (measure, title) in zip(axes.flat, MEASURES.items(), strict=True):
            plot_pairs(ax, pairs, measure, styles)
            over = differences(found[found["game"] == game], measure)
            ax.set_title("\n".join([title, *over]), loc="left")
        figure.suptitle(panel_title(game, pairs["method"].iloc[0]), x=0.01, ha="left")
        _legend(figure)
        name = NAME if len(games) == 1 else f"{NAME}-{game}"
        yield Drawing(name, figure, pairs.reset_index(drop=True))


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], **Style("0.2", "o").points(), label="peers of one run"),
        Line2D([], [], **Style("0.2", "o").points(filled=False), label="trained apart"),
        Line2D([], [], color="0.2", linewidth=0.7, label="95 % over levels alone"),
        Line2D([], [], color="0.2", linewidth=2.2, alpha=0.45, label="mean"),
    ]
    title = (
        "Over a panel: peers less pairs trained apart, 95 % over runs. Policies that decide alike "
        "are alike\nin their layers too: read the first panel beside the second"
    )
    figure.legend(
        handles=handles, loc="outside lower center", ncols=4, title=title, title_fontsize=SMALL
    )
