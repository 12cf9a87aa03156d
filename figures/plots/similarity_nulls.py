"""Do representations converge? How much more alike peers are than each null, given agreement."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.studies.similarity.nulls import NULL_SCHEMA
from figures.kit.rows import load_rows
from figures.kit.style import PAGE_WIDTH, SMALL, Drawing, in_layer_order, on_paper
from figures.plots.similarity import KAPPA, MEASURES, agreed_as

NAME = "similarity_nulls"
SHOWN = ("cka", "cka_deconfounded", "neighbours")
MARKERS = "osD^vPX"
SPREAD = 0.6
"""Share of a line over which its layers are spread."""


def named(one: pd.Series) -> str:
    """What a line is called: the null, where it is taken, and how often its policies agree."""
    if one["on"] == "agreed":
        return f"{one['null']}, where\nboth agree ({one['states']} states)"
    agreed = agreed_as(one["null_agreement"], one["null_kappa"])
    if one["null_pair"].startswith("none"):
        nearest = "" if np.isnan(one["null_agreement"]) else f"; nearest: {agreed}"
        return f"{one['null']}\n(none{nearest})"
    return f"{one['null']}\n({agreed})"


def plot_nulls(ax: Axes, rows: pd.DataFrame) -> Axes:
    """One line a null, one mark a layer: the difference with its interval.

    Args:
        ax: where to draw.
        rows: columns ``null, on, layer, difference, low, high`` of one game and measure.
    """
    lines = list(dict.fromkeys(zip(rows["null"], rows["on"], strict=True)))
    layers = in_layer_order(rows["layer"])
    for layer, marker, shade in zip(layers, MARKERS, _shades(len(layers)), strict=False):
        here = rows[rows["layer"] == layer]
        shift = SPREAD * (layers.index(layer) / max(len(layers) - 1, 1) - 0.5)
        places = np.array([lines.index(one) for one in zip(here["null"], here["on"], strict=True)])
        ax.hlines(places + shift, here["low"], here["high"], color=shade, linewidth=1.2)
        ax.plot(here["difference"], places + shift, marker, color=shade, markersize=3)
    ax.axvline(0.0, color="0.35", linewidth=0.6, zorder=0)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.set_yticks(range(len(lines)), [named(one) for one in _first(rows, lines)])
    ax.tick_params(axis="y", length=0)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    return ax


def _shades(count: int) -> list[str]:
    """Light below, black at the top."""
    return [str(shade) for shade in np.linspace(0.65, 0.0, count)]


def _first(rows: pd.DataFrame, lines: list[tuple[str, str]]) -> list[pd.Series]:
    return [rows[(rows["null"] == null) & (rows["on"] == on)].iloc[0] for null, on in lines]


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a line of panels for each game, a column for each of three measures."""
    rows = load_rows(tables, NULL_SCHEMA)
    rows = rows[rows["measure"].isin(SHOWN)].copy()
    rows["measure"] = pd.Categorical(rows["measure"], SHOWN)
    rows = rows.sort_values(["game", "measure", "on", "null"], ascending=[True, True, False, True])
    games = sorted(set(rows["game"]))
    figure = Figure(figsize=(PAGE_WIDTH, 0.8 + 2.8 * len(games)))
    axes = figure.subplots(len(games), len(SHOWN), squeeze=False, sharex="col", sharey="row")
    for (line, column), ax in np.ndenumerate(axes):
        game, measure = games[line], SHOWN[column]
        here = rows[(rows["game"] == game) & (rows["measure"] == measure)]
        plot_nulls(ax, here)
        if line == 0:
            ax.set_title(MEASURES[measure], fontsize=SMALL)
        if line == len(games) - 1:
            ax.set_xlabel("peers − null")
        if column == 0:
            agreed = agreed_as(*here[["agreement", "kappa"]].iloc[0])
            ax.set_ylabel(f"{game}: peers agree on {agreed}")
    layers = in_layer_order(rows["layer"])
    figure.legend(
        handles=[
            Line2D([], [], color=shade, marker=marker, label=layer)
            for layer, marker, shade in zip(layers, MARKERS, _shades(len(layers)), strict=False)
        ],
        loc="outside lower center",
        ncols=len(layers),
        title=f"In brackets: agreement of buttons; {KAPPA}\n"
        "Bars: 95 % intervals over levels, not over training seeds",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows.reset_index(drop=True))
