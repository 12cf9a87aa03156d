"""Multinomial logistic regressions on the same states, minimised side by side.

All problems share the rotated features Z of one :class:`probes.readers.solver.Basis`; which states
a problem fits on is a matter of weights, 0 for those it leaves out. One product with Z serves them
all. In Z the curvature is almost diagonal, so that preconditioned conjugate gradients (Polak and
Ribière) need few steps, each of two products: a step along a line moves the logits linearly.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

_EACH_LOGIT = ("hot", "w", "logits", "p", "inverse", "slope", "g", "s", "way")


def with_one(z: Float[np.ndarray, "state axis"]) -> Float[np.ndarray, "state axis1"]:
    """Rotated features and, last, a constant 1."""
    return np.column_stack([z, np.ones(len(z))])


def probabilities(
    weights: Float[np.ndarray, "logit problem axis"], z: Float[np.ndarray, "new axis1"]
) -> Float[np.ndarray, "klass problem new"]:
    """Of the classes, by weights on rotated features ``z`` and, last, a constant 1."""
    from scipy.special import softmax

    logits = np.tensordot(weights, with_one(z).T, 1)
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
    """Factors of k classes; problem ``part · F + factor`` is one fitted without a fold, or on all.

    Attributes:
        w: (logits, problems, r + 1) weights so far; ``slope``: the gradient of the loss there.
        logits: (logits, problems, n) by these weights.
        count: F; ``parts``: number of folds, or 1.
        weight: (problems, n) of each state in a fit; ``judge``: (F, n) in the choice of penalties.
    """

    def __init__(
        self, z: np.ndarray, labels: np.ndarray, k: int, folds: np.ndarray | None, balanced: bool
    ) -> None:
        """Begin with weights 0 on ``z``, from :func:`with_one`, in its precision."""
        n, self.count = labels.shape
        self.z = z
        self.spread = np.einsum("nr,nr->r", z, z) / n
        self.hot = np.stack([labels.T == c for c in range(k)]).astype(z.dtype)
        everyone = np.ones(n, dtype=bool)
        self.fitted = [everyone] if folds is None else [folds != f for f in np.unique(folds)]
        self.parts = len(self.fitted)
        whole, weights, self.judge = self._fair(everyone, balanced), [], np.zeros((self.count, n))
        for rows in self.fitted:
            fair = self._fair(rows, balanced)
            weights.append(rows * fair)
            # A class that the other folds lack cannot be predicted, whatever the penalty.
            self.judge[:, ~rows] = (whole * (fair > 0))[:, ~rows]
        self.weight = np.concatenate(weights).astype(z.dtype)
        self.hot = self.hot[1:] if k == 2 else self.hot
        self.start_at(np.zeros((len(self.hot), len(self.weight), z.shape[1])))

    def _fair(self, rows: np.ndarray, balanced: bool) -> Float[np.ndarray, "factor state"]:
        """Weights of states by their classes among ``rows``, 0 for a class that is not there."""
        members = self.hot[:, :, rows].sum(axis=2)  # (k, F)
        fair = (members > 0).astype(float)
        if balanced:
            fair *= members.sum(axis=0) / np.maximum(fair.sum(axis=0), 1) / np.maximum(members, 1)
        return np.einsum("kfn,kf->fn", self.hot, fair)

    def start_at(self, w: np.ndarray) -> None:
        """Take weights to improve on."""
        self.w: np.ndarray = w.astype(self.z.dtype)
        self.logits = np.tensordot(self.w, self.z.T, 1)
        hot = np.tile(self.hot, (1, self.parts, 1))
        rest = (losses(self.logits, hot)[1] - hot) * self.weight
        self.slope = np.tensordot(rest, self.z, 1)

    def of(self, factors: np.ndarray) -> Int[np.ndarray, " problem"]:
        """Numbers of the problems of some factors."""
        return (factors + self.count * np.arange(self.parts)[:, None]).ravel()

    def mean(self, factors: np.ndarray) -> Float[np.ndarray, "logit some axis"]:
        """Weights so far of some factors, averaged over folds."""
        parts = self.w.reshape(len(self.w), self.parts, self.count, -1)
        return parts[:, :, factors].mean(axis=1)

    def probabilities(self, z: np.ndarray) -> Float[np.ndarray, "klass problem new"]:
        """Of the k classes, by the weights so far, for states given by their rotated features."""
        return probabilities(self.w.astype(np.float64), z)

    def held_out_loss(self, factors: np.ndarray) -> np.ndarray:
        """Mean log-loss, (F,), of the states, each predicted from the other folds."""
        total = np.zeros(len(factors))
        for part, fitted in enumerate(self.fitted):
            rows = ~fitted
            logits = self.logits[:, factors + self.count * part][:, :, rows]
            loss, _ = losses(logits, self.hot[:, factors][:, :, rows])
            total += (loss * self.judge[factors][:, rows]).sum(axis=1)
        return total / self.judge[factors].sum(axis=1)


def minimise(
    sets: Sequence[Problems],
    chosen: Sequence[np.ndarray],
    alphas: Sequence[np.ndarray],
    tolerance: float,
    most: int = 1000,
    least: int = 0,
) -> list[tuple[Bool[np.ndarray, " problem"], int]]:
    """Improve ``w`` of the chosen problems of sets on the same states.

    Args:
        sets: all begun at the same time.
        chosen: of each set, numbers of problems.
        alphas: of each set, penalties of those problems.
        tolerance: nats a state; about how far above its least value an objective may stay.
        most: steps.
        least: steps to take even where the start seems near enough: under a penalty so strong
            that all logits are about 0 every start does, with the likeliest class still open.

    Returns:
        For each set, which problems converged, and the steps of the slowest.
    """
    runs = [_Descent(*one, tolerance) for one in zip(sets, chosen, alphas, strict=True)]
    z = sets[0].z
    for steps in range(most + 1):
        going = [run for run in runs if run.leave(steps, enough=steps >= least, last=steps == most)]
        if not going:
            break
        # One product serves all sets: each would have to lay out the features anew.
        for run, along in zip(going, _times([run.way for run in going], z.T), strict=True):
            run.walk(along)
        for run, slope in zip(going, _times([run.rest for run in going], z), strict=True):
            run.turn(slope)
    return [(run.converged, run.steps) for run in runs]


def _times(parts: Sequence[np.ndarray], by: np.ndarray) -> list[np.ndarray]:
    """Products of the last axes with one matrix."""
    found = np.concatenate([part.reshape(-1, len(by)) for part in parts]) @ by
    ends = np.cumsum([part.shape[0] * part.shape[1] for part in parts])[:-1]
    pairs = zip(parts, np.split(found, ends), strict=True)
    return [rows.reshape(*part.shape[:2], -1) for part, rows in pairs]


class _Descent:
    """Preconditioned conjugate gradients on some problems, side by side."""

    def __init__(
        self, data: Problems, chosen: np.ndarray, alphas: np.ndarray, tolerance: float
    ) -> None:
        self.data, self.todo, self.steps = data, chosen, 0
        self.place, self.converged = np.arange(len(chosen)), np.zeros(len(chosen), dtype=bool)
        self.hot = data.hot[:, chosen % data.count]
        self.weight = data.weight[chosen][None]
        self.total = self.weight.sum(axis=2, dtype=np.float64)[0]
        self.enough = 2 * tolerance * self.total
        self.alpha = np.repeat(alphas.astype(data.z.dtype)[None, :, None], data.z.shape[1], axis=2)
        self.alpha[:, :, -1] = 0  # the intercept is free
        self.w, self.logits = data.w[:, chosen], data.logits[:, chosen]
        self.loss, self.p = losses(self.logits, self.hot)
        bend = (self.weight * self.p * (1 - self.p)).sum(axis=2, keepdims=True)
        self.inverse = 1 / (data.spread * bend + self.alpha + 1e-6)
        self._look(data.slope[:, chosen])
        self.way = -self.s

    def _look(self, slope: np.ndarray) -> None:
        """The gradient where we stand, preconditioned too."""
        self.slope, self.g = slope, slope + self.alpha * self.w
        self.s = self.inverse * self.g
        self.gs = _dot(self.g, self.s)

    def leave(self, steps: int, enough: bool, last: bool) -> bool:
        """Hand over the problems that are done, or all; whether others are left."""
        done = self.gs <= self.enough
        leaving = (done & (enough | (self.gs == 0))) | last
        if leaving.any():
            problems = self.todo[leaving]
            for name in ("w", "logits", "slope"):
                getattr(self.data, name)[:, problems] = getattr(self, name)[:, leaving]
            self.converged[self.place[leaving & done]] = True
            self.steps = steps
            self._keep(~leaving)
        return len(self.todo) > 0

    def _keep(self, mask: np.ndarray) -> None:
        for name in (*_EACH_LOGIT, "weight", "alpha"):
            setattr(self, name, getattr(self, name)[:, mask])
        for name in ("todo", "place", "total", "enough", "loss", "gs"):
            setattr(self, name, getattr(self, name)[mask])

    def walk(self, along: np.ndarray) -> None:
        """Go along ``way``, which moves the logits by multiples of ``along``."""
        slope = _dot(self.g, self.way)
        t = self._length(along, slope)
        self.w = self.w + t[:, None] * self.way
        self.rest = self.p - self.hot
        self.rest *= self.weight

    def turn(self, slope: np.ndarray) -> None:
        """Look round, the loss having this gradient, and choose the next way."""
        g, gs = self.g, self.gs
        self._look(slope)
        # Polak and Ribière's β, never negative.
        beta = np.maximum((self.gs - _dot(g, self.s)) / gs, 0)
        self.way = beta[:, None] * self.way - self.s
        lost = _dot(self.g, self.way) >= 0
        self.way[:, lost] = -self.s[:, lost]

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
