"""Policies over the layers of one game, side by side at each layer, with and without intervals."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.kit.style import Style, in_method_order

APART = 0.5
"""Share of the room between two layers over which policies are spread."""


def places_of(rows: pd.DataFrame, layers: list[str]) -> pd.Series:
    """Where each row stands: at its layer, its policies side by side in the order of methods."""
    methods = in_method_order(rows["method"])
    names = rows[["method", "seed", "peer", "id"]].itertuples(index=False, name=None)
    order = sorted(set(names), key=lambda one: (methods.index(one[0]), *one[1:]))
    ids = [one[-1] for one in order]
    shift = APART * ((rows["id"].map(ids.index) + 0.5) / len(ids) - 0.5)
    return rows["layer"].map(layers.index) + shift


def plot_estimates(
    ax: Axes, rows: pd.DataFrame, places: pd.Series, name: str, styles: Mapping[str, Style]
) -> None:
    """A point a row, and a line between ``name_low`` and ``name_high``; methods in their order."""
    for method in in_method_order(rows["method"]):
        for _, one in rows[rows["method"] == method].groupby("id"):
            at, style = places[one.index], styles[method]
            ends = one[f"{name}_low"], one[f"{name}_high"]
            ax.vlines(at, *ends, color=style.colour, linewidth=1.2)
            ax.plot(at, one[name], label=method, **style.points(size=2.8))


def plot_marks(
    ax: Axes,
    rows: pd.DataFrame,
    places: pd.Series,
    verdict: str,
    marker: str,
    styles: Mapping[str, Style],
) -> None:
    """A mark at 0 for each row that has no estimate because of ``verdict``."""
    bad = rows[rows["verdict"] == verdict]
    if len(bad):
        dye = [styles[method].colour for method in bad["method"]]
        look: dict[str, Any] = {"s": 14, "c": dye, "marker": marker, "label": verdict, "zorder": 3}
        ax.scatter(places[bad.index], np.zeros(len(bad)), **look)


def name_layers(ax: Axes, layers: list[str]) -> Axes:
    """Write the layers below the axis."""
    ax.set_xticks(range(len(layers)), layers, rotation=45, ha="right")
    ax.set_xlim(-0.5, len(layers) - 0.5)
    return ax
