"""What moves when during training: a method's runs at every kept step, measure by measure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.records.runs import Measure, is_factor
from analysis.records.values import EMERGENCE
from checkpoints.policy.ids import UNTRAINED
from figures.kit.over_steps import leave_room, plot_runs, plot_untrained, points_of
from figures.kit.panels import Panel, by_family
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_layer_order,
    method_handles,
    method_styles,
    on_paper,
    show_factors,
)
from probes.studies.training import SCHEMA as PROBES

NAME = "emergence"
MEASURES = {
    "return": "return,\nunseen levels",
    "icc_one_way": "ICC(1,1),\nlast layer",
    "ratio": "TV, twins ÷\nstates",
    "ratio_unseen": "the same, un-\nseen twins",
    "probe_task": "task probe,\nlast layer",
    "probe_background": "background\nprobe, last layer",
    "cka_peer": "CKA to peer,\nlast layer",
}
"""What is shown, from the top; the table holds more."""
FACTORS = ("ratio", "ratio_unseen")


class MeasurePoints(NamedTuple):
    """One panel: a measure of the policies of one column."""

    measure: Measure
    points: pd.DataFrame
    """columns as in :data:`figures.kit.over_steps.COLUMNS`"""


def last_layer(rows: pd.DataFrame, name: str) -> str:
    """The last layer in which a measure was taken; empty if it was not."""
    layers = in_layer_order(rows.loc[rows["measure"] == name, "layer"])
    return layers[-1] if layers else ""


def cell_of(rows: pd.DataFrame, name: str) -> MeasurePoints:
    """What one panel shows of rows of one game."""
    measure = name, last_layer(rows, name)
    return MeasurePoints(measure, points_of(rows, measure))


def plot(ax: Axes, rows: pd.DataFrame, cell: MeasurePoints, styles: dict[str, Style]) -> Axes:
    """One measure of one column; dotted: untrained policies; a word where there is nothing.

    Args:
        ax: where to draw.
        rows: of one game, as in the table.
        cell: of these rows.
        styles: looks of each method.
    """
    plot_untrained(ax, rows, cell.measure, styles.get(UNTRAINED, Style("0.5", "*", ":")))
    plot_runs(ax, cell.points, styles, factor=is_factor(cell.measure))
    if not cell.points["value"].notna().any():
        why = ", ".join(dict.fromkeys(cell.points["verdict"])) or "not measured"
        ax.text(0.5, 0.55, why, transform=ax.transAxes, ha="center", fontsize=SMALL, color="0.35")
    return ax


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """Figures of distillation on a game's own backgrounds and on some, and of other methods."""
    rows = [load_rows(tables, schema) for schema in (EMERGENCE, PROBES)]
    for name, columns in by_family(pd.concat(rows, ignore_index=True), NAME).items():
        yield page(name, columns)


def page(name: str, columns: list[Panel]) -> Drawing:
    """One figure: a column for each game and set of training backgrounds, a row for each measure.

    Measures that no policy has are left out; the panels of the others share an axis.
    """
    styles = method_styles(method for column in columns for method in column.rows["method"])
    cells = {one: [cell_of(column.rows, one) for column in columns] for one in MEASURES}
    cells = {one: some for one, some in cells.items() if any(len(cell.points) for cell in some)}
    figure = Figure(figsize=(PAGE_WIDTH, 1.2 + 0.86 * len(cells)))
    axes = figure.subplots(len(cells), len(columns), squeeze=False, sharex="col", sharey="row")
    for line, (measure, some) in zip(axes, cells.items(), strict=True):
        for ax, column, cell in zip(line, columns, some, strict=True):
            plot(ax, column.rows, cell, styles)
        line[0].set_ylabel(MEASURES[measure], fontsize=SMALL)
        gone = [cell.points.loc[cell.points["value"].isna(), "method"].nunique() for cell in some]
        _scale(line[0], max(gone), factor=measure in FACTORS)
    for ends, column in zip(axes.T, columns, strict=True):
        ends[0].set_title(column.title)
        ends[-1].set_xlabel("steps of a policy")
    figure.align_ylabels(axes[:, 0])
    _legend(figure, styles)
    return Drawing(name, figure, _shown(columns, cells))


def _scale(ax: Axes, crosses: int, *, factor: bool) -> None:
    """The axis that a row shares, with room for the crosses of some methods."""
    if factor:
        ax.set_yscale("log")
    if crosses:
        leave_room(ax, crosses)
    if factor:
        show_factors(ax.yaxis, (0.25, 0.5, 1.0, 2.0, 4.0))


def _shown(columns: list[Panel], cells: dict[str, list[MeasurePoints]]) -> pd.DataFrame:
    """The points of all panels, and which panel they are in."""
    parts = [
        cell.points.assign(
            panel=column.title.replace("\n", " "), measure=measure, layer=cell.measure[1]
        )
        for measure, some in cells.items()
        for column, cell in zip(columns, some, strict=True)
    ]
    first = ["panel", "measure", "layer"]
    table = pd.concat(parts, ignore_index=True)
    return table[[*first, *table.columns.drop(first)]]


def _legend(figure: Figure, styles: dict[str, Style]) -> None:
    trained = {name: style for name, style in styles.items() if name != UNTRAINED}
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": 5, "handlelength": 3.2}
    figure.legend(
        handles=method_handles(trained, lines=True),
        **place,
        title="Line: mean over at least two runs, faint points behind it. Rings: one run, its "
        "peers averaged.\nDotted: untrained. Crosses: collapsed, undecided, vacuous or no log",
        title_fontsize=SMALL,
    )
