"""Uncertainty when observations come in clusters: frames of one level are not independent."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array, as_labels


class Interval(NamedTuple):
    """An estimate and the ends of its interval, in the estimate's unit."""

    estimate: float
    low: float
    high: float


def cluster_weights(clusters: np.ndarray, replicates: int, seed: int) -> Int[np.ndarray, "R G"]:
    """How often each cluster is drawn in each bootstrap replicate.

    Whole clusters (levels, seeds) are drawn with replacement, as many as there are: the
    multiplicities are multinomial (Davison and Hinkley 1997, section 3.8).

    Args:
        clusters: (n,) label of each observation's cluster.
        replicates: R, at least 1.
        seed: the same seed gives the same draws.

    Returns:
        (R, G) int64, rows summing to G; columns in the order of ``np.unique(clusters)``.

    Raises:
        UserError: labels that are no vector, fewer than 2 clusters, or no replicates.
    """
    clusters = as_labels(clusters, "clusters")
    if not isinstance(replicates, int | np.integer) or replicates < 1:
        raise UserError(f"replicates: expected at least 1, got {replicates}; 1000 is usual")
    G = len(np.unique(clusters))
    if G < 2:
        raise UserError(
            f"expected at least 2 clusters to resample, got {G}; gather states from more levels"
        )
    return np.random.default_rng(seed).multinomial(G, np.full(G, 1 / G), size=replicates)


def cluster_means(
    values: Float[np.ndarray, " n"], clusters: np.ndarray, weights: Int[np.ndarray, "R G"]
) -> Float[np.ndarray, " r"]:
    """The mean of values, then that of each replicate; NaN among the values are left out.

    Args:
        values: one a cluster's member.
        clusters: (n,) the cluster of each value.
        weights: from :func:`cluster_weights`, of the same clusters.

    Returns:
        (1 + R,), NaN where no value is left.
    """
    group, known = np.unique(clusters, return_inverse=True)[1], np.isfinite(values)
    w = np.vstack([np.ones(weights.shape[1]), weights])
    sums, counts = (np.bincount(group, part) for part in (np.where(known, values, 0.0), known))
    with np.errstate(invalid="ignore"):
        return (w @ sums) / (w @ counts)


def cluster_interval(
    values: ArrayLike,
    clusters: np.ndarray,
    *,
    statistic: Callable[[np.ndarray], float] = np.mean,
    replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic, from resampling whole clusters.

    Args:
        values: (n, ...) one observation per entry of the first axis, finite.
        clusters: (n,) the cluster of each observation.
        statistic: maps a (m, ...) resample to one number.
        replicates: number of resamples.
        seed: the same seed gives the same interval.
        level: probability to cover, in (0, 1).

    Returns:
        The statistic of ``values`` and the percentiles (1 ± level) / 2 of the resamples.

    Raises:
        UserError: fewer than 2 clusters, unequal lengths, values or resampled statistics that
            are not finite, a level outside (0, 1).

    Note:
        Percentile intervals are short where clusters are few. Measured for the mean of normal
        data, half of the variance between clusters of 20, nominal 95 %: they cover 91 % with
        10 clusters, 92 % with 20, 93 % with 40, 95 % with 100; resampling frames covers 43 %.
    """
    values, clusters = as_array(values, "values"), np.asarray(clusters)
    if values.dtype.kind == "f":
        # A mean in the precision of the values may lie beside all means of resamples.
        values = values.astype(np.float64)
    if values.shape[:1] != clusters.shape:
        raise UserError(
            f"expected one cluster per value, got values {values.shape} and clusters "
            f"{clusters.shape}; pass both for the same observations"
        )
    if not np.isfinite(values).all():
        raise UserError("values: expected finite numbers, got NaN or inf; drop or repair them")
    if not 0 < level < 1:
        raise UserError(f"level: expected a probability in (0, 1), got {level}; .95 is usual")
    weights = cluster_weights(clusters, replicates, seed)
    draws = _resampled(values, clusters, weights, statistic)
    if not np.isfinite(draws).all():
        raise UserError(
            f"expected a finite statistic on every resample, got {np.sum(~np.isfinite(draws))} of "
            f"{replicates} that are not; gather more clusters or choose another statistic"
        )
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(values)), float(low), float(high))


def _resampled(
    values: np.ndarray,
    clusters: np.ndarray,
    weights: Int[np.ndarray, "R G"],
    statistic: Callable[[np.ndarray], float],
) -> Float[np.ndarray, " R"]:
    """The statistic of each resample."""
    G = weights.shape[1]
    group = np.unique(clusters, return_inverse=True)[1]
    if statistic is np.mean and values.ndim == 1:
        # A mean needs only sums and counts, which saves drawing R copies of the data.
        sums, counts = np.bincount(group, values, G), np.bincount(group, minlength=G)
        return (weights @ sums) / (weights @ counts)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    drawn = (np.repeat(np.arange(G), w) for w in weights)
    return np.array([statistic(values[np.concatenate([members[g] for g in d])]) for d in drawn])
