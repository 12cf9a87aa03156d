"""Invariance of every layer, and of decisions, over training."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.studies.invariance.study import SCHEMA as INVARIANCE
from analysis.studies.robustness.rows import SCHEMA as ROBUSTNESS
from checkpoints.policy.ids import UNTRAINED
from figures.kit.over_steps import leave_room, plot_runs
from figures.kit.rows import load_rows
from figures.kit.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_layer_order,
    method_handles,
    method_styles,
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


def of_runs(rows: pd.DataFrame, *, factor: bool) -> pd.DataFrame:
    """A row a run and step, the mean over its peers, columns as ``plot_runs`` takes them.

    Args:
        rows: from :func:`joined`, of one game and layer.
        factor: whether means are geometric.
    """
    trained = rows[rows["method"] != UNTRAINED]
    values = np.log(trained["value"]) if factor else trained["value"]
    trained = trained.assign(value=values)
    each = trained.groupby(["method", "seed", "step"], as_index=False)
    found = each.agg(
        value=("value", lambda peers: peers.mean(skipna=False)), verdict=("verdict", "max")
    )
    return found.assign(value=np.exp(found["value"])) if factor else found


def plot(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style], *, factor: bool = False) -> Axes:
    """One layer of one game: means over runs and their points; dotted: untrained policies.

    Args:
        ax: where to draw.
        rows: from :func:`joined`.
        styles: looks of each method.
        factor: whether means are geometric.
    """
    for value in rows.loc[rows["method"] == UNTRAINED, "value"].dropna():
        ax.axhline(value, color=styles[UNTRAINED].colour, linestyle=":", linewidth=0.8)
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    return plot_runs(ax, of_runs(rows, factor=factor), styles, factor=factor)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game, a line of panels for each layer, decisions last."""
    rows = joined(tables)
    games, styles = sorted(set(rows["game"])), method_styles(rows["method"])
    layers = [*in_layer_order(set(rows["layer"]) - {DECISIONS}), DECISIONS]
    width = COLUMN_WIDTH if len(games) <= 2 else PAGE_WIDTH
    figure = Figure(figsize=(width, 1.0 + 1.15 * len(layers)))
    axes = figure.subplots(len(layers), len(games), squeeze=False, sharex=True, sharey="row")
    for (line, layer), (column, game) in product(enumerate(layers), enumerate(games)):
        ax = axes[line, column]
        here = rows[(rows["game"] == game) & (rows["layer"] == layer)]
        plot(ax, here, styles, factor=layer == DECISIONS)
        axes[0, column].set_title(game)
        axes[-1, column].set_xlabel("steps of a policy")
        name = "TV twins ÷ states" if layer == DECISIONS else f"ICC(2,1), {layer}"
        axes[line, 0].set_ylabel(name, fontsize=SMALL)
    for line, layer in zip(axes, layers, strict=True):
        lost = rows[(rows["layer"] == layer) & rows["value"].isna() & (rows["method"] != UNTRAINED)]
        if len(lost):
            leave_room(line[0], lost["method"].nunique())
    trained = {name: style for name, style in styles.items() if name != UNTRAINED}
    figure.legend(
        handles=method_handles(trained, lines=True),
        loc="outside lower center",
        ncols=3,
        handlelength=3.2,
        title="Filled: mean over at least two runs. Rings:\none run, its peers averaged. "
        "Dotted:\nuntrained. Crosses: collapsed or undecided",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
