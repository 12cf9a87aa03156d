"""How far decisions move with the picture, beside how far they move with the state."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.records.runs import last_steps
from analysis.studies.robustness.rows import SCHEMA
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
    one_column,
)

NAME = "robustness"
KINDS = {
    ("background", "seen"): "both seen",
    ("background", "seen-unseen"): "seen, unseen",
    ("background", "unseen"): "both unseen",
    ("theme", "own"): "theme",
    ("colour-jitter", "own"): "colour jitter",
    ("noise-5", "own"): "noise 5",
    ("noise-15", "own"): "noise 15",
    ("noise-30", "own"): "noise 30",
    ("random-conv", "own"): "random conv.",
}
"""Axis and backgrounds -> words under the axis, from left to right."""
BACKGROUNDS = 3  # of them compare backgrounds
APART = 0.64
"""Share of the room between two kinds over which policies are spread."""


def policies_of(rows: pd.DataFrame) -> list[str]:
    """The ids, in the order of methods, seeds and peers."""
    methods = in_method_order(rows["method"])
    names = set(rows[["method", "seed", "peer", "id"]].itertuples(index=False, name=None))
    return [one[-1] for one in sorted(names, key=lambda one: (methods.index(one[0]), *one[1:]))]


def plot_tv(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """Total variation on twins, filled, and between states, open, for each policy of one game.

    Args:
        ax: where to draw.
        rows: columns as in the table; those that compare all backgrounds are shown.
        styles: looks of each method.
    """
    rows = rows[(rows["axis"] == "background") & (rows["backgrounds"] == "all")]
    order = policies_of(rows)
    for one in rows.itertuples():
        at, style = order.index(one.id), styles[one.method]
        for name, shift, filled in (("tv", -0.15, True), ("tv_between", 0.15, False)):
            low, high = getattr(one, f"{name}_low"), getattr(one, f"{name}_high")
            ax.vlines(at + shift, low, high, color=style.colour, linewidth=1.2)
            value = getattr(one, name)
            ax.plot(at + shift, value, clip_on=False, **style.points(filled=filled))
    labels = [f"{'/'.join(one.split('/')[1:3])}{_peer(one, order)}" for one in order]
    ax.set_xticks(range(len(order)), labels, rotation=45, ha="right")
    ax.set_xlim(-0.6, len(order) - 0.4)
    ax.set_ylim(bottom=0)
    return ax


def _peer(one: str, order: list[str]) -> str:
    """Which peer it is, where its run has several."""
    run, peer = "/".join(one.split("/")[:3]), one.split("/")[3]
    alone = sum(other.startswith(f"{run}/") for other in order) == 1
    return "" if alone else f" {peer.replace('peer', 'peer ')}"


def plot_ratio(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """The ratio with its interval over the kinds of views of one game, a point a policy.

    Undecided policies have no ratio. A kind that is vacuous for all of them says so.
    """
    order = policies_of(rows[rows["verdict"] == "measured"])
    ax.axhline(1.0, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    ax.axvline(BACKGROUNDS - 0.5, color="0.8", linewidth=0.6, zorder=0)
    for place, kind in enumerate(KINDS):
        here = rows[(rows["axis"] == kind[0]) & (rows["backgrounds"] == kind[1])]
        if (here["verdict"] == "vacuous").all():
            upright: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom"}
            ax.text(place, 0.06, "vacuous", color="0.45", fontsize=SMALL, **upright)
        for one in here[here["verdict"] == "measured"].itertuples():
            shift = APART * ((order.index(one.id) + 0.5) / len(order) - 0.5)
            style = styles[one.method]
            ends = one.ratio_low, one.ratio_high
            ax.vlines(place + shift, *ends, color=style.colour, linewidth=1.2)
            ax.plot(place + shift, one.ratio, clip_on=False, **style.points(size=2.8))
    ax.set_xticks(range(len(KINDS)), list(KINDS.values()), rotation=45, ha="right")
    ax.set_xlim(-0.6, len(KINDS) - 0.4)
    ax.set_ylim(0, max(1.2, 1.05 * np.nan_to_num(rows[["ratio", "ratio_high"]].max().max())))
    return ax


def _pairs_of_panels(games: int) -> tuple[Figure, Any]:
    """A line of two panels for each game; in one column of a page they stand below one another."""
    if one_column():
        figure = Figure(figsize=(PAGE_WIDTH, 0.5 + 3.7 * games))
        return figure, figure.subplots(2 * games, 1).reshape(games, 2)
    figure = Figure(figsize=(PAGE_WIDTH, 0.5 + 2.25 * games))
    return figure, figure.subplots(games, 2, squeeze=False, width_ratios=(1, 1.5))


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a line for each game, total variations on the left, ratios on the right."""
    rows = last_steps(load_rows(tables, SCHEMA)).reset_index(drop=True)
    games, styles = sorted(set(rows["game"])), method_styles(rows["method"])
    figure, axes = _pairs_of_panels(len(games))
    for line, game in enumerate(games):
        here = rows[rows["game"] == game]
        left = plot_tv(axes[line, 0], here, styles)
        right = plot_ratio(axes[line, 1], here, styles)
        left.set_title(f"{game}: how far decisions move")
        left.set_ylabel("total variation")
        right.set_title(f"{game}: other backgrounds | other changes of the picture")
        right.set_ylabel("TV between views ÷\nTV between states")
    handles = method_handles(styles)
    marks = (("0.2", "between twins"), ("white", "between states"))
    handles += [
        Line2D([], [], color="0.2", marker="o", linestyle="", markerfacecolor=face, label=words)
        for face, words in marks
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        columnspacing=1.2,
        title="One point a policy. Bars: 95 % over levels, between backgrounds over these too. A "
        "policy that decides nothing has no ratio",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
