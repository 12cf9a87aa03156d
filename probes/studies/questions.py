"""What is asked of which states: pictures apart from their levels, and the factors that vary.

Every state is drawn on two backgrounds, chosen at random and so apart from its level: one of group
A, on which probes are fitted and scored, and one of group B, which no probe has been fitted on.
Which background of A it was is a factor like any other, the nuisance one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int, UInt8

from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.worlds import is_procgen, world_of
from checkpoints.console import UserError
from checkpoints.world.games import Mode, get_game
from probes.factors.frame import Factor
from probes.factors.given import given
from probes.factors.targets import Targets, measure
from probes.readers.crossfit import Task
from probes.readers.splits import FOLDS, check_target, deal_folds, frequent

BACKGROUNDS = 14
"""At most so many, spread over those a game has; every second one is of group A."""
LEAST = 100
"""States that must have a factor."""
COMMON = 0.95
"""A factor with one value in more than this share of its states has too little entropy."""

FactorVerdict = Literal["ok", "missing", "constant", "low entropy", "too few"]


@dataclass(frozen=True, eq=False)
class Question:
    """A factor of these states, and whether it can be asked for."""

    factor: Factor
    verdict: FactorVerdict
    used: int
    """states that have it, of a class that is not rare"""
    levels: int
    """levels of those states"""
    task: Task | None
    """None unless the verdict is ok"""


@dataclass(frozen=True, eq=False)
class Sights:
    """States of a game, what they look like, and what is asked of them."""

    bank: Bank
    fitted: UInt8[np.ndarray, "state h w c"]
    """each on a background of group A; as met where the game has one background"""
    unseen: UInt8[np.ndarray, "state h w c"] | None
    """each on a background of group B"""
    folds: Int[np.ndarray, " state"]
    questions: tuple[Question, ...]

    @property
    def tasks(self) -> list[Task]:
        """Of the questions that can be asked."""
        return [one.task for one in self.questions if one.task is not None]


def background_groups(game: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Groups A and B; B is empty where a game has one background."""
    count = get_game(game).backgrounds
    if count < 2:
        return (0,), ()
    from analysis.scenes.backgrounds import pick_backgrounds

    chosen = pick_backgrounds(game, min(BACKGROUNDS, count))
    return chosen[::2], chosen[1::2]


def limits() -> dict[str, int | float]:
    """What decides verdicts and folds and is no setting, for a provenance."""
    return {"folds": FOLDS, "least_states": LEAST, "most_common": COMMON}


def gather(
    game: str, mode: Mode, states: int, seed: int, factors: Sequence[str] | None = None
) -> Sights:
    """States on unseen levels, drawn twice, with their folds and factors.

    Raises:
        UserError: an unknown factor, or too few levels for the folds.
    """
    bank = common_bank(game, mode, states, seed)
    found = _targets(game, bank.states, factors)
    group_a, group_b = background_groups(game)
    fitted = plain = np.asarray(bank.observations)
    unseen, values = None, dict(found.values)
    if group_b:
        world, rng = world_of(game), np.random.default_rng(seed)
        place = rng.integers(len(group_a), size=len(bank))
        fitted = world.render_each(bank.states, np.array(group_a)[place].tolist())
        unseen = world.render_each(bank.states, rng.choice(group_b, len(bank)).tolist())
        # Two states that differ in nothing but their wallpaper must not straddle.
        plain = world.render_each(bank.states, [group_a[0]] * len(bank))
        if "background" in values:
            values["background"] = np.array(group_a, dtype=np.float64)[place]
    levels = np.asarray(bank.levels)
    folds = deal_folds(levels, plain, seed=seed)
    questions = tuple(ask(one, values[one.name], levels, folds) for one in found.factors)
    return Sights(bank, fitted, unseen, folds, questions)


def _targets(game: str, states: Sequence[bytes], factors: Sequence[str] | None) -> Targets:
    """What is true of each state: read off it, or given with it."""
    if is_procgen(game):
        return measure(game, states, factors or None)
    world = world_of(game)
    return given(game, world.factors(states), world.variants, world.own(states), factors or None)


def ask(factor: Factor, values: np.ndarray, levels: np.ndarray, folds: np.ndarray) -> Question:
    """Whether a factor can be probed on these states; states of rare classes are left out."""
    present = ~np.isnan(values)
    counts = np.unique(values[present], return_counts=True)[1]
    classes = factor.kind == "class"
    used = frequent(values, folds) if classes and len(counts) > 1 else present
    kept, task = np.where(used, values, np.nan), None
    verdict = _verdict(factor.name, kept, counts, folds, classes=classes)
    if verdict == "ok" and classes:
        names, kept[used] = np.unique(values[used], return_inverse=True)
        task = Task(factor.name, kept, len(names))
    elif verdict == "ok":
        task = Task(factor.name, kept)
    return Question(factor, verdict, int(used.sum()), len(np.unique(levels[used])), task)


def _verdict(
    name: str, kept: np.ndarray, counts: np.ndarray, folds: np.ndarray, *, classes: bool
) -> FactorVerdict:
    if len(counts) < 2:
        return "constant" if len(counts) else "missing"
    if counts.max() > COMMON * counts.sum():
        return "low entropy"
    try:
        check_target(name, kept, folds, classes=classes)
    except UserError:
        return "too few"
    return "ok" if (~np.isnan(kept)).sum() >= LEAST else "too few"
