"""What varies at all in each game: a cell with nothing to vary is flagged before it is measured."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.kit.rows import load_rows
from figures.kit.style import COLUMN_WIDTH, SMALL, Drawing, on_paper
from probes.studies.variation import SCHEMA

NAME = "variation"
VERDICTS = {
    "varies": "#0072B2",
    "low entropy": "#56B4E9",
    "constant": "#B0B0B0",
    "missing": "#E5E5E5",
}
"""Verdict -> colour."""
NUISANCES = ("background", "wall_theme", "agent_theme")


def counts(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each game: task factors by verdict, and the verdict of each nuisance."""
    task = rows[rows["role"] == "task"].groupby(["game", "verdict"]).size().unstack(fill_value=0)
    task = task.reindex(columns=list(VERDICTS), fill_value=0)
    themes = rows[rows["factor"].isin(NUISANCES)].pivot(
        index="game", columns="factor", values="verdict"
    )
    themes = themes.reindex(index=task.index, columns=list(NUISANCES)).fillna("none")
    return pd.concat([task, themes], axis=1).reset_index()


def plot_task(ax: Axes, table: pd.DataFrame) -> Axes:
    """Task factors of each game as a bar, those that vary first.

    Args:
        ax: where to draw.
        table: from :func:`counts`.
    """
    left = pd.Series(0, index=table.index)
    for verdict, colour in VERDICTS.items():
        ax.barh(table.index, table[verdict], left=left, color=colour, label=verdict, height=0.75)
        left = left + table[verdict]
    ax.set_yticks([])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlabel("task factors")
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    return ax


def plot_nuisances(ax: Axes, table: pd.DataFrame) -> Axes:
    """A disc where a nuisance varies, a ring where it is there but does not; arguments as above."""
    for place, name in enumerate(NUISANCES):
        for height, verdict in zip(table.index, table[name], strict=True):
            if verdict != "none":
                fill = VERDICTS["varies"] if verdict == "varies" else "white"
                ax.plot(place, height, "o", color="0.3", markerfacecolor=fill, markersize=5)
    ax.set_xticks(range(len(NUISANCES)), [name.replace("_", "\n") for name in NUISANCES])
    ax.tick_params(axis="x", rotation=60)
    ax.set_yticks(table.index, table["game"])
    ax.set_xlim(-0.5, len(NUISANCES) - 0.5)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.grid(visible=False)
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: nuisances on the left, task factors on the right, a line for each game."""
    rows = load_rows(tables, SCHEMA)
    table = counts(rows)
    figure = Figure(figsize=(COLUMN_WIDTH, 1.3 + 0.17 * len(table)))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.9))
    plot_nuisances(left, table)
    plot_task(right, table)
    modes, states = " and ".join(sorted(set(rows["mode"]))), rows["states"].max()
    figure.legend(
        *right.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        columnspacing=1.0,
        handlelength=1.0,
        title=f"{states} states of random play, {modes} mode; ● varies, ○ does not",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, table)
