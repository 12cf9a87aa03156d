"""Are mutually trained peers more alike than two seeds of PPO? The difference, layer by layer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.studies.similarity.cka_contrasts import CONTRAST_SCHEMA
from figures.kit.rows import load_rows
from figures.kit.style import COLUMN_WIDTH, PAGE_WIDTH, SMALL, Drawing, in_layer_order, on_paper

NAME = "cka_contrast"
RENDERINGS = {"same": ("same picture", "o", "#000000"), "twin": ("y sees the twin", "s", "#CC79A7")}
APART = 0.12


def plot_contrast(ax: Axes, rows: pd.DataFrame) -> Axes:
    """Differences of CKA with their intervals over the layers of one game and one contrast.

    Args:
        ax: where to draw.
        rows: columns ``rendering, layer, difference, low, high``.
    """
    layers = in_layer_order(rows["layer"])
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    for side, (rendering, (words, marker, colour)) in zip((-1, 1), RENDERINGS.items(), strict=True):
        here = rows[rows["rendering"] == rendering]
        places = here["layer"].map(layers.index) + side * APART
        ax.vlines(places, here["low"], here["high"], color=colour, linewidth=1.2)
        ax.plot(places, here["difference"], marker, color=colour, markersize=4, label=words)
    ax.set_xticks(range(len(layers)), layers, rotation=45, ha="right")
    ax.set_xlim(-0.5, len(layers) - 0.5)
    return ax


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
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2,
        title="Bars: 95 % intervals over levels, not over training seeds",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
