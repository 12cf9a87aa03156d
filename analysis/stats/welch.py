"""Two methods compared over their runs: effect, interval, equivalence, and what would be found.

The unit is the run: peers learned from each other, and states of one level look alike, so neither
counts twice. With three runs a side a bootstrap over runs is far too narrow (in simulation with
normal runs its 95 % interval covers 80 %, Welch's covers 96 %), hence the t interval.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr, stdtr, stdtrit

from checkpoints.console import UserError

POWER = 0.8
"""Of the smallest difference that is called detectable."""
ALPHA = 0.05
_GRID = 200  # quantiles of each side's variance: power then is exact to three digits


class Tests(NamedTuple):
    """Welch's difference of two sides, over the last axis."""

    difference: Float[np.ndarray, "*some"]
    error: Float[np.ndarray, "*some"]
    """standard error of the difference"""
    freedom: Float[np.ndarray, "*some"]
    """degrees of freedom after Satterthwaite"""
    p: Float[np.ndarray, "*some"]
    """two-sided, of no difference"""
    p_equivalence: Float[np.ndarray, "*some"]
    """the larger of both one-sided, of a difference beyond the margin"""


class Effect(NamedTuple):
    """Treatment less control, in the unit of the values; NaN with fewer than 2 runs on a side."""

    estimate: float
    error: float
    """its standard error over runs"""
    low: float
    """2.5 % point"""
    high: float
    p: float
    """two-sided"""
    p_equivalence: float
    """of a difference beyond the margin; NaN without a margin"""
    detectable: float
    """difference that as many runs, spread like these, would find with probability .8"""
    detectable_low: float
    """the same at the lower end of the 95 % interval of the spread"""
    detectable_high: float
    """and at its upper end: few runs hardly know how much runs differ"""


NOTHING = Effect(*[float("nan")] * 9)


def compare(
    treatment: Float[np.ndarray, "*some runs"],
    control: Float[np.ndarray, "*some others"],
    margin: float,
) -> Tests:
    """Welch 1947 for a difference; two one-sided tests (Schuirmann 1987) for its absence.

    Args:
        treatment: a value a run, at least 2; finite.
        control: likewise.
        margin: differences from -margin to margin are not relevant; above 0, NaN for none.

    Raises:
        UserError: fewer than 2 runs on a side, or a value that is not finite.
    """
    sides = [np.asarray(side, float) for side in (treatment, control)]
    for side in sides:
        if side.shape[-1] < 2 or not np.isfinite(side).all():
            raise UserError(
                f"expected a finite value for each of at least 2 runs a side, got {side}"
            )
    counts = [side.shape[-1] for side in sides]
    shares = [side.var(-1, ddof=1) / n for side, n in zip(sides, counts, strict=True)]
    difference = sides[0].mean(-1) - sides[1].mean(-1)
    total = shares[0] + shares[1]
    error = np.sqrt(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [share**2 / (n - 1) for share, n in zip(shares, counts, strict=True)]
        freedom = total**2 / (parts[0] + parts[1])
        p = 2 * stdtr(freedom, -np.abs(difference) / error)
        below = stdtr(freedom, (difference - margin) / error)
        above = stdtr(freedom, -(difference + margin) / error)
    return Tests(difference, error, freedom, p, np.maximum(below, above))


def welch(
    a: Float[np.ndarray, " runs"], b: Float[np.ndarray, " others"], margin: float = float("nan")
) -> Effect:
    """Mean of ``a`` less mean of ``b``, with the interval of :func:`compare`'s test.

    A single run says nothing of others: all is NaN then. Runs that are equal to rounding have no
    spread to speak of: nothing but the estimate.

    Raises:
        UserError: an empty side, or values that are not finite.
    """
    for side in (a, b):
        if not len(side) or not np.isfinite(side).all():
            raise UserError(f"expected a finite value for each run, got {side}; leave out others")
    freedom = len(a) + len(b) - 2
    if min(len(a), len(b)) < 2:
        return NOTHING
    squares = (len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1)
    spread = float(np.sqrt(squares / freedom))
    if spread <= 1e-9 * max(1.0, float(np.abs(np.concatenate([a, b])).max())):
        return NOTHING._replace(estimate=float(np.mean(a) - np.mean(b)))
    found = compare(a, b, margin)
    error = float(found.error)
    half = float(stdtrit(found.freedom, 1 - ALPHA / 2)) * error
    able = spread * detectable_in_deviations(len(a), len(b))
    ends = [able * np.sqrt(freedom / chdtri(freedom, q)) for q in (ALPHA / 2, 1 - ALPHA / 2)]
    middle = float(found.difference)
    p, p_equivalence = float(found.p), float(found.p_equivalence)
    tests = error, middle - half, middle + half, p, p_equivalence
    return Effect(middle, *tests, able, float(ends[0]), float(ends[1]))


def power(difference: float, a: int, b: int) -> float:
    """Probability that Welch's test at .05 finds a difference of so many standard deviations.

    Given the two sample variances the difference of means is normal and the critical value fixed,
    so that power is an integral over two chi-squared variables: exact for the very test used, where
    the noncentral t distribution is so for the test of equal variances.

    Args:
        difference: of the means, in standard deviations of runs (the same on both sides).
        a: runs on one side, at least 2.
        b: on the other.
    """
    share = (np.arange(_GRID) + 0.5) / _GRID
    # chdtri takes the upper tail.
    first = (chdtri(a - 1, share) / (a - 1) / a)[:, None]
    second = (chdtri(b - 1, share) / (b - 1) / b)[None, :]
    total = first + second
    freedom = total**2 / (first**2 / (a - 1) + second**2 / (b - 1))
    critical = stdtrit(freedom, 1 - ALPHA / 2) * np.sqrt(total)
    error = np.sqrt(1 / a + 1 / b)
    found = ndtr((difference - critical) / error) + ndtr((-difference - critical) / error)
    return float(found.mean())


@cache
def detectable_in_deviations(a: int, b: int) -> float:
    """Smallest difference, in standard deviations, that Welch's test at .05 finds.

    Found with probability :data:`POWER`; ``a`` and ``b`` runs, at least 2 each.
    """
    return float(brentq(lambda d: power(d, a, b) - POWER, 0.0, 1000.0))
