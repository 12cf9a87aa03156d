"""Decodable and used: what erasing the background from a layer takes out of decisions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.studies.erasure.rows import SCHEMA
from figures.kit.over_layers import name_layers, places_of, plot_estimates, plot_marks
from figures.kit.rows import load_rows
from figures.kit.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_layer_order,
    in_method_order,
    method_styles,
    on_paper,
)

NAME = "erasure"


def plot_removed(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """Share of the TV between twins that erasure removes over the layers of one game.

    Args:
        ax: where to draw.
        rows: columns as in the table. A point with its interval for the background's
            subspace, a grey dash for random directions, a cross at 0 for a policy that decides
            nothing, of which any share would be a share of nothing.
        styles: looks of each method.
    """
    layers = in_layer_order(rows["layer"])
    places = places_of(rows, layers)
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    decided = rows[~rows["id"].isin(rows.loc[rows["verdict"] == "undecided", "id"])]
    plot_estimates(ax, decided[decided["kind"] == "background"], places, "removed", styles)
    random = decided[decided["kind"] == "random"]
    if len(random):
        at = places[random.index]
        ax.plot(at, random["removed"], "_", color="0.45", markersize=5, label="random directions")
    plot_marks(ax, rows, places, "undecided", "x", styles)
    return name_layers(ax, layers)


def plot_decoded(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """How often the background is named, before (line's top) and after erasure (point)."""
    rows = rows[rows["kind"] == "background"]
    layers = in_layer_order(rows["layer"])
    places = places_of(rows, layers)
    ax.axhline(rows["chance"].iloc[0], color="0.35", linewidth=0.8, linestyle=":", zorder=0)
    for method in in_method_order(rows["method"]):
        one = rows[rows["method"] == method]
        at, style = places[one.index], styles[method]
        colour = style.colour
        ax.vlines(at, one["decoded_after"], one["decoded"], color=colour, linewidth=0.6)
        ax.plot(at, one["decoded"], "_", color=colour, markersize=4)
        ax.plot(at, one["decoded_after"], **style.points(size=2.8))
    return name_layers(ax, layers)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game, what is removed above and what is read below."""
    rows = load_rows(tables, SCHEMA)
    rows = rows[rows["kind"] != "shuffled"].reset_index(drop=True)
    games, styles = sorted(set(rows["game"])), method_styles(rows["method"])
    width = COLUMN_WIDTH if len(games) <= 2 else PAGE_WIDTH
    figure = Figure(figsize=(width, 4.4))
    axes = figure.subplots(
        2, len(games), squeeze=False, sharex="col", sharey="row", height_ratios=(1.7, 1)
    )
    handles: dict[str, Any] = {}
    for column, game in enumerate(games):
        here = rows[rows["game"] == game]
        plot_removed(axes[0, column], here, styles).set_title(game)
        plot_decoded(axes[1, column], here, styles)
        handles |= dict(zip(*axes[0, column].get_legend_handles_labels()[::-1], strict=True))
    axes[0, 0].set_ylabel("share of TV between\ntwins removed")
    axes[1, 0].set_ylabel("background named")
    axes[1, 0].set_ylim(0, 1.03)
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=2 if width == COLUMN_WIDTH else 4,
        columnspacing=1.2,
        title="Bars: 95 % intervals over levels.\nBelow: – before erasure, point after; "
        "dotted: chance",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
