"""How far decisions differ between views of a state, and between states: pure functions.

A *view* is one picture of a state: on another background, recoloured, or with noise. A policy
that follows the state alone decides alike on all of them. One that decides nothing does so too,
so every change between views stands beside the change between states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist
from scipy.special import entr, rel_entr

from analysis.stats.clusters import Interval
from checkpoints.console import UserError

UNDECIDED = 0.01
"""Below this total variation between states a policy decides nothing that could be moved."""
MEASURES = (
    *("tv", "tv_worst", "agreement", "value_shift", "jsd", "entropy"),
    *("tv_between", "value_between", "ratio"),
)
_ROWS = 256  # states compared at once, in all pairs of views or with all others: bounds memory

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Decisions:
    """What a policy makes of states, each in the same views."""

    probs: Float[np.ndarray, "state view action"]
    """of each action, adding up to 1"""
    values: Float[np.ndarray, "state view"]
    """the critic's value, in units of scaled discounted reward"""


def total_variation(
    p: Float[np.ndarray, "*some action"], q: Float[np.ndarray, "*some action"]
) -> Float[np.ndarray, "*some"]:
    """½ Σ|p − q| over the last axis, in [0, 1]: the probability that has to move."""
    return np.abs(p - q).sum(-1) / 2


def jensen_shannon(
    p: Float[np.ndarray, "*some action"], q: Float[np.ndarray, "*some action"]
) -> Float[np.ndarray, "*some"]:
    """Jensen–Shannon divergence over the last axis in nats, in [0, ln 2]; not its square root.

    Lin 1991, "Divergence measures based on the Shannon entropy", for two equal weights. Between
    observations that differ only in background it is reported for Procgen by Raileanu et al. 2021,
    "Automatic Data Augmentation for Generalization in Reinforcement Learning" (DrAC).
    """
    m = (p + q) / 2
    return np.clip((rel_entr(p, m) + rel_entr(q, m)).sum(-1) / 2, 0.0, np.log(2))


def entropy(p: Float[np.ndarray, "*some action"]) -> Float[np.ndarray, "*some"]:
    """−Σ p ln p over the last axis in nats: 0 for one certain action, ln 15 for all alike."""
    return entr(p).sum(-1)


