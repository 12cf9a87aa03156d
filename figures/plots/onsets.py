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
from figures.kit.panels import Panel, by_family
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_method_order,
    method_handles,
    method_styles,
    on_paper,
)
from figures.plots.emergence import last_layer
from probes.studies.training import ONSETS_SCHEMA as PROBES

NAME = "onsets"
MEASURES = {
    "icc_one_way": "ICC(1,1)",
    "ratio": "TV, twins ÷ states",
    "ratio_unseen": "the same, unseen twins",
    "tv": "TV, twins",
    "probe_task": "task probe",
    "probe_background": "background probe",
    "cka_peer": "CKA to peer",
}
APART = 0.74
"""Share of the room between two measures over which methods are spread."""
TAIL = 0.5
"""Octaves that the tail of a bound is long."""
TAILS = {"at most": -TAIL, "at least": TAIL}
"""Verdict of a lag that is a bound -> where its tail ends, from the point."""


def plot_lags(
    ax: Axes, rows: pd.DataFrame, styles: dict[str, Style], names: Sequence[str] = tuple(MEASURES)
) -> Axes:
    """One game: the lag of each measure's onset to the return's, a line a method.

    Args:
        ax: where to draw.
        rows: as in the table, of policies and of methods. A point is a policy; a tail says on
            which side of it the lag lies, where it is a bound; a cross stands where there is
            none. The bar is over the runs of a method; where it has one run, there is none, and
            points are rings.
        styles: looks of each method.
        names: measures from the top, also those without a row: panels share them.
    """
    methods = in_method_order(rows["method"])
    room = APART / max(len(methods), 1)
    for place, name in enumerate(names):
        for number, method in enumerate(methods):
            some = rows[(rows["measure"] == name) & (rows["method"] == method)]
            middle = place + room * (number + 0.5) - APART / 2
            _lags_of(ax, some, middle, room, styles[method])
        if place:
            ax.axhline(place - 0.5, color="0.85", linewidth=0.5, zorder=0)
    ax.axvline(0.0, color="0.35", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(names)), [MEASURES[name] for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    return ax


def _lags_of(ax: Axes, rows: pd.DataFrame, middle: float, room: float, style: Style) -> None:
    """One method and measure, around the height ``middle``."""
    whole = rows[(rows["scope"] == "method") & (rows["runs"] > 1)]
    for one in whole.dropna(subset=["lag_low"]).itertuples():
        ax.hlines(middle, one.lag_low, one.lag_high, color=style.colour, linewidth=2.6, alpha=0.35)
        half = 0.4 * room
        ax.vlines(one.lag, middle - half, middle + half, color=style.colour, linewidth=1.2)
    policies = rows[rows["scope"] == "policy"].sort_values("id")
    for number, one in enumerate(policies.itertuples()):
        apart = 0.8 * room * ((number + 0.5) / len(policies) - 0.5)
        if np.isnan(one.lag):
            at = ax.get_yaxis_transform()
            cross: dict[str, Any] = {"color": style.colour, "transform": at, "clip_on": False}
            ax.plot(0.985, middle + apart, "x", markersize=3.0, **cross)
            continue
        if one.lag_verdict in TAILS:
            ends = one.lag, one.lag + TAILS[one.lag_verdict]
            ax.plot(ends, (middle + apart,) * 2, color=style.colour, linewidth=0.8)
        dot = style.points(filled=len(whole) > 0, size=2.4)
        ax.plot(one.lag, middle + apart, **dot)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """Figures as those of emergence: a panel for each game and set of training backgrounds."""
    tables_ = [load_rows(tables, schema) for schema in (EMERGENCE_ONSETS, PROBES)]
    onsets = pd.concat(tables_, ignore_index=True)
    layers = {name: last_layer(onsets, name) for name in MEASURES}
    shown = onsets[onsets["layer"] == onsets["measure"].map(layers)]
    for name, panels in by_family(shown, NAME).items():
        yield page(name, panels)


def page(name: str, panels: list[Panel]) -> Drawing:
    """One figure: a panel beside the other, a row for each measure that any of them has."""
    there = {one for panel in panels for one in panel.rows["measure"]}
    names = [measure for measure in MEASURES if measure in there]
    styles = method_styles(method for panel in panels for method in panel.rows["method"])
    most = max(panel.rows["method"].nunique() for panel in panels)
    figure = Figure(figsize=(PAGE_WIDTH, 1.4 + len(names) * (0.12 + 0.09 * most)))
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)
    for ax, panel in zip(axes.flat, panels, strict=True):
        plot_lags(ax, panel.rows, styles, names).set_title(panel.title)
        ax.set_xlabel("octaves after the return's")
    _legend(figure, styles)
    return Drawing(name, figure, pd.concat([panel.rows for panel in panels], ignore_index=True))


def _legend(figure: Figure, styles: dict[str, Style]) -> None:
    handles = method_handles({k: style for k, style in styles.items() if k != UNTRAINED})
    grey: dict[str, Any] = {"color": "0.3"}
    handles += [
        Line2D([], [], **grey, linewidth=2.6, alpha=0.35, label="95 % over runs"),
        Line2D([], [], **grey, marker="x", markersize=3, linestyle="", label="no lag"),
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=6,
        title="A point a policy; rings: of one run. A tail: a bound, the lag lies on that side",
        title_fontsize=SMALL,
    )
