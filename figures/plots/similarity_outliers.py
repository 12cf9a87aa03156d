"""Do a few states make two layers alike? CKA without the states of the largest norm."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.policies.relations import methods_of
from analysis.studies.similarity.outliers import OUTLIER_SCHEMA
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_layer_order,
    method_styles,
    on_paper,
)
from figures.plots.similarity import kinds_of

NAME = "similarity_outliers"


def plot_outliers(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """A curve for each pair of policies, with its interval.

    Args:
        ax: where to draw.
        rows: columns ``id_x, id_y, pair, removed, cka, low, high`` of one game and layer.
        styles: kind of pair -> looks.
    """
    for (kind, _, _), curve in rows.groupby(["pair", "id_x", "id_y"], sort=False):
        removed = 100 * curve["trimmed"]
        style = styles[kind]
        ax.fill_between(removed, curve["low"], curve["high"], color=style.colour, alpha=0.2, lw=0)
        ax.plot(removed, curve["cka"], label=kind, **style.points() | {"linestyle": style.line})
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a line for each game, a column for each layer."""
    rows = load_rows(tables, OUTLIER_SCHEMA)
    kinds, games, layers = kinds_of(rows), sorted(set(rows["game"])), in_layer_order(rows["layer"])
    looks = method_styles(methods_of(kind)[0] for kind in kinds)
    styles = {kind: looks[methods_of(kind)[0]] for kind in kinds}
    figure = Figure(figsize=(PAGE_WIDTH, 0.8 + 1.4 * len(games)))
    axes = figure.subplots(len(games), len(layers), squeeze=False, sharex=True, sharey=True)
    for (line, column), ax in np.ndenumerate(axes):
        game, layer = games[line], layers[column]
        plot_outliers(ax, rows[(rows["game"] == game) & (rows["layer"] == layer)], styles)
        if line == 0:
            ax.set_title(layer)
        if line == len(games) - 1:
            ax.set_xlabel("states left out (%)")
        if column == 0:
            ax.set_ylabel(f"{game}: CKA")
    handles = dict(zip(*reversed(axes.flat[0].get_legend_handles_labels()), strict=True))
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=4,
        title="States of the largest norm are left out first. Bands: 95 % intervals over levels, "
        "not over training seeds",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
