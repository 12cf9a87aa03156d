"""Pairs of policies of one method: do representations converge, and do backgrounds move both alike?

The paper's title says that representations of peers converge; its argument, that peers learn
different spurious features, which distillation cancels. Peers are held against policies of the same
method that were trained apart, and agreement stands beside both: who decides alike is alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from analysis.measures.level_sums import LevelWeights
from analysis.policies.relations import PEERS, SEEDS, kind_of, relation
from analysis.policies.subjects import Subject
from analysis.records.columns import GAME, SIZE, estimate, filled
from analysis.records.tables import Column, Schema
from analysis.records.values import OF_PEERS
from analysis.stats.clusters import cluster_means
from analysis.stats.one_group import jackknife_interval
from analysis.studies.samples.policy import Measured, PlayedScene
from analysis.studies.similarity.agreement import AGREEMENT, Agreement
from analysis.studies.similarity.cka import look, same_layers
from checkpoints.policy.ids import PolicyId

PAIRS = Schema(
    "samples_pairs",
    (
        GAME,
        Column("id_x", "text", "policy x"),
        Column("id_y", "text", "policy y, of the same method and step"),
        Column("method", "text", "training recipe of both"),
        Column("kind", "text", "peers of one run; seeds: trained apart"),
        *SIZE,
        *estimate("cka", "of the last layer, unbiased over distinct levels"),
        *(replace(one, meaning=f"{one.meaning}; mean over backgrounds") for one in AGREEMENT[:2]),
        *AGREEMENT[2:],
        *estimate("shift", "correlation of what backgrounds do to probabilities", low=-1, high=1),
    ),
    key=("game", "id_x", "id_y"),
    command="analysis.samples",
)


def convergence_rows(pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Peers beside policies of their method that were trained apart, a row a measure.

    Two runs share their pairs trained apart, hence the pseudo-values: a run is left out with all
    pairs of its policies. No interval with fewer than three runs.

    Args:
        pairs: rows of :data:`PAIRS`.
    """
    runs = {side: pairs[f"id_{side}"].str.split("/").str[2] for side in ("x", "y")}
    pairs = pairs.assign(run_x=runs["x"], run_y=runs["y"])
    for (game, method), here in pairs.groupby(["game", "method"]):
        peers, apart = (here[here["kind"] == kind] for kind in (PEERS, SEEDS))
        if not len(peers) or not len(apart):
            continue
        for measure in OF_PEERS:
            both = _means(peers, apart, measure)
            of_runs = sorted(set(peers["run_x"]))
            without = [
                _means(_without(peers, run), _without(apart, run), measure) for run in of_runs
            ]
            less = np.array([mine - other for mine, other in without])
            found = jackknife_interval(both[0] - both[1], less)
            names = "difference", "difference_low", "difference_high"
            yield {
                **{"game": game, "method": method, "measure": measure, "runs": len(of_runs)},
                **dict(zip(("value_peers", "value_apart"), both, strict=True)),
                **dict(zip(names, found, strict=True)),
            }


def _means(peers: pd.DataFrame, apart: pd.DataFrame, measure: str) -> tuple[float, float]:
    """Mean over runs of peers, and over all pairs trained apart; NaN where there is none."""
    return float(peers.groupby("run_x")[measure].mean().mean()), float(apart[measure].mean())


def _without(pairs: pd.DataFrame, run: str) -> pd.DataFrame:
    return pairs[(pairs["run_x"] != run) & (pairs["run_y"] != run)]


def pair_rows(
    subjects: Sequence[Subject], found: Mapping[PolicyId, Measured], scene: PlayedScene
) -> Iterator[dict[str, Any]]:
    """A row for each pair of policies of one method and step, peers or trained apart."""
    levels = LevelWeights(scene.bank.levels, scene.weights)
    frames = np.asarray(scene.bank.observations)
    views = {one.id: look(one, frames, levels, one.policy.layers[-1:]) for one in subjects}
    for x, y in combinations([one.id for one in subjects], 2):
        if x.method != y.method or x.step != y.step:
            continue
        kind = kind_of(relation(x, y))
        if kind not in (PEERS, SEEDS):
            continue
        nothing = np.full(1 + len(scene.weights), np.nan)  # last layers of two kinds of encoder
        cka = next(iter(same_layers(views[x], views[y]).values()), nothing)
        one, other = found[x], found[y]
        yield {
            **{"game": x.game, "id_x": str(x), "id_y": str(y), "method": x.method, "kind": kind},
            **{"states": len(frames), "levels": scene.weights.shape[1]},
            **filled("cka", cka),
            **agreement_over_backgrounds(x.game, one.buttons, other.buttons).cells(),
            **filled("shift", shift(one.shifts, other.shifts, scene.bank.levels, scene.weights)),
        }


def agreement_over_backgrounds(
    game: str, x: Int[np.ndarray, "state background"], y: Int[np.ndarray, "state background"]
) -> Agreement:
    """Mean over backgrounds of how often two policies agree on one, and of what chance gives."""
    found = [Agreement.of(game, one, other) for one, other in zip(x.T, y.T, strict=True)]
    share, chance = (np.mean([getattr(one, side) for one in found]) for side in ("share", "chance"))
    return Agreement(float(share), float(chance))


def shift(
    x: Float[np.ndarray, "state background button"],
    y: Float[np.ndarray, "state background button"],
    levels: Int[np.ndarray, " state"],
    weights: Int[np.ndarray, "R G"],
) -> Float[np.ndarray, " r"]:
    """Σxy / √(Σx² Σy²) of what backgrounds do to two policies: 1 where they do the same to both.

    Args:
        x: probabilities less each state's mean over backgrounds.
        y: of another policy, on the same twins.
        levels: of each state.
        weights: from ``cluster_weights``.

    Returns:
        The estimate, then a value a replicate; NaN where a background moves nothing.
    """

    def mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return cluster_means(np.einsum("sbk,sbk->s", a, b), levels, weights)

    with np.errstate(invalid="ignore", divide="ignore"):
        return mean(x, y) / np.sqrt(mean(x, x) * mean(y, y))
