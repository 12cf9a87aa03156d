"""Cosine of a layer between twins, beside the cosine of different states: a measure to distrust.

Cosines are what people report first. Activations behind a ReLU all point into one orthant, so any
two are alike: only what exceeds the chance level, the same mean over *other* states of other
levels, speaks of the state. In [-1, 1]; a picture on which every unit is 0 has no direction and
counts as 0. Invariant to rotation and to the length of each activation; not to translation.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from checkpoints.console import UserError


class Cosine(NamedTuple):
    """What :class:`Cosines` finds."""

    draws: Float[np.ndarray, " r"]
    """mean over states of the mean cosine between two of its renderings: the estimate, then one a
    replicate; NaN with one background"""
    chance: float
    """mean cosine of renderings of states of different levels, on different backgrounds"""


class Cosines:
    """Collects a layer of states on the same backgrounds, a block at a time."""

    def __init__(self, levels: Int[np.ndarray, " state"], backgrounds: int) -> None:
        """Ready for all states.

        Args:
            levels: level of each state; at least 2 different ones.
            backgrounds: renderings of each state.
        """
        self._level, self._sizes = np.unique(levels, return_inverse=True, return_counts=True)[1:]
        self.n, self.B, self.G = len(levels), backgrounds, len(self._sizes)
        if self.G < 2:
            raise UserError(f"expected states of at least 2 levels, got {self.G}; gather more")
        self._seen = np.zeros(self.n, dtype=bool)
        self._within = np.zeros(self.G)
        self._missing = self._sizes.copy()
        self._sums: np.ndarray | None = None
        self._begun: dict[int, np.ndarray] = {}
        self._of_levels = 0.0

    def add(self, states: slice, x: Float[np.ndarray, "state background feature"]) -> None:
        """Take in some states, each once, in any order.

        Raises:
            UserError: another number of backgrounds, or a state twice.
        """
        rows = np.arange(self.n)[states]
        if x.shape[:2] != (len(rows), self.B) or self._seen[rows].any():
            raise UserError(
                f"expected features of new states on {self.B} backgrounds, got {x.shape} for "
                f"{len(rows)} states, {int(self._seen[rows].sum())} of them for the second time"
            )
        self._seen[rows] = True
        if self.B < 2:
            return
        if self._sums is None:
            self._sums = np.zeros(x.shape[1:])
        # Products with one over the norm read the layer as it lies; unit vectors would be a copy.
        norms = np.sqrt(np.einsum("sbd,sbd->sb", x, x))
        weights = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        level = self._level[rows]
        total = np.matmul(weights[:, None], x)[:, 0]
        alike = np.einsum("sd,sd->s", total, total, dtype=np.float64) - (norms > 0).sum(axis=1)
        np.add.at(self._within, level, alike)
        self._sums += np.matmul(weights.T[:, None], x.swapaxes(0, 1))[:, 0]
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(level)) + 1):
            of_run = slice(run[0], run[-1] + 1)
            sums = np.einsum("sb,sbd->bd", weights[of_run], x[of_run])
            self._add(int(level[run[0]]), len(run), sums)

    def _add(self, level: int, states: int, sums: np.ndarray) -> None:
        """Sums of a level are kept until the last of its states is in."""
        self._missing[level] -= states
        if level in self._begun:
            sums = self._begun.pop(level) + sums
        if self._missing[level]:
            self._begun[level] = sums.astype(np.float64)
        else:
            self._of_levels += _across(sums)

    def result(self, weights: Int[np.ndarray, "replicate level"]) -> Cosine:
        """All of it, when every state was taken in.

        Args:
            weights: from :func:`analysis.stats.clusters.cluster_weights` on the same levels.

        Raises:
            UserError: states are missing.
        """
        if not self._seen.all():
            raise UserError(
                f"expected all {self.n} states, got {int(self._seen.sum())}; add every block"
            )
        if self._sums is None:
            return Cosine(np.full(1 + len(weights), np.nan), float("nan"))
        w = np.vstack([np.ones(self.G), weights])
        of_state = self.B * (self.B - 1)
        draws = (w @ self._within) / (of_state * (w @ self._sizes))
        apart = _across(self._sums) - self._of_levels
        pairs = of_state * (self.n**2 - int((self._sizes**2).sum()))
        return Cosine(draws, float(apart / pairs))


def _across(sums: Float[np.ndarray, "background feature"]) -> float:
    """Sum of the products of different backgrounds' sums."""
    whole = sums.sum(axis=0)
    return float(whole @ whole - np.vdot(sums, sums))
