"""What policies earn on training levels, on unseen levels, and there on other backgrounds.

``python -m analysis.returns`` plays every shipped policy from the same first states: rows of
episodes, and from them the interquartile mean, the probability of improvement and performance
profiles of methods, as defined by Agarwal et al. 2021 (arXiv 2108.13264). Returns are normalised
with the constants of Cobbe et al. 2020, appendix C: 0 is a policy that sees nothing, 1 is the most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from analysis.scenes.episodes import Played, Pool, Stage, Swap, pool_of
from analysis.studies.returns.scores import (
    ALL,
    Plan,
    Runs,
    last_steps,
    over_games,
    profile_rows,
    runs_of,
    score_rows,
    thresholds_of,
)
from checkpoints.console import UserError, run_command
from checkpoints.policy.store import ZOO
from checkpoints.world.games import GAMES, Mode, get_game

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject

SPLITS: dict[str, Swap] = {"train": "none", "unseen": "none", "swapped": "episode"}
"""Training levels; levels that no training set contains; those again, on other backgrounds."""

_GAME = Column("game", "text", "one of the 16, or all of them together")
_SPLIT = Column("split", "text", "train, unseen, or swapped: unseen on another background")
_LEVEL_LOW = Column("level_low", "float", "2.5 % point of the bootstrap over levels, runs as are")
_LEVEL_HIGH = Column("level_high", "float", "97.5 % point of the bootstrap over levels")
_RUNS = Column("runs", "int", "seeds; peers of one group are one run", low=1)

SCHEMA = Schema(
    "returns",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("seed", "int", "of its training", low=0),
        Column("peer", "int", "which of its group", low=0),
        Column("step", "int", "environment steps of this peer", low=0),
        _SPLIT,
        Column("episode", "int", "which first state: the same for all policies", low=0),
        Column("level", "int", "its level seed", low=0),
        Column("background", "int", "which it is met on", low=0),
        Column("steps", "int", "length of the episode", "steps", low=1),
        Column("episode_return", "float", "undiscounted", "reward"),
    ),
    key=("game", "id", "split", "episode"),
)

SCORES = Schema(
    "returns_scores",
    (
        _GAME,
        _SPLIT,
        Column("measure", "text", "return (reward); mean, iqm (normalised); improvement"),
        Column("method", "text", "training recipe"),
        Column("other", "text", "improvement: the method that it may improve on; else empty"),
        Column("value", "float", "estimate; improvement: a probability"),
        Column(
            "low", "float", "2.5 % point of the stratified bootstrap over runs; NaN for one run"
        ),
        Column("high", "float", "its 97.5 % point"),
        _LEVEL_LOW,
        _LEVEL_HIGH,
        _RUNS,
        Column("runs_other", "int", "improvement: of the other method; else 0", low=0),
        Column("games", "int", "taken together", low=1),
        Column("episodes", "int", "behind the estimate", low=1),
    ),
    key=("game", "split", "measure", "method", "other"),
)

PROFILES = Schema(
    "returns_profiles",
    (
        _GAME,
        _SPLIT,
        Column("method", "text", "training recipe"),
        Column("threshold", "float", "τ, a normalised score"),
        Column("share", "float", "of runs that score more than τ", low=0, high=1),
        Column(
            "low", "float", "2.5 % point of the stratified bootstrap over runs; NaN for one run"
        ),
        Column("high", "float", "its 97.5 % point"),
        _LEVEL_LOW,
        _LEVEL_HIGH,
        _RUNS,
    ),
    key=("game", "split", "method", "threshold"),
)


@dataclass(frozen=True)
class Settings:
    """Play training levels, unseen levels, and unseen levels on other backgrounds.

    All policies of a game meet the same levels in the same first states, and draw their actions
    with the same random numbers. A method's score is a statistic of its runs; peers of one run are
    averaged first, and of several steps of a policy the last counts.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to play: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    steps: Literal["last", "all"] = "last"
    """of a run named without a step: its last kept policies, or all; the last give the scores"""
    episodes: int = 128
    """episodes of each policy and split, each from its own first state"""
    backgrounds: Pool = "all"
    """what is swapped to: all, or only what training showed, or only what it never showed"""
    replicates: int = 2000
    """bootstrap replicates behind each interval"""
    untrained: int = 1
    """untrained policies beside them, for each game"""
    seed: int = 0
    """of the levels, the actions, the backgrounds and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives returns.csv, returns_scores.csv and returns_profiles.csv"""
    overwrite: bool = False
    """replace tables that exist"""


def stages_of(game: str, subjects: list["Subject"], settings: Settings) -> dict[str, Stage]:
    """Split -> the stage it is played on; the levels that all of the policies were trained on."""
    from checkpoints.world.environments import Levels

    mode, seed = subjects[0].mode, settings.seed
    count = min(subject.training.levels for subject in subjects)
    unseen = Stage(game, mode, settings.episodes, seed)
    train = Stage(game, mode, settings.episodes, seed, levels=Levels.train(count))
    return {"train": train, "unseen": unseen, "swapped": unseen}


