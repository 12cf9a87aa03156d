"""Invariance of every layer, and of decisions, over training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from analysis.studies.invariance.study import SCHEMA as INVARIANCE
from analysis.studies.robustness.rows import SCHEMA as ROBUSTNESS
from checkpoints.policy.ids import UNTRAINED
from figures.kit.rows import load_rows
from figures.kit.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    in_layer_order,
    in_method_order,
    method_colours,
    on_paper,
)

NAME = "invariance_steps"
DECISIONS = "decisions"
"""What stands in the place of a layer in rows about decisions."""


def joined(tables: Path) -> pd.DataFrame:
    """ICC of each layer and the ratio of decisions, one ``value`` a policy, step and layer."""
    columns = ["game", "id", "method", "seed", "peer", "step", "layer", "verdict", "value"]
    layers = load_rows(tables, INVARIANCE)
    layers = layers[layers["backgrounds"] == "all"].rename(columns={"icc": "value"})
    decided = load_rows(tables, ROBUSTNESS)
    decided = decided[(decided["axis"] == "background") & (decided["backgrounds"] == "all")]
    decided = decided.rename(columns={"ratio": "value"}).assign(layer=DECISIONS)
    return pd.concat([layers[columns], decided[columns]], ignore_index=True)


def plot(ax: Axes, rows: pd.DataFrame, colours: dict[str, str]) -> Axes:
    """One layer of one game: a line a policy, a cross where there is nothing to read.

    Args:
        ax: where to draw.
        rows: from :func:`joined`; untrained policies are levels across, not points.
        colours: method -> colour.
    """
    for value in rows.loc[rows["method"] == UNTRAINED, "value"].dropna():
        ax.axhline(value, color=colours[UNTRAINED], linestyle=":", linewidth=0.8)
    trained = rows[rows["method"] != UNTRAINED]
    for method in in_method_order(trained["method"]):
        for _, one in trained[trained["method"] == method].groupby(["seed", "peer"]):
            line = one.sort_values("step")
            dye = colours[method]
            ax.plot(line["step"], line["value"], "o-", color=dye, markersize=2.5, label=method)
    bad = trained[trained["value"].isna()]
    ax.plot(bad["step"], [0.0] * len(bad), "x", color="0.2", markersize=4)
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(sorted(set(trained["step"]))))
    ax.xaxis.set_major_formatter(EngFormatter(sep="", places=0))
    ax.xaxis.set_minor_locator(NullLocator())
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game, a line of panels for each layer, decisions last."""
    rows = joined(tables)
    games, colours = sorted(set(rows["game"])), method_colours(rows["method"])
    layers = [*in_layer_order(set(rows["layer"]) - {DECISIONS}), DECISIONS]
    width = COLUMN_WIDTH if len(games) <= 2 else PAGE_WIDTH
    figure = Figure(figsize=(width, 1.0 + 1.15 * len(layers)))
    axes = figure.subplots(len(layers), len(games), squeeze=False, sharex=True, sharey="row")
    handles: dict[str, Any] = {}
    for (line, layer), (column, game) in (
        (a, b) for a in enumerate(layers) for b in enumerate(games)
    ):
        ax = axes[line, column]
        plot(ax, rows[(rows["game"] == game) & (rows["layer"] == layer)], colours)
        handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
        axes[0, column].set_title(game)
        axes[-1, column].set_xlabel("steps of a peer")
        name = "TV twins ÷ states" if layer == DECISIONS else f"ICC, {layer}"
        axes[line, 0].set_ylabel(name, fontsize=SMALL)
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=4,
        title="Dotted: untrained. Crosses: collapsed or undecided",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
