"""What a layer says about each pair of states, and the cosine of two layers' sayings.

CKA, RSA and the overlap of neighbours share one form. A layer becomes a *profile*, a number for
each pair of states of different levels (a centred kernel, a rank of distance, who is near whom),
and two layers are as alike as the cosine of their profiles. So one bootstrap over levels and one
permutation of levels (:mod:`analysis.measures.chance`) serve them all. Pairs within a level are
left out: two frames of one level look alike whatever the policy
(:mod:`analysis.measures.by_level`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num

from analysis.measures.hsic import check_features, check_states, linear_gram
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array, as_labels

TIES = 1e-10
"""Squared distances closer than this part of their mean are one: rounding is not an order."""
ROUNDING = 1e-10
"""A profile shorter than this part of what it was taken from is 0: nothing varied."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of states of different levels: all of them, unless ``only`` some were kept.

    Attributes:
        group: (n,) number of each state's level, in the order of ``np.unique``.
        i, j: (P,) the states of each pair, sorted by i; i < j unless ``ordered``.
        ordered: whether (i, j) and (j, i) are two pairs, for profiles that are not symmetric.
    """

    group: Int[np.ndarray, " n"]
    i: Int[np.ndarray, " P"]
    j: Int[np.ndarray, " P"]
    ordered: bool = False

    @classmethod
    def among(cls, x: ArrayLike, levels: Any = None, *, ordered: bool = False) -> "Pairs":
        """The pairs of rows of x, of different levels where levels are given; errors as ``of``."""
        rows = as_array(x, "x")
        check_features(rows, "x")
        labels = np.arange(len(rows)) if levels is None else as_labels(levels, "levels")
        return cls.of(labels, ordered=ordered)

    @classmethod
    def of(cls, levels: np.ndarray, *, ordered: bool = False) -> "Pairs":
        """The pairs of states with these level labels, ``np.arange(n)`` if each stands alone.

        Raises:
            UserError: fewer than 4 levels.
        """
        group = np.unique(np.asarray(levels), return_inverse=True)[1]
        if len(group) == 0 or group.max() < 3:
            raise UserError(
                f"expected states of at least 4 levels, got {len(np.unique(group))}; similarity "
                f"is read off pairs of states of different levels"
            )
        apart = group[:, None] != group[None, :]
        i, j = np.nonzero(apart if ordered else np.triu(apart))
        return cls(group, i.astype(np.int32), j.astype(np.int32), ordered)

    def __len__(self) -> int:
        return len(self.i)

    def only(self, numbers: Int[np.ndarray, " Q"]) -> "Pairs":
        """Some of the pairs, by their place in the order here."""
        return Pairs(self.group, self.i[numbers], self.j[numbers], self.ordered)

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.group)

    @cached_property
    def blocks(self) -> Int[np.ndarray, " P"]:
        """The pair of levels that each pair of states belongs to, as one number."""
        return self.group[self.i] * (self.group.max() + 1) + self.group[self.j]

    def square(self, profile: Num[np.ndarray, " P"]) -> Num[np.ndarray, "n n"]:
        """The profile as a matrix, 0 within a level and where there is no pair."""
        full = np.zeros((self.states, self.states), profile.dtype)
        full[self.i, self.j] = profile
        if not self.ordered:
            full[self.j, self.i] = profile
        return full


def check_layer(x: ArrayLike, pairs: Pairs, name: str = "x") -> Float[np.ndarray, "n n"]:
    """The centred linear Gram matrix of a layer that can be compared.

    Raises:
        UserError: no features, NaN or inf, other states than the pairs', a layer that is constant.
    """
    K = linear_gram(x, name)
    check_states(len(K), pairs.states)
    if not np.trace(K) > 0:
        raise UserError(
            f"{name}: expected a layer that varies between states, got a constant one; leave it "
            f"out, nothing can be said of its likeness"
        )
    return K


def squared_distances(K: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """‖x_i − x_j‖² from a Gram matrix, in units of their mean; near ties made exact."""
    d = np.diagonal(K)
    squared = d[:, None] + d[None, :] - 2 * K
    squared /= squared.mean()
    return np.maximum(np.round(squared / TIES) * TIES, 0.0)


def level_centred(K: Float[np.ndarray, "n n"], pairs: Pairs) -> Float[np.ndarray, " P"]:
    """The kernel without what single states contribute: K_ij − a_i − a_j on the pairs.

    ``a`` is such that the profile adds up to 0 over the pairs of each state. With one state a
    level this is U-centring (Székely and Rizzo 2014), and the inner product of two such profiles
    is n(n−3)/2 times HSIC₁ (Song et al. 2012). With several, it is the same projection, onto what
    is orthogonal to a_i + a_j, among the pairs of different levels only. Being a projection, it
    makes an inner product: its cosine stays in [−1, 1] and its angle is a metric.

    Note:
        It leaves out the pairs that carry the bias which :mod:`analysis.measures.by_level`
        describes, and is within .01 of the estimator there, which also leaves out all triples and
        quadruples.
    """
    k = K[pairs.i, pairs.j]
    n, m = pairs.states, np.bincount(pairs.group).astype(float)
    r = np.bincount(pairs.i, k, n) + np.bincount(pairs.j, k, n)
    R = np.bincount(pairs.group, r)
    # Row i: (n − m_g) a_i + S − S_g = r_i, with S the sum of a and S_g its part in level g; added
    # up over level g: (n − 2 m_g) S_g + m_g S = R_g.
    rest = n - 2 * m
    if (rest <= 0).any():
        raise UserError(
            f"expected every level to hold less than half of the {n} states, got one with "
            f"{int(m.max())}; gather states from more levels"
        )
    S = (R / rest).sum() / (1 + (m / rest).sum())
    S_g = (R - m * S) / rest
    a = (r - S + S_g[pairs.group]) / (n - m[pairs.group])
    return k - a[pairs.i] - a[pairs.j]


def unit(profile: Float[np.ndarray, " P"], scale: float) -> Float[np.ndarray, " P"]:
    """The profile at length 1; NaN where it is no more than rounding beside ``scale``."""
    length = np.sqrt(profile @ profile)
    return profile / (length if length > ROUNDING * scale else np.nan)


def cosine(p: Float[np.ndarray, " P"], q: Float[np.ndarray, " P"]) -> float:
    """How alike two unit profiles are, in [−1, 1].

    Raises:
        UserError: a profile that is not defined, because the layer says nothing of pairs.
    """
    for side, profile in (("x", p), ("y", q)):
        if np.isnan(profile).any():
            raise UserError(
                f"{side}: expected a layer that tells pairs of states apart, got one that is the "
                "same, or explained, everywhere but in single states; leave it out or gather more"
            )
    return float(p @ q)


def resampled(
    p: Float[np.ndarray, " P"],
    q: Float[np.ndarray, " P"],
    pairs: Pairs,
    weights: Int[np.ndarray, "R G"],
) -> Float[np.ndarray, " R"]:
    """:func:`all_resampled` of one profile and another one."""
    return all_resampled(p[None], q[None], pairs, weights)[:, 0, 0]


def all_resampled(
    ps: Float[np.ndarray, "X P"],
    qs: Float[np.ndarray, "Y P"],
    pairs: Pairs,
    weights: Int[np.ndarray, "R G"],
) -> Float[np.ndarray, "R X Y"]:
    """The cosines in each bootstrap replicate over levels.

    Args:
        ps: profiles.
        qs: others, of the same pairs.
        pairs: which pairs.
        weights: from :func:`analysis.stats.clusters.cluster_weights` of the levels.

    Note:
        A pair of levels counts as often as both were drawn, and a level does not meet itself.
        What the profiles took from all states (ranks, centres, bandwidths, who is near) is kept.
    """
    w, G = weights.astype(float), weights.shape[1]

    def total(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        sums = np.bincount(pairs.blocks, p * q, G * G).reshape(G, G)
        return ((w @ sums) * w).sum(axis=1)

    pp, qq = (np.stack([total(one, one) for one in side], axis=1) for side in (ps, qs))
    both = np.stack([np.stack([total(p, q) for q in qs], axis=1) for p in ps], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return both / np.sqrt(pp[:, :, None] * qq[:, None, :])
