"""Is a method less bound to the background than PPO? Every policy, then every factor to PPO."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.records.values import EMERGENCE
from analysis.studies.contrasts.rows import SCHEMA
from checkpoints.policy.recipes import is_strength
from figures.kit.contrasted import (
    UNSEEN,
    Line,
    against_ppo,
    lines_of,
    of_measure,
    of_outcome,
    panels,
)
from figures.kit.noted import notes
from figures.kit.panels import over_what, panel_title
from figures.kit.rows import load_rows, load_values
from figures.kit.style import (
    LETTERS,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    method_styles,
    on_paper,
    one_column,
    show_factors,
)

NAME = "contrasts"
ELSEWHERE = f"{NAME}-elsewhere"
Styles = dict[str, Style]
SHIFT = 0.17


def plot_policies(
    ax: Axes, rows: pd.DataFrame, lines: list[Line], styles: Styles, *, factor: bool = True
) -> Axes:
    """One measure of every policy with its interval; peers of a run are joined.

    Args:
        ax: where to draw, lines from the top.
        rows: :data:`analysis.records.values.VALUES`, of one game and one measure.
        lines: methods and steps shown. Where a method has one run, its policies are rings; else a
            tick stands at the mean over runs.
        styles: looks of each method.
        factor: the mean over runs is geometric.
    """
    for place, line in enumerate(lines):
        some = rows[(rows["method"] == line.method) & (rows["step"] == line.step)]
        some = some.sort_values(["seed", "peer"]).reset_index(drop=True)
        style, count, runs = styles[line.method], len(some), some["seed"].nunique()
        heights = place + 0.56 * ((np.arange(count) + 0.5) / max(count, 1) - 0.5)
        if count and some["value"].isna().all() and some["verdict"].nunique() == 1:
            _say(ax, place, some["verdict"].iloc[0], style.colour)
            continue
        for y, one in zip(heights, some.itertuples(), strict=True):
            if np.isnan(one.value):
                _say(ax, y, one.verdict, style.colour)
                continue
            ax.plot([one.low, one.high], [y, y], color=style.colour, linewidth=0.7, alpha=0.7)
            ax.plot(one.value, y, **style.points(filled=runs > 1, size=2.8))
        for _, peers in some.groupby("seed"):
            if len(peers) > 1:
                joined: dict[str, Any] = {"color": style.colour, "linewidth": 0.5, "zorder": 1}
                ax.plot(peers["value"], heights[peers.index], **joined)
        if runs > 1 and some["value"].notna().any():
            values = np.log(some["value"]) if factor else some["value"]
            mean = values.groupby(some["seed"]).mean().mean()
            mean = np.exp(mean) if factor else mean
            tick: dict[str, Any] = {"color": style.colour, "linewidth": 2.2, "alpha": 0.45}
            ax.vlines(mean, place - 0.38, place + 0.38, **tick)
    return ax


def plot_factors(ax: Axes, rows: pd.DataFrame, lines: list[Line], styles: Styles) -> Axes:
    """Each method ÷ its control: circles at equal steps, diamonds at equal frames.

    Bars are Welch's intervals over runs; where a side has one run there is none, and a ring. Why
    there is nothing is said once a line.
    """
    said: set[tuple[int, str]] = set()
    for one in rows.itertuples():
        if one.match not in ("steps", "frames"):
            continue
        place = lines.index(Line(one.treatment, one.steps_treatment))
        both = (rows["treatment"] == one.treatment) & rows["match"].isin(["steps", "frames"])
        y = place + (SHIFT if one.match == "frames" else -SHIFT if both.sum() > 1 else 0.0)
        if np.isnan(one.effect):
            if (place, one.verdict) not in said:
                _say(ax, y if one.match == "frames" else place, one.verdict, "0.35")
            said.add((place, one.verdict))
            continue
        alone, colour = np.isnan(one.low), styles[one.treatment].colour
        if not alone:
            ax.plot([one.low, one.high], [y, y], color=colour, linewidth=1.6)
        look = Style(colour, "D" if one.match == "frames" else "o")
        ax.plot(one.effect, y, **look.points(filled=not alone, size=3.4))
        if one.primary:
            style: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
            ends = one.effect if alone else one.high, y
            ax.annotate("declared", ends, (4, 0), fontsize=SMALL, **style)
    return ax


def _say(ax: Axes, y: float, words: str, colour: str) -> None:
    """A word at the left edge, in place of a point."""
    style: dict[str, Any] = {"fontsize": SMALL, "color": colour, "va": "center"}
    ax.text(0.02, y, words, transform=ax.get_yaxis_transform(), **style)


def _finish(ax: Axes) -> None:
    ax.axvline(1.0, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    ax.set_xscale("log")
    ax.tick_params(labelbottom=True)
    low, high = ax.get_xlim()
    low, high = min(low, 0.7), max(high, 1.35)
    ax.set_xlim(low, high)
    show_factors(ax.xaxis)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure of the declared contrast's game and backgrounds, one of all others."""
    rows = against_ppo(load_rows(tables, SCHEMA))
    policies = load_values(tables, EMERGENCE)
    styles = method_styles([*rows["treatment"], *rows["control"]])
    keys = panels(rows)
    rows = rows[~rows["treatment"].map(is_strength)]
    for name, some in pages_of(keys):
        parts = {key: of_outcome(rows, *key) for key in some}
        parts = {key: of for key, of in parts.items() if len(of)}
        if parts:
            yield page(name, parts, policies, styles)


