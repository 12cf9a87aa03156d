"""What varies at all: the table of ``python -m probes.variation``.

A factor that is the same in every state cannot be probed, and a background that never changes
cannot be ignored. For each game, which factors vary in play, on as many states as are asked for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.columns import GAME
from analysis.records.tables import Column, Schema
from analysis.scenes.bank import BankPlan, gather
from checkpoints.console import show_tables, watch
from checkpoints.world.games import Mode
from probes.factors.targets import measure
from probes.studies.questions import COMMON

SCHEMA = Schema(
    "variation",
    (
        GAME,
        Column("mode", "text", "Procgen's difficulty"),
        Column("factor", "text", "what a probe may ask for"),
        Column("role", "text", "task or nuisance"),
        Column("scope", "text", "picture, motion or level: what the factor is about"),
        Column("kind", "text", "number or class"),
        Column("states", "int", "states looked at", low=1),
        Column("present", "float", "share of them that have the factor", low=0, high=1),
        Column("values", "int", "different values among those", low=0),
        Column("commonest", "float", "share of the commonest value", low=0, high=1),
        Column("verdict", "text", "varies, low entropy, constant, or missing in all states"),
    ),
    key=("game", "mode", "factor"),
    command="probes.variation",
)
APART, PER_LEVEL = 32, 4
"""Steps between two states of an episode, and states of a level at most."""


def judge(values: np.ndarray) -> dict[str, Any]:
    """Columns ``present, values, commonest, verdict`` of one factor, ``(state,)``, NaN: missing."""
    there = values[~np.isnan(values)]
    counts = Counter(there.tolist())
    most = max(counts.values(), default=0) / max(len(there), 1)
    verdict = "varies" if most <= COMMON else "low entropy"
    if len(counts) < 2:
        verdict = "constant" if counts else "missing"
    return {
        "present": float(len(there) / len(values)),
        "values": len(counts),
        "commonest": float(most),
        "verdict": verdict,
    }


def rows_of(game: str, *, mode: Mode, states: int, seed: int) -> Iterator[dict[str, Any]]:
    """A row for each factor of one game."""
    plan = BankPlan(game, mode, num_states=states, seed=seed, thin=APART, per_level=PER_LEVEL)
    found = measure(game, gather(plan).states)
    for factor in found.factors:
        yield {
            "game": game,
            "mode": mode,
            "factor": factor.name,
            "role": factor.role,
            "scope": factor.scope,
            "kind": factor.kind,
            "states": states,
            **judge(found.values[factor.name]),
        }


def measure_games(games: Sequence[str], *, mode: Mode, states: int, seed: int) -> pd.DataFrame:
    """The table, game after game."""
    how: dict[str, Any] = {"mode": mode, "states": states, "seed": seed}
    rows = [row for game in watch(games, "playing each game") for row in rows_of(game, **how)]
    return pd.DataFrame(rows, columns=list(SCHEMA.names))


def constants() -> dict[str, Any]:
    """What decides the table and is no setting."""
    return {"steps_apart": APART, "states_per_level": PER_LEVEL, "most_common": COMMON}


def show(rows: pd.DataFrame) -> None:
    """Print a line for each game."""
    from rich.table import Table

    table = Table("game", "task factors", "vary", "do not vary", "nuisances that vary")
    for game, here in rows.groupby("game", sort=False):
        task, nuisance = (here[here["role"] == role] for role in ("task", "nuisance"))
        still = task.loc[task["verdict"] != "varies", "factor"]
        moved = nuisance.loc[nuisance["verdict"] == "varies", "factor"]
        counts = str(len(task)), str(len(task) - len(still))
        table.add_row(str(game), *counts, ", ".join(still) or "–", ", ".join(moved) or "none")
    show_tables(table)
