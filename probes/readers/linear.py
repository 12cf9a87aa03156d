"""Linear probes as scikit-learn estimators: a regressor for numbers, a classifier for classes.

Both standardise features on what they are fitted on and choose their penalty among
``PENALTIES`` by inner cross-validation over groups of states.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from checkpoints.console import UserError
from probes.readers.logistic import logistic
from probes.readers.solver import FLOOR, PENALTIES, Basis, ridge
from probes.readers.splits import FOLDS, deal_folds


class _Probe(BaseEstimator):
    """What both probes share: settings, inner folds, a linear score."""

    # scikit-learn wants settings taken as they come, and looked at in fit.
    def __init__(
        self, penalties: Any = PENALTIES, folds: Any = FOLDS, floor: Any = FLOOR, seed: Any = 0
    ) -> None:
        self.penalties = penalties
        self.floor = floor
        self.folds = folds
        self.seed = seed

    def _inner(self, n: int, groups: Any) -> np.ndarray:
        if not len(self.penalties) or min(self.penalties) <= 0:
            raise UserError(
                f"penalties: expected numbers above 0, got {list(self.penalties)}; 0 leaves a "
                "probe with more features than states undecided"
            )
        groups = np.arange(n) if groups is None else np.asarray(groups)
        if groups.shape != (n,):
            raise UserError(f"expected one group for each of {n} states, got {groups.shape}")
        return deal_folds(groups, folds=self.folds, seed=self.seed)

    def _linear(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return X @ self.coef_.T + self.intercept_


class LinearProbe(MultiOutputMixin, RegressorMixin, _Probe):
    """Ridge regression in closed form; its score is R².

    Args:
        penalties: α of Σ(y − ŷ)² + α‖w‖², w on standardised features; each output gets its own.
        folds: inner folds; there must be as many groups.
        floor: no feature is divided by less than this share of all features' root mean square
            deviation; 0 standardises strictly.
        seed: of the inner folds.

    Attributes:
        coef_: (d,) or (outputs, d), on the features as given; ``intercept_`` beside it.
        penalty_: the one of least squared error, every state predicted from the other folds.
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> "LinearProbe":
        """Fit (n, d) features to (n,) or (n, outputs) numbers.

        Args:
            X: features.
            y: numbers.
            groups: (n,) levels: an inner fold holds whole ones. None: each state stands alone.

        Raises:
            UserError: penalties that are not above 0, or fewer groups than folds.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2
        )
        flat = y.ndim == 1
        y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        basis = Basis.fit(X, floor=float(self.floor))
        fit = ridge(basis, y, self._inner(len(y), groups), self.penalties)
        coef = basis.coefficients(fit.weights).T
        self.coef_ = coef[0] if flat else coef
        self.intercept_ = (fit.intercepts - coef @ basis.mean)[0 if flat else slice(None)]
        self.penalty_ = fit.penalties[0 if flat else slice(None)]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers, (m,) or (m, outputs)."""
        return self._linear(X)


class LinearProbeClassifier(ClassifierMixin, _Probe):
    """Multinomial logistic regression; its score is balanced accuracy.

    Args:
        penalties: α of Σ c·log-loss + α‖w‖²/2, w on standardised features; c makes all classes
            weigh the same.
        folds: inner folds; there must be as many groups.
        floor: no feature is divided by less than this share of all features' root mean square
            deviation; 0 standardises strictly.
        seed: of the inner folds.

    Attributes:
        classes_: (k,) sorted.
        coef_: (k, d), or (1, d) for two classes; ``intercept_`` beside it.
        penalty_: the one of least log-loss, every state predicted from the other folds.
        converged_: whether the fit at that penalty is within ``TOLERANCE`` of its best.
        n_iter_: steps that took.
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> "LinearProbeClassifier":
        """Fit (n, d) features to (n,) names of classes.

        Args:
            X: features.
            y: at least two classes.
            groups: (n,) levels: an inner fold holds whole ones. None: each state stands alone.

        Raises:
            UserError: one class, penalties that are not above 0, or fewer groups than folds.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        if k < 2:
            raise UserError(f"expected at least 2 classes, got 1 class: {self.classes_[0]!r}")
        basis = Basis.fit(X, floor=float(self.floor))
        folds = self._inner(len(labels), groups)
        fit = logistic(basis, labels[:, None].astype(np.float64), k, folds, self.penalties)
        weights = fit.weights[:, 0]
        self.coef_ = basis.coefficients(weights[:, :-1].T).T
        self.intercept_ = weights[:, -1] - self.coef_ @ basis.mean
        self.penalty_ = float(fit.penalties[0])
        self.converged_, self.n_iter_ = bool(fit.converged[0]), fit.iterations
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits: (m, k), or for two classes (m,) that of the second."""
        scores = self._linear(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any) -> Float[np.ndarray, "m k"]:
        """Probabilities of the classes."""
        from scipy.special import expit, softmax

        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.stack([expit(-scores), expit(scores)], axis=1)
        return softmax(scores, axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """Names of the likeliest classes, (m,)."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Balanced accuracy: recall averaged over classes, 1/k by chance."""
        return balanced_accuracy_score(y, self.predict(X), sample_weight=sample_weight)
