"""How much of a saliency map lies on the background: scores on the exact mask, pure functions.

All three scores are 0 to 1, and a map that knows nothing of the mask scores the mask's area on
each. Mass and rank accuracy: Arras, Osman and Samek 2022, "CLEVR-XAI" (arXiv 2003.07258); pointing
game: Zhang et al. 2018, "Top-down Neural Attention by Excitation Backprop" (arXiv 1608.00507).
There the mask is the object that ought to be looked at; here it is the background.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import rankdata

from analysis.stats.clusters import Interval, cluster_weights
from checkpoints.console import UserError


@dataclass(frozen=True, eq=False)
class MaskScores:
    """Scores of each state's map, NaN for what cannot be scored: see :attr:`scored`."""

    area: Float[np.ndarray, " state"]
    """share of the frame under the mask: the chance level of the next three"""
    mass: Float[np.ndarray, " state"]
    """share of the map's sum that lies on the mask"""
    rank: Float[np.ndarray, " state"]
    """of the k largest pixels, k the mask's size, the share that lies on it"""
    pointing: Float[np.ndarray, " state"]
    """1 where the largest pixel lies on the mask, 0 where it does not"""

    @property
    def mass_over_area(self) -> Float[np.ndarray, " state"]:
        """Mass ÷ area: 1 by chance, 0 for sprites only, 1 / area for background only."""
        return self.mass / self.area

    @property
    def no_mask(self) -> Bool[np.ndarray, " state"]:
        """Masks without a pixel, or with all: every map gets the same scores."""
        return (self.area == 0) | (self.area == 1)

    @property
    def scored(self) -> Bool[np.ndarray, " state"]:
        """A mask that tells maps apart, and a map that is not 0 everywhere."""
        return ~np.isnan(self.mass)


def mask_scores(
    maps: Float[np.ndarray, "state h w"], mask: Shaped[np.ndarray, "state h w"]
) -> MaskScores:
    """Score maps of absolute attribution on the masks of their states.

    Where pixels tie, rank and pointing are what a random order would give on average: no score
    depends on where in the frame a tie lies.

    Args:
        maps: finite, at least 0. Of a map that is 0 everywhere nothing is scored.
        mask: True on the background.

    Raises:
        UserError: a map with negative or infinite values, or NaN; a mask that is not boolean.
    """
    if mask.dtype != bool:
        raise UserError(
            f"mask: expected True on the background and False elsewhere, got {mask.dtype}; pass "
            "mask > 0"
        )
    if not (np.isfinite(maps).all() and (maps >= 0).all()):
        raise UserError("maps: expected finite values, at least 0; pass absolute attributions")
    flat, inside = maps.reshape(len(maps), -1).astype(np.float64), mask.reshape(len(mask), -1)
    size, total = inside.sum(1), flat.sum(1)
    fit = (size > 0) & (size < inside.shape[1]) & (total > 0)
    with np.errstate(invalid="ignore"):
        mass = np.where(fit, (flat * inside).sum(1) / total, np.nan)
    rank, pointing = np.full((2, len(maps)), np.nan)
    for i in np.flatnonzero(fit):
        rank[i] = _among_largest(flat[i], inside[i], int(size[i]))
        pointing[i] = inside[i][flat[i] == flat[i].max()].mean()
    return MaskScores(inside.mean(1), mass, rank, pointing)


def _among_largest(
    values: Float[np.ndarray, " pixel"], inside: Bool[np.ndarray, " pixel"], k: int
) -> float:
    """Share of the ``k`` largest that lie inside, the last places drawn among equals."""
    last = np.partition(values, -k)[-k]
    above, equal = values > last, values == last
    hits = inside[above].sum() + (k - above.sum()) * inside[equal].mean()
    return float(hits / k)


def likeness(
    x: Float[np.ndarray, "state h w"], y: Float[np.ndarray, "state h w"]
) -> Float[np.ndarray, " state"]:
    """Rank correlation (Spearman) of two maps over their pixels, state by state, in [-1, 1].

    Pixels that are 0 in both are left out: two maps are not alike because neither of them can say
    anything there, as where a picture equals its baseline. 0 where fewer than 3 pixels are left or
    one of the maps is constant.
    """
    return np.array(
        [
            _spearman(a[keep], b[keep])
            for a, b in zip(x, y, strict=True)
            for keep in [(a != 0) | (b != 0)]
        ]
    )


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def spearman_interval(
    x: Float[np.ndarray, " state"],
    y: Float[np.ndarray, " state"],
    levels: Int[np.ndarray, " state"],
    *,
    replicates: int = 500,
    seed: int = 0,
) -> Interval:
    """Spearman's rank correlation over states, with its 95 % bootstrap over levels.

    A state drawn w times counts w times in the ranks too: each replicate is exactly the
    correlation of the resampled states, without making them.

    Returns:
        NaN throughout where x or y is constant, an interval's ends where a resample is.
    """
    group = np.unique(levels, return_inverse=True)[1]
    weights = cluster_weights(levels, replicates, seed)[:, group]
    w = np.vstack([np.ones(len(x), dtype=weights.dtype), weights]).astype(np.float64)
    a, b = (_centred_ranks(values, w) for values in (x, y))
    spread = np.sqrt((w * a**2).sum(1) * (w * b**2).sum(1))
    # Ranks are halves of whole numbers: where they differ at all, they do so by far more than this.
    draws = np.divide((w * a * b).sum(1), spread, out=np.full(len(w), np.nan), where=spread > 1e-6)
    if not np.isfinite(draws[0]):
        return Interval(np.nan, np.nan, np.nan)
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return Interval(float(draws[0]), float(low), float(high))


def _centred_ranks(
    values: Float[np.ndarray, " state"], w: Float[np.ndarray, "draw state"]
) -> Float[np.ndarray, "draw state"]:
    """Mid-ranks of every state among the states drawn, less their mean."""
    below = (values[:, None] < values).astype(np.float64)
    equal = (values[:, None] == values).astype(np.float64)
    ranks = w @ (below + equal / 2)
    return ranks - (w * ranks).sum(1, keepdims=True) / w.sum(1, keepdims=True)
