"""Concept erasure: make a label linearly unreadable from features, with the least change.

LEACE (Belrose et al. 2023, "LEACE: Perfect linear concept erasure in closed form", arXiv
2306.03819, section 4). For features x with mean μ and covariance Σ, labels z and C = Cov(x, z),

    r(x) = x − W⁺ P W (x − μ),   W = (Σ^½)⁺,   P the orthogonal projection onto the columns of W C.

Afterwards Cov(r(x), z) = 0: the means of all classes are equal, and no linear reader does better
than a constant, whatever convex loss it is fitted with. Among all affine maps of which that is
true this one changes x least, in mean square, in any norm. Since W⁺ W C = C, it is

    r(x) = x − C (Cᵀ Σ⁺ C)⁺ Cᵀ Σ⁺ (x − μ),

so x only moves along differences between class means, by as much as a linear reader would read.

Note:
    Wide layers have more features than there are frames (Nature's conv1 has 7,200). There Σ is
    singular, every label is perfectly readable on the frames of the fit, and the closed form
    learns them by heart. Σ is therefore shrunk towards a multiple of the identity, Σ_s =
    (1 − s) Σ + s (tr Σ / d) I, with s after Ledoit and Wolf 2004. For every s the covariance
    with z is removed exactly on the frames of the fit; only "least" then means least under Σ_s:
    s = 0 is LEACE, s = 1 the orthogonal projection that removes differences of class means.
    Whether a label stays unreadable on *other* frames is a matter of measurement; so is s itself,
    whose formula takes frames to be independent, which twins are not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve

from checkpoints.console import UserError

RELATIVE = 1e-10
"""Variances below this share of the largest are rounding errors of float32 activations."""
READABLE = 1e-8
"""Smallest squared canonical correlation of a direction that is erased."""


@dataclass(frozen=True)
class Eraser:
    """The map r, kept as what it reads and where it moves: ``r(x) = x − moves readersᵀ (x − μ)``.

    ``readersᵀ moves`` is the identity, so the map is idempotent and its rank is their width.
    """

    mean: Float[np.ndarray, " feature"]
    moves: Float[np.ndarray, "feature rank"]
    readers: Float[np.ndarray, "feature rank"]
    correlations: Float[np.ndarray, " rank"]
    """canonical correlation of each direction with the labels on the frames of the fit, 0 to 1"""

    @property
    def rank(self) -> int:
        """Dimensions erased: one less than there are classes, or fewer."""
        return self.moves.shape[1]

    def coordinates(self, x: Float[np.ndarray, "frame feature"]) -> Float[np.ndarray, "frame rank"]:
        """What the eraser reads of each frame, 0 at the mean."""
        return (x - self.mean) @ self.readers

    def component(
        self, x: Float[np.ndarray, "frame feature"]
    ) -> Float[np.ndarray, "frame feature"]:
        """What :meth:`erase` takes away."""
        return self.coordinates(x) @ self.moves.T

    def erase(self, x: Float[np.ndarray, "frame feature"]) -> Float[np.ndarray, "frame feature"]:
        """``r(x)``."""
        return x - self.component(x)


class Covariance:
    """The covariance of a fit's features, for any number of labels.

    Works on the smaller of the two Gram matrices: at most ``min(n, d)³`` steps, for any width.
    """

    def __init__(
        self, x: Float[np.ndarray, "frame feature"], shrinkage: float | None = None
    ) -> None:
        """Take the covariance.

        Args:
            x: features of the fit, finite; at least 2 frames. Of frames that are all alike
                nothing can be read, and every eraser is of rank 0.
            shrinkage: s in [0, 1]; after Ledoit and Wolf if None.

        Raises:
            UserError: fewer than 2 frames, NaN or inf, s outside.
        """
        if len(x) < 2 or not np.isfinite(x).all():
            raise UserError(f"expected at least 2 frames of finite features, got {x.shape}")
        self.mean = x.mean(axis=0, dtype=np.float64)
        self.x = x - self.mean
        # What is constant is so exactly, or the rounding of its mean would be a direction.
        self.x[:, (x == x[:1]).all(axis=0)] = 0.0
        n, d = x.shape
        self.wide = d > n
        self.gram = (self.x @ self.x.T if self.wide else self.x.T @ self.x) / n
        self.trace = float(np.trace(self.gram))
        if shrinkage is not None and not 0 <= shrinkage <= 1:
            raise UserError(f"shrinkage: expected 0 to 1, got {shrinkage}")
        self.shrinkage = self.ledoit_wolf if shrinkage is None else shrinkage

    @cached_property
    def ledoit_wolf(self) -> float:
        """The shrinkage of Ledoit and Wolf 2004, equation 14, from the Gram matrix alone."""
        n, d = self.x.shape
        square = (self.gram**2).sum()
        fourth = (np.einsum("nd,nd->n", self.x, self.x) ** 2).sum()
        distance = square - self.trace**2 / d
        error = (fourth / n - square) / n
        return float(np.clip(error / distance, 0, 1)) if distance > RELATIVE * square else 1.0

    @cached_property
    def _inverse(self) -> Callable[[np.ndarray], np.ndarray]:
        """What multiplies by the inverse of the shrunk matrix, or by its pseudo-inverse."""
        a, floor = 1 - self.shrinkage, self.shrinkage * self.trace / self.x.shape[1]
        if floor > RELATIVE * self.trace:
            # Nothing is near 0, so that eigenvalues, which take longer, are not needed.
            factor = cho_factor(a * self.gram + floor * np.eye(len(self.gram)))
            return partial(cho_solve, factor)
        values, vectors = np.linalg.eigh(self.gram)
        kept = values > RELATIVE * max(values[-1], 0)
        V, inverse = vectors[:, kept], 1 / (a * values[kept] + floor)
        return lambda part: V @ (inverse[:, None] * (V.T @ part))

    def eraser(self, targets: Float[np.ndarray, "frame target"]) -> Eraser:
        """LEACE for labels given as numbers; one column a class for classes (:func:`one_hot`).

        Targets that no direction of the features follows give an eraser of rank 0.
        """
        n = len(self.x)
        U, s, _ = np.linalg.svd(targets - targets.mean(axis=0), full_matrices=False)
        Z = np.sqrt(n) * U[:, s > RELATIVE * max(float(s.max(initial=0)), 1e-300)]
        if self.wide:
            C, solved = np.split(self.x.T @ np.hstack([Z, self._inverse(Z)]) / n, 2, axis=1)
        else:
            C = self.x.T @ Z / n
            solved = self._inverse(C)
        squares, Q = np.linalg.eigh(C.T @ solved)
        kept = squares > READABLE
        Q, squares = Q[:, kept], squares[kept]
        return Eraser(self.mean, C @ Q, solved @ Q / squares, np.sqrt(np.minimum(squares, 1)))


def one_hot(labels: Int[np.ndarray, " frame"]) -> Float[np.ndarray, "frame class"]:
    """One column for each value of ``labels`` there is."""
    return (labels[:, None] == np.unique(labels)).astype(np.float64)


def fit(
    x: Float[np.ndarray, "frame feature"],
    labels: Int[np.ndarray, " frame"],
    shrinkage: float | None = None,
) -> Eraser:
    """The eraser of a class label; see :class:`Covariance` for the arguments."""
    return Covariance(x, shrinkage).eraser(one_hot(labels))


def nearest_mean(
    eraser: Eraser,
    x: Float[np.ndarray, "frame feature"],
    labels: Int[np.ndarray, " frame"],
    new: Float[np.ndarray, "other feature"],
) -> Int[np.ndarray, " other"]:
    """Guess the label of each frame in ``new``: the class whose mean is nearest.

    Distances are taken in the directions that the eraser reads, standardised within classes:
    Fisher's linear discriminant with equal priors. Rank 0 gives the first class throughout.

    Args:
        eraser: fitted to ``labels`` on ``x``.
        x: the frames of the fit.
        labels: of ``x``.
        new: frames to judge.
    """
    # In these directions 1 − ρ² of the variance is within classes; where a wide layer was learned
    # by heart it comes out as 0, which would blow up its directions on other frames.
    rho = eraser.correlations
    scale = rho / np.sqrt(np.maximum(1 - rho**2, 0.01))
    known, asked = (eraser.coordinates(part) * scale for part in (x, new))
    classes = np.unique(labels)
    means = np.stack([known[labels == one].mean(axis=0) for one in classes])
    return classes[((asked[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]
