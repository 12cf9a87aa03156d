"""The mean of a few independent values and its interval."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from checkpoints.console import UserError


class Mean(NamedTuple):
    """Estimate and the ends of its interval; these are NaN for a single value."""

    estimate: float
    low: float
    high: float


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
