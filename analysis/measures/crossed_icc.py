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
    squares = np.zeros((G, B, B))
    np.add.at(sums, label, z)
    np.add.at(squares, label, np.einsum("sbf,scf->sbc", z, z))
    of_level = np.einsum("gbf,gcf->gbc", sums, sums)
    states = w @ sizes
    drawn = np.einsum("rg,gbc->rbc", w, squares)
    total = np.einsum("rg,gbf->rbf", w, sums)
    apart = states[:, None, None] * drawn - np.einsum("rbf,rcf->rbc", total, total)
    apart -= np.einsum("rg,gbc->rbc", w**2, sizes[:, None, None] * squares - of_level)
    pairs = v[:, :, None] * v[:, None, :] * (1 - np.eye(B))
    own = np.einsum("rbb->rb", drawn)
    within = (own[:, :, None] + own[:, None, :]) / 2 - drawn
    with np.errstate(invalid="ignore", divide="ignore"):
        number = pairs.sum(axis=(1, 2))
        S = (pairs * apart).sum(axis=(1, 2)) / (number * (states**2 - w**2 @ sizes**2))
        W = (pairs * within).sum(axis=(1, 2)) / (number * states)
        return S / (S + W)
