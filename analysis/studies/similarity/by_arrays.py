"""Arrays that a user brings, compared by CKA in pairs: what policies get, without policies."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.measures.by_level import cka_levels
from analysis.measures.chance import calibrate
from analysis.measures.cka import cka
from analysis.measures.level_moments import turned_cka
from analysis.measures.rings import Rings, level_rings
from analysis.records.columns import ends_of, interval
from analysis.records.command import check_outputs, finish
from analysis.records.tables import Column, Schema
from analysis.scenes.arrays import EACH, Arrays, ArraySettings, read_arrays
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError, say, show_tables

PERMUTATIONS = 199
"""Of levels behind chance and p."""
MOST = 4 * 2**30
"""Bytes that the interval may take: its matrices have a row and a column for each state."""
SMALLER = 20_000
"""Of rows and features the smaller number at most: CKA takes a matrix of that size."""
# No command is named: the table is a user's, and no step of the workflow.
SCHEMA = Schema(
    "cka_arrays",
    (
        Column("x", "text", "file of one array"),
        Column("y", "text", "file of the other one"),
        Column("states", "int", "rows", low=4),
        Column("features_x", "int", "columns of x", low=1),
        Column("features_y", "int", "columns of y", low=1),
        Column("levels", "int", "levels that rows come from; 0 where none are given", low=0),
        Column("cka", "float", "unbiased; over tuples of distinct levels where levels are given"),
        *interval(),
        Column("cka_biased", "float", "Kornblith et al. 2019, for comparison", low=0, high=1),
        Column("chance", "float", "mean after permutations of levels"),
        Column("threshold", "float", "what 5 % of permutations exceed"),
        Column("p", "float", "of as large a value by chance", low=0, high=1),
    ),
    key=("x", "y"),
)


def compare_arrays(settings: ArraySettings, names: Sequence[str]) -> None:
    """Compare every pair of arrays, write a table, print it, and say what could not be given.

    Args:
        settings: how, and where the table goes.
        names: files of one array each, rows of the same states.

    Raises:
        UserError: arrays or levels that do not fit, or are too large; nothing is written.
    """
    check_outputs(settings, (SCHEMA,))
    arrays = read_arrays(names, settings.levels, least=2)
    _check_size(arrays)
    rows = list(_rows(arrays, settings.replicates, settings.seed))
    frame = pd.DataFrame(rows, columns=list(SCHEMA.names))
    more = {**arrays.provenance, "permutations": PERMUTATIONS}
    finish(settings, (SCHEMA,), (frame,), lambda: show(frame), **more)


def _check_size(arrays: Arrays) -> None:
    n = arrays.states
    for name, x in arrays.features.items():
        if min(x.shape) > SMALLER:
            raise UserError(
                f"{name}: expected at most {SMALLER:,} rows or {SMALLER:,} features, got {x.shape};"
                " take fewer states"
            )
    if arrays.levels is None:
        return
    G = len(np.unique(arrays.levels))
    needed = 8 * (3 * n * n + 3 * n * G + 4 * G * G)
    if needed > MOST:
        raise UserError(
            f"expected rows and levels whose interval takes at most {MOST / 2**30:.0f} GiB, got "
            f"{n:,} rows of {G:,} levels, which take {needed / 2**30:.1f}; take fewer rows, or "
            "leave --levels out: then there is no interval"
        )


def _rows(arrays: Arrays, replicates: int, seed: int) -> Iterator[dict[str, Any]]:
    labels = arrays.levels
    rings = None if labels is None else _rings(labels, seed)
    for (name_x, x), (name_y, y) in combinations(arrays.features.items(), 2):
        row: dict[str, Any] = {
            "x": name_x,
            "y": name_y,
            "states": len(x),
            "features_x": x.shape[1],
            "features_y": y.shape[1],
            "levels": 0,
            "cka": cka(x, y) if labels is None else np.nan,
            "cka_biased": cka(x, y, biased=True),
            **dict.fromkeys(("low", "high", "chance", "threshold", "p"), np.nan),
        }
        if labels is not None:
            weights = cluster_weights(labels, replicates, seed)
            draws = cka_levels([x], [y], labels, weights)[:, 0, 0]
            low, high = ends_of(draws)
            row |= {"levels": weights.shape[1], "cka": draws[0], "low": low, "high": high}
        if labels is not None and rings is not None:
            null = turned_cka(x, y, labels, rings)
            found = calibrate(null[:1, None], null[1:, None, None])
            row |= {name: getattr(found, name)[0, 0] for name in ("chance", "threshold", "p")}
        yield row


def _rings(levels: np.ndarray, seed: int) -> Rings | None:
    try:
        return level_rings(levels, PERMUTATIONS, seed)
    except UserError as error:
        say(f"no chance level and no p: {error}")
        return None


def show(frame: pd.DataFrame) -> None:
    """Print a line for each pair, then what could not be given and why."""
    from rich.table import Table

    first = frame.iloc[0]
    of = f", {first.levels:,} levels" if first.levels else ""
    table = Table("x", "y", "CKA", "95 %", "chance", "p", title=f"CKA, {first.states:,} states{of}")
    for row in frame.itertuples():
        ends = "–" if np.isnan(row.low) else f"[{row.low:.3f}, {row.high:.3f}]"
        chance, p = (("–" if np.isnan(v) else f"{v:.3f}") for v in (row.chance, row.p))
        table.add_row(Path(row.x).name, Path(row.y).name, f"{row.cka:.3f}", ends, chance, p)
    show_tables(table, keys=2)
    if not first.levels:
        print(
            "No interval, no chance level and no p: rows of one level hang together, and none "
            f"were given. --levels levels.npy names them; --levels {EACH} takes every row for one."
        )
