"""All factors and all penalties at once: ridge regression in the rotated features of a layer.

Features are standardised, then rotated to their principal axes, Z = X V: rotations change neither
‖w‖² nor predictions, and in Z the normal equations are diagonal, so that one eigendecomposition
serves every factor, every penalty and every inner fold. Where states are fewer than features, it
is that of the n × n Gram matrix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from checkpoints.console import UserError
from probes.readers.splits import check_features

PENALTIES: tuple[float, ...] = tuple(np.logspace(7, -1, 20).tolist())
"""α of α‖w‖²/2 beside the *sum* of losses, strongest first: scikit-learn's ``alpha`` and ``1/C``"""
_HOPELESS = 1.05
"""Penalties are tried strongest first until one leaves more than this many times the least loss.

Of 420 curves of a policy of starpilot none fell below its minimum again after it had risen by a
hundredth; the weakest penalties take the most steps.
"""
FLOOR = 0.1
"""Least deviation a feature is divided by, as a share of the layer's root mean square deviation.

A unit that fires on one fitted state in a hundred would else become the largest feature of all on
the first unseen state it fires on: a single state then takes R² from .6 to below −3 (starpilot).
"""


@dataclass(frozen=True, eq=False)
class Basis:
    """Principal axes of the states that a probe is fitted on.

    Attributes:
        mean: (d,) of the fitted states; ``scale``: (d,) what they are divided by.
        z: (n, r) rotated features of the fitted states, columns centred and orthogonal.
        lam: (r,) sums of squares of those columns, all above 0; r is at most min(n − 1, d).
    """

    mean: Float[np.ndarray, " feature"]
    scale: Float[np.ndarray, " feature"]
    z: Float[np.ndarray, "state axis"]
    lam: Float[np.ndarray, " axis"]
    _axes: np.ndarray  # (d, r), or where n < d what maps Gram rows to axes, (n, r)
    _fitted: Float[np.ndarray, "state feature"] | None  # standardised states, where n < d

    @staticmethod
    def fit(x: np.ndarray, *, standardise: bool = True, floor: float = FLOOR) -> "Basis":
        """Rotate ``x``, (n, d) finite, n at least 2.

        Args:
            x: features.
            standardise: divide each by its standard deviation first.
            floor: but by no less than this share of the root mean square of all deviations.

        Raises:
            UserError: no matrix, NaN or inf, or fewer than 2 states.
        """
        check_features(x, fewest=0)  # a layer in which nothing varies has no axes
        n, d = x.shape
        if n < 2:
            raise UserError(f"expected at least 2 states to fit, got n_samples = {n}; gather more")
        x = x.astype(np.float64)
        mean = x.mean(axis=0)
        x -= mean
        scale = np.ones(d)
        if standardise:
            deviation = np.sqrt(np.einsum("nd,nd->d", x, x) / n)
            # A unit that never moves keeps a last bit of noise, which no one should blow up.
            deviation[deviation <= 10 * np.finfo(float).eps * np.abs(mean)] = 0
            scale = np.maximum(deviation, floor * np.sqrt((deviation**2).mean()))
            scale[scale == 0] = 1
            x /= scale
        lam, axes = np.linalg.eigh(x @ x.T if n < d else x.T @ x)
        kept = lam > lam.max(initial=0) * max(n, d) * np.finfo(float).eps
        # Copies: products with a view that runs backwards are many times slower.
        lam, axes = lam[kept][::-1].copy(), axes[:, kept][:, ::-1].copy()
        if n < d:
            return Basis(mean, scale, axes * np.sqrt(lam), lam, axes / np.sqrt(lam), x)
        return Basis(mean, scale, x @ axes, lam, axes, None)

    def transform(self, x: np.ndarray) -> Float[np.ndarray, "new axis"]:
        """Rotated features of other states, (m, r)."""
        check_features(x, fewest=0)
        x = (x - self.mean) / self.scale
        return (x if self._fitted is None else x @ self._fitted.T) @ self._axes

    def coefficients(self, w: Float[np.ndarray, "axis out"]) -> Float[np.ndarray, "feature out"]:
        """Weights on the features as given, from weights on the axes."""
        v = self._axes @ w
        v = v if self._fitted is None else self._fitted.T @ v
        return v / self.scale[:, None]


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Ridge regressions of F factors on one basis, each with the penalty that its folds chose."""

    weights: Float[np.ndarray, "axis factor"]
    intercepts: Float[np.ndarray, " factor"]
    penalties: Float[np.ndarray, " factor"]

    def predict(self, z: np.ndarray) -> Float[np.ndarray, "new factor"]:
        """Predicted numbers of states given by their rotated features."""
        return z @ self.weights + self.intercepts


def ridge(
    basis: Basis,
    y: Float[np.ndarray, "state factor"],
    folds: Int[np.ndarray, " state"] | None = None,
    penalties: Sequence[float] | np.ndarray = PENALTIES,
) -> RidgeFit:
    """Fit every factor, each with its own penalty.

    Args:
        basis: of the fitted states.
        y: (n, F) numbers, NaN where a factor is missing: it is fitted on the others.
        folds: (n,) inner folds; the penalty of least squared error over all states, each
            predicted from the other folds, is taken. None: ``penalties`` are given, (F,).
        penalties: to choose from; or one for each factor.

    Note:
        Left-out predictions are exact, and cost no second fit: leaving the states B out of a
        linear smoother ŷ = Hy leaves residuals (I − H_BB)⁻¹ (y − ŷ)_B.
    """
    alphas = np.asarray(penalties, dtype=np.float64)
    r, count = basis.z.shape[1], y.shape[1]
    fit = RidgeFit(np.empty((r, count)), np.empty(count), np.empty(count))
    for rows, columns in patterns(y):
        whole = rows.all()
        # A subset of the states has axes of its own; its weights are turned back afterwards.
        part = basis if whole else Basis.fit(basis.z[rows], standardise=False)
        target = y[np.ix_(rows, columns)]
        centre = target.mean(axis=0)
        chosen = alphas[columns] if folds is None else np.empty(len(columns))
        if folds is not None:
            chosen[:] = alphas[_left_out(part, target - centre, folds[rows], alphas).argmin(axis=0)]
        zy = part.z.T @ (target - centre)
        w = zy / (part.lam[:, None] + chosen)
        fit.weights[:, columns] = w if whole else part.coefficients(w)
        shift = 0 if whole else part.mean @ fit.weights[:, columns]
        fit.intercepts[columns], fit.penalties[columns] = centre - shift, chosen
    return fit


def patterns(y: Float[np.ndarray, "state factor"]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows that have a factor, and the numbers of the factors that have exactly those."""
    present = ~np.isnan(y)
    kinds, member = np.unique(present, axis=1, return_inverse=True)
    for place in range(kinds.shape[1]):
        yield kinds[:, place], np.flatnonzero(member.ravel() == place)


