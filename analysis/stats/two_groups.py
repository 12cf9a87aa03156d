"""Two methods compared over their runs: effect, interval, and what could have been detected.

The unit is the run: peers learned from each other, and states of one level look alike, so neither
counts twice. With three runs a side a bootstrap over runs is far too narrow (in simulation with
normal runs its 95 % interval covers 80 %, Welch's covers 96 %), hence the t interval.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from checkpoints.console import UserError

POWER = 0.8
"""Of the smallest difference that is called detectable."""


class Effect(NamedTuple):
    """Treatment less control, in the unit of the values."""

    estimate: float
    low: float
    """2.5 % point; NaN with fewer than two runs on a side"""
    high: float
    p: float
    """two-sided; NaN with fewer than two runs on a side"""
    detectable: float
    """the difference that these runs would have found significant with probability .8"""


def welch(a: Float[np.ndarray, " runs"], b: Float[np.ndarray, " others"]) -> Effect:
    """Mean of ``a`` less mean of ``b``, with the t interval of Welch 1947 (unequal variances).

    The detectable difference is that of a two-sided t test at .05 with the pooled deviation of
    these very runs, itself rough where runs are few.

    Raises:
        UserError: an empty side, or values that are not finite.
    """
    for side in (a, b):
        if not len(side) or not np.isfinite(side).all():
            raise UserError(f"expected a finite value for each run, got {side}; leave out others")
    difference = float(np.mean(a) - np.mean(b))
    unknown = Effect(difference, np.nan, np.nan, np.nan, np.nan)
    if min(len(a), len(b)) < 2:
        return unknown
    pooled = np.sqrt(
        ((len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1))
        / (len(a) + len(b) - 2)
    )
    # Runs that are equal to rounding have no spread to speak of: no interval follows from them.
    if pooled <= 1e-9 * max(1.0, float(np.abs(np.concatenate([a, b])).max())):
        return unknown
    from scipy.stats import ttest_ind

    found = ttest_ind(a, b, equal_var=False)
    low, high = found.confidence_interval(0.95)
    return Effect(
        difference,
        float(low),
        float(high),
        float(found.pvalue),
        float(pooled) * detectable_in_deviations(len(a), len(b)),
    )


@cache
def detectable_in_deviations(a: int, b: int) -> float:
    """Smallest difference, in standard deviations, that a two-sided t test at .05 finds.

    Found with probability :data:`POWER`; ``a`` and ``b`` runs, at least 2 each.
    """
    from statsmodels.stats.power import TTestIndPower

    return float(TTestIndPower().solve_power(nobs1=a, ratio=b / a, alpha=0.05, power=POWER))


def discoveries(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """The q values of Benjamini and Hochberg 1995; NaN stays NaN and does not count."""
    from statsmodels.stats.multitest import multipletests

    found = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        found[known] = multipletests(p[known], method="fdr_bh")[1]
    return found


def at_level(
    steps: Float[np.ndarray, " step"],
    marker: Float[np.ndarray, " step"],
    values: Float[np.ndarray, " step"],
    level: float,
    *,
    rising: bool = True,
) -> float:
    """The value where the marker first reaches a level: some methods learn faster than others.

    Marker and value are straight between steps, on the logarithm of the step. The marker is made
    monotone first (isotonic regression), since a noisy return passes a level several times.

    Args:
        steps: increasing, above 0.
        marker: return or entropy at each step.
        values: what is read off.
        level: of the marker.
        rising: whether the marker grows in training, as return does, or falls, as entropy does.

    Returns:
        NaN where the level lies outside of what the run passed through.
    """
    from sklearn.isotonic import isotonic_regression

    known = np.isfinite(marker) & np.isfinite(values)
    if known.sum() < 2:
        return float("nan")
    sign = 1.0 if rising else -1.0
    way = np.asarray(isotonic_regression(sign * marker[known]))
    when, value, wanted = np.log2(steps[known]), values[known], sign * level
    if not way[0] <= wanted <= way[-1]:
        return float("nan")
    place = int(np.searchsorted(way, wanted))
    if place == 0:
        return float(value[0])
    share = (wanted - way[place - 1]) / (way[place] - way[place - 1])
    at = when[place - 1] + share * (when[place] - when[place - 1])
    return float(np.interp(at, when, value))
