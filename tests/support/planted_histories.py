"""Histories whose truth is known: a curve over kept steps, and levels that scatter about it."""

import numpy as np

from analysis.records.values import Cell
from analysis.stats.clusters import cluster_weights
from analysis.studies.training.history import History
from checkpoints.policy.ids import PolicyId

STEPS = tuple(2**k for k in range(14, 22))
LEVELS = 60


def policy(seed: int = 0, method: str = "ppo", peer: int = 0) -> PolicyId:
    """A run and a peer of starpilot."""
    return PolicyId("starpilot", method, seed, peer)


def sigmoid(middle: float, steep: float = 1.5, steps: tuple[int, ...] = STEPS) -> np.ndarray:
    """Rising from 0 to nearly 1, half of it at 2**middle steps."""
    return 1 / (1 + np.exp2(-steep * (np.log2(steps) - middle)))


def scattered(value: float, weights: np.ndarray, noise: float, seed: int) -> np.ndarray:
    """The mean over levels that scatter about ``value``, and its replicates."""
    levels = value + noise * np.random.default_rng(seed).normal(size=weights.shape[1])
    return np.concatenate([[levels.mean()], weights @ levels / weights.sum(axis=1)])


def made(
    values: np.ndarray,
    *,
    measure: str = "icc_one_way",
    who: PolicyId | None = None,
    noise: float = 0.3,
    networks: int = 1,
    stopped: str = "",
    seed: int = 0,
    steps: tuple[int, ...] = STEPS,
) -> History:
    """A history whose untrained networks are 0; NaN stands for a collapsed step."""
    weights = cluster_weights(np.arange(LEVELS), 200, seed)
    draws = [scattered(v, weights, noise, 100 * seed + k) for k, v in enumerate(values)]
    cells = tuple(Cell(d, "collapsed" if np.isnan(d[0]) else "ok") for d in draws)
    starts = [scattered(0.0, weights, noise, 100 * seed + 50 + k) for k in range(networks)]
    nothing = np.full((1, 201), np.nan)
    return History(
        who or policy(),
        measure,
        "hidden",
        np.array(steps[: len(values)]),
        cells,
        np.stack(starts) if starts else nothing,
        stopped,
    )
