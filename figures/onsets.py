"""Does a measure move before the return does?"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.records.values import EMERGENCE_ONSETS
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import is_strength
from figures import emergence
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    Drawing,
    by_backgrounds,
    in_method_order,
    method_colours,
    on_paper,
)
from probes.studies.training import ONSETS_SCHEMA as PROBES

NAME = "onsets"
MEASURES = {
    "icc": "ICC",
    "ratio": "TV, twins ÷ states",
    "ratio_unseen": "the same, unseen twins",
    "tv": "TV, twins",
    "probe_task": "task probe",
    "probe_background": "background probe",
    "cka_peer": "CKA to peer",
    "cka_final": "CKA to end",
    "saliency": "gradient on background",
}
APART = 0.7
"""Share of the room between two measures over which policies are spread."""
PANELS_A_ROW = 3


def plot_lags(
    ax: Axes, rows: pd.DataFrame, colours: dict[str, str], names: Sequence[str] = tuple(MEASURES)
) -> Axes:
    """One game: the lag of each measure's onset to the return's, a line a method.

    Args:
        ax: where to draw.
        rows: as in the table, of policies and of methods. A point is a policy, an open one bounds
            the lag only; a cross stands where there is none. A thick bar is over
            the runs of a method; where it has one run, thin bars are over levels, one a policy.
        colours: method -> colour.
        names: measures from the top, also those without a row: panels share them.
    """
    for place, name in enumerate(names):
        some = rows[rows["measure"] == name]
        methods = in_method_order(some["method"])
        for number, method in enumerate(methods):
            room = APART / len(methods)
            middle = place + room * (number + 0.5) - APART / 2
            _lags_of(ax, some[some["method"] == method], middle, room, colours[method])
    ax.axvline(0.0, color="0.35", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(names)), [MEASURES[name] for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    return ax


def _lags_of(ax: Axes, rows: pd.DataFrame, middle: float, room: float, colour: str) -> None:
    """One method and measure, around the height ``middle``."""
    whole = rows[(rows["scope"] == "method") & (rows["runs"] > 1)].dropna(subset=["lag_low"])
    for one in whole.itertuples():
        ax.hlines(middle, one.lag_low, one.lag_high, color=colour, linewidth=1.8, alpha=0.45)
        ax.vlines(one.lag, middle - room / 2, middle + room / 2, color=colour, linewidth=1.2)
    policies = rows[rows["scope"] == "policy"].sort_values("id")
    for number, one in enumerate(policies.itertuples()):
        apart = 0.0 if len(whole) else room * ((number + 0.5) / len(policies) - 0.5)
        if np.isnan(one.lag):
            at = ax.get_yaxis_transform()
            style: dict[str, Any] = {"color": colour, "transform": at, "clip_on": False}
            ax.plot(0.985, middle + apart, "x", markersize=3.5, **style)
            continue
        if not len(whole):
            ax.hlines(middle + apart, one.lag_low, one.lag_high, color=colour, linewidth=0.7)
        bound = one.lag_verdict in ("at most", "at least")
        face = "white" if bound else colour
        ax.plot(one.lag, middle + apart, "o", color=colour, markerfacecolor=face, markersize=2.2)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a panel for each game and set of training backgrounds, three a row."""
    onsets = load_rows(tables, EMERGENCE_ONSETS)
    probed = load_rows(tables, PROBES)
    onsets = pd.concat([onsets, probed], ignore_index=True)
    shown = pd.concat([emergence.of_panel(onsets, emergence.Panel(name, "")) for name in MEASURES])
    panels = by_backgrounds(shown[~shown["method"].map(is_strength)])
    colours = method_colours([method for _, _, here in panels for method in here["method"]])
    lines = -(-len(panels) // PANELS_A_ROW)
    across = min(len(panels), PANELS_A_ROW)
    figure = Figure(figsize=(PAGE_WIDTH, 1.0 + 3.5 * lines))
    axes = figure.subplots(lines, across, squeeze=False, sharey=True)
    names = [name for name in MEASURES if name in set(shown["measure"])]
    for ax, (_, title, here) in zip(axes.flat, panels, strict=False):
        plot_lags(ax, here, colours, names).set_title(title.replace(", ", ",\n"))
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    for ax in axes.flat[max(len(panels) - across, 0) : len(panels)]:
        ax.set_xlabel("onset after the return's, octaves")
    _legend(figure, colours)
    yield Drawing(NAME, figure, pd.concat([rows for _, _, rows in panels], ignore_index=True))


def _legend(figure: Figure, colours: dict[str, str]) -> None:
    handles = method_handles(colours)
    grey: dict[str, Any] = {"color": "0.3", "linestyle": "", "marker": "o"}
    handles += [
        Line2D([], [], **grey, markerfacecolor="white", label="a bound only"),
        Line2D([], [], **grey | {"marker": "x"}, label="no lag: see the table's verdict"),
        Line2D([], [], color="0.3", alpha=0.45, linewidth=1.8, label="95 % over runs"),
        Line2D([], [], color="0.3", linewidth=0.7, label="one run: over levels"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)


def method_handles(colours: dict[str, str]) -> list[Line2D]:
    """One entry of a legend for each trained method."""
    methods = [method for method in in_method_order(colours) if method != UNTRAINED]
    return [Line2D([], [], color=colours[one], marker="o", label=one) for one in methods]
