"""Which states share a level, and HSIC over distinct levels from sums over a kernel's blocks."""

import numpy as np
from jaxtyping import Float

from analysis.measures.hsic import sum_or_zero
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_labels


class LevelWeights:
    """Which states share a level, and how often each level counts in each replicate.

    Args:
        clusters: (n,) label of each state's level; ``np.arange(n)`` if each stands alone.
        weights: (R, G) multiplicities from :func:`analysis.stats.clusters.cluster_weights`, columns
            in the order of ``np.unique(clusters)``. Row 0 of every result here is the estimate
            itself, all weights 1; rows 1 to R are the replicates.

    Attributes:
        order: (n,) the states sorted by level; ``slices``: where each level lies in it, its
            beginning in ``starts``, (G,), its number of each state in ``group``, (n,).
        w: (1 + R, G) weights of levels.
        pairs, triples, quads: (1 + R,) weighted number of tuples of distinct levels.

    Raises:
        UserError: weights of another shape, or a replicate with fewer than 4 distinct levels.
    """

    def __init__(self, clusters: ArrayLike, weights: np.ndarray) -> None:
        group, m = np.unique(
            as_labels(clusters, "clusters"), return_inverse=True, return_counts=True
        )[1:]
        if weights.ndim != 2 or weights.shape[1] != len(m):
            raise UserError(
                f"weights: expected shape (replicates, {len(m)} levels), got {weights.shape}; "
                f"take them from cluster_weights on the same clusters"
            )
        self.w = np.vstack([np.ones(len(m)), weights])
        distinct = int((self.w > 0).sum(axis=1).min())
        if distinct < 4:
            raise UserError(
                f"expected at least 4 different levels in every replicate, got {distinct} of "
                f"{len(m)}; gather states from more levels, 20 or more"
            )
        self.order = np.argsort(group, kind="stable")
        self.starts = np.cumsum(m) - m
        self.slices = [slice(a, a + size) for a, size in zip(self.starts, m, strict=True)]
        self.group = group[self.order]
        self._root = np.sqrt(self.w).T
        # Elementary symmetric polynomials by Newton's identities, of states per drawn level.
        p1, p2, p3, p4 = (((self.w * m) ** k).sum(axis=1) for k in (1, 2, 3, 4))
        # A level drawn w times weighs w in a tuple, but meets its other draws in none.
        self.pairs = p1**2 - p2
        self.triples = p1**3 - 3 * p1 * p2 + 2 * p3
        self.quads = p1**4 - 6 * p1**2 * p2 + 8 * p1 * p3 + 3 * p2**2 - 6 * p4

    def root(self, states: slice = slice(None)) -> Float[np.ndarray, "n r"]:
        """Square root of the weight of states, sorted by level, in each replicate."""
        found: np.ndarray = self._root[self.group[states]]
        return found


class LevelSums:
    """One side: what its kernel K̂ = K without shared levels sums to, over pairs of levels.

    Args:
        blocks: (G, G) K_gh = Σ_{i∈g, j∈h} K̂_ij.
        levels: the levels and the weights of the replicates.

    Attributes:
        level: (G, 1 + R) w_g (K_G w)_g, whose sum is ``total``.
    """

    def __init__(self, blocks: Float[np.ndarray, "G G"], levels: LevelWeights) -> None:
        self.levels, self.blocks, w = levels, blocks, levels.w
        self.level = blocks @ w.T * w.T
        self.total = self.level.sum(axis=0)


def hsic_of_sums(
    K: LevelSums,
    L: LevelSums,
    P: Float[np.ndarray, "G G"],
    Q: Float[np.ndarray, "G G"],
    rows: Float[np.ndarray, " r"],
) -> Float[np.ndarray, " r"]:
    """Weighted unbiased HSIC over tuples of distinct levels: the estimate, then the replicates.

    HSIC = A/n_A − 2 B/n_B + C/n_C, sums over states i, j, q, r of pairwise distinct levels
    (Song et al. 2012, section 3, write HSIC₁ as this U-statistic):

    - A = Σ w_i w_j K_ij L_ij = wᵀPw;
    - B = Σ w_i w_j w_q K_ij L_iq = Σ_i w_i (K̂w)_i (L̂w)_i − wᵀQw²;
    - C = Σ w_i w_j w_q w_r K_ij L_qr = (wᵀK_Gw)(wᵀL_Gw) − 4 Σ_g w_g² (K_Gw)_g (L_Gw)_g
      + 2 (w²)ᵀ(K_G∘L_G) w²;

    and n_A, n_B, n_C the same with K = L = 1. What is subtracted are the tuples in which a level
    meets itself.

    Args:
        K: one side.
        L: the other one.
        P: P_gh = Σ_{i∈g, j∈h} K̂_ij L̂_ij.
        Q: Q_gh = Σ_{i∈g} k_ih l_ih, with k_ih = Σ_{j∈h} K̂_ij.
        rows: Σ_i w_i (K̂w)_i (L̂w)_i in each replicate.

    Note:
        Unlike HSIC₁, this estimate moves a little when K is not centred and levels are of unequal
        weight; :func:`analysis.measures.hsic.linear_gram` centres. The expectation does not move.
    """
    levels, w = K.levels, K.levels.w

    def form(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.einsum("rg,rg->r", left @ matrix, right)

    A = form(w, P, w)
    B = rows - form(w, Q, w**2)
    C = K.total * L.total - 4 * np.einsum("gr,gr->r", K.level, L.level)
    C += 2 * form(w**2, K.blocks * L.blocks, w**2)
    return sum_or_zero(A / levels.pairs, -2 * B / levels.triples, C / levels.quads)


def check_levels(states: int, levels: LevelWeights) -> None:
    """Raise ``UserError`` unless there is a level for each state."""
    if states != len(levels.order):
        raise UserError(
            f"expected the level of every state, got {len(levels.order)} labels for {states} "
            "states; pass features and clusters of one state bank"
        )
