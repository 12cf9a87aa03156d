"""CKA without the states of the largest norm: does a handful of states make two layers alike?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.hsic import linear_gram
from analysis.measures.kernels import linear_profile
from analysis.measures.profiles import Pairs, resampled
from analysis.records.columns import PERCENTILES
from analysis.records.tables import Column, Schema
from analysis.stats.clusters import cluster_weights

if TYPE_CHECKING:
    from analysis.measures.panel import PolicyLayers
    from analysis.studies.similarity.compared import Compared
    from checkpoints.policy.ids import PolicyId

OUTLIER_SCHEMA = Schema(
    "similarity_outliers",
    (
        Column("game", "text", "one of the 16"),
        Column("id_x", "text", "policy x"),
        Column("id_y", "text", "policy y"),
        Column("pair", "text", "how x and y are related"),
        Column("layer", "text", "of both policies"),
        Column("trimmed", "float", "share of states left out, largest norm first", low=0, high=1),
        Column("states", "int", "states left", low=4),
        Column("cka", "float", "linear, unbiased, over pairs of different levels"),
        Column("low", "float", "2.5 % point of the bootstrap over levels"),
        Column("high", "float", "97.5 % point of the bootstrap over levels"),
    ),
    key=("game", "id_x", "id_y", "layer", "trimmed"),
    command="analysis.similarity",
)
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the states that are left out."""


def top_norm(K: Float[np.ndarray, "n n"], L: Float[np.ndarray, "n n"]) -> Int[np.ndarray, " n"]:
    """States by falling norm about the mean, in whichever layer it stands out more.

    Args:
        K: centred Gram matrix of a layer that varies.
        L: the same of another layer.
    """
    norms = [np.diagonal(gram) / np.trace(gram) for gram in (K, L)]
    return np.argsort(-np.maximum(*norms), kind="stable")


def cka_without_top(
    x: np.ndarray,
    y: np.ndarray,
    levels: np.ndarray,
    shares: Sequence[float] = SHARES,
    *,
    replicates: int = 200,
    seed: int = 0,
) -> Iterator[tuple[float, int, float, float, float]]:
    """Linear CKA after leaving out the states of the largest norm (Davari et al. 2022, section 4).

    They show that moving a few states far away can carry CKA to any value. A curve that stays
    level speaks of most states.

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        levels: (n,) level of each state.
        shares: parts of the states to leave out, in [0, 1).
        replicates: of the bootstrap over levels.
        seed: of the bootstrap.

    Yields:
        Share, states left, CKA over pairs of different levels, the ends of its 95 % interval;
        NaN where a layer does not vary.
    """
    K, L = linear_gram(x, "x"), linear_gram(y, "y")
    if not (np.trace(K) > 0 and np.trace(L) > 0):
        yield from ((share, len(K), np.nan, np.nan, np.nan) for share in shares)
        return
    order = top_norm(K, L)
    for share in shares:
        kept = np.sort(order[round(share * len(order)) :])
        pairs, at = Pairs.of(levels[kept]), np.ix_(kept, kept)
        # Kernels need no new centre: a profile does not change when one is moved.
        p, q = linear_profile(K[at], pairs), linear_profile(L[at], pairs)
        draws = resampled(p, q, pairs, cluster_weights(levels[kept], replicates, seed))
        low, high = np.percentile(draws, PERCENTILES)
        yield share, len(kept), float(p @ q), float(low), float(high)


def outlier_rows(
    found: "Sequence[Compared]",
    looks: "Mapping[PolicyId, PolicyLayers]",
    levels: Int[np.ndarray, " n"],
    replicates: int,
    seed: int,
) -> Iterator[dict[str, object]]:
    """The curve of each pair of one method and layer of both; columns as in the schema."""
    for pair in (one for one in found if one.is_of_one_kind and one.layers_x == one.layers_y):
        names = {"game": pair.x.game, "id_x": str(pair.x), "id_y": str(pair.y), "pair": pair.pair}
        for layer, x, y in zip(pair.layers_x, looks[pair.x].own, looks[pair.y].own, strict=True):
            curve = cka_without_top(x, y, levels, replicates=replicates, seed=seed)
            for removed, states, cka, low, high in curve:
                numbers = {"trimmed": removed, "states": states, "cka": cka}
                yield {**names, "layer": layer, **numbers, "low": low, "high": high}
