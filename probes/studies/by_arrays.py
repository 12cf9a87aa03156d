"""A factor read off arrays that a user brings, on levels held out of the fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.measures.hsic import check_states
from analysis.records.columns import interval as ends
from analysis.records.command import check_outputs, finish
from analysis.records.tables import Column, Schema
from analysis.scenes.arrays import EACH, ArraySettings, read_arrays
from analysis.scenes.cache import digest_of
from analysis.stats.clusters import Interval, cluster_weights
from checkpoints.console import UserError, path_of, show_tables, watch
from checkpoints.doors.arrays import ArrayLike, as_array, as_labels, read_array
from checkpoints.doors.reading import shown
from probes.readers.crossfit import Task, crossfit
from probes.readers.scores import balanced_accuracy, class_sums, interval, number_sums, r2
from probes.readers.scores import replicates as resampled
from probes.readers.splits import check_features, check_target, deal_folds

CLASSES = 20
"""Whole numbers of at most so many different values are classes; text and yes or no always are."""
# No command is named: the table is a user's, and no step of the workflow.
SCHEMA = Schema(
    "probes_arrays",
    (
        Column("array", "text", "file of the features"),
        Column("factor", "text", "file of what is read off them"),
        Column("kind", "text", "number, scored by R2, or class, by balanced accuracy"),
        Column("states", "int", "rows", low=2),
        Column("levels", "int", "levels that rows come from; 0 where none are given", low=0),
        Column("classes", "int", "classes told apart; 0 for numbers", low=0),
        Column("score", "float", "on levels, or rows, never fitted", high=1),
        *ends(high=1),
        Column("chance", "float", "score of a blind probe", low=0, high=1),
        Column("converged", "bool", "every fold's fit within tolerance"),
    ),
    key=("array",),
)


class Probe(NamedTuple):
    """What a linear reader finds of one factor in one array."""

    score: Interval
    """R² of numbers, balanced accuracy of classes; ends are NaN where levels are not known"""
    chance: float
    classes: int
    converged: bool


def probe(
    x: ArrayLike, values: Any, levels: Any = None, *, replicates: int = 500, seed: int = 0
) -> Probe:
    """Read one factor off features, on levels held out of the fit.

    Args:
        x: (n, d) features.
        values: (n,) the factor: floats are numbers; text, yes or no, and whole numbers of at most
            20 different values are classes. NaN: not known of this row.
        levels: (n,) the level of each state; None: rows are dealt into folds one by one, and there
            is no interval.
        replicates: bootstrap replicates over levels behind the interval.
        seed: of folds and bootstrap.

    Raises:
        UserError: unequal rows, features that are not finite, fewer than 5 levels, a factor that
            does not vary, numbers all equal without one of the folds, a class in one fold only.
    """
    features = as_array(x, "x")
    features = features if features.dtype.kind == "f" else features.astype(np.float64)
    check_features(features)
    of = np.arange(len(features)) if levels is None else as_labels(levels, "levels")
    factor = as_labels(values, "factor", missing=True)
    for other in (factor, of):
        check_states(len(features), len(other))
    folds = deal_folds(of, seed=seed)
    task = _task(factor, folds)
    held = crossfit(features, [task], folds)
    group, count = np.unique(of, return_inverse=True)[1], len(np.unique(of))
    weights = cluster_weights(of, replicates if levels is not None else 1, seed)
    predicted = held.predicted[:, 0]
    if task.k:
        sums = class_sums(task.values, predicted, group, count, task.k)
        score = interval(resampled(sums, weights, balanced_accuracy))
    else:
        sums = number_sums(task.values, predicted, group, count)
        score = interval(resampled(sums, weights, r2))
    if levels is None:
        score = Interval(score.estimate, np.nan, np.nan)
    return Probe(score, task.chance, task.k, bool(held.converged[0]))


def _task(values: np.ndarray, folds: np.ndarray) -> Task:
    kinds = np.unique(values)
    if len(kinds) < 2:
        raise UserError(
            f"factor: expected a factor that varies, got {shown(kinds[0].item())} in all "
            f"{len(values)} rows; take other rows, or leave it out"
        )
    numbers = values.dtype.kind == "f" or (values.dtype.kind in "iu" and len(kinds) > CLASSES)
    place = np.unique(values, return_inverse=True)[1].astype(float)
    found = values.astype(float) if numbers else place
    check_target("factor", found, folds, classes=not numbers)
    return Task("factor", found, 0 if numbers else len(kinds))


@dataclass(frozen=True)
class ProbeSettings(ArraySettings):
    """What decides the probing of arrays, and where its table goes."""

    factor: str = ""
    """a file of the factor of each row"""


def probe_arrays(settings: ProbeSettings, names: Sequence[str]) -> None:
    """Probe every array, write a table, print it, and say what could not be given.

    Raises:
        UserError: no factor; arrays, factor or levels that do not fit; nothing is written.
    """
    check_outputs(settings, (SCHEMA,))
    if not settings.factor:
        raise UserError("expected --factor y.npy, what is to be read off each row; give one")
    arrays = read_arrays(names, settings.levels)
    values = read_array(path_of(settings.factor), "values of a factor", text=True)
    if values.shape != (arrays.states,):
        raise UserError(
            f"{settings.factor}: expected the factor of each of {arrays.states:,} rows, shape "
            f"({arrays.states},), got {values.shape}; save one value a row"
        )

    def rows() -> Iterator[dict[str, Any]]:
        labels = arrays.levels
        for name, x in watch(list(arrays.features.items()), "probing arrays"):
            found = probe(x, values, labels, replicates=settings.replicates, seed=settings.seed)
            yield {
                "array": name,
                "factor": settings.factor,
                "kind": "class" if found.classes else "number",
                "states": len(x),
                "levels": 0 if labels is None else len(np.unique(labels)),
                "classes": found.classes,
                "score": found.score.estimate,
                "low": found.score.low,
                "high": found.score.high,
                "chance": found.chance,
                "converged": found.converged,
            }

    arrays.files["factor"] = digest_of(path_of(settings.factor))
    frame = pd.DataFrame(list(rows()), columns=list(SCHEMA.names))
    finish(settings, (SCHEMA,), (frame,), lambda: show(frame), **arrays.provenance)


def show(frame: pd.DataFrame) -> None:
    """Print a line for each array, then what could not be given and why."""
    from rich.table import Table

    what = "balanced accuracy" if frame["classes"].iloc[0] else "R²"
    table = Table("array", what, "95 %", "chance", title=Path(frame["factor"].iloc[0]).name)
    for row in frame.itertuples():
        span = "–" if np.isnan(row.low) else f"[{row.low:.3f}, {row.high:.3f}]"
        table.add_row(Path(row.array).name, f"{row.score:.3f}", span, f"{row.chance:.3f}")
    show_tables(table)
    if not frame["levels"].iloc[0]:
        print(
            "No interval, and rows of one level may be on both sides of a fold, which flatters a "
            f"score: --levels levels.npy names them; --levels {EACH} takes every row for one."
        )
