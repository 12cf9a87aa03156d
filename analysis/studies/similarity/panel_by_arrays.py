"""Arrays that a user brings, compared in pairs by every measure that asks for features alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from analysis.measures.chance import calibrate, level_permutations, permuted
from analysis.measures.panel import (
    ANGLE_OF,
    MEASURES,
    PROFILES,
    PolicyLayers,
    Prepared,
    Setup,
    alignments,
    angle,
    cosines,
    profiles,
)
from analysis.measures.profiles import Pairs, resampled
from analysis.records.columns import interval
from analysis.records.command import check_outputs, finish
from analysis.records.tables import Column, Schema
from analysis.scenes.arrays import EACH, Arrays, ArraySettings, read_arrays
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.compared import replicate_ends
from analysis.studies.similarity.settings import OfPanel
from checkpoints.console import UserError, say, show_tables, watch

OF_PICTURES = ("cka_deconfounded", "cka_one_background")
"""Measures that take the pictures, or other renderings of them, and so are none of arrays."""
MOST = 6 * 2**30
"""Bytes that the comparison may take."""
# No command is named: the table is a user's, and no step of the workflow.
SCHEMA = Schema(
    "similarity_arrays",
    (
        Column("x", "text", "file of one array"),
        Column("y", "text", "file of the other one"),
        Column("measure", "text", "row of the property table, analysis.measures.panel.MEASURES"),
        Column("states", "int", "rows", low=4),
        Column("features_x", "int", "columns of x", low=1),
        Column("features_y", "int", "columns of y", low=1),
        Column("levels", "int", "levels that rows come from; 0 where none are given", low=0),
        Column("value", "float", "of the measure; cka_angular in radians, 0 where equal"),
        *interval(),
        Column("chance", "float", "mean after permutations of levels; none for spectra"),
        Column("threshold", "float", "what 5 % of permutations exceed"),
        Column("p", "float", "of as large a value by chance", low=0, high=1),
    ),
    key=("x", "y", "measure"),
)
Couple = tuple[str, str]
Numbers = dict[str, float]


@dataclass(frozen=True)
class PanelSettings(OfPanel, ArraySettings):
    """What decides the panel of arrays, and where its table goes."""


def compare_arrays(settings: PanelSettings, names: Sequence[str]) -> None:
    """Compare every pair of arrays, write a table, print it, and say what could not be given.

    Args:
        settings: how, and where the table goes.
        names: files of one array each, rows of the same states.

    Raises:
        UserError: arrays or levels that do not fit, fewer than 4 levels, or rows, if they have no
            levels, or too many rows; nothing is written.
    """
    check_outputs(settings, (SCHEMA,))
    arrays = read_arrays(names, settings.levels, least=2)
    _check_size(arrays)
    frame = pd.DataFrame(list(_rows(arrays, settings)), columns=list(SCHEMA.names))
    finish(settings, (SCHEMA,), (frame,), lambda: show(frame), **arrays.provenance)


def _check_size(arrays: Arrays) -> None:
    """Kernel matrices at work and lists of pairs; of each array its kernel and its profile."""
    needed = arrays.states**2 * (64 + 8 * len(arrays.features))
    if needed > MOST:
        raise UserError(
            f"expected arrays whose pairs of rows take at most {MOST / 2**30:.0f} GiB, got "
            f"{len(arrays.features)} of {arrays.states:,} rows, which take {needed / 2**30:.1f}; "
            "take fewer rows, or ask analysis.cka, which does without pairs of rows"
        )


def _rows(arrays: Arrays, settings: PanelSettings) -> Iterator[dict[str, Any]]:
    labels, features = arrays.levels, arrays.features
    pairs = Pairs.of(np.arange(arrays.states) if labels is None else labels)
    # Nothing here is explained by pictures.
    setup = Setup(pairs, np.zeros(0), settings.neighbours, settings.bandwidth, settings.keep)
    weights = moves = None
    if labels is not None:
        weights = cluster_weights(labels, settings.replicates, settings.seed)
        try:
            moves = level_permutations(labels, settings.permutations, settings.seed)
        except UserError as error:
            say(f"no chance levels and no p: {error}")
    found = compare_pairs(features, setup, weights, moves)
    for x, y in combinations(features, 2):
        for measure in (one.name for one in MEASURES if one.name not in OF_PICTURES):
            yield {
                "x": x,
                "y": y,
                "measure": measure,
                "states": arrays.states,
                "features_x": features[x].shape[1],
                "features_y": features[y].shape[1],
                "levels": 0 if labels is None else int(pairs.group.max()) + 1,
                **dict.fromkeys(("low", "high", "chance", "threshold", "p"), np.nan),
                **found[x, y][measure],
            }


def compare_pairs(
    features: Mapping[str, Float[np.ndarray, "n _"]],
    setup: Setup,
    weights: Int[np.ndarray, "R G"] | None,
    moves: Int[np.ndarray, "B n"] | None,
) -> dict[Couple, dict[str, Numbers]]:
    """Every pair of arrays by every measure: its value, and what is known of its uncertainty.

    Args:
        features: name -> features of the same states.
        setup: which pairs of states, and the settings of measures.
        weights: from :func:`analysis.stats.clusters.cluster_weights`; None: no intervals.
        moves: from :func:`analysis.measures.chance.level_permutations`; None: no chance.
    """
    looks = {
        name: PolicyLayers((name,), [x], [x], np.zeros(len(x), dtype=np.int64))
        for name, x in features.items()
    }
    ready = {name: Prepared(look) for name, look in looks.items()}
    found: dict[Couple, dict[str, Numbers]] = {couple: {} for couple in combinations(features, 2)}
    wanted = [name for name in PROFILES if name not in OF_PICTURES]
    for measure in watch(wanted, "comparing by each measure"):
        pairs, rows = profiles(ready, measure, setup)
        for (x, y), cells in found.items():
            p, q = rows[x], rows[y]
            value, draws = cosines(p, q), None
            if weights is not None:
                draws = resampled(p[0], q[0], pairs, weights)
            cells[measure] = _cell(value, draws)
            if measure == ANGLE_OF:
                cells["cka_angular"] = _cell(angle(value), None if draws is None else angle(draws))
            if moves is not None:
                null = permuted(np.nan_to_num(p), np.nan_to_num(q), pairs, moves)
                chance = calibrate(value, null)
                names = ("chance", "threshold", "p")
                cells[measure] |= {name: float(getattr(chance, name)[0, 0]) for name in names}
        del rows  # before the next measure's are made
    spectra = {name: ready.pop(name).spectra(setup.keep) for name in features}
    for (x, y), cells in found.items():
        aligned = alignments(spectra[x], spectra[y])
        cells.update({name: _cell(value, None) for name, value in aligned.items()})
    return found


def _cell(value: Float[np.ndarray, "1 1"], draws: Float[np.ndarray, " R"] | None) -> Numbers:
    low, high = replicate_ends(draws, ())
    return {"value": float(value[0, 0]), "low": float(low), "high": float(high)}


def show(frame: pd.DataFrame) -> None:
    """Print a line for each pair and measure, then what could not be given and why."""
    from rich.table import Table

    first = frame.iloc[0]
    of = f", {first.levels:,} levels" if first.levels else ""
    title = f"{first.states:,} states{of}"
    table = Table("x", "y", "measure", "value", "95 %", "chance", "p", title=title)
    for (x, y), rows in frame.groupby(["x", "y"], sort=False):
        names = Path(str(x)).name, Path(str(y)).name
        for row in rows.itertuples():
            ends = "–" if np.isnan(row.low) else f"[{row.low:.3f}, {row.high:.3f}]"
            cells = ("–" if np.isnan(v) else f"{v:.3f}" for v in (row.value, row.chance, row.p))
            value, chance, p = cells
            table.add_row(*names, row.measure, value, ends, chance, p)
        table.add_section()
    show_tables(table, keys=3)
    if not first.levels:
        print(
            "No intervals, no chance levels and no p: rows of one level hang together, and none "
            f"were given. --levels levels.npy names them; --levels {EACH} takes every row for one."
        )
    if frame["value"].isna().any():
        print(
            "–: not defined. The array varies in single rows only, or SVCCA and PWCCA have more "
            "directions than rows: give more rows or a lower --keep"
        )
    print(f"Not of arrays: {' and '.join(OF_PICTURES)}, which take pictures of the states.")
