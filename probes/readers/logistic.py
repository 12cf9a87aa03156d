"""Multinomial logistic regression of many factors, inner folds and penalties together.

All problems share the rotated features Z of one :class:`probes.readers.solver.Basis`; which states
a problem fits on is a matter of weights, 0 for those it leaves out. One product with Z serves them
all. In Z the curvature is almost diagonal, so that preconditioned conjugate gradients (Polak and
Ribière) need few steps, each of two products: a step along a line moves the logits linearly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

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
        return _probabilities(self.weights, z)

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
    """Fit every factor, each with its own penalty.

    Args:
        basis: of the fitted states.
        labels: (n, F) numbers 0 to k − 1 of classes, NaN where a factor is missing.
        k: classes, at least 2.
        folds: (n,) inner folds; the penalty of least mean log-loss over all states, each
            predicted from the other folds, is taken. None: ``penalties`` are given, (F,).
        penalties: to choose from, strongest first; or one for each factor.
        balanced: every class weighs the same in loss and choice, as balanced accuracy has it.

    Note:
        Penalties are tried from the strongest on, each fit starting from the one before; a factor
        whose held-out loss has grown well above its least is not tried on weaker ones. With two
        classes there is one logit, as in scikit-learn, so that a penalty means the same there.
    """
    alphas = np.asarray(penalties, dtype=np.float64)
    count = labels.shape[1]
    if folds is None:
        return _finish(basis, labels, k, balanced, alphas, None)
    rough = Problems(basis, labels, k, folds, balanced, np.float32)
    loss, best, least = np.zeros(count), np.full(count, alphas[0]), np.full(count, np.inf)
    start = np.zeros((len(rough.w), count, rough.w.shape[2]))
    for alpha in alphas:
        tried = np.flatnonzero(~hopeless(loss, least))
        if not len(tried):
            break
        chosen = (tried + count * np.arange(rough.parts)[:, None]).ravel()
        rough.minimise(chosen, np.full(len(chosen), alpha), _ROUGH)
        loss[tried] = rough.held_out_loss(tried)
        better = tried[loss[tried] < least[tried]]
        least[better], best[better] = loss[better], alpha
        start[:, better] = rough.w[:, better]
    return _finish(basis, labels, k, balanced, best, start)


def _with_one(z: np.ndarray) -> np.ndarray:
    return np.column_stack([z, np.ones(len(z))])


def _finish(
    basis: Basis,
    labels: np.ndarray,
    k: int,
    balanced: bool,
    alphas: np.ndarray,
    start: np.ndarray | None,
) -> LogisticFit:
    fine = Problems(basis, labels, k, None, balanced, np.float64)
    if start is not None:
        fine.start_at(start)
    converged, steps = fine.minimise(np.arange(len(alphas)), alphas, TOLERANCE)
    return LogisticFit(fine.w, alphas, converged, steps)


def _probabilities(weights: np.ndarray, z: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    logits = np.tensordot(weights, _with_one(z).T, 1)
    if len(logits) == 1:
        logits = np.concatenate([np.zeros_like(logits), logits])
    return softmax(logits, axis=0)


def losses(
    logits: Float[np.ndarray, "logit problem state"], hot: Float[np.ndarray, "logit problem state"]
) -> tuple[Float[np.ndarray, "problem state"], Float[np.ndarray, "logit problem state"]]:
    """Log-loss in nats, and the probabilities behind it; ``hot`` is 1 at the true class."""
    # One logit stands against a second one that is always 0.
    single = len(logits) == 1
    top = np.maximum(logits[0], 0) if single else logits.max(axis=0)
    p = np.exp(logits - top)
    total = p.sum(axis=0)
    if single:
        total += np.exp(-top)
    p /= total
    return np.log(total) + top - (logits * hot).sum(axis=0), p


class Problems:
    """Problem ``part · F + factor``: a factor fitted on all states (part 0) or without one fold.

    Attributes:
        w: (logits, problems, r + 1) weights so far; ``logits``: (logits, problems, n) by them.
        parts: 1 + number of folds.
        weight: (problems, n) of each state in a fit; ``judge``: (F, n) in the choice of penalties.
    """

    def __init__(
        self,
        basis: Basis,
        labels: np.ndarray,
        k: int,
        folds: np.ndarray | None,
        balanced: bool,
        dtype: type,
    ) -> None:
        n, self.count = labels.shape
        self.z: np.ndarray = _with_one(basis.z).astype(dtype)
        self.spread: np.ndarray = np.append(basis.lam / n, 1.0).astype(dtype)
        self.hot = np.stack([labels.T == c for c in range(k)]).astype(dtype)
        fitted = [np.ones(n, dtype=bool)]
        fitted += [] if folds is None else [folds != fold for fold in np.unique(folds)]
        self.fitted, self.parts = fitted, len(fitted)
        self.weight: np.ndarray = np.empty((self.parts * self.count, n), dtype=dtype)
        self.judge = np.zeros((self.count, n))
        for part, rows in enumerate(fitted):
            members = self.hot[:, :, rows].sum(axis=2)  # (k, F)
            fair = members.sum(axis=0) / np.maximum((members > 0).sum(axis=0), 1)
            fair = fair / np.maximum(members, 1) if balanced else np.ones_like(members)
            own = slice(part * self.count, (part + 1) * self.count)
            self.weight[own] = rows * np.einsum("kfn,kf->fn", self.hot, fair)
            # A class that the other folds lack cannot be predicted, whatever the penalty.
            known = np.einsum("kfn,kf->fn", self.hot, members > 0)
            self.judge[:, ~rows] = (self.weight[: self.count] * known)[:, ~rows]
        self.hot = self.hot[1:] if k == 2 else self.hot
        self.start_at(np.zeros((len(self.hot), len(self.weight), self.z.shape[1])))

    def start_at(self, w: np.ndarray) -> None:
        """Take weights to improve on."""
        self.w: np.ndarray = w.astype(self.z.dtype)
        self.logits = np.tensordot(self.w, self.z.T, 1)

    def minimise(
        self, chosen: np.ndarray, alphas: np.ndarray, tolerance: float
    ) -> tuple[np.ndarray, int]:
        """Improve ``w`` of the chosen problems; which converged, and the steps of the slowest."""
        todo, converged = np.arange(len(chosen)), np.zeros(len(chosen), dtype=bool)
        run = _Descent(self, chosen, alphas)
        for steps in range(ITERATIONS + 1):
            done = run.gs <= 2 * tolerance * run.total
            last = steps == ITERATIONS
            if done.any() or last:
                leaving = done | last
                self.logits[:, chosen[todo[leaving]]] = run.logits[:, leaving]
                self.w[:, chosen[todo[leaving]]] = run.w[:, leaving]
                converged[todo[done]] = True
                run.keep(~leaving)
                todo = todo[~leaving]
            if not len(todo):
                break
            run.step()
        return converged, steps

    def probabilities(self, z: np.ndarray) -> Float[np.ndarray, "klass problem new"]:
        """Of the k classes, by the weights so far, for states given by their rotated features."""
        return _probabilities(self.w.astype(np.float64), z)

    def held_out_loss(self, factors: np.ndarray) -> np.ndarray:
        """Mean log-loss, (F,), of the states, each predicted from the other folds."""
        total = np.zeros(len(factors))
        for part in range(1, self.parts):
            rows = ~self.fitted[part]
            logits = self.logits[:, factors + self.count * part][:, :, rows]
            loss, _ = losses(logits, self.hot[:, factors][:, :, rows])
            total += (loss * self.judge[factors][:, rows]).sum(axis=1)
        return total / self.judge[factors].sum(axis=1)


class _Descent:
    """Preconditioned conjugate gradients on some problems, side by side."""

    def __init__(self, data: Problems, chosen: np.ndarray, alphas: np.ndarray) -> None:
        self.z = data.z
        self.hot = data.hot[:, chosen % data.count]
        self.weight = data.weight[chosen][None]
        self.total = self.weight.sum(axis=2, dtype=np.float64)[0]
        self.alpha = np.repeat(alphas.astype(self.z.dtype)[None, :, None], len(data.z.T), axis=2)
        self.alpha[:, :, -1] = 0  # the intercept is free
        self.w, self.logits = data.w[:, chosen], data.logits[:, chosen]
        self.loss, self.p = losses(self.logits, self.hot)
        bend = (self.weight * self.p * (1 - self.p)).sum(axis=2, keepdims=True)
        self.inverse = 1 / (data.spread * bend + self.alpha + 1e-6)
        self._look()
        self.way = -self.s

    def _look(self) -> None:
        """The gradient where we stand, preconditioned too."""
        rest = self.p - self.hot
        rest *= self.weight
        self.g = np.tensordot(rest, self.z, 1)
        self.g += self.alpha * self.w
        self.s = self.inverse * self.g
        self.gs = _dot(self.g, self.s)

    def keep(self, mask: np.ndarray) -> None:
        """Go on with some of the problems."""
        if mask.all():
            return
        for name in ("hot", "weight", "alpha", "w", "logits", "p", "inverse", "g", "s", "way"):
            setattr(self, name, getattr(self, name)[:, mask])
        for name in ("total", "loss", "gs"):
            setattr(self, name, getattr(self, name)[mask])

    def step(self) -> None:
        """Walk along one line, then look round."""
        slope = _dot(self.g, self.way)
        lost = slope >= 0
        self.way[:, lost], slope[lost] = -self.s[:, lost], -self.gs[lost]
        t = self._length(np.tensordot(self.way, self.z.T, 1), slope)
        self.w = self.w + t[:, None] * self.way
        g, gs = self.g, self.gs
        self._look()
        # Polak and Ribière's β, never negative.
        turn = np.maximum((self.gs - _dot(g, self.s)) / gs, 0)
        self.way = turn[:, None] * self.way - self.s

    def _length(self, along: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Newton's step length, halved until the objective falls; the logits move with it."""
        moved = self.p * along
        bend = (moved * along).sum(axis=0) - moved.sum(axis=0) ** 2
        pulled = self.alpha * self.way
        pull, steep = _dot(pulled, self.w), _dot(pulled, self.way)
        t = -slope / (np.einsum("pn,pn->p", self.weight[0], bend) + steep)
        before, start = self.loss, self.logits
        for _ in range(20):
            self.logits = t[:, None] * along
            self.logits += start
            self.loss, self.p = losses(self.logits, self.hot)
            change = ((self.loss - before) * self.weight[0]).sum(axis=1, dtype=np.float64)
            change += t * pull + t**2 * steep / 2
            bad = change > 1e-4 * t * slope + 10 * np.finfo(t.dtype).eps * self.total
            if not bad.any():
                break
            t = np.where(bad, t / 2, t)
        return t


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner product of each problem's weights, (problems,)."""
    return np.einsum("kpr,kpr->p", a, b)
