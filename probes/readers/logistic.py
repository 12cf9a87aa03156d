"""Multinomial logistic regression of many factors, inner folds and penalties together.

The search for penalties, and nearly all of the way to a fit, is in single precision, at half the
cost; double precision has the last word on whether a fit is near enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from probes.readers.descent import Problems, minimise, probabilities, with_one
from probes.readers.solver import PENALTIES, Basis, hopeless

TOLERANCE = 1e-7
"""nats a state: about how far above its least value the objective of a converged fit may be"""
ITERATIONS = 1000
_ROUGH = 3e-5  # nats a state: near enough to tell penalties apart


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """Logistic regressions of F factors of k classes; two classes have one logit, k have k."""

    weights: Float[np.ndarray, "logit factor axis"]
    """on the rotated features and, last, a constant 1"""
    penalties: Float[np.ndarray, " factor"]
    converged: Bool[np.ndarray, " factor"]
    iterations: int
    """steps of the slowest factor at its penalty"""

    def probabilities(self, z: np.ndarray) -> Float[np.ndarray, "klass factor new"]:
        """Of the k classes, for states given by their rotated features."""
        return probabilities(self.weights, z)

    def predict(self, z: np.ndarray) -> Int[np.ndarray, "new factor"]:
        """Number of the likeliest class of each state."""
        return self.probabilities(z).argmax(axis=0).T


def logistic(
    basis: Basis,
    labels: Float[np.ndarray, "state factor"],
    k: int,
    folds: Int[np.ndarray, " state"] | None = None,
    penalties: Sequence[float] | np.ndarray = PENALTIES,
    *,
    balanced: bool = True,
) -> LogisticFit:
    """Fit every factor of k classes, each with its own penalty; see :func:`logistics`."""
    return logistics(basis, [(labels, k)], folds, penalties, balanced=balanced)[0]


def logistics(
    basis: Basis,
    groups: Sequence[tuple[np.ndarray, int]],
    folds: Int[np.ndarray, " state"] | None = None,
    penalties: Sequence[float] | np.ndarray = PENALTIES,
    *,
    balanced: bool = True,
) -> list[LogisticFit]:
    """Fit groups of factors, a group for each number of classes, each with its own penalty.

    Args:
        basis: of the fitted states.
        groups: labels, (n, F) numbers 0 to k − 1 of classes, NaN where a factor is missing, with
            k, the classes, at least 2.
        folds: (n,) inner folds; the penalty of least mean log-loss over all states, each
            predicted from the other folds, is taken. None: ``penalties`` are given, one for each
            factor, group after group.
        penalties: to choose from, strongest first; or one for each factor.
        balanced: every class weighs the same in loss and choice, as balanced accuracy has it.

    Note:
        Penalties are tried from the strongest on, each fit starting from the one before; a factor
        whose held-out loss has grown well above its least is not tried on weaker ones. With two
        classes there is one logit, as in scikit-learn, so that a penalty means the same there.
    """
    alphas, z = np.asarray(penalties, dtype=np.float64), with_one(basis.z)
    single = z.astype(np.float32)
    rough = [Problems(single, labels, k, None, balanced) for labels, k in groups]
    if folds is None:
        best = np.split(alphas, np.cumsum([one.count for one in rough])[:-1])
    else:
        searches = [
            _Search(Problems(single, labels, k, folds, balanced), alphas[0]) for labels, k in groups
        ]
        _try_each(searches, alphas)
        best = [search.best for search in searches]
        for one, search in zip(rough, searches, strict=True):
            one.start_at(search.start)
    everyone = [np.arange(one.count) for one in rough]
    near = minimise(rough, everyone, best, TOLERANCE, ITERATIONS)
    fine = [Problems(z, labels, k, None, balanced) for labels, k in groups]
    for one, start in zip(fine, rough, strict=True):
        one.start_at(start.w)
    left = ITERATIONS - max(steps for _, steps in near)
    exact = minimise(fine, everyone, best, TOLERANCE, left, least=2)
    return [
        LogisticFit(one.w, chosen, converged, before + after)
        for one, chosen, (_, before), (converged, after) in zip(
            fine, best, near, exact, strict=True
        )
    ]


class _Search:
    """The best penalty so far of each factor of a group, and where to start its fit from."""

    def __init__(self, problems: Problems, strongest: float) -> None:
        self.problems, count = problems, problems.count
        self.loss, self.least = np.zeros(count), np.full(count, np.inf)
        self.best = np.full(count, strongest)
        self.start = np.zeros((len(problems.w), count, problems.w.shape[2]))

    def tried(self) -> Int[np.ndarray, " some"]:
        """Factors for which weaker penalties are not hopeless."""
        return np.flatnonzero(~hopeless(self.loss, self.least))

    def judge(self, tried: np.ndarray, alpha: float) -> None:
        """Keep the penalty for the factors that it predicts best."""
        self.loss[tried] = self.problems.held_out_loss(tried)
        better = tried[self.loss[tried] < self.least[tried]]
        self.least[better], self.best[better] = self.loss[better], alpha
        self.start[:, better] = self.problems.mean(better)


def _try_each(searches: Sequence[_Search], alphas: np.ndarray) -> None:
    """Try penalties until all are hopeless."""
    for alpha in alphas:
        tried = [(search, search.tried()) for search in searches]
        tried = [(search, factors) for search, factors in tried if len(factors)]
        if not tried:
            break
        problems = [search.problems for search, _ in tried]
        chosen = [one.of(factors) for one, (_, factors) in zip(problems, tried, strict=True)]
        minimise(problems, chosen, [np.full(len(some), alpha) for some in chosen], _ROUGH)
        for search, factors in tried:
            search.judge(factors, alpha)
