"""Cycle consistency: does a trajectory find itself again on another background?

Raileanu et al. 2021 (DrAC) report it, two-way and three-way, between Procgen observations that
differ only in background. It goes back to Aytar et al. 2018, "Playing hard exploration games by
watching YouTube"; the formula is the one of Lee et al. 2020, "Network Randomization", section 4.2.

Note:
    None of them gives code. Three differences: trajectories here are the same states on other
    backgrounds, exactly; all orders of the backgrounds are averaged; and what a random guess would
    score stands beside each number, since a short trajectory scores high by chance.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist

TOLERANCE = 1
"""Steps by which a cycle may miss its start (Lee et al. 2020: |i − k| ≤ 1)."""


def nearest(features: Float[np.ndarray, "time view feature"]) -> Int[np.ndarray, "time view view"]:
    """For each step i on view a, the step on view b whose features are nearest; [i, a, b].

    Nearest in Euclidean distance; of several the earliest.
    """
    T, B, d = features.shape
    flat = features.reshape(T * B, d)
    return cdist(flat, flat, "sqeuclidean").reshape(T, B, T, B).argmin(2)


def returns_home(
    near: Int[np.ndarray, "time view view"], path: Sequence[int], tolerance: int = TOLERANCE
) -> Bool[np.ndarray, " time"]:
    """Whether each step comes back to itself along a closed path of views.

    Args:
        near: from :func:`nearest`.
        path: the views in order, the start among them once: (0, 1) goes 0 → 1 → 0.
        tolerance: steps by which it may miss.
    """
    start = np.arange(len(near))
    at = start
    for a, b in zip(path, (*path[1:], path[0]), strict=True):
        at = near[at, a, b]
    return np.abs(at - start) <= tolerance


def two_way(
    near: Int[np.ndarray, "time view view"],
    firsts: Sequence[int],
    others: Sequence[int],
    tolerance: int = TOLERANCE,
) -> Float[np.ndarray, " time"]:
    """Share of consistent cycles V → U → V of each step, in [0, 1].

    Averaged over the views V of ``firsts`` and the other views U of ``others``; NaN if none.
    """
    paths = [(v, u) for v in firsts for u in others if u != v]
    return _share(near, [returns_home(near, path, tolerance) for path in paths])


def three_way(
    near: Int[np.ndarray, "time view view"],
    firsts: Sequence[int],
    others: Sequence[int],
    tolerance: int = TOLERANCE,
) -> Float[np.ndarray, " time"]:
    """Share consistent along both V → U → J → V and V → J → U → V, as :func:`two_way`."""
    paths = [
        (v, u, j) for v in firsts for u, j in permutations(others, 2) if u < j and v not in (u, j)
    ]
    return _share(
        near,
        [
            returns_home(near, (v, u, j), tolerance) & returns_home(near, (v, j, u), tolerance)
            for v, u, j in paths
        ],
    )


def _share(near: np.ndarray, found: list[np.ndarray]) -> Float[np.ndarray, " time"]:
    return np.mean(found, axis=0) if found else np.full(len(near), np.nan)


def chance(steps: int, tolerance: int = TOLERANCE) -> float:
    """How often a cycle that ends at a step drawn uniformly counts as consistent.

    The two-way score of features without information; its square is the three-way score, for two
    paths that end independently.
    """
    near = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps))) <= tolerance
    return float(near.mean())


def trajectories(
    levels: Int[np.ndarray, " state"],
    time: Int[np.ndarray, " state"],
    actor: Int[np.ndarray, " state"],
    least: int,
) -> Iterator[Int[np.ndarray, " time"]]:
    """The states of each level in order of time, where one actor met at least ``least``.

    A level that was met twice is left out: its states would belong to two episodes.
    """
    for level in np.unique(levels):
        rows = np.flatnonzero(levels == level)
        rows = rows[np.argsort(time[rows], kind="stable")]
        once = len(np.unique(time[rows])) == len(rows) and len(np.unique(actor[rows])) == 1
        if once and len(rows) >= least:
            yield rows