def between_views(decisions: Decisions, pairs: Pairs) -> dict[str, Float[np.ndarray, " state"]]:
    """Each state's change over the given pairs of its views.

    Returns:
        ``tv`` the mean over the pairs and ``tv_worst`` the largest total variation; ``agreement``
        the share of pairs whose likeliest actions agree; ``value_shift`` the mean |ΔV|; ``jsd``
        the mean divergence in nats; ``entropy`` the mean over the views in the pairs, in nats.
    """
    starts = range(0, len(decisions.values), _ROWS)
    parts = [_between_views(decisions, pairs, slice(start, start + _ROWS)) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _between_views(decisions: Decisions, pairs: Pairs, rows: slice) -> dict[str, np.ndarray]:
    p, V = decisions.probs[rows], decisions.values[rows]
    left, right = np.array(pairs).T
    tv = total_variation(p[:, left], p[:, right])
    likeliest = p.argmax(-1)
    return {
        "tv": tv.mean(1),
        "tv_worst": tv.max(1),
        "agreement": (likeliest[:, left] == likeliest[:, right]).mean(1),
        "value_shift": np.abs(V[:, left] - V[:, right]).mean(1),
        "jsd": jensen_shannon(p[:, left], p[:, right]).mean(1),
        "entropy": entropy(p[:, views_of(pairs)]).mean(1),
    }


def views_of(pairs: Pairs) -> list[int]:
    """The views that stand in the pairs."""
    return sorted({view for pair in pairs for view in pair})


def between_states(
    features: Float[np.ndarray, "state feature"], levels: Int[np.ndarray, " state"]
) -> Float[np.ndarray, "G G"]:
    """Sum of the city-block distances of all pairs of states, for each pair of levels.

    Args:
        features: probabilities (half the distance is the total variation), or a value each.
        levels: (state,) seed of each state's level.

    Returns:
        (G, G), symmetric, its diagonal 0: states of one level resemble each other, and are left
        out. Levels in the order of ``np.unique``.
    """
    order = np.argsort(levels, kind="stable")
    starts = np.unique(levels[order], return_index=True)[1]
    features = features[order]
    sums = np.empty((len(features), len(starts)))
    for start in range(0, len(features), _ROWS):
        part = slice(start, start + _ROWS)
        distances = cdist(features[part], features, "cityblock")
        sums[part] = np.add.reduceat(distances, starts, axis=1)
    sums = np.add.reduceat(sums, starts, axis=0)
    np.fill_diagonal(sums, 0.0)
    return (sums + sums.T) / 2


def robustness(
    decisions: Decisions,
    levels: Int[np.ndarray, " state"],
    pairs: Pairs,
    weights: Int[np.ndarray, "R G"],
) -> dict[str, Interval]:
    """Every measure with its 95 % interval; arguments as in :func:`robustness_draws`."""
    draws = robustness_draws(decisions, levels, pairs, weights)
    return {name: _interval(draws[name]) for name in MEASURES}


def robustness_draws(
    decisions: Decisions,
    levels: Int[np.ndarray, " state"],
    pairs: Pairs,
    weights: Int[np.ndarray, "R G"],
) -> dict[str, Float[np.ndarray, " r"]]:
    """Every measure and its replicates from one bootstrap over levels.

    ``ratio`` is ``tv`` divided by ``tv_between``: 0 where decisions follow the state alone, 1
    where another view moves them as much as another state does. Both are taken from the same
    resample. ``tv_between`` and ``value_between`` are means over all pairs of states of different
    levels, seen in the same view, over the views that stand in ``pairs``.

    Args:
        decisions: of states on at least 2 levels.
        levels: (state,) seed of each state's level.
        pairs: views compared, at least one pair.
        weights: from :func:`analysis.stats.clusters.cluster_weights` of these levels.

    Returns:
        :data:`MEASURES` -> (1 + R,), the estimate first; ``ratio`` is NaN where ``tv_between`` is
        under :data:`UNDECIDED`, a replicate's where it holds a single level.

    Raises:
        UserError: no pairs, or weights of other levels.
    """
    counts = np.unique(levels, return_counts=True)[1]
    if not len(pairs) or weights.shape[1] != len(counts):
        raise UserError(
            f"expected at least one pair of views and weights of {len(counts)} levels, got "
            f"{len(pairs)} pairs and weights of {weights.shape[1]}; pass cluster_weights(levels)"
        )
    w = np.concatenate([np.ones((1, len(counts))), weights])
    draws = {
        name: _means(values, levels, w, counts)
        for name, values in between_views(decisions, pairs).items()
    }
    views = views_of(pairs)
    apart = np.outer(counts, counts).astype(float)
    np.fill_diagonal(apart, 0.0)
    number = len(views) * _quadratic(apart, w)
    tv, value = (
        _quadratic(reduce(np.add, (between_states(part[:, v], levels) for v in views)), w)
        for part in (decisions.probs / 2, decisions.values[:, :, None])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        draws |= {"tv_between": tv / number, "value_between": value / number}
        draws["ratio"] = draws["tv"] / draws["tv_between"]
    if is_undecided(draws["tv_between"][0]):
        draws["ratio"] = np.full(len(w), np.nan)
    return draws


def is_undecided(tv_between: float) -> bool:
    """Whether a policy's decisions differ too little between states to speak of a ratio.

    A uniform policy, or one that always takes the same action, is trivially robust.
    """
    return bool(tv_between < UNDECIDED)


def _means(
    values: Float[np.ndarray, " state"],
    levels: Int[np.ndarray, " state"],
    w: Float[np.ndarray, "r G"],
    counts: Int[np.ndarray, " G"],
) -> Float[np.ndarray, " r"]:
    sums = np.bincount(np.unique(levels, return_inverse=True)[1], values)
    return (w @ sums) / (w @ counts)


def _quadratic(
    sums: Float[np.ndarray, "G G"], w: Float[np.ndarray, "r G"]
) -> Float[np.ndarray, " r"]:
    return ((w @ sums) * w).sum(1)


def _interval(draws: Float[np.ndarray, " r"]) -> Interval:
    """The first draw is the estimate."""
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return Interval(float(draws[0]), float(low), float(high))
