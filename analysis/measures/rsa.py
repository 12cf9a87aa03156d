"""Representational similarity analysis: do two layers order the distances of states alike?"""

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from analysis.measures.profiles import Pairs, check_layer, cosine, squared_distances, unit
from checkpoints.doors.arrays import ArrayLike


def rank_profile(K: Float[np.ndarray, "n n"], pairs: Pairs) -> Float[np.ndarray, " P"]:
    """Ranks of the pairs' distances about their mean, of length 1."""
    ranks = rankdata(squared_distances(K)[pairs.i, pairs.j])
    return unit(ranks - ranks.mean(), float(len(ranks)))


def rsa(x: ArrayLike, y: ArrayLike, levels: ArrayLike | None = None) -> float:
    """Spearman correlation of the Euclidean distances between states, in [−1, 1].

    Kriegeskorte et al. 2008, "Representational similarity analysis". Squared distances have the
    same ranks, tied ones share theirs.

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        levels: (n,) level of each state: only pairs of different levels count. None: all pairs.
    """
    pairs = Pairs.among(x, levels)
    p, q = (rank_profile(check_layer(z, pairs, name), pairs) for name, z in (("x", x), ("y", y)))
    return cosine(p, q)
