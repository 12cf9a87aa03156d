"""Are mutually trained peers more alike than two seeds of PPO? The difference, layer by layer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.studies.similarity.cka_contrasts import CONTRAST_SCHEMA
from figures.kit.rows import load_rows
from figures.kit.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_layer_order,
    on_paper,
)

NAME = "cka_contrast"
RENDERINGS = {
    "same": ("same picture", Style("#000000", "o")),
    "twin": ("y sees the twin", Style("#CC79A7", "s")),
}
APART = 0.12


def plot_contrast(ax: Axes, rows: pd.DataFrame) -> Axes:
    """Differences of CKA with their intervals over the layers of one game and one contrast.

    Args:
        ax: where to draw.
        rows: columns ``rendering, layer, difference, low, high, runs, runs_other``.
    """
    layers = in_layer_order(rows["layer"])
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    for side, (rendering, (_, style)) in zip((-1, 1), RENDERINGS.items(), strict=True):
        here = rows[rows["rendering"] == rendering]
        places = here["layer"].map(layers.index) + side * APART
        ax.vlines(places, here["low"], here["high"], color=style.colour, linewidth=1.2)
        for alone in (False, True):
            some = rests_on_one_run(here) == alone
            looks = style.points(filled=not alone, size=4)
            ax.plot(places[some], here.loc[some, "difference"], **looks)
    ax.set_xticks(range(len(layers)), layers, rotation=45, ha="right")
    ax.set_xlim(-0.5, len(layers) - 0.5)
    return ax


def rests_on_one_run(rows: pd.DataFrame) -> pd.Series:
    """Whether one side of each difference is a single training."""
    return rows[["runs", "runs_other"]].min(axis=1) == 1


def width_for(games: int) -> float:
    """Inches: a column of the page for one or two games, the page for more."""
    return COLUMN_WIDTH if games <= 2 else PAGE_WIDTH


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game, a line for each contrast."""
    rows = load_rows(tables, CONTRAST_SCHEMA)
    games, contrasts = sorted(set(rows["game"])), sorted(set(rows["contrast"]))
    figure = Figure(figsize=(width_for(len(games)), 0.6 + 1.9 * len(contrasts)))
    axes = figure.subplots(len(contrasts), len(games), squeeze=False, sharey=True)
    for (line, column), ax in np.ndenumerate(axes):
        game, contrast = games[column], contrasts[line]
        plot_contrast(ax, rows[(rows["contrast"] == contrast) & (rows["game"] == game)])
        if line == 0:
            ax.set_title(game)
        if column == 0:
            ax.set_ylabel(f"CKA: {contrast.replace(' - ', ' − ')}")
    alone = rests_on_one_run(rows)
    note = "Open: one run on a side. " if alone.any() else ""
    figure.legend(
        handles=[
            Line2D([], [], label=words, **style.points(filled=not alone.all(), size=4))
            for words, style in RENDERINGS.values()
        ],
        loc="outside lower center",
        ncols=2,
        title=f"{note}Bars: 95 % intervals over levels,\nnot over training seeds",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
