"""Measures at every kept step: the form that tables of training have, and the cells they hold."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.records.columns import GAME, OVER_LEVELS, POLICY, estimate, filled, interval
from analysis.records.tables import Column, Schema, read_table
from checkpoints.policy.ids import PolicyId

RETURN = "return"
"""The measure that all others are held against: return on unseen levels."""
OK = "ok"
_WHAT = (
    Column("measure", "text", "see the command's help"),
    Column("layer", "text", "of its encoder, or what else the measure is about"),
)
VALUES = (
    *POLICY,
    *_WHAT,
    Column("value", "float", "estimate, in the measure's own unit"),
    *interval(over=f"{OVER_LEVELS}, of decisions and unseen ICC over backgrounds too"),
    Column("verdict", "text", "ok, or why there is no value"),
)
ONSETS = (
    GAME,
    Column("scope", "text", "policy; method: mean over runs, of which peers are one; run: lost"),
    Column("id", "text", "run and peer, game and method, or run"),
    Column("method", "text", "training recipe"),
    *_WHAT,
    Column("runs", "int", "seeds", low=1),
    Column("kept_steps", "int", "kept steps with a value, fewest of the policies", low=0),
    Column("first", "int", "first of them: an onset at it may lie before", "steps", low=0),
    Column("last", "int", "last kept step", "steps", low=0),
    Column("start", "float", "value of untrained networks, mean"),
    Column("end", "float", "value at the last step"),
    Column("onset", "float", "step with half of the way covered", "steps", low=0),
    *interval("low", "high", over="levels and networks; of methods runs too", unit="steps", low=0),
    Column("verdict", "text", "ok, or what stands in the way of an onset"),
    Column("lag", "float", "its onset after that of the return; below 0: before", "octaves"),
    *interval("lag_low", "lag_high", over="the same", unit="octaves"),
    Column("lag_verdict", "text", "ok, or what stands in the way of a lag"),
    Column("rho", "float", "Spearman of its and the return's increments", low=-1, high=1),
    Column("increments", "int", "behind it, fewest of the policies", low=0),
    Column("detectable", "float", "the smallest such |rho| with p < .05", low=0, high=1),
)


def values_schema(name: str, command: str = "") -> Schema:
    """A value with its interval for each policy, step, measure and layer."""
    return Schema(name, VALUES, key=("id", "measure", "layer"), command=command)


def onsets_schema(name: str, command: str = "") -> Schema:
    """An onset, a lag and a correlation for each policy or method, measure and layer."""
    return Schema(name, ONSETS, key=("id", "measure", "layer"), command=command)


EMERGENCE = values_schema("emergence", command="analysis.emergence")
EMERGENCE_ONSETS = onsets_schema("emergence_onsets", command="analysis.emergence")
PROBES_STEPS = values_schema("probes_steps", command="probes.steps")
SAMPLES = values_schema("samples", command="analysis.samples")
OF_PEERS = "cka", "agreement", "agreement_chance", "shift"
SAMPLES_PEERS = Schema(
    "samples_peers",
    (
        GAME,
        Column("method", "text", "training recipe"),
        Column("measure", "text", f"{', '.join(OF_PEERS)}, as in samples_pairs"),
        Column("value_peers", "float", "mean over runs, of peers"),
        Column("value_apart", "float", "mean over pairs of policies trained apart"),
        *estimate(
            "difference",
            "peers less pairs trained apart",
            over="Student's over runs, of pseudo-values",
        ),
        Column("runs", "int", "with peers", low=1),
    ),
    key=("game", "method", "measure"),
    command="analysis.samples",
)
"""Of studies that load torch: whoever reads their tables need not."""


OVER_BLIND = "return_over_blind"
"""Return on unseen levels less that of the policy's own mix of actions, drawn without looking."""
ONE_LEFT_OUT = "_without"
"""Ends the name of a measure, of buttons or of the last layer, with one background left out, which
stands in the place of a layer."""


class Cell(NamedTuple):
    """A measure at one step."""

    draws: Float[np.ndarray, " r"]
    """the estimate, then the replicates; NaN unless the verdict is ok"""
    verdict: str = OK


Cells = dict[tuple[str, str], Cell]
"""(measure, layer) -> what one policy has of it at one step"""
Starts = dict[tuple[str, str], Float[np.ndarray, "network r"]]
"""(measure, layer) -> the estimate and the replicates of each of some untrained networks"""


def value_row(policy: PolicyId, measure: str, layer: str, cell: Cell) -> dict[str, Any]:
    """One row of :data:`VALUES`."""
    peer, step = policy.peer or 0, policy.step or 0
    return {
        **{"game": policy.game, "id": str(policy), "method": policy.method, "seed": policy.seed},
        **{"peer": peer, "step": step, "measure": measure, "layer": layer},
        **filled("value", cell.draws, "low", "high"),
        "verdict": cell.verdict,
    }


def value_tables(folder: Path) -> dict[Path, Schema]:
    """The tables that hold values: emergence.csv, and others where they are there."""
    there = ((folder / f"{one.name}.csv", one) for one in (EMERGENCE, PROBES_STEPS, SAMPLES))
    return {path: one for path, one in there if one is EMERGENCE or path.exists()}


def read_values(folder: Path) -> pd.DataFrame:
    """Rows of emergence.csv, and of probes_steps.csv and samples.csv where they are there.

    Raises:
        UserError: no emergence.csv, or one of them is no such table.
    """
    return latest(read_table(path, schema) for path, schema in value_tables(folder).items())


def latest(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of values in one; of what two of them hold, the last counts.

    The samples come last: they draw backgrounds anew for all that they say of decisions, emergence
    does so for its later runs alone; the values are the same.
    """
    together = pd.concat(list(tables), ignore_index=True)
    return together.drop_duplicates(["id", "measure", "layer"], keep="last")
