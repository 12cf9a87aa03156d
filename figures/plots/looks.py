"""The declared second sample: each of its runs, what the rule said at each look, and clipping."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from analysis.studies.looks.runs import RUNS
from analysis.studies.looks.study import LOOKS
from figures.kit.rows import load_rows
from figures.kit.second_sample import counted, has_effect, is_insensitive
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_method_and_step_order,
    method_styles,
    on_paper,
    one_column,
    short,
    show_factors,
)

NAME = "looks"
NOTE_WIDTH = 34
TICKS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0)
ROOM = 1.1
"""Factor left free above and below the runs, which may be few."""
APART = 0.5
"""Share of the room between two seeds over which their runs are spread."""


def groups_of(runs: pd.DataFrame) -> list[tuple[str, int]]:
    """(method, steps) of the runs, in the order of methods."""
    there = runs[["method", "step"]].itertuples(index=False, name=None)
    return in_method_and_step_order(there)


def plot_runs(ax: Axes, runs: pd.DataFrame, column: str, styles: dict[str, Style]) -> Axes:
    """One number of every run against its seed; a ring is a run that does not see.

    Args:
        ax: where to draw.
        runs: :data:`analysis.studies.looks.runs.RUNS`.
        column: what is drawn.
        styles: looks of each method.
    """
    groups = groups_of(runs)
    for place, (method, steps) in enumerate(groups):
        here = runs[(runs["method"] == method) & (runs["step"] == steps)]
        last = here["step"] == here["method"].map(runs.groupby("method")["step"].max())
        at = here["seed"] + APART * ((place + 0.5) / len(groups) - 0.5)
        for x, y, sees, size in zip(
            at, here[column], here["sees"], np.where(last, 3.6, 2.4), strict=True
        ):
            ax.plot(x, y, **styles[method].points(filled=sees == "yes", size=size))
    ax.set_xlim(runs["seed"].min() - 0.7, runs["seed"].max() + 0.7)
    ax.set_xlabel("seed")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    return ax


def plot_looks(ax: Axes, looks: pd.DataFrame) -> Axes:
    """The factor and its interval at each look that was reached, and what the next one waits for.

    Of an insensitive sample the factor of its positive control stands there, and no other.

    Args:
        ax: where to draw, looks from the top.
        looks: :data:`analysis.studies.looks.study.LOOKS`.
    """
    margin = float(looks["margin"].iloc[-1])
    ax.axvspan(1 / margin, margin, color="0.5", alpha=0.15, linewidth=0)
    ax.axvline(1.0, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    ax.set_xscale("log")
    for place, one in enumerate(looks.itertuples()):
        words: dict[str, Any] = {"fontsize": SMALL, "transform": ax.get_yaxis_transform()}
        said = textwrap.fill(one.verdict, NOTE_WIDTH)
        if has_effect(one._asdict()):
            _interval(ax, place, (one.low, one.effect, one.high), Style("0.2", "D"))
            said = f"p = {one.p:.2g}, asked below {one.effect_p:g}\n{said}"
        elif np.isfinite(one.effect):
            middle = one.positive_low, one.positive, one.positive_high
            _interval(ax, place, middle, Style("0.5", "s"))
            said = f"positive control: p = {one.positive_p:.2g}\n{said}"
        ax.text(0.02, place + 0.12, said, va="top", **words)
    ax.set_yticks(range(len(looks)), [f"{n} of {m}" for n, m in looks[["pairs", "asked"]].values])
    ax.set_ylim(len(looks) - 0.2, -0.6)
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 0.5), max(high, 2.0))
    show_factors(ax.xaxis)
    ax.set_ylabel("pairs of runs")
    ax.grid(visible=False, axis="y")
    return ax


def _interval(ax: Axes, place: int, middle: tuple[float, float, float], style: Style) -> None:
    low, value, high = middle
    ax.plot([low, high], [place, place], color=style.colour, linewidth=1.6)
    ax.plot(value, place, **style.points(size=3.4))


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: runs by seed, looks, and the share of clipped updates."""
    runs, looks = load_rows(tables, RUNS), load_rows(tables, LOOKS)
    styles = method_styles(runs["method"])
    below = one_column()
    figure = Figure(figsize=(PAGE_WIDTH, 6.4 if below else 2.8))
    left, middle, right = figure.subplots(*((3, 1) if below else (1, 3)))
    ratios = np.exp(runs["value"])
    plot_runs(left, runs.assign(ratio=ratios), "ratio", styles)
    left.set_yscale("log")
    left.set_ylim(ratios.min() / ROOM, ratios.max() * ROOM)
    show_factors(left.yaxis, TICKS)
    left.set_title(f"{runs['game'].iloc[0]}: TV twins ÷ states,\nheld-out backgrounds")
    look = counted(looks)
    what = "positive control" if is_insensitive(look) else "treatment"
    title = f"{what} ÷ control,\n95 % over runs, for one look"
    plot_looks(middle, looks).set_title(title)
    plot_runs(right, runs, "clipped", styles)
    right.set_ylim(-0.03, 1.03)
    right.yaxis.set_major_formatter(PercentFormatter(1.0))
    right.set_title("updates whose gradient\nwas clipped")
    _legend(figure, runs, styles)
    yield Drawing(NAME, figure, pd.concat([runs, looks]))


def _legend(figure: Figure, runs: pd.DataFrame, styles: dict[str, Style]) -> None:
    largest = runs.groupby("method")["step"].max()
    handles: list[Line2D | Patch] = [
        Line2D(
            *([], []),
            **styles[method].points(size=3.6 if steps == largest[method] else 2.4),
            label=f"{method}, {short(steps)} steps",
        )
        for method, steps in groups_of(runs)
    ]
    ring = Style("0.2", "o").points(filled=False)
    handles.append(Line2D([], [], **ring, label="not shown to earn more than blind"))
    handles.append(Patch(color="0.5", alpha=0.25, linewidth=0, label="not relevant"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
