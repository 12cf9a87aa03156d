"""Twins as arrays: exactly which pixels they change, and how much.

They are drawn by :class:`checkpoints.world.renderer.Renderer`.
"""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, UInt8

from analysis.scenes.backgrounds import MIN_RENDERINGS
from analysis.scenes.bank import Bank
from analysis.scenes.worlds import world_of
from checkpoints.console import UserError


def exact_mask(
    renderings: UInt8[np.ndarray, "state background h w c"],
) -> Bool[np.ndarray, "state h w"]:
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
            "draw it on more backgrounds (chaser has one background, no twins), or save mask in a "
            "file"
        )
    return (renderings != renderings[:, :1]).any(axis=(1, 4))


def masks_of(game: str, bank: Bank, parts: Iterable[np.ndarray]) -> Bool[np.ndarray, "state h w"]:
    """The background of each state: as its world says, or else as its renderings tell.

    Args:
        game: whose states they are.
        bank: the states.
        parts: their renderings, ``(state, background, h, w, c)``, some states at a time; drawn
            only where the world does not say.

    Raises:
        UserError: a world that does not say, and fewer than 4 renderings.
    """
    known = world_of(game).masks(bank.states)
    if known is not None:
        return known
    return np.concatenate([exact_mask(renderings) for renderings in parts])


def twin_distance(
    renderings: UInt8[np.ndarray, "state background h w c"],
) -> tuple[Float[np.ndarray, " state"], Float[np.ndarray, " state"]]:
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
