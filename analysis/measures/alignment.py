"""Likeness after the best linear fit: Procrustes, SVCCA and PWCCA, from one decomposition a layer.

A layer X = U S Vᵀ about its mean. The best rotation of one layer onto another and their canonical
correlations need only U and S of both, so each layer is decomposed once, on its narrower side:
states for convolutions, features for the last layers. Nothing is projected at random.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from analysis.measures.hsic import check_features, check_finite, check_states, linear_gram
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array

KEEP = 0.99
"""Share of variance that SVCCA and PWCCA keep (Raghu et al. 2017)."""
_EXACT = 1024  # up to this side a singular value decomposition is cheap


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A centred layer in its own principal directions.

    Attributes:
        U: (n, r) left singular vectors, r the rank.
        S: (r,) singular values, largest first.
        kept: how many of them hold the share of variance that was asked for.
        loadings: (kept, d) UᵀX of those, what each direction is made of.
    """

    U: Float[np.ndarray, "n r"]
    S: Float[np.ndarray, " r"]
    kept: int
    loadings: Float[np.ndarray, "kept d"]

    @classmethod
    def of(
        cls,
        x: ArrayLike,
        keep: float = KEEP,
        name: str = "x",
        gram: Float[np.ndarray, "n n"] | None = None,
    ) -> "Spectrum":
        """Decompose (n, d) features on the smaller of XXᵀ and XᵀX.

        Args:
            x: features of any float type.
            keep: share of variance in (0, 1].
            name: how an error calls it.
            gram: the centred Gram matrix, where it is known; saves computing it again.

        Raises:
            UserError: no features, NaN or inf, a layer that does not vary, or another ``keep``.

        Note:
            Squaring loses directions below 1e-7 of the first, which hold 1e-14 of the variance;
            they count as rank that is not there.
        """
        x = as_array(x, name)
        check_features(x, name)
        check_finite(x, name)
        if not 0 < keep <= 1:
            raise UserError(
                f"keep: expected a share of variance in (0, 1], got {keep}; .99 is usual"
            )
        wide = x.shape[1] > len(x)
        if wide:
            square = linear_gram(x, name) if gram is None else gram
        else:
            X = np.subtract(x, x[:1], dtype=np.float64)
            X -= X.mean(axis=0)
            square = X.T @ X
        values, vectors = np.linalg.eigh(square)
        values, vectors = values[::-1], vectors[:, ::-1]
        held = values > max(values[0], 0) * max(x.shape) * np.finfo(float).eps
        if not values[0] > 0 or not held.any():
            raise UserError(
                f"{name}: expected a layer that varies between states, got a constant one; leave "
                f"it out, nothing can be said of its likeness"
            )
        S, vectors = np.sqrt(values[held]), vectors[:, held]
        share = np.cumsum(S**2) / (S**2).sum()
        kept = min(int(np.searchsorted(share, keep - 1e-12)) + 1, len(S))
        if wide:
            # As exact as the features were given: the one product that needs all of them. What
            # is the same in all states drops out of it.
            loadings = vectors[:, :kept].T.astype(x.dtype) @ (x - x[:1])
            return cls(vectors, S, kept, loadings)
        return cls(X @ vectors / S, S, kept, S[:kept, None] * vectors[:, :kept].T)


def are_crowded(x: Spectrum, y: Spectrum) -> bool:
    """Whether two layers keep so many directions that they must share some."""
    return x.kept + y.kept > len(x.U) - 1


def correlations(
    x: Spectrum, y: Spectrum, overlap: Float[np.ndarray, "rx ry"]
) -> tuple[np.ndarray, np.ndarray]:
    """Canonical correlations of the directions kept, and how x's directions make them up.

    Args:
        x: a layer.
        y: another one, on the same states.
        overlap: UᵀU of the two.

    Returns:
        (min kept,) correlations in [0, 1], largest first; (kept of x, min kept) their weights,
        orthonormal columns.
    """
    C = overlap[: x.kept, : y.kept]
    if min(C.shape) <= _EXACT:
        A, rho, _ = np.linalg.svd(C, full_matrices=False)
    else:
        squares, A = np.linalg.eigh(C @ C.T)
        last = min(C.shape)
        rho, A = np.sqrt(np.maximum(squares[::-1][:last], 0.0)), A[:, ::-1][:, :last]
    return np.minimum(rho, 1.0), A


