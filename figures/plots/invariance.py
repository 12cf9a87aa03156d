"""How much of a layer stays on another background, and whether it says anything at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from analysis.records.runs import last_steps
from analysis.studies.invariance.study import SCHEMA
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

NAME = "invariance"


def plot_icc(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """ICC with its interval over the layers of one game, a point a policy.

    Args:
        ax: where to draw.
        rows: columns as in the table; a row that is not ok has no point but a mark below.
        styles: looks of each method.
    """
    layers = in_layer_order(rows["layer"])
    places = places_of(rows, layers)
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    plot_estimates(ax, rows[rows["verdict"] == "ok"], places, "icc", styles)
    for verdict, marker in (("collapsed", "x"), ("vacuous", "_")):
        plot_marks(ax, rows, places, verdict, marker, styles)
    return name_layers(ax, layers)


def plot_rank(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """Effective rank over the layers of one game, on a logarithmic axis; arguments as above."""
    layers = in_layer_order(rows["layer"])
    places = places_of(rows, layers)
    for method in in_method_order(rows["method"]):
        for _, one in rows[rows["method"] == method].groupby("id"):
            rank = one["effective_rank"].clip(lower=1)
            ax.plot(places[one.index], rank, **styles[method].points(size=2.8))
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    return name_layers(ax, layers)


def plot_cosine(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """Mean cosine between twins, a dash where other states are by chance; arguments as above."""
    layers = in_layer_order(rows["layer"])
    places = places_of(rows, layers)
    plot_estimates(ax, rows, places, "cosine", styles)
    for method, one in rows.groupby("method"):
        colour = styles[str(method)].colour
        ax.plot(places[one.index], one["cosine_chance"], "_", color=colour, markersize=5)
    return name_layers(ax, layers)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game; ICC, effective rank and cosine from above."""
    rows = load_rows(tables, SCHEMA)
    rows = last_steps(rows[rows["backgrounds"] == "all"]).reset_index(drop=True)
    games, styles = sorted(set(rows["game"])), method_styles(rows["method"])
    width = COLUMN_WIDTH if len(games) <= 2 else PAGE_WIDTH
    figure = Figure(figsize=(width, 5.3))
    axes = figure.subplots(
        3, len(games), squeeze=False, sharex="col", sharey="row", height_ratios=(1.7, 1, 1)
    )
    handles: dict[str, Any] = {}
    for column, game in enumerate(games):
        here = rows[rows["game"] == game]
        plot_icc(axes[0, column], here, styles).set_title(game)
        plot_rank(axes[1, column], here, styles)
        plot_cosine(axes[2, column], here, styles)
        for ax in (axes[2, column], axes[0, column]):
            handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    axes[0, 0].set_ylim(min(-0.1, float(rows["icc_low"].min()) - 0.02), 1)
    axes[0, 0].set_ylabel("ICC(2,1) across backgrounds")
    axes[1, 0].set_ylabel("effective rank")
    axes[2, 0].set_ylabel("cosine")
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=min(len(handles), 4),
        columnspacing=1.2,
        title="A point a policy, bars 95 % over levels.\nDashes: cosine of other states",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
