"""The declared contrast, part by part: what moves its policies' decisions, and what they keep."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.records.runs import Measure, is_factor
from analysis.records.values import OVER_BLIND, SAMPLES
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from checkpoints.policy.ids import UNTRAINED
from figures.kit.contrasted import Line
from figures.kit.panels import name_lines, panel_title
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_method_and_step_order,
    method_styles,
    on_paper,
    one_column,
    show_factors,
)
from figures.kit.verdicts import written
from figures.plots.contrasts import Styles, plot_policies

NAME = "samples"


class ShownMeasure(NamedTuple):
    """One panel."""

    measure: Measure
    title: str
    chance: float | None = None
    """value of a policy in which there is nothing to find"""


PARTS = (
    ShownMeasure(("tv_unseen", "buttons"), "TV between twins, unseen"),
    ShownMeasure(("tv_between_unseen", "buttons"), "TV between states, unseen"),
    ShownMeasure(("ratio_unseen", "buttons"), "the first ÷ the second", 1.0),
    ShownMeasure((OVER_BLIND, "episodes"), "return less blind", 0.0),
    ShownMeasure(("effective_rank", "hidden"), "effective rank, last layer"),
    ShownMeasure(("icc_unseen", "hidden"), "ICC, last layer, unseen", 0.0),
)
FAINT = 0.01
"""A factor below this would squeeze all others into a corner; it is only said."""
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)


def lines_of(rows: pd.DataFrame) -> list[Line]:
    """Methods and their steps from the top; untrained networks first."""
    there = rows[["method", "step"]].itertuples(index=False, name=None)
    lines = in_method_and_step_order(Line(*one) for one in there)
    return sorted(lines, key=lambda one: one.method != UNTRAINED)


def declared_pair(contrasts: pd.DataFrame) -> pd.DataFrame:
    """All contrasts of the declared game, methods and frames; none where none is declared."""
    same = ["game", "treatment", "control", "match"]
    return contrasts.merge(contrasts.loc[contrasts["primary"], same].drop_duplicates(), on=same)


def effect_of(pair: pd.DataFrame, measure: Measure) -> str:
    """Treatment to control with its interval over runs; empty if they were not compared by it."""
    here = pair[(pair["measure"] == measure[0]) & (pair["layer"] == measure[1])]
    if here.empty:
        return ""
    one = here.iloc[0]
    return written(one["effect"], one["low"], one["high"], factor=one["scale"] == "factor")


def plot_part(ax: Axes, rows: pd.DataFrame, part: ShownMeasure, styles: Styles) -> Axes:
    """One measure of every policy with its interval; peers of a run are joined.

    Args:
        ax: where to draw.
        rows: :data:`analysis.records.values.SAMPLES`, of one game.
        part: what is shown.
        styles: looks of each method.
    """
    lines = lines_of(rows)
    factor = is_factor(part.measure)
    here = rows[(rows["measure"] == part.measure[0]) & (rows["layer"] == part.measure[1])]
    faint = here["value"] < FAINT if factor else here["value"].isna()
    numbers = ["value", "low", "high"]
    shown = here.assign(
        verdict=here["verdict"].mask(faint, f"below {FAINT:g}"),
        **{name: here[name].mask(faint) for name in numbers},
    )
    plot_policies(ax, shown, lines, styles, factor=factor)
    if factor:
        ax.set_xscale("log")
        show_factors(ax.xaxis, TICKS)
    if part.chance is not None:
        ax.axvline(part.chance, color="0.35", linestyle=":", linewidth=0.9, zorder=0)
    name_lines(ax, [line.label() for line in lines])
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a panel a measure, and over it the effect of the declared pair over runs."""
    rows, pair = load_rows(tables, SAMPLES), declared_pair(load_rows(tables, CONTRASTS))
    rows = rows[rows[["measure", "layer"]].apply(tuple, axis=1).isin([p.measure for p in PARTS])]
    styles = method_styles(rows["method"])
    lines, columns = (3, 2) if one_column() else (2, 3)
    figure = Figure(figsize=(PAGE_WIDTH, 1.3 + 0.36 * lines * len(lines_of(rows))))
    axes = figure.subplots(lines, columns, sharey=True)
    for ax, part in zip(axes.flat, PARTS, strict=True):
        plot_part(ax, rows, part, styles)
        words = effect_of(pair, part.measure)
        ax.set_title(f"{part.title}\n{words}" if words else part.title, loc="left")
    trained = rows.loc[rows["method"] != UNTRAINED, ["game", "method"]]
    figure.suptitle(panel_title(*trained.iloc[0]), x=0.01, ha="left")
    _legend(figure, pair)
    yield Drawing(NAME, figure, rows.reset_index(drop=True))


def _legend(figure: Figure, pair: pd.DataFrame) -> None:
    handles = [
        Line2D(
            [],
            [],
            **Style("0.2", "o").points(),
            label="policy; bar: 95 % over levels and backgrounds",
        ),
        Line2D([], [], **Style("0.2", "o").points(filled=False), label="of a single run"),
        Line2D([], [], color="0.2", linewidth=2.2, alpha=0.45, label="mean over runs"),
        Line2D([], [], color="0.35", linestyle=":", label="nothing to find"),
    ]
    title = (
        "Less in the first panel is invariance only where the second has not less as well. Actions "
        "that do the same are merged"
    )
    if len(pair):
        names = pair["treatment"].iloc[0], pair["control"].iloc[0]
        title += "\nOver a panel: {} to {} at equal frames, 95 % over runs".format(*names)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2, title=title, title_fontsize=SMALL
    )