@dataclass(frozen=True)
class Alignment:
    """All that this module says of two layers; NaN where CCA is not defined."""

    procrustes: float
    svcca: float
    pwcca: float

    @classmethod
    def of(cls, x: Spectrum, y: Spectrum) -> "Alignment":
        """From one product of two decomposed layers."""
        check_states(len(x.U), len(y.U))
        overlap = x.U.T @ y.U
        nuclear = _singular_values(x.S[:, None] * overlap * y.S).sum()
        scaled = float(nuclear / np.linalg.norm(x.S) / np.linalg.norm(y.S))
        if are_crowded(x, y):
            return cls(scaled, np.nan, np.nan)
        rho, A = correlations(x, y, overlap)
        weights = np.abs(A.T.astype(x.loadings.dtype) @ x.loadings).sum(axis=1, dtype=float)
        return cls(scaled, float(rho.mean()), float(rho @ weights / weights.sum()))


def procrustes(x: ArrayLike, y: ArrayLike) -> float:
    """‖XᵀY‖_* of layers centred and of unit Frobenius norm, in [0, 1]; 1 up to a rotation.

    The cosine of the Procrustes angle (Williams et al. 2021): the squared distance after the best
    rotation is 2 − 2 of it (Ding et al. 2021), and the disparity of ``scipy.spatial.procrustes``,
    which also fits a scale, 1 − its square. A narrower layer is filled up with zeros.

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.

    Note:
        Not unbiased: independent layers of d of n directions read far above 0.
    """
    return Alignment.of(Spectrum.of(x, name="x"), Spectrum.of(y, name="y")).procrustes


def svcca(x: ArrayLike, y: ArrayLike, keep: float = KEEP) -> float:
    """Mean canonical correlation of the directions that hold ``keep`` of the variance, in [0, 1].

    Raghu et al. 2017, "SVCCA". With ``keep=1`` it is mean CCA, unchanged by any invertible map;
    below 1 the variance decides which directions are seen, and only rotations change nothing.
    Arguments and Note as for :func:`procrustes`.
    """
    return _defined(x, y, keep).svcca


def pwcca(x: ArrayLike, y: ArrayLike, keep: float = KEEP) -> float:
    """The same correlations, weighted by how much of x's own units they account for, in [0, 1].

    Morcos et al. 2018, equations 2 and 3: α_i = Σ_j abs(h_iᵀ x_j) over the units j of x. Not
    symmetric, and as it sums absolute values unit by unit, not unchanged by a rotation of x.

    Note:
        Weights come from x always. Google's code takes whichever layer has fewer directions. As
        there, h is orthonormal; the directions are those of :func:`svcca`, as a layer of more
        units than states has none that do not correlate at 1.
    """
    return _defined(x, y, keep).pwcca


def _defined(x: ArrayLike, y: ArrayLike, keep: float) -> Alignment:
    """The alignment of layers that have canonical correlations; an error where they have none."""
    one, other = Spectrum.of(x, keep, "x"), Spectrum.of(y, keep, "y")
    found = Alignment.of(one, other)
    if np.isnan(found.svcca):
        raise UserError(
            f"expected fewer directions than states, got {one.kept} and {other.kept} of "
            f"{len(one.U)} states: they share some whatever the layers are; gather more states or "
            f"keep less variance"
        )
    return found


def _singular_values(C: Float[np.ndarray, "a b"]) -> Float[np.ndarray, " r"]:
    """Beyond :data:`_EXACT` by eigenvalues: a third of the time, to 1e-8 of the largest."""
    if min(C.shape) <= _EXACT:
        return np.linalg.svd(C, compute_uv=False)
    squares = np.linalg.eigvalsh(C @ C.T if len(C) <= C.shape[1] else C.T @ C)
    return np.sqrt(np.maximum(squares, 0.0))
