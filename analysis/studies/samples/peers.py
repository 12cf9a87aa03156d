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

from analysis.measures.decisions import likeliest
from analysis.measures.level_sums import Levels
from analysis.policies.relations import PEERS, SEEDS, kind_of, relation
from analysis.policies.subjects import Subject
from analysis.records.columns import GAME, SIZE, estimate, filled
from analysis.records.tables import Column, Schema
from analysis.stats.clusters import cluster_means
from analysis.stats.one_group import mean_interval
from analysis.studies.samples.policy import Measured, Scene
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

MEASURES = "cka", "agreement", "agreement_chance", "shift"
CONVERGENCE = Schema(
    "samples_peers",
    (
        GAME,
        Column("method", "text", "training recipe"),
        Column("measure", "text", f"{', '.join(MEASURES)}, as in samples_pairs"),
        Column("peers", "float", "mean over runs, of peers"),
        Column("apart", "float", "mean over pairs of policies trained apart"),
        *estimate("difference", "peers less pairs trained apart", over="Student's over runs"),
        Column("runs", "int", "with peers", low=1),
    ),
    key=("game", "method", "measure"),
    command="analysis.samples",
)


def convergence_rows(pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Peers beside policies of their method that were trained apart, a row a measure.

    A run's value is that of its peers less the mean over the pairs of one of them with a policy of
    another run. These pairs are shared between runs, so that intervals over runs are rough.

    Args:
        pairs: rows of :data:`PAIRS`.
    """
    runs = {side: pairs[f"id_{side}"].str.split("/").str[2] for side in ("x", "y")}
    pairs = pairs.assign(run_x=runs["x"], run_y=runs["y"])
    for (game, method), here in pairs.groupby(["game", "method"]):
        peers, apart = (here[here["kind"] == kind] for kind in (PEERS, SEEDS))
        if not len(peers) or not len(apart):
            continue
        for measure in MEASURES:
            own = peers.groupby("run_x")[measure].mean()
            near = {
                run: apart[(apart["run_x"] == run) | (apart["run_y"] == run)][measure].mean()
                for run in own.index
            }
            found = mean_interval((own - pd.Series(near)).to_numpy())
            names = "difference", "difference_low", "difference_high"
            yield {
                **{"game": game, "method": method, "measure": measure, "runs": len(own)},
                **{"peers": float(own.mean()), "apart": float(apart[measure].mean())},
                **dict(zip(names, found, strict=True)),
            }


def pair_rows(
    subjects: Sequence[Subject], found: Mapping[PolicyId, Measured], scene: Scene
) -> Iterator[dict[str, Any]]:
    """A row for each pair of policies of one method and step, peers or trained apart."""
    levels = Levels(scene.bank.levels, scene.weights)
    frames = np.asarray(scene.bank.observations)
    views = {one.id: look(one, frames, levels, one.policy.layers[-1:]) for one in subjects}
    chosen = {one.id: on_each_background(one, scene) for one in subjects}
    for x, y in combinations([one.id for one in subjects], 2):
        if x.method != y.method or x.step != y.step:
            continue
        kind = kind_of(relation(x, y))
        if kind not in (PEERS, SEEDS):
            continue
        (cka,) = same_layers(views[x], views[y]).values()
        one, other = found[x], found[y]
        yield {
            **{"game": x.game, "id_x": str(x), "id_y": str(y), "method": x.method, "kind": kind},
            **{"states": len(frames), "levels": scene.weights.shape[1]},
            **filled("cka", cka),
            **agreement_over_backgrounds(x.game, chosen[x], chosen[y]).cells(),
            **filled("shift", shift(one.shifts, other.shifts, scene.bank.levels, scene.weights)),
        }


def on_each_background(subject: Subject, scene: Scene) -> Int[np.ndarray, "state background"]:
    """The likeliest button of each twin."""
    return likeliest(scene.twins.read(subject.policy, []).log_probs, subject.id.game)


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
