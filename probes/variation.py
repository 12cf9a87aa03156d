"""What varies at all: ``python -m probes.variation``.

A factor that is the same in every state cannot be probed, and a background that never changes
cannot be ignored. For each game, which factors vary in play, on as many states as are asked for.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import run_command
from checkpoints.world.games import GAMES, Mode, get_game
from probes.questions import COMMON

SCHEMA = Schema(
    "variation",
    (
        Column("game", "text", "one of the 16"),
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
)


@dataclass(frozen=True)
class Settings:
    """Which factors of each game vary in random play, and so can be probed at all."""

    games: Positional[tuple[str, ...]] = ()
    """games to look at; none takes all 16"""
    mode: Mode = "easy"
    """Procgen's difficulty"""
    states: int = 200
    """states of each game, at most 4 a training level"""
    seed: int = 0
    """of the levels and the random actions"""
    output: Path = Path("results")
    """folder that receives variation.csv"""
    overwrite: bool = False
    """replace a table that exists"""


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


def rows_of(game: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """A row for each factor of one game."""
    from analysis.scenes.bank import BankPlan, gather
    from probes.targets import measure

    plan = BankPlan(
        game, settings.mode, num_states=settings.states, seed=settings.seed, thin=32, per_level=4
    )
    found = measure(game, gather(plan).states)
    for factor in found.factors:
        yield {
            "game": game,
            "mode": settings.mode,
            "factor": factor.name,
            "role": factor.role,
            "scope": factor.scope,
            "kind": factor.kind,
            "states": settings.states,
            **judge(found.values[factor.name]),
        }


def show(rows: pd.DataFrame) -> None:
    """Print a line for each game."""
    from rich.console import Console
    from rich.table import Table

    table = Table("game", "task factors", "vary", "do not vary", "nuisances that vary")
    for game, here in rows.groupby("game", sort=False):
        task, nuisance = (here[here["role"] == role] for role in ("task", "nuisance"))
        still = task.loc[task["verdict"] != "varies", "factor"]
        moved = nuisance.loc[nuisance["verdict"] == "varies", "factor"]
        counts = str(len(task)), str(len(task) - len(still))
        table.add_row(str(game), *counts, ", ".join(still) or "–", ", ".join(moved) or "none")
    Console().print(table)


def main(settings: Settings) -> None:
    """Look at every game, print a table and write it."""
    from rich.console import Console
    from rich.progress import track

    games = [get_game(name).name for name in dict.fromkeys(settings.games)] or list(GAMES)
    path = settings.output / "variation.csv"
    check_output(path, overwrite=settings.overwrite)
    rows: list[dict[str, Any]] = []
    for game in track(games, "playing", console=Console(stderr=True), transient=True):
        rows.extend(rows_of(game, settings))
    frame = pd.DataFrame(rows)
    show(frame)
    provenance = {"states": settings.states, "seed": settings.seed}
    print(write_table(frame, SCHEMA, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes.variation")
