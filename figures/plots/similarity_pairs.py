"""Same layer beside same layer: peers, two seeds and two untrained encoders, by the whole panel."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.policies.relations import methods_of
from analysis.studies.similarity.compared import SCHEMA
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_layer_order,
    method_styles,
    on_paper,
    one_column,
)
from figures.plots.similarity import MEASURES, kinds_of

NAME = "similarity_pairs"
SPECTRA = {"procrustes": "Procrustes", "svcca": "SVCCA", "pwcca": "PWCCA"}
"""Those without a bootstrap; the angle shows nothing that CKA does not."""
PANELS_A_LINE = 5
APART = 0.3
"""Share of the room between two layers over which kinds of pairs are spread."""


def plot_pairs(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """Values of same layers with their intervals, a look for each kind of pair.

    Args:
        ax: where to draw.
        rows: columns ``layer_x, pair, value, low, high`` of one game and measure.
        styles: kind of pair -> looks.
    """
    layers, kinds = in_layer_order(rows["layer_x"]), list(styles)
    for number, kind in enumerate(kinds):
        here = rows[rows["pair"] == kind]
        shift = APART * (number / max(len(kinds) - 1, 1) - 0.5)
        places = here["layer_x"].map(layers.index) + shift
        style = styles[kind]
        ax.vlines(places, here["low"], here["high"], color=style.colour, linewidth=1.2)
        ax.plot(places, here["value"], label=kind, **style.points(size=3))
    ax.axhline(0.0, color="0.35", linewidth=0.6, zorder=0)
    ax.set_xticks(range(len(layers)), layers, rotation=45, ha="right")
    ax.set_xlim(-0.5, len(layers) - 0.5)
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each measure, a line for each game."""
    rows, names = load_rows(tables, SCHEMA), MEASURES | SPECTRA
    kinds, games = kinds_of(rows), sorted(set(rows["game"]))
    rows = rows[(rows["layer_x"] == rows["layer_y"]) & rows["measure"].isin(names)]
    rows = rows[rows["pair"].isin(kinds)]
    looks = method_styles(methods_of(kind)[0] for kind in kinds)
    styles = {kind: looks[methods_of(kind)[0]] for kind in kinds}
    measures = [one for one in names if (rows["measure"] == one).any()]
    many = 3 if one_column() else PANELS_A_LINE
    lines = -(-len(measures) // many)
    high = 1.15 if one_column() else 1.45
    figure = Figure(figsize=(PAGE_WIDTH, 0.9 + high * lines * len(games)))
    size = lines * len(games), many
    axes = figure.subplots(*size, squeeze=False, sharey=True)
    places = axes.reshape(len(games), lines * many)
    for (line, column), ax in np.ndenumerate(places):
        if column >= len(measures):
            ax.set_axis_off()
            continue
        game, measure = games[line], measures[column]
        plot_pairs(ax, rows[(rows["game"] == game) & (rows["measure"] == measure)], styles)
        ax.set_title(names[measure], fontsize=SMALL)
        if column % many == 0:
            ax.set_ylabel(game)
    figure.legend(
        handles=[Line2D([], [], label=kind, **style.points()) for kind, style in styles.items()],
        loc="outside lower center",
        ncols=4,
        title="Same layers. Bars: 95 % intervals over levels, not over training seeds; Procrustes, "
        "SVCCA and PWCCA have none.\nA gap: not defined, the layers keep more directions than "
        "there are states",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows.reset_index(drop=True))
