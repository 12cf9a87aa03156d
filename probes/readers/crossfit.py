"""Every factor of one layer probed on held-out levels: one basis a fold serves them all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from checkpoints.console import UserError
from probes.readers.logistic import LogisticFit, logistics
from probes.readers.solver import PENALTIES, Basis, RidgeFit, ridge


@dataclass(frozen=True, eq=False)
class Task:
    """One factor to predict."""

    name: str
    values: Float[np.ndarray, " state"]
    """NaN where it is missing; classes are numbered 0 to k − 1"""
    k: int = 0
    """classes; 0 says that values are numbers"""

    @property
    def chance(self) -> float:
        """Score of a probe that sees nothing: R² 0 of the mean, balanced accuracy 1/k."""
        return 1 / self.k if self.k else 0.0


@dataclass(frozen=True, eq=False)
class Held:
    """Predictions of F tasks, every state by probes that saw neither its level nor its picture."""

    predicted: Float[np.ndarray, "state task"]
    """numbers, or numbers of classes"""
    transferred: Float[np.ndarray, "state task"] | None
    """of the same states in their other rendering, by the same probes"""
    penalties: Float[np.ndarray, "fold task"]
    converged: Bool[np.ndarray, " task"]

    @property
    def penalty(self) -> Float[np.ndarray, " task"]:
        """Geometric mean over folds."""
        return np.exp(np.log(self.penalties).mean(axis=0))


def by_classes(tasks: Sequence[Task]) -> Iterator[tuple[int, list[int], np.ndarray]]:
    """Each number of classes, 0 first, with the tasks that have it and their values, (n, F)."""
    for k in sorted({task.k for task in tasks}):
        places = [i for i, task in enumerate(tasks) if task.k == k]
        yield k, places, np.stack([tasks[i].values for i in places], axis=1)


class Probes:
    """Probes of all tasks, fitted on one basis."""

    def __init__(
        self,
        basis: Basis,
        tasks: Sequence[Task],
        rows: np.ndarray,
        folds: Int[np.ndarray, " fitted"] | None = None,
        penalties: Sequence[float] | np.ndarray = PENALTIES,
    ) -> None:
        """Fit ``tasks`` on the states ``rows``, of which ``basis`` is made.

        Args:
            basis: of the features of ``rows``.
            tasks: what to predict.
            rows: (n,) which states are fitted, a mask.
            folds: inner folds of the fitted states, to choose each task's penalty by; or None.
            penalties: to choose from; with no folds one for each task.
        """
        self.basis, self.tasks = basis, tasks
        self.penalties = np.empty(len(tasks))
        self.converged = np.ones(len(tasks), dtype=bool)
        self._fits: list[tuple[list[int], RidgeFit | LogisticFit]] = []
        given = np.asarray(penalties, dtype=np.float64)
        classes = []
        for k, places, y in by_classes(tasks):
            if k:
                classes.append((k, places, y[rows]))
            else:
                choice = given if folds is not None else given[places]
                self._add(places, ridge(basis, y[rows], folds, choice))
        order = [i for _, places, _ in classes for i in places]
        choice = given if folds is not None else given[order]
        groups = [(y, k) for k, _, y in classes]
        fits = logistics(basis, groups, folds, choice) if groups else []
        for (_, places, _), fit in zip(classes, fits, strict=True):
            self.converged[places] = fit.converged
            self._add(places, fit)

    def _add(self, places: list[int], fit: RidgeFit | LogisticFit) -> None:
        self.penalties[places] = fit.penalties
        self._fits.append((places, fit))

    def predict(self, z: np.ndarray) -> Float[np.ndarray, "new task"]:
        """Numbers, or numbers of classes, of states given by their rotated features."""
        found = np.empty((len(z), len(self.tasks)))
        for places, fit in self._fits:
            found[:, places] = fit.predict(z)
        return found


def crossfit(
    x: np.ndarray,
    tasks: Sequence[Task],
    folds: Int[np.ndarray, " state"],
    other: np.ndarray | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> Held:
    """Predict every state from the other folds; these are also the inner folds.

    Args:
        x: (n, d) features of one layer.
        tasks: checked by :func:`probes.readers.splits.check_target` on these folds.
        folds: (n,) at least 3, from :func:`probes.readers.splits.deal_folds`.
        other: (n, d) features of the same states drawn otherwise; they are predicted by the
            probes fitted on ``x``, never fitted on.
        penalties: to choose from, for each task and fold by the inner folds.

    Raises:
        UserError: fewer than 3 folds; features that are no matrix, or NaN or inf.
    """
    names = np.unique(folds)
    if len(names) < 3:
        raise UserError(f"expected at least 3 folds, 2 of them to choose in, got {len(names)}")
    shape = (len(x), len(tasks))
    predicted, chosen = np.empty(shape), np.empty((len(names), len(tasks)))
    transferred = None if other is None else np.empty(shape)
    converged = np.ones(len(tasks), dtype=bool)
    for place, fold in enumerate(names):
        rows = folds != fold
        basis = Basis.fit(x[rows])
        probes = Probes(basis, tasks, rows, folds[rows], penalties)
        predicted[~rows] = probes.predict(basis.transform(x[~rows]))
        if other is not None and transferred is not None:
            transferred[~rows] = probes.predict(basis.transform(other[~rows]))
        chosen[place] = probes.penalties
        converged &= probes.converged
    return Held(predicted, transferred, chosen, converged)
