"""CKA between states of *different* levels, and its bootstrap over levels.

States come in clusters, the levels: two frames of one level look alike whatever the policy. HSIC₁
averages over tuples of different states, so some of them lie within a level, and on clustered data
it is biased as HSIC₀ is on few states; a bootstrap doubles that, because a level drawn twice meets
itself. A planted CKA of .50 reads .61 (50 levels of 10 states, half of the variance between them,
64 features) and none of 100 95 % intervals covers it. The estimator here averages over tuples of
states from distinct levels only, and its replicates over tuples of draws of distinct levels: there
it reads .50, and 98 of 100 intervals cover. With one state per level it is HSIC₁.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.hsic import Undefined, linear_gram, normalise, sum_or_zero
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike


class Levels:
    """Which states share a level, and how often each level counts in each replicate.

    Args:
        clusters: (n,) label of each state's level; ``np.arange(n)`` if each stands alone.
        weights: (R, G) multiplicities from :func:`analysis.stats.clusters.cluster_weights`, columns
            in the order of ``np.unique(clusters)``. Row 0 of every result here is the estimate
            itself, all weights 1; rows 1 to R are the replicates.

    Attributes:
        order: (n,) the states sorted by level; ``slices``: where each level lies in it, its
            beginning in ``starts``, (G,).
        w: (1 + R, G) weights of levels; ``root``: (n, 1 + R) square root of those of states.
        pairs, triples, quads: (1 + R,) weighted number of tuples of distinct levels.

    Raises:
        UserError: weights of another shape, or a replicate with fewer than 4 distinct levels.
    """

    def __init__(self, clusters: ArrayLike, weights: np.ndarray) -> None:
        group, m = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)[1:]
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
        self.root = np.sqrt(self.w[:, group[self.order]].T)
        # Elementary symmetric polynomials by Newton's identities, of states per drawn level.
        p1, p2, p3, p4 = (((self.w * m) ** k).sum(axis=1) for k in (1, 2, 3, 4))
        # A level drawn w times weighs w in a tuple, but meets its other draws in none.
        self.pairs = p1**2 - p2
        self.triples = p1**3 - 3 * p1 * p2 + 2 * p3
        self.quads = p1**4 - 6 * p1**2 * p2 + 8 * p1 * p3 + 3 * p2**2 - 6 * p4


class LevelGram:
    """A kernel matrix prepared for many pairs: all that does not depend on the partner.

    K̂ is K without the blocks of states that share a level.

    Args:
        K: (n, n) symmetric kernel matrix on the states of ``levels``, in their given order.
        levels: the levels and the weights of the replicates.

    Attributes:
        off: (n, n) K̂, states sorted by level.
        k: (n, G) k_ih = Σ_{j∈h} K̂_ij; ``blocks``: (G, G) K_gh = Σ_{i∈g} k_ih.
        kw: (n, 1 + R) √w_i (K̂w)_i; ``level``: (G, 1 + R) w_g (K_G w)_g, whose sum is ``total``.
    """

    def __init__(self, K: Float[np.ndarray, "n n"], levels: Levels) -> None:
        if len(K) != len(levels.order):
            raise UserError(
                f"expected the level of every state, got {len(levels.order)} labels for {len(K)} "
                f"states; pass features and clusters of one state bank"
            )
        self.levels, starts, w = levels, levels.starts, levels.w
        self.off = K[np.ix_(levels.order, levels.order)]
        for g in levels.slices:
            self.off[g, g] = 0
        self.k = np.add.reduceat(self.off, starts, axis=1)
        self.blocks = np.add.reduceat(self.k, starts, axis=0)
        self.kw = self.k @ w.T * levels.root
        self.level = self.blocks @ w.T * w.T
        self.total = self.level.sum(axis=0)


def hsic_levels(K: LevelGram, L: LevelGram) -> Float[np.ndarray, " r"]:
    """Weighted unbiased HSIC over tuples of distinct levels: the estimate, then the replicates.

    HSIC = A/n_A − 2 B/n_B + C/n_C, sums over states i, j, q, r of pairwise distinct levels
    (Song et al. 2012, section 3, write HSIC₁ as this U-statistic):

    - A = Σ w_i w_j K_ij L_ij = wᵀPw, P_gh = Σ_{i∈g, j∈h} K̂_ij L̂_ij;
    - B = Σ w_i w_j w_q K_ij L_iq = Σ_i w_i (K̂w)_i (L̂w)_i − wᵀQw², Q_gh = Σ_{i∈g} k_ih l_ih;
    - C = Σ w_i w_j w_q w_r K_ij L_qr = (wᵀK_Gw)(wᵀL_Gw) − 4 Σ_g w_g² (K_Gw)_g (L_Gw)_g
      + 2 (w²)ᵀ(K_G∘L_G) w²;

    and n_A, n_B, n_C the same with K = L = 1. What is subtracted are the tuples in which a level
    meets itself. A pair costs n² once and (n + G²) per replicate.

    Note:
        Unlike HSIC₁, this estimate moves a little when K is not centred and levels are of unequal
        weight; :func:`analysis.measures.hsic.linear_gram` centres. The expectation does not move.
    """
    levels, w, starts = K.levels, K.levels.w, K.levels.starts
    # Level by level: the products of one level's rows stay in the cache, n x n would not.
    strips = np.stack([np.einsum("in,in->n", K.off[g], L.off[g]) for g in levels.slices])
    P = np.add.reduceat(strips, starts, axis=1)
    Q = np.add.reduceat(K.k * L.k, starts, axis=0)

    def form(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.einsum("rg,rg->r", left @ matrix, right)

    A = form(w, P, w)
    B = np.einsum("ir,ir->r", K.kw, L.kw) - form(w, Q, w**2)
    C = K.total * L.total - 4 * np.einsum("gr,gr->r", K.level, L.level)
    C += 2 * form(w**2, K.blocks * L.blocks, w**2)
    return sum_or_zero(A / levels.pairs, -2 * B / levels.triples, C / levels.quads)


def cka_levels(
    xs: Sequence[ArrayLike],
    ys: Sequence[ArrayLike],
    clusters: ArrayLike,
    weights: Int[np.ndarray, "R G"],
    *,
    undefined: Undefined = "raise",
) -> Float[np.ndarray, "r x y"]:
    """Linear CKA of every pair of layers over tuples of distinct levels, with its bootstrap.

    Args:
        xs: one (n, d) array of features per layer.
        ys: the same, of the same states.
        clusters: (n,) the level of each state.
        weights: (R, G) from :func:`analysis.stats.clusters.cluster_weights`.
        undefined: see :func:`analysis.measures.hsic.normalise`.

    Returns:
        (1 + R, layers of x, layers of y), never clamped: the estimate, then R replicates, whose
        percentiles are its interval. Every pair shares the draws, so differences between cells,
        and their maximum, can be taken within a replicate. Memory: n² float64 per layer.

    Raises:
        UserError: as :class:`Levels`; features that do not fit or do not vary.
    """
    levels = Levels(clusters, weights)
    kx, ky = (
        [LevelGram(linear_gram(x, f"{side}, layer {i}"), levels) for i, x in enumerate(layers)]
        for side, layers in (("x", xs), ("y", ys))
    )
    xy = np.array([[hsic_levels(K, L) for L in ky] for K in kx]).transpose(2, 0, 1)
    xx, yy = (np.array([hsic_levels(K, K) for K in side]).T for side in (kx, ky))
    return normalise(xy, xx, yy, undefined)
