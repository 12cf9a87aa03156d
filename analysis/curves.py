"""Return against training steps, on training and on unseen levels: ``python -m analysis.curves``.

Gathers what training logged: the mean return of the last 100 training episodes, and of 64
episodes on levels that no training set contains, always the same ones. Intervals on unseen levels
are normal, from the standard error over those 64 levels; training episodes carry none, because
consecutive ones share a policy that is still moving.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.store import ZOO, find_policies, list_policies, policy_path, read_provenance
from checkpoints.world.games import get_game

SCHEMA = Schema(
    "curves",
    (
        Column("id", "text", "the run and its peer"),
        Column("game", "text", "one of the 16"),
        Column("mode", "text", "Procgen's difficulty"),
        Column("method", "text", "training recipe"),
        Column("seed", "int", "of the run", low=0),
        Column("peer", "int", "index within the group", low=0),
        Column("step", "int", "environment steps of this peer", "steps", low=0),
        Column("split", "text", "train or unseen levels"),
        Column("episode_return", "float", "mean undiscounted return", "reward"),
        Column("low", "float", "lower end of the 95 % interval", "reward"),
        Column("high", "float", "upper end of the 95 % interval", "reward"),
        Column("episodes", "int", "episodes averaged", low=0),
        Column("kept", "bool", "whether the policy of this step is shipped"),
        Column(
            "blind_return", "float", "of a policy that sees nothing (Cobbe et al. 2020)", "reward"
        ),
        Column("max_return", "float", "highest possible (Cobbe et al. 2020)", "reward"),
    ),
    key=("id", "split", "step"),
)


@dataclass(frozen=True)
class Settings:
    """Gather the return curves of every run under a folder into one table."""

    root: Path = ZOO
    """folder of runs: the zoo, or where training writes"""
    output: Path = Path("results")
    """folder that receives curves.csv"""
    overwrite: bool = False
    """replace a table that exists"""


def rows(root: Path, runs: Collection[PolicyId] = ()) -> pd.DataFrame:
    """One row per run, peer, step and split; columns as in ``SCHEMA``.

    Args:
        root: folder of runs.
        runs: only these, if any are given.

    Raises:
        UserError: no run under ``root``, or a run without its progress.csv.
    """
    kept = list_policies(root)
    if not kept:
        raise UserError(
            f"expected runs under {root}, found none; train one, or give another --root"
        )
    wanted = sorted(set(runs) or {k.run for k in kept})
    return pd.concat([_run_rows(root, run, kept) for run in wanted])


def _run_rows(root: Path, run: PolicyId, kept: list[PolicyId]) -> pd.DataFrame:
    path = root / str(run) / "progress.csv"
    if not path.is_file():
        raise UserError(f"expected the log of {run} at {path}; copy it there, or remove the run")
    progress = pd.read_csv(path)
    made = read_provenance(policy_path(root, find_policies(run, root)[0]))
    mode = made.settings().mode
    low, high = get_game(run.game).bounds(mode)
    shipped = {(k.peer, k.step) for k in kept if k.run == run}
    parts = []
    for split in ("train", "unseen"):
        part = progress.dropna(subset=[f"{split}_return"])
        error = part["unseen_error"] if split == "unseen" else float("nan")
        parts.append(
            pd.DataFrame(
                {
                    "id": [f"{run}/peer{peer}" for peer in part["peer"]],
                    "step": part["step"],
                    "peer": part["peer"],
                    "split": split,
                    "episode_return": part[f"{split}_return"],
                    "low": part[f"{split}_return"] - 1.96 * error,
                    "high": part[f"{split}_return"] + 1.96 * error,
                    "episodes": part[f"{split}_episodes"].astype(int),
                    "kept": [
                        pair in shipped for pair in zip(part["peer"], part["step"], strict=True)
                    ],
                }
            )
        )
    return pd.concat(parts).assign(
        game=run.game,
        mode=mode,
        method=run.method,
        seed=run.seed,
        blind_return=low,
        max_return=high,
    )


def main(settings: Settings) -> None:
    """Print the last point of every curve and write the table."""
    from rich.console import Console
    from rich.table import Column as Shown
    from rich.table import Table

    path = settings.output / "curves.csv"
    check_output(path, overwrite=settings.overwrite)
    frame = rows(settings.root)
    last = frame.sort_values("step").groupby(["id", "split"]).last().reset_index()
    table = Table(
        Shown("policy", no_wrap=True), "levels", "steps", "return", "95 % interval", "episodes"
    )
    for row in last.itertuples():
        interval = f"{row.low:.2f} to {row.high:.2f}" if row.split == "unseen" else "–"
        table.add_row(
            row.id,
            row.split,
            f"{row.step:,}",
            f"{row.episode_return:.2f}",
            interval,
            str(row.episodes),
        )
    Console().print(table)
    provenance = {"root": settings.root.name, "runs": sorted(set(frame["id"]))}
    print(write_table(frame, SCHEMA, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.curves")
