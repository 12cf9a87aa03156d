"""HSIC from Gram matrices, unbiased and biased, and the CKA that normalises it.

The Hilbert-Schmidt independence criterion of two kernels K and L on the same n states is read off
four sums (t, k1, l1, kl below). This module takes the sums from Gram matrices, at O(n²) a pair,
the cheap road where n < d; :mod:`analysis.measures.moments` takes the same sums from features in
one pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array

Undefined = Literal["raise", "nan"]
LARGEST = 1e150
"""Of features at most: their squares are summed, and what overflows there is no number later."""
ROUNDING = 1e-12  # what float64 may leave where the terms of a sum cancel, relative to them


def sum_or_zero(*terms: float | np.ndarray, rounding: float = ROUNDING) -> np.ndarray:
    """Their sum, and exactly 0 where the terms cancel and nothing but rounding is left.

    A layer that fires in one state only has HSIC(X, X) = 0; the rounding in place of that zero
    would make CKA any number.
    """
    parts = np.stack([np.asarray(term) for term in terms])
    total = parts.sum(axis=0)
    return np.where(np.abs(total) > rounding * np.abs(parts).sum(axis=0), total, 0.0)


def hsic_1(
    n: int, t: Sequence[float], k1: float, l1: float, kl: float, *, rounding: float = ROUNDING
) -> float:
    """Unbiased HSIC (Song et al. 2012, equation 5) from sums over K̃, L̃: zero diagonals.

    HSIC₁ = [tr(K̃L̃) + 1ᵀK̃1·1ᵀL̃1 / ((n−1)(n−2)) − 2/(n−2) · 1ᵀK̃L̃1] / (n(n−3))

    Args:
        n: states, at least 4.
        t: the terms of tr(K̃L̃) = Σ_{i≠j} K_ij L_ij.
        k1: 1ᵀK̃1.
        l1: 1ᵀL̃1.
        kl: 1ᵀK̃L̃1, the product of the row sums.
        rounding: below this part of its terms the estimate is 0.

    Returns:
        The estimate: negative about half of the time where K and L are independent, at least 0
        where K = L.
    """
    rest = k1 * l1 / ((n - 1) * (n - 2)), -2 / (n - 2) * kl
    return float(sum_or_zero(*t, *rest, rounding=rounding)) / (n * (n - 3))


def normalise(
    xy: Float[np.ndarray, "*r x y"],
    xx: Float[np.ndarray, "*r x"],
    yy: Float[np.ndarray, "*r y"],
    undefined: Undefined = "raise",
) -> Float[np.ndarray, "*r x y"]:
    """CKA = HSIC(X, Y) / √(HSIC(X, X) HSIC(Y, Y)), never clamped (Kornblith et al. 2019, eq. 2).

    Args:
        xy: HSIC of each pair of layers.
        xx: HSIC of each layer of x with itself, by the same estimator.
        yy: the same of y.
        undefined: what a layer with HSIC(X, X) ≤ 0 gives: an error, or NaN in its row or column.

    Raises:
        UserError: a layer does not vary and ``undefined`` is ``raise``.
    """
    for name, own in (("x", xx), ("y", yy)):
        bad = np.unique(np.argwhere(~(own > 0))[:, -1])
        if len(bad) and undefined == "raise":
            raise UserError(
                f"{name}: expected layers that vary between states, got HSIC(X, X) <= 0 in layer "
                f"{bad.tolist()} (counted from 0): constant, dead or nearly so; leave it out or "
                f"gather more states"
            )
    xx, yy = (np.sqrt(np.where(own > 0, own, np.nan)) for own in (xx, yy))
    return xy / xx[..., :, None] / yy[..., None, :]


def check_states(n: int, m: int) -> None:
    """The two sides must show the same states, and at least the 4 that HSIC₁ needs."""
    if n != m:
        raise UserError(
            f"expected x and y of the same states, got {n} and {m} rows; compute both features "
            f"on one state bank, in one order"
        )
    if n < 4:
        raise UserError(f"expected at least 4 states, got {n}; gather more, HSIC₁ needs 4")


def check_features(x: np.ndarray, name: str) -> None:
    """A layer is (states, features), flattened."""
    if x.ndim != 2 or 0 in x.shape:
        raise UserError(
            f"{name}: expected features of shape (states, features), none of them 0, got "
            f"{x.shape}; flatten each state's activation to a row"
        )


def check_finite(x: np.ndarray, name: str) -> None:
    """NaN or inf would spread over every number that the layer touches; so would an overflow."""
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise UserError(
            f"{name}: expected finite features, got NaN or inf, first in row {row} of "
            f"{len(x)}; leave the layer out or repair the policy"
        )
    if x.dtype.itemsize > 4 and x.size and max(x.max(), -x.min()) > LARGEST:
        raise UserError(f"{name}: expected features up to 1e150, got larger ones; scale them")


def centred(x: ArrayLike, name: str = "x") -> Float[np.ndarray, "n d"]:
    """Features about their mean, in float64.

    Args:
        x: (n, d) features of any type that :func:`checkpoints.doors.arrays.as_array` takes.
        name: how an error calls it.
    """
    x = as_array(x, name)
    check_features(x, name)
    check_finite(x, name)
    # Centred twice: about one state first, so that features which do not vary give exact zeros
    # and large means cost no digits; then about the mean of what is left.
    x = np.subtract(x, x[:1], dtype=np.float64)
    x -= x.mean(axis=0)
    return x


def linear_gram(x: ArrayLike, name: str = "x") -> Float[np.ndarray, "n n"]:
    """K = XXᵀ of :func:`centred` features."""
    x = centred(x, name)
    return x @ x.T


@dataclass(frozen=True)
class Gram:
    """A kernel matrix K and the sums that every pair of it shares.

    Attributes:
        off: (n, n) K̃, that is K with a zero diagonal.
        diagonal: (n,) the diagonal of K.
        rows: (n,) K̃1.
    """

    off: Float[np.ndarray, "n n"]
    diagonal: Float[np.ndarray, " n"]
    rows: Float[np.ndarray, " n"]

    @classmethod
    def of(cls, K: Float[np.ndarray, "n n"]) -> "Gram":
        """Split any symmetric kernel matrix, linear or not, centred or not."""
        off = K.copy()
        np.fill_diagonal(off, 0)
        return cls(off, np.diagonal(K).copy(), off.sum(axis=1))


def hsic_grams(K: Gram, L: Gram, *, biased: bool = False) -> float:
    """HSIC of two kernels, in the product of their units.

    Biased: tr(KHLH) / (n−1)², H = 1 − 11ᵀ/n (Kornblith et al. 2019, equation 3).
    """
    n = len(K.rows)
    t = float(np.vdot(K.off, L.off))
    if not biased:
        return hsic_1(n, [t], float(K.rows.sum()), float(L.rows.sum()), float(K.rows @ L.rows))
    k, l = K.rows + K.diagonal, L.rows + L.diagonal
    trace = t + K.diagonal @ L.diagonal - 2 / n * (k @ l) + k.sum() * l.sum() / n**2
    return float(trace) / (n - 1) ** 2


def cka_grams(
    Ks: Sequence[np.ndarray],
    Ls: Sequence[np.ndarray],
    *,
    biased: bool = False,
    undefined: Undefined = "raise",
) -> Float[np.ndarray, "x y"]:
    """CKA of every kernel in ``Ks`` with every kernel in ``Ls``.

    Args:
        Ks: symmetric (n, n) kernel matrices, centred or not.
        Ls: the same, on the same states.
        biased: HSIC₀ in place of HSIC₁.
        undefined: see :func:`normalise`.

    Returns:
        Unbiased: in [−1, 1], about 0 where independent, 1 where equal. Biased: in [0, 1].
    """
    for K in (*Ks, *Ls):
        check_states(len(Ks[0]), len(K))
    grams_x, grams_y = ([Gram.of(K) for K in side] for side in (Ks, Ls))
    xy = np.array([[hsic_grams(K, L, biased=biased) for L in grams_y] for K in grams_x])
    xx, yy = (
        np.array([hsic_grams(K, K, biased=biased) for K in side]) for side in (grams_x, grams_y)
    )
    return normalise(xy, xx, yy, undefined)
