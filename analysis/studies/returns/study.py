"""Policies of one game play; scores of methods over all games; and what is printed of both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.records.runs import last_steps
from analysis.scenes.episodes import SWAPS, Pool
from analysis.studies.examination import ALL, Found, Rows
from analysis.studies.returns.episodes import SCHEMA, SPLITS, play_splits, stages_of
from analysis.studies.returns.scores import (
    PROFILES,
    SCORES,
    Resampling,
    Runs,
    over_games,
    profile_rows,
    runs_of,
    score_rows,
    thresholds_of,
)
from analysis.studies.returns.swaps import SWAP_SCHEMA, swap_rows
from checkpoints.console import say, show_tables, watch
from checkpoints.world.games import GAMES, Mode, get_game

SCHEMAS = SCHEMA, SWAP_SCHEMA
SUMMARIES = SCORES, PROFILES


def measure_game(
    subjects: Sequence[Subject], *, episodes: int, backgrounds: Pool, replicates: int, seed: int
) -> Found:
    """All policies of a game from the same first states: their episodes, and the paired swaps."""
    game = subjects[0].id.game
    stages = stages_of(game, subjects, episodes=episodes, seed=seed)
    rows: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    for subject in watch(subjects, f"{game}: playing"):
        played = play_splits(stages, subject, backgrounds=backgrounds)
        if not all(played.values()):
            say(f"{subject.id}: no other background to swap to, no such rows")
        rows += [row for some in played.values() for row in some]
        how: dict[str, Any] = {"backgrounds": backgrounds, "replicates": replicates, "seed": seed}
        changes += swap_rows(subject.columns, played, **how)
    return Found([rows, changes], {"bounds": get_game(game).bounds(subjects[0].mode)})


def summarise(
    frames: Frames, games: Mapping[str, Sequence[Subject]], *, replicates: int, seed: int
) -> Sequence[Rows]:
    """Rows of scores and of profiles, of each game and of all together."""
    modes = {game: subjects[0].mode for game, subjects in games.items()}
    return summaries(frames[0], modes, Resampling(replicates, seed))


def summaries(
    rows: pd.DataFrame, modes: dict[str, Mode], resampling: Resampling
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Scores and profiles of each game and split, and of all games together if there are several.

    Args:
        rows: columns as of the table ``returns``; of several steps of a policy the last counts.
        modes: game -> difficulty, which decides what is normalised with.
        resampling: how intervals are drawn.
    """
    parts: dict[str, dict[str, dict[str, Runs]]] = {game: {} for game in sorted(modes)}
    counted = last_steps(rows)
    for (game, split), here in counted.groupby(["game", "split"]):
        bounds = get_game(game).bounds(modes[game])
        parts[game][split] = runs_of(here, bounds, resampling, stream=list(GAMES).index(game))
    if len(modes) > 1:
        played = {split: [one[split] for one in parts.values() if split in one] for split in SPLITS}
        parts[ALL] = {split: over_games(games) for split, games in played.items() if games}
    scores: list[dict[str, Any]] = []
    profiles: list[dict[str, Any]] = []
    for game, splits in parts.items():
        reward = None if game == ALL else get_game(game).bounds(modes[game])
        thresholds = thresholds_of([runs for found in splits.values() for runs in found.values()])
        for split, found in splits.items():
            names = {"game": game, "split": split}
            scores += [{**names, **row} for row in score_rows(found, resampling, reward)]
            profiles += [{**names, **row} for row in profile_rows(found, thresholds, resampling)]
    return scores, profiles


def show(frames: Frames, game: str) -> None:
    """Print scores, a line for each method or pair of methods; then each policy's paired swaps."""
    _, swaps, scores, _ = frames
    show_scores(scores, game)
    if game != ALL:
        show_swaps(swaps, game)


def show_scores(scores: pd.DataFrame, game: str) -> None:
    """Print a line for each method or pair of methods; a column for each split."""
    from rich.table import Table

    caption = (
        "[ ] 95 % over runs, – where a side has one run: nothing said of methods; "
        "( ) over levels, these policies given"
    )
    of_all = "all games" if game == ALL else game
    table = Table("score", "runs", *SPLITS, title=f"{of_all}: returns", caption=caption)
    # Normalised, a game's interquartile mean says again what its return says.
    left_out = ("mean",) if game == ALL else ("mean", "iqm")
    here = scores[(scores["game"] == game) & ~scores["measure"].isin(left_out)]
    for (measure, method, other), group in here.groupby(["measure", "method", "other"], sort=False):
        of = {row.split: row for row in group.itertuples()}
        one = next(iter(of.values()))
        counts = f"{one.runs} against {one.runs_other}" if other else str(one.runs)
        cells = [_score(of[split]) if split in of else "–" for split in SPLITS]
        name = f"P({method} > {other})" if other else f"{measure}, {method}"
        table.add_row(name, counts, *cells)
    show_tables(table)


def _score(row: Any) -> str:
    runs = "–" if np.isnan(row.low) else f"{row.low:.2f}, {row.high:.2f}"
    levels = "–" if np.isnan(row.level_low) else f"{row.level_low:.2f}, {row.level_high:.2f}"
    return f"{row.value:.2f} \\[{runs}] ({levels})"


def show_swaps(rows: pd.DataFrame, game: str) -> None:
    """Print a line for each policy: what it earns on unseen levels, blind, and with a swap."""
    from rich.table import Table

    here = rows[rows["game"] == game]
    kind = next((kind for kind in here["backgrounds"] if kind != "own"), "nothing")
    title = (
        f"{game}: return, {here['episodes'].iloc[0]} episodes on unseen levels; re-drawn: {kind}"
    )
    heads = ("own background", "another an episode", "difference", "another a step", "difference")
    table = Table("policy", *heads, "its actions, blind", "sees", title=title)
    for name, group in here.groupby("id", sort=False):
        of = {row.swap: row for row in group.itertuples()}
        none, *others = (of[swap] for swap in SWAPS)
        cells = [_cell(none.episode_return, none.low, none.high)]
        for one in others:
            ends = one.difference, one.difference_low, one.difference_high
            cells += [_cell(one.episode_return, one.low, one.high), _cell(*ends, sign="+")]
        floor = of["blind"]
        cells += [_cell(floor.episode_return, floor.low, floor.high), floor.sees]
        table.add_row(str(name).removeprefix(f"{game}/"), *cells)
    show_tables(table)


def _cell(value: float, low: float, high: float, sign: str = "") -> str:
    shown = f"{value:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"
    return shown if value == value else "nothing to swap"
