"""Which backgrounds states are drawn on, and which of them are compared with which."""

from collections.abc import Sequence
from itertools import combinations

from checkpoints.world.games import get_game, spread

GROUPS = ("all", "seen", "unseen", "seen-unseen")
"""Pairs of backgrounds; ``seen`` and ``unseen``: both, or neither, was shown in training;
``seen-unseen``: one of them was."""


def cover(game: str, trained: Sequence[Sequence[int]], count: int) -> tuple[int, ...]:
    """At least ``count`` backgrounds, or all: spread evenly, and three seen and unseen if any.

    Args:
        game: whose.
        trained: for each policy the backgrounds that its training could show.
        count: how many, if that is enough.
    """
    there = range(get_game(game).backgrounds)
    chosen = set(spread(there, min(count, len(there))))
    for seen in {tuple(sorted(some)) for some in trained}:
        for side in (list(seen), [b for b in there if b not in seen]):
            wanted = min(3, len(side))
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
