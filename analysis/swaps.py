"""Does the wallpaper cost reward? Returns with the background re-drawn, on the same levels.

``python -m analysis.swaps`` plays every shipped policy from the same first states three times: on
each level's own background, on another one for the whole episode, and on another one every step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from analysis.scenes.episodes import SWAPS, Played, Pool, Stage, pool_of
from analysis.stats.clusters import Interval, cluster_interval
from checkpoints.console import UserError, run_command
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject

SCHEMA = Schema(
    "swaps",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("seed", "int", "of its training", low=0),
        Column("peer", "int", "which of its group", low=0),
        Column("step", "int", "environment steps of this peer", low=0),
        Column("swap", "text", "none, or what the background is re-drawn for: episode, step"),
        Column("backgrounds", "text", "all, seen or unseen: what is drawn from, but never the own"),
        Column("vacuous", "bool", "a level without another such background: nothing to swap"),
        Column("episodes", "int", "played, one from each first state", low=2),
        Column("levels", "int", "unseen levels they play", low=2),
        Column("steps", "float", "mean length of an episode", "steps", 1),
        Column("episode_return", "float", "mean undiscounted return", "reward"),
        Column("low", "float", "2.5 % point of the bootstrap over levels", "reward"),
        Column("high", "float", "97.5 % point of the bootstrap over levels", "reward"),
        Column("difference", "float", "from the own backgrounds, episode by episode", "reward"),
        Column("difference_low", "float", "its 2.5 % point", "reward"),
        Column("difference_high", "float", "its 97.5 % point", "reward"),
    ),
    key=("game", "id", "backgrounds", "swap"),
)


@dataclass(frozen=True)
class Settings:
    """Play the same unseen levels on their own backgrounds and on others, and compare returns.

    Actions are sampled with the same random numbers in all three, so that a policy that does not
    look at the background plays the same game three times.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to play: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    episodes: int = 128
    """episodes of each policy and swap, each from its own first state"""
    backgrounds: Pool = "all"
    """what is re-drawn from: all, or only what training showed, or only what it never showed"""
    replicates: int = 1000
    """bootstrap replicates behind each interval"""
    untrained: int = 1
    """untrained policies beside them, for each game"""
    seed: int = 0
    """of the levels, the actions, the backgrounds and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives swaps.csv"""
    overwrite: bool = False
    """replace a table that exists"""


def rows_of(stage: Stage, subject: "Subject", settings: Settings) -> Iterator[dict[str, Any]]:
    """The three rows of one policy."""
    pool = pool_of(settings.backgrounds, stage.game, subject.trained_backgrounds)
    narrowed = subject.training.backgrounds
    counts = {"episodes": stage.episodes, "levels": len(np.unique(stage.levels))}
    alone = any(not set(pool) - {met} for met in set(stage.met(narrowed).tolist()))
    plain: Played | None = None
    for swap in SWAPS:
        vacuous = swap != "none" and alone
        found = change = Interval(np.nan, np.nan, np.nan)
        played = None if vacuous else stage.play(subject.policy, swap, pool, narrowed)
        if played is not None:
            found = _interval(played.returns, stage, settings)
            if plain is None:
                plain = played
            else:
                change = _interval(played.returns - plain.returns, stage, settings)
        yield {
            **subject.columns,
            "swap": swap,
            "backgrounds": "own" if swap == "none" else settings.backgrounds,
            "vacuous": vacuous,
            **counts,
            "steps": np.nan if played is None else float(played.steps.mean()),
            **dict(zip(("episode_return", "low", "high"), found, strict=True)),
            **dict(zip(("difference", "difference_low", "difference_high"), change, strict=True)),
        }


def _interval(values: np.ndarray, stage: Stage, settings: Settings) -> Interval:
    return cluster_interval(
        values, stage.levels, replicates=settings.replicates, seed=settings.seed
    )


def show(rows: pd.DataFrame, game: str) -> None:
    """Print a line for each policy."""
    from rich.console import Console
    from rich.table import Table

    here = rows[rows["game"] == game]
    kind = next(kind for kind in here["backgrounds"] if kind != "own")
    title = (
        f"{game}: return, {here['episodes'].iloc[0]} episodes on unseen levels; re-drawn: {kind}"
    )
    heads = ("own background", "another an episode", "difference", "another a step", "difference")
    table = Table("policy", *heads, title=title)
    for name, group in here.groupby("id", sort=False):
        of = {row.swap: row for row in group.itertuples()}
        cells = [_cell(of["none"].episode_return, of["none"].low, of["none"].high)]
        for swap in SWAPS[1:]:
            one = of[swap]
            ends = one.difference, one.difference_low, one.difference_high
            cells += [_cell(one.episode_return, one.low, one.high), _cell(*ends, sign="+")]
        table.add_row(str(name).removeprefix(f"{game}/"), *cells)
    Console(width=150).print(table)


def _cell(value: float, low: float, high: float, sign: str = "") -> str:
    shown = f"{value:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"
    return shown if value == value else "nothing to swap"


def main(settings: Settings) -> None:
    """Play, print a table and write it."""
    if settings.episodes < 2:
        raise UserError(f"--episodes: expected at least 2, got {settings.episodes}; 128 is usual")
    path = settings.output / "swaps.csv"
    check_output(path, overwrite=settings.overwrite)
    from rich.console import Console
    from rich.progress import track

    from analysis.policies.subjects import load_subjects

    rows: list[dict[str, Any]] = []
    games = load_subjects(settings.ids, settings.root, controls=settings.untrained)
    for game, subjects in games.items():
        stage = Stage(game, subjects[0].mode, settings.episodes, settings.seed)
        console = Console(stderr=True)
        for subject in track(subjects, f"playing {game}", console=console, transient=True):
            rows += rows_of(stage, subject, settings)
        show(pd.DataFrame(rows), game)
    provenance: dict[str, Any] = {
        "policies": {str(s.id): s.code for g in games.values() for s in g},
        "episodes": settings.episodes,
        "replicates": settings.replicates,
        "seed": settings.seed,
    }
    frame = pd.DataFrame(rows)
    print(write_table(frame, SCHEMA, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.swaps")