def pages_of(keys: list[tuple[str, str]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Name and panels of each figure; in one column of a page every game has its own."""
    if one_column():
        others = [(f"{NAME}-{game}-{control}", [(game, control)]) for game, control in keys[1:]]
        return [(NAME, keys[:1]), *others]
    return [(NAME, keys[:1]), (ELSEWHERE, keys[1:])]


def page(
    name: str, parts: dict[tuple[str, str], pd.DataFrame], policies: pd.DataFrame, styles: Styles
) -> Drawing:
    """A line of two panels for each game and set of training backgrounds.

    Args:
        name: of the figure.
        parts: (game, control) -> contrasts of one measure.
        policies: :data:`analysis.records.values.VALUES`.
        styles: looks of each method.
    """
    shapes = [lines_of(of) for of in parts.values()]
    heights = [len(lines) + 1.6 for lines in shapes]
    more = sum(notes(of).count("\n") for of in parts.values())
    height = 0.9 + 0.2 * sum(heights) + 0.25 * len(parts) + 0.13 * more
    below = one_column()
    figure = Figure(figsize=(PAGE_WIDTH, height * (1.8 if below else 1.0)))
    axes = (
        figure.subplots(2, 1).reshape(1, 2)
        if below
        else figure.subplots(len(parts), 2, squeeze=False, sharex="col", height_ratios=heights)
    )
    for pair, (key, of), lines in zip(axes, parts.items(), shapes, strict=True):
        _pair(pair, key, of, lines, policies, styles)
    for ax in axes.flat:  # only now do all know the ends of the axis that they share
        _finish(ax)
    rows = pd.concat(parts.values(), ignore_index=True)
    shown = [(key[0], *line) for key, lines in zip(parts, shapes, strict=True) for line in lines]
    _legend(figure, "Above" if below else "Left", over_what(policies, shown))
    return Drawing(name, figure, rows)


def _pair(
    axes: Any,
    key: tuple[str, str],
    of: pd.DataFrame,
    lines: list[Line],
    policies: pd.DataFrame,
    styles: Styles,
) -> None:
    left, right = axes
    measure = of["measure"].iloc[0]
    mine = of_measure(policies[policies["game"] == key[0]], measure)
    plot_policies(left, mine, lines, styles)
    plot_factors(right, of, lines, styles)
    left.set_yticks(range(len(lines)), [line.label() for line in lines])
    beside = left.get_subplotspec().get_gridspec().ncols > 1
    right.set_yticks(range(len(lines)), [] if beside else [line.label() for line in lines])
    kind = "unseen" if measure == UNSEEN else "all"
    left.set_title(f"{panel_title(*key)}: {kind} twins", loc="left")
    right.set_title("÷ PPO")
    right.set_xlabel(notes(of), fontsize=SMALL, loc="right")
    for ax in (left, right):
        ax.set_ylim(len(lines) - 0.4, -0.6)


def _legend(figure: Figure, where: str, over: str) -> None:
    handles = [
        Line2D([], [], color="0.2", marker="o", linestyle="", label="÷ PPO, equal steps"),
        Line2D([], [], color="0.2", marker="D", linestyle="", label="÷ PPO, equal frames"),
        Line2D([], [], color="0.2", linewidth=1.6, label="95 % over runs"),
        Line2D([], [], **Style("0.2", "o").points(filled=False), label="one run on a side"),
    ]
    title = (
        "TV between twins ÷ TV between states, all 15 actions apart; 1: the wallpaper decides as "
        "much as the game. "
        f"{where}: a point a policy after the steps named, peers joined; its bar {over}; "
        "the tick is the mean over at least two runs"
    )
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "title_fontsize": SMALL}
    figure.legend(handles=handles, title=textwrap.fill(title, LETTERS), **place)
