"""Intraclass correlation where levels and backgrounds are both draws from many.

States stand in levels, and all share the backgrounds they are drawn on. Intervals that resample
levels alone speak of these very backgrounds; here replicates weigh both. Copies of a level, or of a
background, are never compared with each other, so that no replicate finds itself invariant.
"""

import numpy as np
from jaxtyping import Float, Int

from checkpoints.console import UserError


def crossed_icc(
    x: Float[np.ndarray, "state background feature"],
    levels: Int[np.ndarray, " state"],
    w: Float[np.ndarray, "r level"],
    v: Float[np.ndarray, "r background"],
) -> Float[np.ndarray, " r"]:
    """ICC(2,1) of a layer for each row of weights of levels and of backgrounds.

    S / (S + W), summed over features. S is the covariance of two states' difference on one
    background with their difference on another, ½⟨x_ib − x_jb, x_ic − x_jc⟩, mean over states i, j
    of distinct levels and backgrounds b ≠ c; W is the mean of ½‖x_ib − x_ic‖². With a state a level
    and weights of 1 it is ICC(2,1) of Shrout and Fleiss (1979), as in ``analysis.measures.icc``.

    Args:
        x: features that fit into memory, float.
        levels: seed of each state's level.
        w: times that each level counts, in the order of ``np.unique(levels)``.
        v: times that each background counts.

    Returns:
        At most 1; NaN where nothing varies, or where no two levels or backgrounds have a weight.

    Raises:
        UserError: weights of another number of levels or backgrounds, or of replicates.
    """
    label, sizes = np.unique(levels, return_inverse=True, return_counts=True)[1:]
    G, B = len(sizes), x.shape[1]
    if w.shape[1] != G or v.shape[1] != B or len(w) != len(v):
        raise UserError(
            f"expected weights of {G} levels and of {B} backgrounds, as many rows of each, got "
            f"{w.shape} and {v.shape}; take them from cluster_weights and view_weights"
        )
    z = np.asarray(x, dtype=np.float64)
    z = z - z.mean(axis=(0, 1))
    sums = np.zeros((G, B, z.shape[2]))
    for level, one in zip(label, z, strict=True):
        sums[level] += one
    squares = np.zeros((G, B, B))
    np.add.at(squares, label, z @ z.swapaxes(1, 2))
    own = np.einsum("gbb->gb", squares)
    pairs = (v[:, :, None] * v[:, None, :] * (1 - np.eye(B))).reshape(len(v), -1)
    # Over pairs of backgrounds first: what is left has no more numbers than the weights.
    of_pairs, distances, of_level = (
        pairs @ some.reshape(G, -1).T
        for some in (
            squares,
            (own[:, :, None] + own[:, None, :]) / 2 - squares,
            sums @ sums.swapaxes(1, 2),
        )
    )
    states = w @ sizes
    apart = states * (w * of_pairs).sum(axis=1) - _between(sums, w, v)
    apart -= (w**2 * (sizes * of_pairs - of_level)).sum(axis=1)
    # No less than nothing, also where rounding is all that is left.
    within = np.maximum((w * distances).sum(axis=1), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        number = pairs.sum(axis=1)
        S = apart / (number * (states**2 - w**2 @ sizes**2))
        W = within / (number * states)
        return S / (S + W)


def _between(
    sums: Float[np.ndarray, "level background feature"],
    w: Float[np.ndarray, "r level"],
    v: Float[np.ndarray, "r background"],
) -> Float[np.ndarray, " r"]:
    """Products of weighed totals on different backgrounds: all products, less each with itself."""
    whole, each = np.zeros((len(w), sums.shape[2])), np.zeros(len(w))
    for background, weight in enumerate(v.T):
        total = w @ sums[:, background]
        total *= weight[:, None]
        whole += total
        each += np.einsum("rf,rf->r", total, total)
    found: np.ndarray = np.einsum("rf,rf->r", whole, whole) - each
    return found
