"""The background's subspace of a layer and its controls, fitted on one half of the levels each."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from analysis.measures import leace
from analysis.measures.leace import Covariance, Eraser, one_hot
from checkpoints.console import UserError

KINDS = ("background", "random", "shuffled")
"""What is erased, all of the rank of the first. Random: directions drawn with the covariance of
the layer. Shuffled: the backgrounds' names permuted within each state, so directions in which
twins differ at all; where they differ in no more dimensions than are erased, that is all of them,
and this control removes what the background does."""
FOLDS = 2


def quarters_of(levels: Int[np.ndarray, " state"], seed: int) -> Int[np.ndarray, " state"]:
    """Which quarter of the levels each state belongs to: 0 to 3; 0 and 1 are the first fold."""
    known, place = np.unique(levels, return_inverse=True)
    if len(known) < 4:
        raise UserError(
            f"expected at least 4 levels, so that a fit on one half can be judged on the other, "
            f"got {len(known)}; gather states from more levels"
        )
    return (np.random.default_rng(seed).permutation(len(known)) % 4)[place]


def targets(
    kind: str, states: int, backgrounds: int, rng: np.random.Generator
) -> Float[np.ndarray, "frame target"]:
    """What an eraser of this kind makes unreadable, frames in the order state, background."""
    labels = np.tile(np.arange(backgrounds), (states, 1))
    if kind == "random":
        return rng.normal(size=(labels.size, backgrounds - 1))
    return one_hot((rng.permuted(labels, axis=1) if kind == "shuffled" else labels).ravel())


@dataclass(frozen=True, eq=False)
class Fit:
    """The erasers of one layer, one a kind and fold, each fitted on the *other* levels."""

    erasers: dict[str, list[Eraser]]
    shrinkage: float
    """mean over folds"""
    decoded: Float[np.ndarray, " state"]
    """share of a state's twins whose background a linear reader names"""
    decoded_after: Float[np.ndarray, " state"]
    """the same after erasure, of a reader fitted after erasure"""

    @staticmethod
    def of(
        x: Float[np.ndarray, "state background feature"],
        quarters: Int[np.ndarray, " state"],
        seed: int,
    ) -> "Fit":
        """Fit all kinds on each half of the levels, and see whether erasure holds on the other.

        There a reader is fitted on one quarter and judged on the other, both erased alike:
        across the halves, what each eraser leaves has opposite signs, and reads below chance.
        """
        B, d = x.shape[1:]
        rng, folds = np.random.default_rng(seed), quarters // 2
        erasers: dict[str, list[Eraser]] = {kind: [] for kind in KINDS}
        clean, shrinkage = np.empty_like(x), []
        for k in range(FOLDS):
            covariance = Covariance(x[folds != k].reshape(-1, d))
            shrinkage.append(covariance.shrinkage)
            for kind in KINDS:
                goal = targets(kind, int((folds != k).sum()), B, rng)
                erasers[kind].append(covariance.eraser(goal))
            held_out = x[folds == k].reshape(-1, d)
            clean[folds == k] = erasers["background"][k].erase(held_out).reshape(-1, B, d)
        named = [_named(features, quarters) for features in (x, clean)]
        return Fit(erasers, float(np.mean(shrinkage)), *named)


def _named(x: np.ndarray, quarters: np.ndarray) -> Float[np.ndarray, " state"]:
    """Share of each state's twins that a reader of its fold's other quarter names rightly."""
    n, B, d = x.shape
    right, labels = np.empty(n), np.tile(np.arange(B), (n, 1))
    for quarter in range(4):
        here, there = quarters == quarter, quarters == quarter ^ 1
        known, names = x[there].reshape(-1, d), labels[there].ravel()
        reader = leace.fit(known, names)
        guess = leace.nearest_mean(reader, known, names, x[here].reshape(-1, d))
        right[here] = (guess.reshape(-1, B) == np.arange(B)).mean(axis=1)
    return right
