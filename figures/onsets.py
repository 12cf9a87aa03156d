"""Does a measure move before the return does, and do invariant policies generalise better?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import emergence
from figures.inputs import load_rows
from figures.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    by_backgrounds,
    in_method_order,
    method_colours,
    on_paper,
    without_backgrounds,
)

NAME = "onsets"
TABLE = "emergence_onsets"
COMMAND = emergence.COMMAND
COLUMNS = (
    *("game", "scope", "id", "method", "measure", "layer", "runs", "onset", "verdict"),
    *("lag", "lag_low", "lag_high", "lag_verdict", "rho", "increments"),
)
PROBES = "probes_onsets"
GAP = "emergence_gap"
GAP_COLUMNS = (
    *("game", "measure", "layer", "between", "implied", "rho", "low", "high", "policies"),
    *("runs", "verdict"),
)
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
AGAINST = {
    "tv": "TV, twins (theorem: ρ > 0)",
    "ratio": "TV, twins ÷ states (ρ > 0)",
    "icc": "ICC, last layer (ρ < 0)",
}
APART = 0.7
"""Share of the room between two measures over which policies are spread."""


def plot_lags(ax: Axes, rows: pd.DataFrame, colours: dict[str, str]) -> Axes:
    """One game: the lag of each measure's onset to the return's, a line a method.

    Args:
        ax: where to draw.
        rows: columns as in :data:`COLUMNS`, of policies and of methods. A point is a policy, an
            open one bounds the lag only; a cross stands where there is none. A thick bar is over
            the runs of a method; where it has one run, thin bars are over levels, one a policy.
        colours: method -> colour.
    """
    names = [name for name in MEASURES if name in set(rows["measure"])]
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


def plot_gap(ax: Axes, points: pd.DataFrame, colours: dict[str, str]) -> Axes:
    """One game: the generalisation gap of each policy against a measure; last steps filled.

    Args:
        ax: where to draw.
        points: from :func:`points_of`; the gap's interval speaks of unseen levels only.
        colours: method -> colour.
    """
    for method in in_method_order(points["method"]):
        one, colour = points[points["method"] == method], colours[method]
        ax.vlines(one["value"], one["gap_low"], one["gap_high"], color=colour, lw=0.6, alpha=0.5)
        for last in (False, True):
            some = one[one["last"] == last]
            face = colour if last else "white"
            ax.scatter(some["value"], some["gap"], s=12, ec=colour, fc=face, zorder=3)
    ax.axhline(0.0, color="0.35", linewidth=0.8, zorder=0)
    return ax


def points_of(values: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A row a trained policy: ``value`` of a measure in its last layer; ``gap`` and its ends."""
    trained = values[values["method"] != emergence.UNTRAINED]
    gap = trained[trained["measure"] == "gap"].set_index("id")
    some = emergence.of_panel(trained, emergence.Panel(measure, ""))
    ends = some.groupby(some["id"].str.replace(r"/step\d+$", "", regex=True))["step"].transform(
        "max"
    )
    names = {"gap": "value", "gap_low": "low", "gap_high": "high"}
    found = {new: some["id"].map(gap[old]) for new, old in names.items()}
    return some.assign(last=some["step"] == ends, **found)


def words_of(gaps: pd.DataFrame, game: str, measure: str, layer: str) -> str:
    """The rank correlation as the table says it."""
    some = gaps[(gaps["game"] == game) & (gaps["measure"] == measure) & (gaps["layer"] == layer)]
    lines = []
    for one in some.itertuples():
        ends = "" if np.isnan(one.low) else f" [{one.low:.2f}, {one.high:.2f}]"
        value = "–" if np.isnan(one.rho) else f"{one.rho:+.2f}".replace("-", "−")
        lines.append(f"{one.between}: ρ {value}{ends}, {one.runs} runs")
    return "\n".join(lines)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: lags of each game above, the gap against three measures below."""
    onsets = load_rows(tables, TABLE, COLUMNS, COMMAND)
    probed = load_rows(tables, PROBES, COLUMNS, emergence.PROBES_COMMAND)
    onsets = pd.concat([onsets, probed], ignore_index=True)
    values = load_rows(tables, emergence.NAME, emergence.COLUMNS, COMMAND)
    gaps = load_rows(tables, GAP, GAP_COLUMNS, COMMAND)
    shown = pd.concat([emergence.of_panel(onsets, emergence.Panel(name, "")) for name in MEASURES])
    games, panels = sorted(set(values["game"])), by_backgrounds(shown)
    colours = method_colours([method for _, _, here in panels for method in here["method"]])
    figure = Figure(figsize=(PAGE_WIDTH, 4.1 + 1.75 * len(games)))
    parts: Any = figure.subfigures(2, 1, height_ratios=(3.8, 1.75 * len(games)))
    above, below = parts
    top = above.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for ax, (_, title, here) in zip(top, panels, strict=True):
        plot_lags(ax, here, colours).set_title(title.replace(", ", ",\n"))
    above.supxlabel("onset after that of the return, octaves", fontsize=8)
    axes = below.subplots(len(games), len(AGAINST), squeeze=False, sharey="row", sharex="col")
    for line, game in zip(axes, games, strict=True):
        some = values[values["game"] == game]
        some = some.assign(method=[without_backgrounds(method) for method in some["method"]])
        for ax, measure in zip(line, AGAINST, strict=True):
            points = points_of(some, measure)
            plot_gap(ax, points, colours)
            layer = points["layer"].iloc[0] if len(points) else ""
            ax.set_title(words_of(gaps, game, measure, layer), fontsize=SMALL)
        line[0].set_ylabel(f"{game}:\ntrain − unseen return")
    for ax, words in zip(axes[-1], AGAINST.values(), strict=True):
        ax.set_xlabel(words)
    _legend(figure, colours)
    yield Drawing(NAME, figure, shown.reset_index(drop=True))


def _legend(figure: Figure, colours: dict[str, str]) -> None:
    methods = [method for method in in_method_order(colours) if method != emergence.UNTRAINED]
    handles = [Line2D([], [], color=colours[one], marker="o", label=one) for one in methods]
    grey: dict[str, Any] = {"color": "0.3", "linestyle": ""}
    open_: dict[str, Any] = {"marker": "o", "markerfacecolor": "white"}
    handles += [
        Line2D([], [], **grey, **open_, label="above: a bound only; below: an earlier step"),
        Line2D([], [], **grey, marker="x", label="no lag: see the table's verdict"),
        Line2D([], [], color="0.3", alpha=0.45, linewidth=1.8, label="95 % over runs"),
        Line2D([], [], color="0.3", linewidth=0.7, label="one run: over levels"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
