"""CKA between states of different levels by the feature road, and after levels change places.

:mod:`analysis.measures.by_level` takes the same sums from n x n matrices, which serve any number of
bootstrap replicates; here they come from products of features, n d_x d_y a permutation and no
n x n matrix, which serves thousands of states under each permutation of levels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.by_level import Levels
from analysis.measures.hsic import centred, check_states, normalise, sum_or_zero


@dataclass(frozen=True, eq=False)
class _Side:
    """One array about its mean, states sorted by level: all that does not depend on the partner.

    Attributes:
        x: (n, d); ``sums``: (G, d) S_g, of each level.
        apart: (n,) k_i = x_i (S − S_g), with all states of other levels; ``own``: (n,) x_i S_g.
        within: K_ij of states of one level, row by row; ``level``: (G,) S_g (S − S_g).
    """

    x: Float[np.ndarray, "n d"]
    sums: Float[np.ndarray, "G d"]
    apart: Float[np.ndarray, " n"]
    own: Float[np.ndarray, " n"]
    within: Float[np.ndarray, " pair"]
    level: Float[np.ndarray, " G"]

    @classmethod
    def of(cls, x: np.ndarray, levels: Levels, name: str) -> "_Side":
        x = _narrow(centred(x, name))[levels.order]
        sums = np.add.reduceat(x, levels.starts, axis=0)
        group = np.repeat(np.arange(len(sums)), _sizes(levels))
        whole, own = x @ sums.sum(axis=0), np.einsum("nd,nd->n", x, sums[group])
        within = np.concatenate([(x[g] @ x[g].T).ravel() for g in levels.slices])
        apart = whole - own
        return cls(x, sums, apart, own, within, np.add.reduceat(apart, levels.starts))

    def moved(self, states: np.ndarray, levels: Levels) -> "_Side":
        """The same after whole levels changed places; ``states`` are sorted by level."""
        sizes = _sizes(levels)
        group = np.repeat(np.arange(len(sizes)), sizes)
        places = group[states[levels.starts]]
        row = np.repeat(sizes, sizes)
        begin = np.cumsum(row) - row
        pairs = np.repeat(begin[states] - begin, row) + np.arange(len(self.within))
        return _Side(
            *(self.x[states], self.sums[places], self.apart[states], self.own[states]),
            *(self.within[pairs], self.level[places]),
        )


def _narrow(x: np.ndarray) -> Float[np.ndarray, "n d"]:
    """At most as many features as states.

    Of more features only their Gram matrix counts, and n features have the same one.
    """
    if x.shape[1] <= len(x):
        return x
    squares, directions = np.linalg.eigh(x @ x.T)
    return directions * np.sqrt(np.maximum(squares, 0.0))


def _sizes(levels: Levels) -> np.ndarray:
    return np.array([g.stop - g.start for g in levels.slices])


def _hsic(x: _Side, y: _Side, levels: Levels) -> float:
    """HSIC over tuples of distinct levels, letters as in ``by_level.hsic_levels``, all weights 1.

    With C = XᵀY, D = Σ_g S_g T_gᵀ, and all that stays within a level subtracted:
    A = ‖C‖² − Σ K_ij L_ij; B = Σ k_i l_i − (⟨C, D⟩ − Σ (x_i S_g)(y_i T_g));
    C = ΣK_g ΣL_g − 4 Σ K_g L_g + 2 (‖D‖² − Σ ‖S_g‖² ‖T_g‖²).
    """
    product, of_sums = x.x.T @ y.x, x.sums.T @ y.sums
    A = float(np.vdot(product, product)) - x.within @ y.within
    B = x.apart @ y.apart - float(np.vdot(product, of_sums)) + x.own @ y.own
    C = x.level.sum() * y.level.sum() - 4 * (x.level @ y.level)
    squares = ((side.sums**2).sum(axis=1) for side in (x, y))
    C += 2 * (float(np.vdot(of_sums, of_sums)) - float(np.multiply(*squares).sum()))
    pairs, triples, quads = (float(one[0]) for one in (levels.pairs, levels.triples, levels.quads))
    return float(sum_or_zero(A / pairs, -2 * B / triples, C / quads))


def permuted_cka(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, permutations: Int[np.ndarray, "B n"]
) -> Float[np.ndarray, " draw"]:
    """Linear CKA over tuples of distinct levels, then after each permutation of the levels of y.

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        clusters: (n,) the level of each state.
        permutations: from :func:`analysis.measures.chance.level_permutations`.

    Returns:
        (1 + B,), never clamped: the estimate, equal to the first of
        :func:`analysis.measures.by_level.cka_levels`, then one value a permutation.

    Raises:
        UserError: fewer than 4 levels; features that do not fit, are not finite or do not vary.
    """
    check_states(len(x), len(y))
    levels = Levels(clusters, np.ones((1, len(np.unique(clusters)))))
    check_states(len(x), len(levels.order))
    first, second = _Side.of(x, levels, "x"), _Side.of(y, levels, "y")
    rank = np.empty(len(x), dtype=np.int64)
    rank[levels.order] = np.arange(len(x))
    both = [_hsic(first, second, levels)]
    for one in permutations:
        moved = second.moved(rank[one[levels.order]], levels)
        both.append(_hsic(first, moved, levels))
    # Levels of equal sizes changed places, so that neither side's own HSIC moves.
    xx, yy = (np.full((len(both), 1), _hsic(one, one, levels)) for one in (first, second))
    return normalise(np.array(both)[:, None, None], xx, yy)[:, 0, 0]
