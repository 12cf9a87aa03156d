"""When a measure moves during training, and whether it moves before another: pure functions.

A measure is known at a few kept steps only, a doubling apart. Between two of them nothing is
known, and the onset is interpolated on a logarithmic scale; so is that of what it is compared
with, on the same steps. Replicates of the bootstrap run along the last axis, the estimate first.

What kept steps a doubling apart can resolve: an onset to a fraction of an octave where the curve
is smooth on that scale, and nothing before the first step or within the last gap.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata
from scipy.stats import t as student

from checkpoints.console import UserError

LEAST_INCREMENTS = 5
"""Fewer increments cannot be ranked to any purpose: of 4, a perfect order has p = .08."""


def half_way(
    steps: Int[np.ndarray, " step"],
    values: Float[np.ndarray, "step r"],
    start: Float[np.ndarray, " r"],
) -> Float[np.ndarray, " r"]:
    """Where a measure has first covered half of the way from its start to its last value.

    Args:
        steps: at least two, above 0, rising.
        values: the measure at each of them, finite.
        start: its value before training, at no step that a logarithm could place.

    Returns:
        log2 of the step, linear in it between two kept steps; that of the first step where half
        of the way was covered by then; NaN where start and last value are equal.

    Raises:
        UserError: fewer than two steps, or steps that do not rise.
    """
    if len(steps) < 2 or steps[0] <= 0 or (np.diff(steps) <= 0).any():
        raise UserError(f"expected at least 2 rising steps above 0, got {steps.tolist()}")
    x, r = np.log2(steps.astype(np.float64)), np.arange(len(start))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (values - start) / (values[-1] - start)
        first = (share >= 0.5).argmax(axis=0)
        before = np.maximum(first - 1, 0)
        rise = share[first, r] - share[before, r]
        part = np.where(first > 0, (0.5 - share[before, r]) / rise, 0.0)
    found = x[before] + part * (x[first] - x[before])
    return np.where(values[-1] == start, np.nan, found)


def direction(
    starts: Float[np.ndarray, "network r"], end: Float[np.ndarray, " r"], level: float = 0.95
) -> int:
    """1 or −1 if the last value lies above or below the start for sure, 0 if that is not so.

    The interval of the difference has to leave out 0 on the same side for *every* untrained
    network: which of them a run began as is not known, and they differ.

    Args:
        starts: the measure of some untrained networks.
        end: its last value, with the same replicates.
        level: of the interval.
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile((end - starts)[:, 1:], ends, axis=1)
    return int((low > 0).all()) - int((high < 0).all())


def one_start(starts: Float[np.ndarray, "network r"], seed: int) -> Float[np.ndarray, " r"]:
    """The mean of the networks for the estimate, and one of them drawn for each replicate."""
    count = starts.shape[1]
    drawn = np.random.default_rng(seed).integers(len(starts), size=count)
    start = starts[drawn, np.arange(count)]
    start[0] = starts[:, 0].mean()
    return start


def together(x: Float[np.ndarray, " step"], y: Float[np.ndarray, " step"]) -> float:
    """Rank correlation (Spearman) of the increments of two measures between kept steps.

    Returns:
        In [−1, 1]; NaN with fewer than :data:`LEAST_INCREMENTS`, or where either is constant.
    """
    a, b = np.diff(x), np.diff(y)
    if len(a) < LEAST_INCREMENTS or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def detectable(count: int) -> float:
    """Smallest rank correlation of so many pairs that is significant at 5 %, two-sided.

    By Student's t with count − 2 degrees of freedom; .88 for 5, .71 for 8 (exactly: 1, .74). NaN
    with fewer than :data:`LEAST_INCREMENTS`.
    """
    if count < LEAST_INCREMENTS:
        return np.nan
    t = student.ppf(0.975, count - 2)
    return float(t / np.sqrt(count - 2 + t**2))
