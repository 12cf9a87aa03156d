"""Which backgrounds states are drawn on, and which of them are compared with which."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Int

from checkpoints.console import UserError
from checkpoints.world.games import Mode, get_game, spread

MIN_RENDERINGS = 4
"""Of a state, for its mask: fewer too often agree by accident."""

ON_EACH_SIDE = 4
"""Backgrounds seen, and unseen, that have an interval: ``analysis.measures.robustness.FEWEST``."""

GROUPS = ("all", "seen", "unseen", "seen-unseen")
"""Pairs of backgrounds; ``seen`` and ``unseen``: both, or neither, was shown in training;
``seen-unseen``: one of them was."""


def cover(
    game: str, trained: Sequence[Sequence[int]], count: int, least: int = ON_EACH_SIDE
) -> tuple[int, ...]:
    """At least ``count`` backgrounds, or all, spread evenly, with enough seen and unseen ones.

    Args:
        game: whose.
        trained: for each policy the backgrounds that its training could show.
        count: how many, if that is enough.
        least: backgrounds that each training showed, and that it did not, or all there are.
    """
    there = range(get_game(game).backgrounds)
    chosen = set(spread(there, min(count, len(there))))
    for seen in sorted({tuple(sorted(some)) for some in trained}):
        for side in (list(seen), [b for b in there if b not in seen]):
            wanted = min(least, len(side))
            missing = wanted - len(chosen.intersection(side))
            chosen.update(spread([b for b in side if b not in chosen], max(missing, 0)))
    return tuple(sorted(chosen))


def pairs_of(chosen: Sequence[int], trained: Sequence[int]) -> dict[str, list[tuple[int, int]]]:
    """Pairs of places in ``chosen`` for each of :data:`GROUPS`; empty where there is none.

    ``seen`` and ``unseen``: both, or neither, was shown in training. ``seen-unseen``: one was.
    """
    pairs = list(combinations(range(len(chosen)), 2))
    shown = [sum(chosen[view] in trained for view in pair) for pair in pairs]
    groups = {"seen": 2, "unseen": 0, "seen-unseen": 1}
    found = {g: [p for p, k in zip(pairs, shown, strict=True) if k == groups[g]] for g in groups}
    return {"all": pairs, **found}


def cycle_views(
    chosen: Sequence[int], trained: Sequence[int]
) -> dict[str, tuple[list[int], list[int]]]:
    """For each of :data:`GROUPS` the places where a cycle may start, and those it may visit."""
    seen = [k for k, b in enumerate(chosen) if b in trained]
    unseen = [k for k, b in enumerate(chosen) if b not in trained]
    both = list(range(len(chosen)))
    sides = (both, both), (seen, seen), (unseen, unseen), (seen, unseen)
    return dict(zip(GROUPS, sides, strict=True))


def pick_backgrounds(
    game: str, count: int = MIN_RENDERINGS, *, mode: Mode = "easy", seen: bool | None = None
) -> tuple[int, ...]:
    """``count`` backgrounds of ``game``, spread evenly over those there are.

    Args:
        game: one of the 16, or a world that is open.
        count: how many, at least 2.
        mode: decides which of them training shows.
        seen: only those that training levels show, or only the others; ``None`` takes both.

    Raises:
        UserError: the game has fewer such backgrounds; ``chaser`` has one, and so no twins.

    Note:
        Where there are 62, numbers 14 to 17 share a sky, and so do 18 to 21: high up in a level
        they cannot be told apart. Up to 14 spread over all 62 take at most one of each.
    """
    facts = get_game(game)
    if facts.backgrounds < 2:
        raise UserError(f"{game} has one background, no twins; choose another game")
    trained = facts.trained_backgrounds(mode)
    there = [b for b in range(facts.backgrounds) if seen is None or (b in trained) == seen]
    if not 2 <= count <= len(there):
        kind = {None: "", True: " seen in training", False: " never seen in training"}[seen]
        plural = "" if len(there) == 1 else "s"
        wanted = f"expected 2 to {len(there)}, got" if len(there) > 1 else "too few for"
        raise UserError(
            f"{game} in {mode} mode has {len(there)} background{plural}{kind}; {wanted} a count of "
            f"{count}; choose another count, or others"
        )
    return spread(there, count)


def other_backgrounds(
    game: str, own: Int[np.ndarray, " state"], seed: int = 0
) -> Int[np.ndarray, " state"]:
    """For each state a background other than its own, uniformly drawn.

    Raises:
        UserError: the game has one background (chaser): it has no twins.
    """
    count = get_game(game).backgrounds
    if count < 2:
        raise UserError(f"{game} has one background, no twins: expected another game, or no twins")
    steps = np.random.default_rng(seed).integers(1, count, len(own))
    return (own + steps) % count
