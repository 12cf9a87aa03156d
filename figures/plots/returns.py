"""What methods earn on training levels, unseen levels and other backgrounds, normalised."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.studies.returns.scores import PROFILES, SCORES
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    Drawing,
    Style,
    in_method_order,
    method_handles,
    method_styles,
    on_paper,
)

NAME = "returns"
SPLITS = {"train": "training", "unseen": "unseen", "swapped": "swapped"}
"""Those drawn; the table also has the backgrounds re-drawn every step."""
ALL = "all"
COLUMNS_A_ROW = 3
APART = 0.6
"""Share of the room between two splits over which methods are spread."""


def plot_scores(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """One game: the score of each method on each split.

    Args:
        ax: where to draw.
        rows: columns as in its table. The thin line is the interval over levels, the thick
            one that over runs; a missing one is not drawn, and its point is open.
        styles: looks of each method.
    """
    methods = in_method_order(rows["method"])
    ax.axhline(0.0, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    for one in rows.itertuples():
        shift = APART * ((methods.index(one.method) + 0.5) / len(methods) - 0.5)
        at, style = list(SPLITS).index(one.split) + shift, styles[one.method]
        colour = style.colour
        ax.vlines(at, one.level_low, one.level_high, color=colour, linewidth=0.9)
        alone = np.isnan(one.low)
        if not alone:
            ax.vlines(at, one.low, one.high, color=colour, linewidth=3, alpha=0.45)
        ax.plot(at, one.value, clip_on=False, **style.points(filled=not alone))
    ax.set_xticks(range(len(SPLITS)), list(SPLITS.values()))
    ax.set_xlim(-0.5, len(SPLITS) - 0.5)
    return ax


def plot_profiles(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """One split: the share of runs above each threshold, a line for each method.

    Args:
        ax: where to draw.
        rows: columns as in its table. The band is the interval over runs; one run has none, and
            its line is thin: it says nothing of its method.
        styles: looks of each method.
    """
    for method in in_method_order(rows["method"]):
        one = rows[rows["method"] == method].sort_values("threshold")
        alone = one["low"].isna().all()
        at, colour = one["threshold"], styles[method].colour
        line: dict[str, Any] = {"linestyle": styles[method].line, "drawstyle": "steps-post"}
        ax.plot(at, one["share"], color=colour, linewidth=0.7 if alone else 1.3, **line)
        if not alone:
            band: dict[str, Any] = {"alpha": 0.15, "linewidth": 0, "step": "post"}
            ax.fill_between(at, one["low"], one["high"], color=colour, **band)
    ax.axvline(0.0, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    ax.set_ylim(-0.02, 1.02)
    ax.margins(x=0)
    return ax


def _legend(figure: Figure, styles: dict[str, Style]) -> None:
    grey = "0.3"
    handles: list[Line2D | Patch] = [*method_handles(styles, lines=True)]
    handles += [
        Line2D([], [], color=grey, linewidth=3, alpha=0.45, label="95 % over runs (seeds)"),
        Line2D([], [], color=grey, linewidth=0.9, label="95 % over levels"),
        Line2D(
            *([], []),
            color=grey,
            linewidth=0.7,
            marker="o",
            markerfacecolor="white",
            label="one run: nothing over runs",
        ),
        Line2D([], [], color="0.35", linestyle=":", label="R_min of Cobbe et al. 2020"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: scores of each game and of all, and below profiles of all on each split."""
    scores = load_rows(tables, SCORES)
    drawn = (scores["measure"] == "iqm") & scores["split"].isin(SPLITS)
    scores = scores[drawn].reset_index(drop=True)
    profiles = load_rows(tables, PROFILES)
    games = sorted(set(scores["game"]), key=lambda game: (game == ALL, game))
    drawn = (profiles["game"] == games[-1]) & profiles["split"].isin(SPLITS)
    profiles = profiles[drawn].reset_index(drop=True)
    styles = method_styles(scores["method"])
    above = math.ceil(len(games) / COLUMNS_A_ROW)
    figure = Figure(figsize=(PAGE_WIDTH, 0.7 + 1.9 * (above + 1)))
    axes = figure.subplots(above + 1, COLUMNS_A_ROW, squeeze=False)
    for ax, game in zip(axes[:-1].flat, games, strict=False):
        here = scores[scores["game"] == game]
        plot_scores(ax, here, styles).set_title(_title(game, here))
    for ax in axes[:-1, 0]:
        ax.set_ylabel("interquartile mean\nof normalised return")
    for ax, (split, words) in zip(axes[-1], SPLITS.items(), strict=True):
        plot_profiles(ax, profiles[profiles["split"] == split], styles)
        ax.set_title(f"{_title(games[-1], scores[scores['game'] == games[-1]])}: {words}")
        ax.set_xlabel("normalised return τ")
    axes[-1, 0].set_ylabel("share of runs above τ")
    for ax in axes.flat:
        if not ax.has_data():
            ax.set_axis_off()
    _legend(figure, styles)
    yield Drawing(NAME, figure, pd.concat([scores, profiles], ignore_index=True))


def _title(game: str, rows: pd.DataFrame) -> str:
    return f"all {rows['games'].max()} games" if game == ALL else game
