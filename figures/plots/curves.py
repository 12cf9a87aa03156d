"""Return against environment steps, on training and on unseen levels."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.studies.training.curves import SCHEMA
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    method_handles,
    method_styles,
    on_paper,
    short,
)

NAME = "curves"
SPLITS = {"train": "training levels", "unseen": "unseen levels"}
GAMES_A_ROW = 3
LEGEND_COLUMNS = 4
# A best possible return this many times above everything drawn would flatten the curves.
FAR_ABOVE = 2.0


def plot_curves(ax: Axes, rows: pd.DataFrame, styles: dict[str, Style]) -> Axes:
    """One game, one split: the course of each run and peer, its interval as a band.

    Args:
        ax: where to draw.
        rows: columns ``method, seed, peer, step, episode_return, low, high, kept``; steps count
            environment steps of one peer. Kept policies are marked; a missing interval is not
            drawn.
        styles: looks of each method.
    """
    for (method, _seed, peer), run in rows.groupby(["method", "seed", "peer"], sort=True):
        run = run.sort_values("step")
        style, wide = styles[method], 1.0 if peer == 0 else 0.6
        line: dict[str, Any] = {"color": style.colour, "linestyle": style.line, "linewidth": wide}
        ax.plot(run["step"], run["episode_return"], **line)
        kept = run[run["kept"]]
        ax.plot(kept["step"], kept["episode_return"], **style.points(filled=peer == 0))
        band: dict[str, Any] = {"color": style.colour, "alpha": 0.1, "linewidth": 0}
        ax.fill_between(run["step"], run["low"], run["high"], **band)
    return ax


def plot_bounds(ax: Axes, rows: pd.DataFrame) -> Axes:
    """Dotted lines at R_min and at R_max of Cobbe et al. 2020.

    R_min was reached by a policy trained with its observations masked. R_max, the highest, is only
    named, at the upper edge, when it lies far above what was reached.
    """
    low, high = rows["blind_return"].iloc[0], rows["max_return"].iloc[0]
    top = max(rows["episode_return"].max(), rows["high"].max())
    near = high - low <= FAR_ABOVE * max(top - low, 1e-9)
    ax.axhline(low, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    if near:
        ax.axhline(high, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    else:
        note = f"↑ highest {high:g}"
        ax.text(0.02, 0.97, note, transform=ax.transAxes, va="top", color="0.3", fontsize=SMALL)
    return ax


def _legend(figure: Figure, rows: pd.DataFrame, styles: dict[str, Style]) -> None:
    handles: list[Line2D | Patch] = [*method_handles(styles, lines=True)]
    for peer in sorted(rows["peer"].unique()):
        face, wide = ("0.2", 1.0) if peer == 0 else ("white", 0.6)
        line: dict[str, Any] = {"color": "0.2", "linewidth": wide, "marker": "o"}
        kept = Line2D([], [], markerfacecolor=face, label=f"peer {peer}, kept policies", **line)
        handles.append(kept)
    handles.append(Patch(color="0.5", alpha=0.25, linewidth=0, label="95 % interval (unseen)"))
    bounds = "R_min, R_max of Cobbe et al. 2020"
    handles.append(Line2D([], [], color="0.35", linestyle=":", label=bounds))
    figure.legend(handles=handles, loc="outside lower center", ncols=LEGEND_COLUMNS)


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a column for each game, training levels above unseen levels."""
    rows = load_rows(tables, SCHEMA)
    styles = method_styles(rows["method"])
    games = sorted(set(zip(rows["game"], rows["mode"], strict=True)))
    blocks = math.ceil(len(games) / GAMES_A_ROW)
    columns = min(len(games), GAMES_A_ROW)
    figure = Figure(figsize=(PAGE_WIDTH, 0.6 + 3.1 * blocks))
    axes = figure.subplots(2 * blocks, columns, squeeze=False)
    for number, (game, mode) in enumerate(games):
        block, column = divmod(number, GAMES_A_ROW)
        here = rows[(rows["game"] == game) & (rows["mode"] == mode)]
        pair = axes[2 * block : 2 * block + 2, column]
        pair[0].sharex(pair[1])
        pair[0].sharey(pair[1])
        for ax, (split, words) in zip(pair, SPLITS.items(), strict=True):
            plot_curves(ax, here[here["split"] == split], styles)
            plot_bounds(ax, here)
            ax.set_xlim(left=0)
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short(step)))
            ax.set_title(f"{game} ({mode}), {words}")
            if column == 0:
                ax.set_ylabel("return of an episode")
        pair[0].tick_params(labelbottom=False)
        pair[1].set_xlabel("environment steps of a peer")
    for ax in axes.flat:
        if not ax.has_data():
            ax.set_axis_off()
    _legend(figure, rows, styles)
    yield Drawing(NAME, figure, rows)
