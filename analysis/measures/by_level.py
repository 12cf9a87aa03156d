"""CKA between states of *different* levels, and its bootstrap over levels.

States come in clusters, the levels: two frames of one level look alike whatever the policy. HSIC₁
averages over tuples of different states, so some of them lie within a level, and on clustered data
it is biased as HSIC₀ is on few states; a bootstrap doubles that, because a level drawn twice meets
itself. A planted CKA of .50 reads .61 (50 levels of 10 states, half of the variance between them,
64 features) and none of 100 95 % intervals covers it. The estimator here averages over tuples of
states from distinct levels only, and its replicates over tuples of draws of distinct levels: there
it reads .50, and 98 of 100 intervals cover. With one state per level it is HSIC₁.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.hsic import Undefined, centred, normalise, sum_or_zero
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike

_CHUNK = 1 << 21
"""Numbers of the products of features taken at once: 16 MB."""


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


class LevelSums(ABC):
    """One side prepared for many partners: what its kernel K̂ = K without shared levels sums to.

    Attributes:
        k: (n, G) k_ih = Σ_{j∈h} K̂_ij, states sorted by level.
        blocks: (G, G) K_gh = Σ_{i∈g} k_ih.
        kw: (n, 1 + R) √w_i (K̂w)_i; ``level``: (G, 1 + R) w_g (K_G w)_g, whose sum is ``total``.
    """

    def __init__(self, k: Float[np.ndarray, "n G"], levels: Levels) -> None:
        self.levels, w = levels, levels.w
        self.k = k
        self.blocks = np.add.reduceat(self.k, levels.starts, axis=0)
        self.kw = self.k @ w.T * levels.root
        self.level = self.blocks @ w.T * w.T
        self.total = self.level.sum(axis=0)

    @abstractmethod
    def products(self, other: Any) -> Float[np.ndarray, "G G"]:
        """P_gh = Σ_{i∈g, j∈h} K̂_ij L̂_ij with a partner of the same kind."""


class LevelGram(LevelSums):
    """By a kernel matrix, of any kind.

    Args:
        K: (n, n) symmetric kernel matrix on the states of ``levels``, in their given order.
        levels: the levels and the weights of the replicates.

    Attributes:
        off: (n, n) K̂, states sorted by level.
    """

    def __init__(self, K: Float[np.ndarray, "n n"], levels: Levels) -> None:
        check_levels(len(K), levels)
        self.off = K[np.ix_(levels.order, levels.order)]
        for g in levels.slices:
            self.off[g, g] = 0
        super().__init__(np.add.reduceat(self.off, levels.starts, axis=1), levels)

    def products(self, other: "LevelGram") -> Float[np.ndarray, "G G"]:
        """n² multiplications, whatever the features were."""
        # Level by level: the products of one level's rows stay in the cache, n x n would not.
        slices, starts = self.levels.slices, self.levels.starts
        strips = np.stack([np.einsum("in,in->n", self.off[g], other.off[g]) for g in slices])
        return np.add.reduceat(strips, starts, axis=1)


class LevelFeatures(LevelSums):
    """By features, without an n x n matrix: of thousands of states in few levels.

    P_gh = ⟨C_g, C_h⟩ with C_g = Σ_{i∈g} x_i y_iᵀ, since (x_i x_j)(y_i y_j) = ⟨x_i y_iᵀ, x_j y_jᵀ⟩.

    Args:
        x: (n, d) features about their mean, in the order of the levels' labels.
        levels: the levels and the weights of the replicates.
    """

    def __init__(self, x: Float[np.ndarray, "n d"], levels: Levels) -> None:
        check_levels(len(x), levels)
        self.x = x[levels.order]
        k = self.x @ np.add.reduceat(self.x, levels.starts, axis=0).T
        for level, states in enumerate(levels.slices):
            k[states, level] = 0
        super().__init__(k, levels)

    def products(self, other: "LevelFeatures") -> Float[np.ndarray, "G G"]:
        """(n + G²) d_x d_y multiplications, half of it with itself."""
        slices, x, y = self.levels.slices, self.x, other.x
        found = np.zeros((len(slices), len(slices)))
        step = max(1, _CHUNK // (len(slices) * y.shape[1]))
        for start in range(0, x.shape[1], step):
            part = x[:, start : start + step]
            # With itself every other product of two features counts twice.
            rest = y[:, start:] if self is other else y
            moments = np.empty((len(slices), part.shape[1], rest.shape[1]))
            for moment, g in zip(moments, slices, strict=True):
                np.matmul(part[g].T, rest[g], out=moment)
            if self is other:
                moments[:, :, part.shape[1] :] *= 2**0.5
            flat = moments.reshape(len(slices), -1)
            found += flat @ flat.T
        np.fill_diagonal(found, 0)
        return found


def check_levels(states: int, levels: Levels) -> None:
    """Raise ``UserError`` unless there is a level for each state."""
    if states != len(levels.order):
        raise UserError(
            f"expected the level of every state, got {len(levels.order)} labels for {states} "
            "states; pass features and clusters of one state bank"
        )


def hsic_levels(K: LevelSums, L: LevelSums) -> Float[np.ndarray, " r"]:
    """Weighted unbiased HSIC over tuples of distinct levels: the estimate, then the replicates.

    HSIC = A/n_A − 2 B/n_B + C/n_C, sums over states i, j, q, r of pairwise distinct levels
    (Song et al. 2012, section 3, write HSIC₁ as this U-statistic):

    - A = Σ w_i w_j K_ij L_ij = wᵀPw, P_gh = Σ_{i∈g, j∈h} K̂_ij L̂_ij;
    - B = Σ w_i w_j w_q K_ij L_iq = Σ_i w_i (K̂w)_i (L̂w)_i − wᵀQw², Q_gh = Σ_{i∈g} k_ih l_ih;
    - C = Σ w_i w_j w_q w_r K_ij L_qr = (wᵀK_Gw)(wᵀL_Gw) − 4 Σ_g w_g² (K_Gw)_g (L_Gw)_g
      + 2 (w²)ᵀ(K_G∘L_G) w²;

    and n_A, n_B, n_C the same with K = L = 1. What is subtracted are the tuples in which a level
    meets itself. A pair costs its products once and (n + G²) per replicate.

    Note:
        Unlike HSIC₁, this estimate moves a little when K is not centred and levels are of unequal
        weight; :func:`analysis.measures.hsic.linear_gram` centres. The expectation does not move.
    """
    levels, w, starts = K.levels, K.levels.w, K.levels.starts
    P = K.products(L)
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
        and their maximum, can be taken within a replicate. Memory: n² float64 per layer, or n G
        where features are the cheaper road.

    Raises:
        UserError: as :class:`Levels`; features that do not fit or do not vary.
    """
    levels = Levels(clusters, weights)
    sides = [
        [centred(x, f"{side}, layer {i}") for i, x in enumerate(layers)]
        for side, layers in (("x", xs), ("y", ys))
    ]
    few = _features_are_cheaper(sides[0], sides[1], len(levels.slices))
    kx, ky = (
        [LevelFeatures(x, levels) if few else LevelGram(x @ x.T, levels) for x in side]
        for side in sides
    )
    xy = np.array([[hsic_levels(K, L) for L in ky] for K in kx]).transpose(2, 0, 1)
    xx, yy = (np.array([hsic_levels(K, K) for K in side]).T for side in (kx, ky))
    return normalise(xy, xx, yy, undefined)


def _features_are_cheaper(xs: Sequence[np.ndarray], ys: Sequence[np.ndarray], G: int) -> bool:
    """Count multiplications: (n + G²) d_x d_y a pair, half with itself; n² (Σd + pairs) by Grams.

    A Gram matrix is had for n² d, and each side meets itself, too.
    """
    n = max((len(x) for x in (*xs, *ys)), default=0)
    dx, dy = ([x.shape[1] for x in side] for side in (xs, ys))
    own = sum(d * d for d in (*dx, *dy)) / 2
    return (n + G**2) * (sum(dx) * sum(dy) + own) <= n**2 * (sum(dx) + sum(dy) + len(dx) * len(dy))
