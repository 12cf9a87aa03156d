"""Few runs, several games: interquartile mean, probability of improvement, performance profiles.

Definitions of Agarwal et al. 2021 ("Deep reinforcement learning at the edge of the statistical
precipice", arXiv 2108.13264), as their package ``rliable`` computes them. Scores stand in arrays
``(…, run, game)``: the last two axes are their matrix, whatever stands before is computed apart.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Shaped

from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array

Statistic = Callable[..., np.ndarray]
"""Maps one or two arrays ``(…, run, game)`` to ``(…)`` or ``(…, threshold)``."""


def mean(scores: Float[np.ndarray, "*r run game"]) -> Shaped[np.ndarray, "*r"]:
    """Mean over runs and games."""
    return np.asarray(scores.mean(axis=(-2, -1)))


def interquartile_mean(scores: Float[np.ndarray, "*r run game"]) -> Shaped[np.ndarray, "*r"]:
    """Mean of the middle half of all runs of all games (section 4.3): trimmed by 25 % at each end.

    As many scores as a whole quarter holds are dropped at each end: none of fewer than 4, so that
    the interquartile mean of three runs of one game is their mean.
    """
    from scipy.stats import trim_mean

    pooled = scores.reshape(*scores.shape[:-2], -1)
    return np.asarray(trim_mean(pooled, proportiontocut=0.25, axis=-1))


def improvement(x: ArrayLike, y: ArrayLike) -> Shaped[np.ndarray, "*r"]:
    """Probability that a run of ``x`` scores more than one of ``y`` on a game drawn at random.

    P(X > Y) + ½ P(X = Y) over all pairs of runs, averaged over games (section 4.3): the
    Mann–Whitney statistic over its maximum. 1 - improvement(x, y) is improvement(y, x).

    Args:
        x: (…, runs, games) scores.
        y: the same of the other method, on the same games.

    Raises:
        UserError: other games, or no axis of runs and games.
    """
    x, y = (as_array(one, name).astype(np.float64) for one, name in ((x, "x"), (y, "y")))
    if min(x.ndim, y.ndim) < 2 or x.shape[-1] != y.shape[-1]:
        raise UserError(
            f"expected scores of shape (runs, games) of the same games, got {x.shape} and "
            f"{y.shape}; leave out games that only one of them played"
        )
    gap = x[..., :, None, :] - y[..., None, :, :]
    return np.asarray((np.sign(gap) / 2 + 0.5).mean(axis=(-3, -2, -1)))


def profile(
    scores: Float[np.ndarray, "*r run game"], thresholds: Float[np.ndarray, " threshold"]
) -> Float[np.ndarray, "*r threshold"]:
    """Share of runs, over all games, that score more than each threshold (section 4.2).

    NaN where a score is.
    """
    pooled = scores.reshape(*scores.shape[:-2], -1)
    above = [(pooled > threshold).mean(axis=-1) for threshold in thresholds]
    unknown = np.isnan(pooled).any(axis=-1)[..., None]
    return np.where(unknown, np.nan, np.stack(above, axis=-1))


def resample_runs(
    scores: Float[np.ndarray, "run game"], replicates: int, rng: np.random.Generator
) -> Float[np.ndarray, "r run game"]:
    """Stratified bootstrap: each game's runs drawn with replacement, apart from other games'."""
    run, game = scores.shape
    drawn = rng.integers(0, run, size=(replicates, run, game))
    return scores[drawn, np.arange(game)]


def run_interval(
    statistic: Statistic,
    *methods: Float[np.ndarray, "_ game"],
    replicates: int,
    seed: int,
    level: float = 0.95,
) -> Float[np.ndarray, " 2 *shape"]:
    """Percentile interval of a statistic of one or two methods, from resampling their runs.

    Args:
        statistic: of as many arrays as there are methods.
        methods: scores ``(run, game)`` of each, resampled apart from each other.
        replicates: resamples, at least 1.
        seed: the same seed gives the same interval.
        level: probability to cover, in (0, 1).

    Returns:
        The lower and the upper ends, of the shape of the statistic. NaN where a method has one
        run: nothing is known then of how runs differ.

    Raises:
        UserError: no replicates, or scores that are not finite.
    """
    if replicates < 1:
        raise UserError(f"replicates: expected at least 1, got {replicates}; 2000 is usual")
    if not all(np.isfinite(scores).all() for scores in methods):
        raise UserError("scores: expected finite numbers, got NaN or inf; drop those runs")
    if min(len(scores) for scores in methods) < 2:
        return np.full((2, *statistic(*methods).shape), np.nan)
    rng = np.random.default_rng(seed)
    found = statistic(*(resample_runs(scores, replicates, rng) for scores in methods))
    return ends(found, level)


def ends(
    draws: Float[np.ndarray, " r *shape"], level: float = 0.95
) -> Float[np.ndarray, " 2 *shape"]:
    """The percentiles (1 ± level) / 2 along the first axis of ``draws``; NaN where it is empty."""
    if not len(draws):
        return np.full((2, *draws.shape[1:]), np.nan)
    return np.asarray(np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0))
