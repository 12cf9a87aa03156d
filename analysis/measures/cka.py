"""Linear CKA between layers: how alike two representations are, up to rotation and scale."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from analysis.measures.hsic import Undefined, check_features, check_states, cka_grams, linear_gram
from analysis.measures.moments import Moments
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array


def cka(x: ArrayLike, y: ArrayLike, *, biased: bool = False) -> float:
    """Linear CKA of two layers on the same states.

    Args:
        x: (n, d_x) features, n at least 4: an array, lists, a pandas table or a torch tensor.
        y: (n, d_y) features of the same states.
        biased: HSIC₀ (Kornblith et al. 2019) in place of the unbiased HSIC₁ (Song et al. 2012).

    Returns:
        Never clamped. Unbiased: in [−1, 1], about 0 where independent, 1 where equal up to
        rotation, scale and translation (HSIC₁ is an inner product of U-centred kernels, Székely
        and Rizzo 2014, so Cauchy and Schwarz bound it). Biased: in [0, 1], and high wherever n is
        not far above the widths, independent or not.

    Raises:
        UserError: fewer than 4 states, unequal states, NaN or inf, or a side that does not vary.
    """
    return float(cka_matrix([x], [y], biased=biased)[0, 0])


def cka_matrix(
    xs: Sequence[ArrayLike],
    ys: Sequence[ArrayLike],
    *,
    biased: bool = False,
    undefined: Undefined = "raise",
) -> Float[np.ndarray, "x y"]:
    """:func:`cka` of every layer in ``xs`` with every layer in ``ys``, by the cheaper road.

    Args:
        xs: one (n, d) array per layer.
        ys: the same, of the same states.
        biased: as in :func:`cka`.
        undefined: what a layer that does not vary gives: an error, or NaN in its row or column.

    Returns:
        (layers of x, layers of y) float64.
    """
    xs, ys = (
        [as_array(x, f"{side}, layer {i}") for i, x in enumerate(layers)]
        for side, layers in (("x", xs), ("y", ys))
    )
    _check(xs, ys)
    if _moments_are_cheaper(xs, ys):
        moments = Moments([x.shape[1] for x in xs], [y.shape[1] for y in ys])
        moments.update(xs, ys)
        return moments.cka(biased=biased, undefined=undefined)
    Ks, Ls = (
        [linear_gram(x, f"{side}, layer {i}") for i, x in enumerate(layers)]
        for side, layers in (("x", xs), ("y", ys))
    )
    return cka_grams(Ks, Ls, biased=biased, undefined=undefined)


def _check(xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> None:
    if not (len(xs) and len(ys)):
        raise UserError(f"expected layers on both sides, got {len(xs)} and {len(ys)}; name some")
    for side, layers in (("x", xs), ("y", ys)):
        for i, x in enumerate(layers):
            check_features(x, f"{side}, layer {i}")
            check_states(len(xs[0]), len(x))


def _moments_are_cheaper(xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> bool:
    """Count multiplications: n (D_x D_y + Σd²) for moments, n² (Σd + pairs) for Grams."""
    n = len(xs[0])
    dx, dy = ([x.shape[1] for x in side] for side in (xs, ys))
    own = sum(d * d for d in (*dx, *dy))
    return sum(dx) * sum(dy) + own <= n * (sum(dx) + sum(dy) + len(dx) * len(dy))
