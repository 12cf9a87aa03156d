"""The layer that the heads read, closer: three poolings of its ICC, and what it says of the level.

Intervals weigh levels and backgrounds; beside them stands the range over leaving one background
out, since a few held-out backgrounds may hang on a single one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.crossed_icc import crossed_icc
from analysis.measures.level_information import level_information, most
from analysis.measures.rescaled import standardised, whitened
from analysis.measures.robustness import view_weights
from analysis.records.columns import OVER_BOTH, POLICY, SIZE, estimate, filled
from analysis.records.tables import Column, Schema
from analysis.stats.clusters import cluster_means

ICC_RANGE: dict[str, Any] = {"low": -1, "high": 1}
POOLINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "icc_pooled": np.asarray,
    "icc_standardised": standardised,
    "icc_whitened": whitened,
}
"""Column -> what is done to the layer before its units are pooled."""
LAST_SCHEMA = Schema(
    "invariance_last",
    (
        *POLICY,
        Column("layer", "text", "the last of its encoder"),
        Column("backgrounds", "text", "all, or those seen or unseen in training"),
        *SIZE,
        Column("renderings", "int", "backgrounds each state is drawn on", low=0),
        *estimate("icc_pooled", "ICC(2,1), its units as they are", over=OVER_BOTH, **ICC_RANGE),
        Column("without_low", "float", "icc_pooled, one background left out: lowest", **ICC_RANGE),
        Column("without_high", "float", "the same: highest", **ICC_RANGE),
        *estimate("icc_standardised", "ICC(2,1), each unit alike", over=OVER_BOTH, **ICC_RANGE),
        *estimate(
            "icc_whitened", "ICC(2,1), each principal direction alike", over=OVER_BOTH, high=1
        ),
        *estimate("level_information", "I(Z; L) on one background at a time", unit="nats"),
        Column("level_most", "float", "what naming the level would get", "nats", low=0),
        Column("verdict", "text", "ok; collapsed or vacuous: no ICC"),
    ),
    key=("game", "id", "backgrounds"),
    command="analysis.invariance",
)
NUMBERS = LAST_SCHEMA.names[LAST_SCHEMA.names.index("icc_pooled") : -1]


def last_rows(
    label: Mapping[str, Any],
    x: Float[np.ndarray, "state background feature"],
    groups: Mapping[str, Sequence[int]],
    found: Mapping[str, Any],
    levels: Int[np.ndarray, " state"],
    weights: Int[np.ndarray, "R level"],
    seed: int,
) -> Iterator[dict[str, Any]]:
    """A row for each group of backgrounds.

    Args:
        label: ``Subject.columns`` and the layer.
        x: the layer on all twins.
        groups: name -> places among the backgrounds.
        found: name -> :class:`analysis.measures.icc.Invariance` of the group; None without any.
        levels: of each state.
        weights: from ``cluster_weights`` on ``levels``.
        seed: of the draws of backgrounds.
    """
    on_each, limit = on_each_background(x, levels), most(levels)
    measured: dict[tuple[int, ...], dict[str, Any]] = {}
    for name, places in groups.items():
        one, key = found[name], tuple(places)
        # Often all were seen in training: one set of backgrounds under two names.
        if one is not None and key not in measured:
            of_group = [on_each[place] for place in places]
            told = filled("level_information", information(of_group, levels, weights))
            closer = icc_cells(x[:, list(places)], levels, weights, seed, one.verdict)
            measured[key] = told | closer | {"level_most": limit, "verdict": one.verdict}
        size = {"states": len(x), "levels": weights.shape[1], "renderings": len(places)}
        cells: dict[str, Any] = {**dict.fromkeys(NUMBERS, np.nan), "verdict": "vacuous"}
        cells |= measured[key] if one is not None else {}
        yield {**label, "backgrounds": name, **size, **cells}


def icc_cells(
    some: Float[np.ndarray, "state background feature"],
    levels: Int[np.ndarray, " state"],
    weights: Int[np.ndarray, "R level"],
    seed: int,
    verdict: str,
) -> dict[str, float]:
    """Cells of the poolings, and the range without each background; none unless ``ok``."""
    if verdict != "ok":
        return {}
    cells: dict[str, float] = {}
    for pooling, draws in poolings(some, levels, weights, seed).items():
        cells |= filled(pooling, draws)
    without = without_each_background(some, levels)
    return cells | {"without_low": without.min(), "without_high": without.max()}


def poolings(
    x: Float[np.ndarray, "state background feature"],
    levels: Int[np.ndarray, " state"],
    weights: Int[np.ndarray, "R level"],
    seed: int,
) -> dict[str, Float[np.ndarray, " r"]]:
    """Of each of :data:`POOLINGS` the ICC and its replicates over levels and backgrounds.

    NaN with fewer than two backgrounds; replicates with fewer than ``robustness.FEWEST``.
    """
    B = x.shape[1]
    if B < 2:
        return dict.fromkeys(POOLINGS, np.full(1 + len(weights), np.nan))
    pairs = np.array([(a, b) for b in range(B) for a in range(b)])
    w = np.vstack([np.ones(weights.shape[1]), weights])
    v = np.vstack([np.ones(B), view_weights(pairs, len(weights), seed)])
    return {name: crossed_icc(of(x), levels, w, v) for name, of in POOLINGS.items()}


def without_each_background(
    x: Float[np.ndarray, "state background feature"], levels: Int[np.ndarray, " state"]
) -> Float[np.ndarray, " background"]:
    """The ICC of a layer, its units as they are, with each background left out; at least three."""
    B = x.shape[1]
    return crossed_icc(x, levels, np.ones((B, len(np.unique(levels)))), 1 - np.eye(B))


def on_each_background(
    x: Float[np.ndarray, "state background feature"], levels: Int[np.ndarray, " state"]
) -> list[Float[np.ndarray, " state"]]:
    """Each state's share of I(Z; L), on one background at a time."""
    return [level_information(x[:, place], levels) for place in range(x.shape[1])]


def information(
    on_each: Sequence[Float[np.ndarray, " state"]],
    levels: Int[np.ndarray, " state"],
    weights: Int[np.ndarray, "R level"],
) -> Float[np.ndarray, " r"]:
    """I(Z; L), the mean over backgrounds of :func:`on_each_background`; then its replicates."""
    return cluster_means(np.mean(on_each, axis=0), levels, weights)
