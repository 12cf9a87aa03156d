"""A measure against training steps: means of runs as lines, a run that stands alone as rings."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from analysis.records.runs import Measure, is_factor, runs_of, untrained_values
from figures.kit.style import Style, in_method_order

COLUMNS = ("method", "seed", "step", "value", "verdict")


CROSSES = 0.07
"""Share of a panel's height between the crosses of two methods."""


def points_of(rows: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """A row a run and kept step, the mean over its peers; columns as in :data:`COLUMNS`.

    Args:
        rows: values of one game, as ``analysis.records.values`` declares them.
        measure: what is read, and in which layer.
    """
    found = []
    for run in runs_of(rows):
        for step in run.steps:
            value, why = run.at(measure, step)
            if why != "not measured":
                value = np.exp(value) if is_factor(measure) else value
                found.append((run.method, run.seed, step, value, why))
    return pd.DataFrame(found, columns=list(COLUMNS)).astype({"step": int, "value": float})


def means_of(points: pd.DataFrame, *, factor: bool) -> pd.Series:
    """Step -> mean over the runs of one method, of factors geometric.

    NaN where fewer than two runs were kept, or one of them has no value.
    """
    values = np.log(points["value"]) if factor else points["value"]
    each = values.groupby(points["step"])
    means = each.mean().where((each.size() > 1) & (each.count() == each.size()))
    return np.exp(means) if factor else means


def plot_runs(
    ax: Axes, points: pd.DataFrame, styles: dict[str, Style], *, factor: bool = False
) -> Axes:
    """A line through means over at least two runs, faint points for these; rings for one alone.

    Args:
        ax: where to draw.
        points: columns as in :data:`COLUMNS`. A step without a value has a cross at the lower edge.
        styles: looks of each method.
        factor: whether the measure is compared by quotients.
    """
    for place, method in enumerate(in_method_order(points["method"])):
        some, style = points[points["method"] == method], styles[method]
        means = means_of(some, factor=factor)
        several = some["step"].map(means).notna()
        faint = style.points(size=2.0) | {"alpha": 0.4}
        ax.plot(some.loc[several, "step"], some.loc[several, "value"], **faint)
        ring = style.points(filled=False, size=3.0)
        ax.plot(some.loc[~several, "step"], some.loc[~several, "value"], **ring)
        if several.any():
            line = style.points(size=3.0) | {"linestyle": style.line, "linewidth": 1.0}
            ax.plot(means.index, means, label=method, **line)
        bad = sorted(set(some.loc[some["value"].isna(), "step"]))
        along = ax.get_xaxis_transform()
        cross: dict[str, Any] = {"color": style.colour, "markersize": 3.0}
        ax.plot(bad, [0.05 + CROSSES * place] * len(bad), "x", transform=along, **cross)
    if len(points):
        show_steps(ax, points["step"])
    return ax


def plot_untrained(ax: Axes, rows: pd.DataFrame, measure: Measure, style: Style) -> Axes:
    """A dotted line at the value of each untrained policy of the rows' game."""
    for value in untrained_values(rows, str(rows["game"].iloc[0]), measure)[:, 0]:
        ax.axhline(value, color=style.colour, linestyle=style.line, linewidth=0.8, zorder=0)
    return ax


def leave_room(ax: Axes, methods: int) -> None:
    """Move the lower end of a panel down, so that crosses lie below all points."""
    share = CROSSES * methods / (1 - CROSSES * methods)
    low, high = ax.get_ylim()
    if ax.get_yscale() == "log":
        if low <= 0:  # as without points
            return
        ax.set_ylim(bottom=low * (low / high) ** share)
    else:
        ax.set_ylim(bottom=low - share * (high - low))


def show_steps(ax: Axes, steps: pd.Series) -> None:
    """A logarithmic axis with at most four of the steps, the last among them."""
    there = sorted(set(steps))
    every = -(-len(there) // 4)
    ax.set_xscale("log", base=2)
    ax.margins(x=0.07)
    ax.xaxis.set_major_locator(FixedLocator(there[::-1][::every][::-1]))
    ax.xaxis.set_major_formatter(EngFormatter(sep="", places=0))
    ax.xaxis.set_minor_locator(NullLocator())
