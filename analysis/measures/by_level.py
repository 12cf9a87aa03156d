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

from analysis.measures.hsic import Undefined, centred, normalise
from analysis.measures.level_features import hsic_by_features
from analysis.measures.level_sums import LevelSums, LevelWeights, check_levels, hsic_of_sums
from checkpoints.doors.arrays import ArrayLike


class LevelGram(LevelSums):
    """One side prepared for many partners by a kernel matrix, of any kind.

    Args:
        K: (n, n) symmetric kernel matrix on the states of ``levels``, in their given order.
        levels: the levels and the weights of the replicates.

    Attributes:
        off: (n, n) K̂, states sorted by level.
        k: (n, G) k_ih = Σ_{j∈h} K̂_ij.
        kw: (n, 1 + R) √w_i (K̂w)_i.
    """

    def __init__(self, K: Float[np.ndarray, "n n"], levels: LevelWeights) -> None:
        check_levels(len(K), levels)
        self.off = K[np.ix_(levels.order, levels.order)]
        for g in levels.slices:
            self.off[g, g] = 0
        self.k = np.add.reduceat(self.off, levels.starts, axis=1)
        super().__init__(np.add.reduceat(self.k, levels.starts, axis=0), levels)
        self.kw = self.k @ levels.w.T * levels.root()

    def products(self, other: "LevelGram") -> Float[np.ndarray, "G G"]:
        """P_gh of :func:`hsic_levels`, by n² multiplications, whatever the features were."""
        # Level by level: the products of one level's rows stay in the cache, n x n would not.
        slices, starts = self.levels.slices, self.levels.starts
        strips = np.stack([np.einsum("in,in->n", self.off[g], other.off[g]) for g in slices])
        return np.add.reduceat(strips, starts, axis=1)


def hsic_levels(K: LevelGram, L: LevelGram) -> Float[np.ndarray, " r"]:
    """HSIC over tuples of distinct levels, see :func:`analysis.measures.level_sums.hsic_of_sums`.

    A pair costs its products once and (n + G²) per replicate.
    """
    Q = np.add.reduceat(K.k * L.k, K.levels.starts, axis=0)
    return hsic_of_sums(K, L, K.products(L), Q, np.einsum("ir,ir->r", K.kw, L.kw))


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
        and their maximum, can be taken within a replicate. Memory: n² float64 per layer, or that
        of the features where they are the cheaper road.

    Raises:
        UserError: as :class:`LevelWeights`; features that do not fit or do not vary.
    """
    levels = LevelWeights(clusters, weights)
    sides = [
        [centred(x, f"{side}, layer {i}") for i, x in enumerate(layers)]
        for side, layers in (("x", xs), ("y", ys))
    ]
    if _features_are_cheaper(sides[0], sides[1], len(levels.slices)):
        return normalise(*hsic_by_features(sides[0], sides[1], levels), undefined)
    kx, ky = ([LevelGram(x @ x.T, levels) for x in side] for side in sides)
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