def _left_out(
    basis: Basis, y: np.ndarray, folds: np.ndarray, alphas: np.ndarray
) -> Float[np.ndarray, "penalty factor"]:
    """Mean squared error of the states, each predicted from the other folds; ``y`` is centred.

    Infinite for penalties that are not tried, being weaker than one that is hopeless for all.
    """
    n = len(y)
    q = basis.z / np.sqrt(basis.lam)
    qy = q.T @ y
    parts = []
    for fold in np.unique(folds):
        mine = folds == fold
        b = np.column_stack([np.full(mine.sum(), n**-0.5), q[mine]])
        parts.append((y[mine], b, b.T @ b if b.shape[0] > b.shape[1] else None))
    errors, least = np.full((len(alphas), y.shape[1]), np.inf), np.full(y.shape[1], np.inf)
    for place, alpha in enumerate(alphas):
        shrink = basis.lam / (basis.lam + alpha)
        root, shrunk = np.sqrt(np.concatenate([[1.0], shrink])), shrink[:, None] * qy
        left = (_undo(b, root, inner, own - b[:, 1:] @ shrunk) for own, b, inner in parts)
        errors[place] = sum((one**2).sum(axis=0) for one in left)
        if hopeless(errors[place], least).all():
            break
        least = np.minimum(least, errors[place])
    return errors / n


def hopeless(
    loss: Float[np.ndarray, " factor"], least: Float[np.ndarray, " factor"]
) -> Bool[np.ndarray, " factor"]:
    """Whether weaker penalties than the one of this held-out loss would only fit more noise."""
    return loss > _HOPELESS * least


def _undo(
    b: np.ndarray, root: np.ndarray, inner: np.ndarray | None, residual: np.ndarray
) -> np.ndarray:
    """(I − PPᵀ)⁻¹ residual with P = b·diag(root), by the smaller of PPᵀ and PᵀP."""
    if inner is None:
        p = b * root
        return _solve(np.eye(len(b)) - p @ p.T, residual)
    small = np.eye(len(root)) - root[:, None] * inner * root
    return residual + b @ (root[:, None] * _solve(small, root[:, None] * (b.T @ residual)))


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solution for a positive definite ``matrix``, which is used up."""
    # Not scipy's solve: it estimates the condition, too, which takes as long again.
    from scipy.linalg.lapack import dposv

    _, solution, failed = dposv(matrix.T, right, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError("expected a positive definite matrix")
    return solution
