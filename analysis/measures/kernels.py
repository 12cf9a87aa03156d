"""CKA beyond the linear kernel: Gaussian, angular, and without what the input already has.

Each function takes the features of two layers on the same states and, if states share levels,
the levels; then only pairs of states of different levels count (:mod:`analysis.measures.profiles`).
"""

import numpy as np
from jaxtyping import Float

from analysis.measures.profiles import (
    Pairs,
    check_layer,
    cosine,
    level_centred,
    squared_distances,
    unit,
)
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike

BANDWIDTH = 0.5
"""σ of the Gaussian kernel in units of the median distance. Kornblith et al. 2019 try .2 to .8;
from about 1 on the kernel is as good as linear (Alvarez 2022)."""


def linear_profile(K: Float[np.ndarray, "n n"], pairs: Pairs) -> Float[np.ndarray, " P"]:
    """Of length 1, so that the cosine of two is the unbiased linear CKA."""
    return unit(level_centred(K, pairs), float(np.linalg.norm(K)))


def rbf_profile(
    K: Float[np.ndarray, "n n"], pairs: Pairs, bandwidth: float = BANDWIDTH
) -> Float[np.ndarray, " P"]:
    """The same of exp(−‖x_i − x_j‖² / 2σ²), σ = ``bandwidth`` x median distance of the pairs."""
    if not bandwidth > 0:
        raise UserError(f"bandwidth: expected a positive part of the median, got {bandwidth}")
    squared = squared_distances(K)
    median = float(np.median(squared[pairs.i, pairs.j]))
    # Where most states look alike the median is 0, and no bandwidth suggests itself.
    scale = 2 * bandwidth**2 * (median or np.nan)
    return unit(level_centred(np.exp(-squared / scale), pairs), float(pairs.states))


def deconfounded_profile(
    p: Float[np.ndarray, " P"], inputs: Float[np.ndarray, " P"]
) -> Float[np.ndarray, " P"]:
    """The part of a unit profile that the inputs' unit profile does not explain, of length 1."""
    return unit(p - (p @ inputs) * inputs, 1.0)


def linear_cka(x: ArrayLike, y: ArrayLike, levels: ArrayLike | None = None) -> float:
    """Unbiased linear CKA as the cosine of two profiles, in [−1, 1].

    With one state a level it is :func:`analysis.measures.cka.cka` (Song et al. 2012).
    """
    pairs = Pairs.among(x, levels)
    p, q = (linear_profile(check_layer(z, pairs, s), pairs) for s, z in (("x", x), ("y", y)))
    return cosine(p, q)


def rbf_cka(
    x: ArrayLike, y: ArrayLike, levels: ArrayLike | None = None, bandwidth: float = BANDWIDTH
) -> float:
    """Unbiased CKA of Gaussian kernels (Kornblith et al. 2019, section 3), in [−1, 1].

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        levels: (n,) level of each state, or None: each stands alone.
        bandwidth: σ in units of each layer's median distance over the pairs that count; without
            the zero distance of a state to itself, which some tools count.
    """
    pairs = Pairs.among(x, levels)
    p, q = (
        rbf_profile(check_layer(z, pairs, s), pairs, bandwidth) for s, z in (("x", x), ("y", y))
    )
    return cosine(p, q)


def angular_cka(x: ArrayLike, y: ArrayLike, levels: ArrayLike | None = None) -> float:
    """Arccos CKA in radians, in [0, π]: 0 where equal, about π/2 where independent; a metric.

    Williams et al. 2021, "Generalized Shape Metrics on Neural Representations", take the biased
    CKA; the angle of the unbiased one is a metric too, because it is a cosine as well.
    """
    return float(np.arccos(np.clip(linear_cka(x, y, levels), -1.0, 1.0)))


def deconfounded_cka(
    x: ArrayLike, y: ArrayLike, inputs: ArrayLike, levels: ArrayLike | None = None
) -> float:
    """CKA of what the similarity of the inputs does not explain, in [−1, 1].

    K − α K₀ in place of K, with K₀ the Gram matrix of the inputs and α from least squares (Cui et
    al. 2022, "Deconfounded Representation Similarity", equations 5 to 7).

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        inputs: (n, d_0) what both were given, pixels.
        levels: as in :func:`rbf_cka`.

    Note:
        Kernels are centred before the regression, not after it, and without bias. So this is the
        partial correlation (xy − x0 y0) / √((1 − x0²)(1 − y0²)) of the three CKAs.
    """
    pairs = Pairs.among(x, levels)
    p, q, p0 = (
        linear_profile(check_layer(z, pairs, name), pairs)
        for name, z in (("x", x), ("y", y), ("inputs", inputs))
    )
    return cosine(deconfounded_profile(p, p0), deconfounded_profile(q, p0))
