"""Scores of held-out predictions, and their bootstrap over levels.

A level enters a score only through sums over its states, so that a replicate is a weighted sum of
levels, not a new set of states.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from analysis.stats.clusters import Interval

LevelTerms = Float[np.ndarray, "level term"]
CONSTANT = 1e-12
"""Numbers whose variance is at most this share of their mean square do not vary."""


def number_sums(y: np.ndarray, predicted: np.ndarray, level: np.ndarray, levels: int) -> LevelTerms:
    """(levels, 4): states, Σy, Σy² and Σ(y − ŷ)² of each level; states without y are left out."""
    here = ~np.isnan(y)
    # R² does not move with y, and sums of squares about a far mean would lose its digits.
    y, predicted, level = y[here] - y[here].mean(), predicted[here] - y[here].mean(), level[here]
    terms = (np.ones_like(y), y, y**2, (y - predicted) ** 2)
    return np.stack([np.bincount(level, term, levels) for term in terms], axis=1)


def r2(sums: Float[np.ndarray, "... 4"]) -> np.ndarray | np.floating:
    """R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)²: 1 is perfect, 0 the mean of y, below 0 worse than that.

    NaN where y is constant, as it can be among drawn levels.
    """
    n, y, squares, errors = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = squares - y**2 / n
        # Of a constant y rounding leaves a last bit, of either sign, to divide by.
        return 1 - errors / np.where(spread > CONSTANT * squares, spread, np.nan)


def class_sums(
    labels: np.ndarray, predicted: np.ndarray, level: np.ndarray, levels: int, k: int
) -> LevelTerms:
    """(levels, 2k): states of each class that were found, then states of each class."""
    here = ~np.isnan(labels)
    label, level = labels[here].astype(int), level[here]
    found = (label == predicted[here]).astype(float)
    place = level * k + label
    counts = [np.bincount(place, weight, levels * k) for weight in (found, np.ones_like(found))]
    return np.concatenate([count.reshape(levels, k) for count in counts], axis=1)


def balanced_accuracy(sums: Float[np.ndarray, "... twok"]) -> np.ndarray | np.floating:
    """Recall averaged over the classes that are there: 1 is perfect, 1/k chance; NaN of none."""
    found, there = np.split(sums, 2, axis=-1)
    present = there > 0
    recall = np.divide(found, there, out=np.zeros_like(found), where=present)
    with np.errstate(invalid="ignore"):
        return recall.sum(axis=-1) / present.sum(axis=-1)


def replicates(
    sums: LevelTerms,
    weights: Int[np.ndarray, "R level"],
    score: Callable[[np.ndarray], np.ndarray | np.floating],
) -> Float[np.ndarray, " draw"]:
    """The score, then its R bootstrap replicates: (1 + R,).

    Args:
        sums: from :func:`number_sums` or :func:`class_sums`.
        weights: (R, levels) from ``cluster_weights`` on the same levels.
        score: :func:`r2` or :func:`balanced_accuracy`.
    """
    return np.asarray(score(np.concatenate([sums.sum(axis=0)[None], weights @ sums])))


def interval(draws: Float[np.ndarray, " draw"]) -> Interval:
    """The first draw with the 95 % percentile interval of the others, undefined ones left out.

    The ends are NaN where all others are undefined.
    """
    defined = draws[1:][np.isfinite(draws[1:])]
    if not len(defined):
        return Interval(float(draws[0]), np.nan, np.nan)
    low, high = np.quantile(defined, [0.025, 0.975])
    return Interval(float(draws[0]), float(low), float(high))
