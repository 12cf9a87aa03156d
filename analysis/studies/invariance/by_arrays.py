"""Invariance of arrays that a user brings: states x variants x features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from analysis.measures.icc import measure
from analysis.records.columns import estimate, filled
from analysis.records.command import check_outputs, finish
from analysis.records.tables import Column, Schema
from analysis.scenes.arrays import EACH, Arrays, ArraySettings, read_arrays
from checkpoints.console import UserError, show_tables, watch
from checkpoints.doors.numbers import whole

AXES = ("states", "variants", "features")
# No command is named: the table is a user's, and no step of the workflow.
SCHEMA = Schema(
    "invariance_arrays",
    (
        Column("array", "text", "its file"),
        Column("states", "int", "first axis", low=2),
        Column("variants", "int", "second axis: renderings of each state", low=2),
        Column("features", "int", "third axis", low=1),
        Column("levels", "int", "levels that states come from; 0 where none are given", low=0),
        *estimate("icc", "ICC(2,1): 1 invariant, 0 blind to the state", high=1),
        *estimate("icc_one_way", "ICC(1,1): depends on the number of variants", low=-1, high=1),
        Column("effective_rank", "float", "directions that the array varies along", low=0),
        Column("dead_share", "float", "features with one value everywhere", low=0, high=1),
        Column("norm", "float", "mean norm of a rendering", "activation", low=0),
        Column("spread", "float", "standard deviation / root mean square norm", low=0, high=1),
        Column("verdict", "text", "ok; collapsed: no ICC"),
    ),
    key=("array",),
)
ENDS = tuple(f"{name}_{end}" for name in ("icc", "icc_one_way") for end in ("low", "high"))
"""Columns that stay blank where no level is given."""


@dataclass(frozen=True)
class Twinned(ArraySettings):
    """What decides the invariance of arrays, and where its table goes."""

    replicates: Annotated[int, whole(20, 10**5)] = 1000


def measure_arrays(settings: Twinned, names: Sequence[str]) -> None:
    """Measure every array, write a table, print it, and say what could not be given.

    Args:
        settings: how, and where the table goes.
        names: files of one array each, states x variants x features, of the same states.

    Raises:
        UserError: arrays or levels that do not fit, a single variant; nothing is written.
    """
    check_outputs(settings, (SCHEMA,))
    arrays = read_arrays(names, settings.levels, axes=AXES)
    for name, x in arrays.features.items():
        if len(x) < 2 or x.shape[1] < 2:
            raise UserError(
                f"{name}: expected at least 2 states of at least 2 variants, got {x.shape}; draw "
                "each state twice, or nothing can be said of what stays"
            )
    rows = list(_rows(arrays, settings))
    frame = pd.DataFrame(rows, columns=list(SCHEMA.names))
    finish(settings, (SCHEMA,), (frame,), lambda: show(frame), **arrays.provenance)


def _rows(arrays: Arrays, settings: Twinned) -> Iterator[dict[str, Any]]:
    labels = arrays.levels
    for name, x in watch(list(arrays.features.items()), "measuring arrays"):
        found = measure(x, labels, replicates=settings.replicates, seed=settings.seed)
        row: dict[str, Any] = {
            "array": name,
            "states": found.states,
            "variants": found.backgrounds,
            "features": x.shape[2],
            "levels": 0 if labels is None else found.levels,
            **filled("icc", found.icc),
            **filled("icc_one_way", found.one_way),
            "effective_rank": found.effective_rank,
            "dead_share": found.dead_share,
            "norm": found.norm,
            "spread": found.spread,
            "verdict": found.verdict,
        }
        if labels is None:
            row |= dict.fromkeys(ENDS, np.nan)
        yield row


def show(frame: pd.DataFrame) -> None:
    """Print a line for each array, then what could not be given and why."""
    from rich.table import Table

    table = Table("array", "variants", "ICC", "95 %", "effective rank", "verdict")
    for row in frame.itertuples():
        ends = "–" if np.isnan(row.icc_low) else f"[{row.icc_low:.3f}, {row.icc_high:.3f}]"
        icc = "–" if np.isnan(row.icc) else f"{row.icc:.3f}"
        name, rank = Path(row.array).name, f"{row.effective_rank:.1f}"
        table.add_row(name, str(row.variants), icc, ends, rank, row.verdict)
    show_tables(table)
    if not frame["levels"].iloc[0]:
        print(
            "No interval: states of one level hang together, and none were given. --levels "
            f"levels.npy names them; --levels {EACH} takes every state for one."
        )
