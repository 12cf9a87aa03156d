"""Return curves of runs, from the logs that training left beside their policies."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from analysis.records.columns import GAME, NORMAL, interval
from analysis.records.logs import read_log
from analysis.records.tables import Column, Schema
from checkpoints.console import UserError, show_tables, watch
from checkpoints.doors.places import STUDY
from checkpoints.doors.reading import short_hash
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.shipped import LOGGED, usual_policies
from checkpoints.policy.store import ZOO, list_policies, policy_path, read_provenance
from checkpoints.runs.folder import PROGRESS
from checkpoints.runs.study import read_study
from checkpoints.world.games import Mode, get_game

SCHEMA = Schema(
    "curves",
    (
        Column("id", "text", "the run and its peer"),
        GAME,
        Column("mode", "text", "Procgen's difficulty"),
        Column("method", "text", "training recipe"),
        Column("seed", "int", "of the run", low=0),
        Column("peer", "int", "index within the group", low=0),
        Column("step", "int", "environment steps of this peer", "steps", low=0),
        Column("split", "text", "train or unseen levels"),
        Column("episode_return", "float", "mean undiscounted return", "reward"),
        *interval(over="the mean, normal", unit="reward"),
        Column("episodes", "int", "episodes averaged", low=0),
        Column("kept", "bool", "whether the policy of this step is shipped"),
        Column(
            "blind_return",
            "float",
            "R_min: trained with masked observations (Cobbe 2020)",
            "reward",
        ),
        Column("max_return", "float", "R_max: the highest possible (Cobbe 2020)", "reward"),
    ),
    key=("id", "split", "step"),
    command="analysis.curves",
)


def curve_rows(root: Path, runs: Collection[PolicyId] = ()) -> pd.DataFrame:
    """One row per run, peer, step and split; columns as in :data:`SCHEMA`.

    Args:
        root: folder of runs.
        runs: only these; if none are given, those surveyed of the zoo with those of which the log
            alone is shipped, and all of another folder.

    Raises:
        UserError: no run under ``root``, or a run without its progress.csv.
    """
    kept = list_policies(root)
    if not kept:
        raise UserError(
            f"expected runs under {root}, found none; train one, or give another --root"
        )
    alone = {parse_id(name) for name in LOGGED if root.resolve() == ZOO.resolve()}
    wanted = sorted(set(runs) or {one.run for one in usual_policies(root)} | alone)
    return pd.concat([_run_rows(root, run, kept) for run in watch(wanted, "reading logs")])


def logs_of(root: Path, frame: pd.DataFrame) -> dict[str, str]:
    """Run of the rows -> hash of the log that they are from."""
    runs = sorted({parse_id(name).run for name in frame["id"]})
    return {str(run): short_hash(root / str(run) / PROGRESS) for run in runs}


def _run_rows(root: Path, run: PolicyId, kept: list[PolicyId]) -> pd.DataFrame:
    path = root / str(run) / PROGRESS
    if not path.is_file():
        raise UserError(f"expected the log of {run} at {path}; copy it there, or remove the run")
    progress = read_log(path)
    mode = _mode(root, run, kept)
    low, high = get_game(run.game).bounds(mode)
    shipped = {(k.peer, k.step) for k in kept if k.run == run}
    parts = [_split_rows(run, progress, split, shipped) for split in ("train", "unseen")]
    return pd.concat(parts).assign(
        game=run.game,
        mode=mode,
        method=run.method,
        seed=run.seed,
        blind_return=low,
        max_return=high,
    )


def _mode(root: Path, run: PolicyId, kept: list[PolicyId]) -> Mode:
    """Procgen's difficulty: as a policy of the run says, or the study where no policy is kept."""
    policy = next((one for one in kept if one.run == run), None)
    if policy is not None:
        return read_provenance(policy_path(root, policy)).settings().mode
    return next(one.recipe.mode for one in read_study(STUDY) if one.id == run)


def _split_rows(
    run: PolicyId, progress: pd.DataFrame, split: str, shipped: set[tuple[int | None, int | None]]
) -> pd.DataFrame:
    """What the log says of training or of unseen levels."""
    part = progress.dropna(subset=[f"{split}_return"])
    # The log holds no error of training episodes.
    error = part["unseen_error"] if split == "unseen" else float("nan")
    return pd.DataFrame(
        {
            "id": [f"{run}/peer{peer}" for peer in part["peer"]],
            "step": part["step"],
            "peer": part["peer"],
            "split": split,
            "episode_return": part[f"{split}_return"],
            "low": part[f"{split}_return"] - NORMAL * error,
            "high": part[f"{split}_return"] + NORMAL * error,
            "episodes": part[f"{split}_episodes"].astype(int),
            "kept": [pair in shipped for pair in zip(part["peer"], part["step"], strict=True)],
        }
    )


def show(frame: pd.DataFrame) -> None:
    """Print the last point of every curve."""
    from rich.table import Column as Shown
    from rich.table import Table

    last = frame.sort_values("step").groupby(["id", "split"]).last().reset_index()
    table = Table(
        Shown("policy", no_wrap=True), "levels", "steps", "return", "95 % interval", "episodes"
    )
    for row in last.itertuples():
        ends = f"{row.low:.2f} to {row.high:.2f}" if row.split == "unseen" else "–"
        value = f"{row.episode_return:.2f}"
        table.add_row(row.id, row.split, f"{row.step:,}", value, ends, str(row.episodes))
    show_tables(table)
