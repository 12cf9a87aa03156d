"""What a linear reader finds, layer by layer: the task above, the wallpaper below."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from probes.studies.layers import SCHEMA

NAME = "probes"
PIXELS = Style("0.2", "d")
APART = 0.16
"""Room between methods at a layer, in distances between two layers."""


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each source and layer: the median task factor, and the background.

    Scores stand above chance, (score − chance) ÷ (1 − chance), so that numbers and classes share
    an axis: 0 is blind, 1 perfect, and R² may fall below 0. Only factors that one picture shows
    are counted; speeds and what lies off screen are not there to be found.
    """
    rows = rows[(rows["verdict"] == "ok") & (rows["layer"] != "time")]
    room = 1 - rows["chance"]
    rows = rows.assign(
        task=(rows["score"] - rows["chance"]) / room,
        moved=(rows["transfer"] - rows["chance"]) / room,
    )
    found = []
    for (game, name, method, layer), part in rows.groupby(["game", "id", "method", "layer"]):
        shown = part[(part["role"] == "task") & (part["scope"] == "picture")]
        wallpaper = part.loc[part["factor"] == "background", "task"]
        found.append(
            {
                "game": game,
                "id": name,
                "method": method,
                "layer": layer,
                "factors": len(shown),
                "task": shown["task"].median(),
                "transfer": shown["moved"].median(),
                "background": wallpaper.iloc[0] if len(wallpaper) else float("nan"),
            }
        )
    return pd.DataFrame(found)


def plot(
    ax: Axes, rows: pd.DataFrame, column: str, layers: list[str], *, filled: bool = True
) -> Axes:
    """One column of :func:`summary` over the layers of a game, a point a policy.

    Args:
        ax: where to draw.
        rows: of one game.
        column: ``task``, ``transfer`` or ``background``.
        layers: in order; the pixels, which no policy owns, are one point.
        filled: points, not rings.
    """
    methods = in_method_order(set(rows["method"]) - {"pixels"})
    styles = method_styles(methods)
    for place, method in enumerate(methods):
        shift = APART * (place - (len(methods) - 1) / 2)
        for _, one in rows[rows["method"] == method].groupby("id"):
            one = one.assign(at=one["layer"].map(layers.index)).sort_values("at")
            dots = styles[method].points(filled=filled, size=2.8)
            ax.plot(one["at"] + shift, one[column], label=method, **dots)
    pixels = rows[rows["method"] == "pixels"]
    dots = PIXELS.points(filled=filled, size=2.8)
    ax.plot([0] * len(pixels), pixels[column], label="pixels", **dots)
    ax.set_xticks(range(len(layers)), layers, rotation=45, ha="right")
    ax.set_xlim(-0.5, len(layers) - 0.5)
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game, the task above and the background below."""
    rows = summary(load_rows(tables, SCHEMA))
    games = sorted(set(rows["game"]))
    width = COLUMN_WIDTH if len(games) <= 2 else PAGE_WIDTH
    figure = Figure(figsize=(width, 4.4))
    axes = figure.subplots(2, len(games), squeeze=False, sharex="col", sharey="row")
    handles: dict[str, Any] = {}
    for column, game in enumerate(games):
        here = rows[rows["game"] == game]
        layers = in_layer_order(here["layer"])
        top, bottom = axes[0, column], axes[1, column]
        plot(top, here, "task", layers).set_title(game)
        handles |= dict(zip(*top.get_legend_handles_labels()[::-1], strict=True))
        plot(top, here, "transfer", layers, filled=False)
        plot(bottom, here, "background", layers)
        for ax in (top, bottom):
            ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    # Pixels may transfer arbitrarily badly: they need not set the scale.
    axes[0, 0].set_ylim(bottom=max(-0.5, float(rows[["task", "transfer"]].min().min()) - 0.03))
    axes[1, 0].set_ylim(min(0.0, float(rows["background"].min())), 1.02)
    axes[0, 0].set_ylabel("median task factor\n(score above chance)")
    axes[1, 0].set_ylabel("background\n(accuracy above chance)")
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=4,
        columnspacing=1.2,
        title="A point a policy. Filled: on the backgrounds fitted; rings: on others",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
