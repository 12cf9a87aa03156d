"""Twins as arrays: which backgrounds, exactly which pixels they change, and how much.

They are drawn by :class:`checkpoints.world.renderer.Renderer`.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, UInt8

from checkpoints.console import UserError
from checkpoints.world.games import Mode, get_game, spread

MIN_RENDERINGS = 4


def pick_backgrounds(
    game: str, count: int = MIN_RENDERINGS, *, mode: Mode = "easy", seen: bool | None = None
) -> tuple[int, ...]:
    """``count`` backgrounds of ``game``, spread evenly over those there are.

    Args:
        game: one of the 16.
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


def exact_mask(
    renderings: UInt8[np.ndarray, "state background 64 64 3"],
) -> Bool[np.ndarray, "state 64 64"]:
    """The pixels that the background shows through: those that differ between two renderings.

    The mean over the pixels of a state, its *mask area*, is the chance level of every score on
    the mask. A sprite's soft edge lets the background through and belongs to the mask.

    Raises:
        UserError: fewer than 4 renderings, which too often agree by accident.
    """
    count = renderings.shape[1]
    if count < MIN_RENDERINGS:
        raise UserError(
            f"expected at least {MIN_RENDERINGS} renderings of a state for its mask, got {count}; "
            f"draw it on more backgrounds (chaser has one background, no twins)"
        )
    return (renderings != renderings[:, :1]).any(axis=(1, 4))


def twin_distance(
    renderings: UInt8[np.ndarray, "state background 64 64 3"],
) -> tuple[Float[np.ndarray, "state"], Float[np.ndarray, "state"]]:
    """How much two twins differ, mean over the pairs of renderings.

    Returns:
        The share of pixels that differ at all, in [0, 1], and the mean absolute difference over
        all pixels and channels, in [0, 255]: plunder's twins differ everywhere, by very little.
    """
    views = np.moveaxis(renderings.astype(np.int16), 1, 0)
    pairs = list(combinations(range(len(views)), 2))
    if not pairs:
        raise UserError(f"expected at least 2 renderings of a state, got {len(views)}: no twins")
    share, size = np.zeros((2, len(renderings)))
    for a, b in pairs:
        gap = np.abs(views[a] - views[b])
        share += gap.any(axis=-1).mean(axis=(1, 2))
        size += gap.mean(axis=(1, 2, 3))
    return share / len(pairs), size / len(pairs)