def rows_of(
    stage: Stage, subject: "Subject", split: str, settings: Settings
) -> Iterator[dict[str, Any]]:
    """A row for each episode; none where there is no other background to swap to.

    A policy that was trained on chosen backgrounds meets each level on one of those, as it did in
    training, and only the swap shows it others.
    """
    narrowed = subject.training.backgrounds
    pool = pool_of(settings.backgrounds, stage.game, subject.trained_backgrounds)
    alone = any(not set(pool) - {met} for met in set(stage.met(narrowed).tolist()))
    if SPLITS[split] == "episode" and alone:
        return
    played: Played = stage.play(subject.policy, SPLITS[split], pool, narrowed)
    episodes = zip(stage.levels, played.backgrounds, played.steps, played.returns, strict=True)
    for episode, (level, background, steps, total) in enumerate(episodes):
        yield {
            **subject.columns,
            **{"split": split, "episode": episode, "level": int(level)},
            **{"background": int(background), "steps": int(steps), "episode_return": float(total)},
        }


def summaries(
    rows: pd.DataFrame, modes: dict[str, Mode], plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and profiles of each game and split, and of all games together if there are several.

    Args:
        rows: columns as in ``SCHEMA``; of several steps of a policy the last counts.
        modes: game -> difficulty, which decides what is normalised with.
        plan: how intervals are drawn.
    """
    parts: dict[str, dict[str, dict[str, Runs]]] = {game: {} for game in sorted(modes)}
    counted = last_steps(rows)
    for (game, split), here in counted.groupby(["game", "split"]):
        bounds = get_game(game).bounds(modes[game])
        parts[game][split] = runs_of(here, bounds, plan, stream=list(GAMES).index(game))
    if len(modes) > 1:
        played = {split: [one[split] for one in parts.values() if split in one] for split in SPLITS}
        parts[ALL] = {split: over_games(games) for split, games in played.items() if games}
    scores, profiles = [], []
    for game, splits in parts.items():
        reward = None if game == ALL else get_game(game).bounds(modes[game])
        thresholds = thresholds_of([runs for found in splits.values() for runs in found.values()])
        for split, found in splits.items():
            names = {"game": game, "split": split}
            scores += [{**names, **row} for row in score_rows(found, plan, reward)]
            profiles += [{**names, **row} for row in profile_rows(found, thresholds, plan)]
    return pd.DataFrame(scores), pd.DataFrame(profiles)


def show(scores: pd.DataFrame) -> None:
    """Print a line for each method or pair of methods; a column for each split."""
    from rich.console import Console
    from rich.table import Table

    caption = "[ ] 95 % over runs, – where there is one; ( ) over levels, these policies given"
    table = Table("game", "score", "runs", *SPLITS, caption=caption)
    wanted = scores[(scores["measure"] != "mean") & ~_repeats(scores)]
    for game, here in wanted.groupby("game", sort=False):
        keys = ["measure", "method", "other"]
        for (measure, method, other), group in here.groupby(keys, sort=False):
            of = {row.split: row for row in group.itertuples()}
            one = next(iter(of.values()))
            counts = f"{one.runs}, {one.runs_other}" if other else str(one.runs)
            cells = [_cell(of[split]) if split in of else "–" for split in SPLITS]
            name = f"P({method} > {other})" if other else f"{measure}, {method}"
            table.add_row(game, name, counts, *cells)
        table.add_section()
    Console(width=150).print(table)


def _repeats(scores: pd.DataFrame) -> pd.Series:
    """Whether a row says again, normalised, what the return of a game says."""
    return (scores["measure"] == "iqm") & (scores["game"] != ALL)


def _cell(row: Any) -> str:
    runs = "–" if np.isnan(row.low) else f"{row.low:.2f}, {row.high:.2f}"
    levels = "–" if np.isnan(row.level_low) else f"{row.level_low:.2f}, {row.level_high:.2f}"
    return f"{row.value:.2f} \\[{runs}] ({levels})"


def main(settings: Settings) -> None:
    """Play, print the scores and write three tables."""
    if settings.episodes < 2:
        raise UserError(f"--episodes: expected at least 2, got {settings.episodes}; 128 is usual")
    paths = {one: settings.output / f"{one.name}.csv" for one in (SCHEMA, SCORES, PROFILES)}
    for path in paths.values():
        check_output(path, overwrite=settings.overwrite)
    from rich.console import Console
    from rich.progress import track

    from analysis.policies.subjects import every_step, load_subjects

    console = Console(stderr=True)
    rows: list[dict[str, Any]] = []
    names = every_step(settings.ids, settings.root) if settings.steps == "all" else settings.ids
    games = load_subjects(names, settings.root, controls=settings.untrained)
    for game, subjects in games.items():
        stages = stages_of(game, subjects, settings)
        for subject in track(subjects, f"playing {game}", console=console, transient=True):
            for split, stage in stages.items():
                found = list(rows_of(stage, subject, split, settings))
                rows += found
                if not found:
                    console.print(f"{subject.id}: no other background to swap to, no such rows")
    frame = pd.DataFrame(rows)
    modes = {game: subjects[0].mode for game, subjects in games.items()}
    scores, profiles = summaries(frame, modes, Plan(settings.replicates, settings.seed))
    show(scores)
    provenance: dict[str, Any] = {
        "policies": {str(s.id): s.code for g in games.values() for s in g},
        "bounds": {game: get_game(game).bounds(mode) for game, mode in modes.items()},
        "backgrounds": settings.backgrounds,
        "episodes": settings.episodes,
        "replicates": settings.replicates,
        "seed": settings.seed,
    }
    frames = {SCHEMA: frame, SCORES: scores, PROFILES: profiles}
    for schema, path in paths.items():
        one, again = frames[schema], settings.overwrite
        print(write_table(one, schema, path, provenance=provenance, overwrite=again))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.returns")
