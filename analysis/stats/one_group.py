"""The mean of a few independent values and its interval."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr, stdtrit

from checkpoints.console import UserError


class Mean(NamedTuple):
    """Estimate and the ends of its interval; these are NaN for a single value."""

    estimate: float
    low: float
    high: float


def p_of(found: Mean, n: int) -> float:
    """Two-sided p that the mean of ``n`` values is not 0, from Student's 95 % interval of it.

    NaN without an interval.
    """
    if not found.low < found.high:
        return np.nan
    error = (found.high - found.low) / 2 / float(stdtrit(n - 1, 0.975))
    return 2 * float(stdtr(n - 1, -abs(found.estimate) / error))


def mean_interval(values: Float[np.ndarray, " run"], level: float = 0.95) -> Mean:
    """Student's interval of the mean.

    Args:
        values: one a run.
        level: probability to cover, in (0, 1).

    Raises:
        UserError: no value, or one that is not finite.
    """
    if not len(values) or not np.isfinite(values).all():
        raise UserError(f"expected a finite value for each run, got {values}; leave out others")
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Mean(mean, np.nan, np.nan)
    half = float(stdtrit(n - 1, (1 + level) / 2) * np.std(values, ddof=1) / np.sqrt(n))
    return Mean(mean, mean - half, mean + half)


def jackknife_interval(whole: float, without: Float[np.ndarray, " run"]) -> Mean:
    """Student's interval of a statistic of few runs in which a value may belong to two of them.

    Runs that share values are not independent, and their pseudo-values nearly are: Tukey 1958,
    n · whole − (n − 1) · without. In simulations with three runs and a value for each pair of them,
    intervals of 95 % cover 95 to 99 %; with each run's mean taken for independent, 61 to 86.

    Args:
        whole: the statistic of all runs.
        without: (run,) it without each; NaN where too few are left.

    Returns:
        Ends are NaN where it does not exist without a run.
    """
    n = len(without)
    if n < 2 or not np.isfinite([whole, *without]).all():
        return Mean(whole, np.nan, np.nan)
    found = mean_interval(n * whole - (n - 1) * np.asarray(without))
    half = (found.high - found.low) / 2
    return Mean(whole, whole - half, whole + half)
