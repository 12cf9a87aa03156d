"""One game's policies, probed: every factor on every layer, beside what it is held against."""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from analysis.policies.features import read
from analysis.policies.layers import asked_layers, check_layers
from analysis.policies.subjects import Subject
from analysis.stats.clusters import cluster_weights
from checkpoints.policy.ids import PolicyId
from probes.readers import controls
from probes.readers.crossfit import Held, Task, crossfit
from probes.readers.description import description_bits, uniform_bits
from probes.readers.scores import (
    balanced_accuracy,
    class_sums,
    interval,
    number_sums,
    r2,
    replicates,
)
from probes.studies.questions import Sights


@dataclass(frozen=True)
class Source:
    """Whose features they are: one layer of a policy, or a baseline."""

    id: str
    method: str
    step: int
    layer: str


def features(
    subjects: Sequence[Subject], sights: Sights, layers: Mapping[PolicyId, Sequence[str]]
) -> Iterator[tuple[Source, np.ndarray, np.ndarray | None]]:
    """Features to probe, on group A and on group B, a policy at a time; baselines first."""
    seen = (sights.fitted, sights.unseen)
    first, second = (None if frames is None else controls.pixels(frames) for frames in seen)
    time = controls.clock(np.asarray(sights.bank.time))
    assert first is not None
    yield Source("pixels", "pixels", 0, "pixels"), first, second
    yield Source("time", "time", 0, "time"), time, None
    for one in subjects:
        if one.id not in layers:
            continue
        names, source = layers[one.id], (str(one.id), one.id.method, one.id.step or 0)
        a, b = (
            None if frames is None else read(one.policy, frames, names).layers for frames in seen
        )
        assert a is not None
        for name in names:
            yield Source(*source, name), a[name], None if b is None else b[name]


def probe_layer(
    source: Source,
    x: np.ndarray,
    other: np.ndarray | None,
    sights: Sights,
    weights: Int[np.ndarray, "R level"],
    blind: Float[np.ndarray, " task"],
    seed: int,
) -> list[dict[str, Any]]:
    """Rows of every factor on one layer; ``blind`` is the length of the code without it."""
    tasks, levels = sights.tasks, np.asarray(sights.bank.levels)
    scores: Iterator[dict[str, Any]] = iter(())
    if tasks:
        held = crossfit(x, tasks, sights.folds, other)
        control = controls.control_scores(x, tasks, levels, held.penalty, seed=seed)
        bits = description_bits(x, tasks, levels, seed=seed)
        scores = (
            _scores(task, i, held, levels, weights) | _beside(task, control[i], bits[i], blind[i])
            for i, task in enumerate(tasks)
        )
    rows = []
    for question in sights.questions:
        factor = question.factor
        row: dict[str, Any] = {
            "id": source.id,
            "method": source.method,
            "step": source.step,
            "layer": source.layer,
            "factor": factor.name,
            "role": factor.role,
            "scope": factor.scope,
            "kind": factor.kind,
            "verdict": question.verdict,
            "states": question.used,
            "left_out": len(levels) - question.used,
            "levels": question.levels,
            "classes": 0,
            "converged": False,
        }
        if question.task is not None:
            row |= next(scores)
            three = row["score"], row["control_score"], row["chance"]
            row["selectivity"] = controls.selectivity(*three)
        rows.append(row)
    return rows


def _beside(task: Task, control: float, bits: float, blind: float) -> dict[str, Any]:
    return {
        "control_score": control,
        "chance": task.chance,
        "classes": task.k,
        "bits": bits,
        "blind_bits": blind,
        "compression": uniform_bits(task) / bits,
    }


def _scores(
    task: Task, place: int, held: Held, levels: np.ndarray, weights: np.ndarray
) -> dict[str, Any]:
    """Score and transfer with intervals; both share the draws of levels."""
    level, count = np.unique(levels, return_inverse=True)[1], weights.shape[1]

    def draw(predicted: np.ndarray) -> np.ndarray:
        if task.k:
            sums = class_sums(task.values, predicted, level, count, task.k)
            return replicates(sums, weights, balanced_accuracy)
        return replicates(number_sums(task.values, predicted, level, count), weights, r2)

    score = interval(draw(held.predicted[:, place]))
    row = {
        "score": score.estimate,
        "low": score.low,
        "high": score.high,
        "penalty": held.penalty[place],
        "converged": bool(held.converged[place]),
    }
    # Nobody is asked for a background that was no answer while fitting.
    if held.transferred is not None and task.name != "background":
        over = interval(draw(held.transferred[:, place]))
        row |= {"transfer": over.estimate, "transfer_low": over.low, "transfer_high": over.high}
        if score.low > task.chance:
            row["transfer_ratio"] = (over.estimate - task.chance) / (score.estimate - task.chance)
    return row


def probe_game(
    subjects: Sequence[Subject],
    sights: Sights,
    layers: Sequence[str],
    *,
    replicates: int,
    seed: int,
    workers: int = 0,
) -> Iterator[list[dict[str, Any]]]:
    """Rows of every factor, layer by layer, of every policy and of the baselines.

    Args:
        subjects: policies of one game; their encoders may differ.
        sights: from :func:`probes.studies.questions.gather`.
        layers: only these, of the policies that have them; all of each encoder if none is given.
        replicates: bootstrap replicates behind an interval.
        seed: of the bootstrap, the control task and the code.
        workers: layers probed at once; 0 takes as many as there are cores.

    Raises:
        UserError: a layer that none of the encoders has.
    """
    check_layers(subjects, layers)
    found = features(subjects, sights, asked_layers(subjects, layers))
    return probe_each(found, sights, replicates=replicates, seed=seed, workers=workers)


def probe_each(
    found: Iterator[tuple[Source, np.ndarray, np.ndarray | None]],
    sights: Sights,
    *,
    replicates: int,
    seed: int,
    workers: int = 0,
) -> Iterator[list[dict[str, Any]]]:
    """Rows of every factor on each of some features, in their order; see :func:`probe_game`."""
    from threadpoolctl import threadpool_limits

    levels = np.asarray(sights.bank.levels)
    weights = cluster_weights(levels, replicates, seed)
    # A layer of nothing: what the code learns from the factor's own frequencies.
    nothing = np.zeros((len(levels), 1))
    blind = description_bits(nothing, sights.tasks, levels, penalties=(1.0,), seed=seed)
    workers = workers or len(os.sched_getaffinity(0))
    waiting: deque[Future[list[dict[str, Any]]]] = deque()
    # A thread a layer shares the cores out better than a thread a matrix product.
    with ThreadPoolExecutor(workers) as pool, threadpool_limits(1):
        for source, x, other in found:
            waiting.append(pool.submit(probe_layer, source, x, other, sights, weights, blind, seed))
            # One ahead of the workers: none waits for the next policy's features.
            while len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
