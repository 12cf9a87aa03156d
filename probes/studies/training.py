"""When a layer comes to say what is true of a state, and of its wallpaper.

Policies are probed at every kept step, in the form and with the onsets of
``python -m analysis.emergence``; it stands here because that command must not know of factors. A
task score is the mean R² over the numbers that a picture shows: how much is there, not which.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.policies.features import read
from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.records.values import PROBES_STEPS, Cell, Cells, Starts, onsets_schema
from analysis.stats.clusters import cluster_weights
from analysis.studies.training import logged_returns
from analysis.studies.training.onsets import show as show_onsets
from checkpoints.console import watch
from checkpoints.policy.ids import PolicyId
from checkpoints.world.games import Mode
from probes.readers.crossfit import crossfit
from probes.readers.scores import balanced_accuracy, class_sums, number_sums, r2
from probes.readers.scores import replicates as draw
from probes.studies.questions import Sights, background_groups, gather, limits

SCHEMA = PROBES_STEPS
ONSETS_SCHEMA = onsets_schema("probes_onsets", command="probes.steps")
TASK, NUISANCE = "probe_task", "probe_background"


def mean_score(
    x: np.ndarray, sights: Sights, names: Sequence[str], weights: np.ndarray
) -> np.ndarray:
    """Mean over factors of the score above chance, then its replicates: (1 + R,).

    In a replicate that leaves a factor's score undefined its estimate stands.

    Args:
        x: (n, d) a layer on the sights' pictures.
        sights: from :func:`probes.studies.questions.gather`.
        names: at least one factor that these sights can be asked for.
        weights: (R, levels) of the bootstrap.
    """
    tasks = [task for task in sights.tasks if task.name in names]
    held = crossfit(x, tasks, sights.folds)
    level = np.unique(np.asarray(sights.bank.levels), return_inverse=True)[1]
    found = []
    for place, task in enumerate(tasks):
        sides = task.values, held.predicted[:, place], level, weights.shape[1]
        sums = class_sums(*sides, task.k) if task.k else number_sums(*sides)
        draws = draw(sums, weights, balanced_accuracy if task.k else r2)
        # Levels in which a factor is constant say nothing of it; the others' mean must not jump.
        draws = np.where(np.isfinite(draws), draws, draws[0])
        found.append((draws - task.chance) / (1 - task.chance))
    return np.mean(found, axis=0)


def asked(sights: Sights) -> dict[str, list[str]]:
    """Measure -> the factors behind it: what can be seen and asked for; perhaps none."""
    ready = [one.factor for one in sights.questions if one.task is not None]
    seen = [factor for factor in ready if factor.role == "task" and factor.scope == "picture"]
    return {
        # Numbers only: R² of some and accuracy of others have no mean.
        TASK: [factor.name for factor in seen if factor.kind == "number"],
        NUISANCE: [factor.name for factor in ready if factor.name == "background"],
    }


def probe(subject: Subject, sights: Sights, weights: np.ndarray) -> Cells:
    """Both scores of the last layers of one policy; ``vacuous`` without a factor to ask for."""
    from analysis.studies.training.snapshot import layers_of

    layers = layers_of(subject)
    reading = read(subject.policy, sights.fitted, layers)
    nothing = Cell(np.full(1 + len(weights), np.nan), "vacuous")
    return {
        (measure, layer): Cell(mean_score(reading.layers[layer], sights, names, weights))
        if names
        else nothing
        for measure, names in asked(sights).items()
        for layer in layers
    }


class Probing:
    """What one game's policies are shown and asked; a ``Course`` of training."""

    def __init__(
        self,
        game: str,
        mode: Mode,
        shown: Sequence[Sequence[int]],
        *,
        states: int,
        replicates: int,
        seed: int,
    ) -> None:
        """Gather states, whatever backgrounds runs were shown.

        Args:
            game: one of the 16.
            mode: Procgen's difficulty.
            shown: backgrounds that each run was trained on.
            states: to probe.
            replicates: of the bootstrap over levels.
            seed: of the states and the bootstrap.
        """
        self.sights = gather(game, mode, states, seed)
        self.weights = cluster_weights(np.asarray(self.sights.bank.levels), replicates, seed)
        fitted = list(background_groups(game)[0])
        self.notes = {"factors": asked(self.sights), "fitted_backgrounds": fitted}

    def untrained(self, blank: Sequence[Subject]) -> dict[PolicyId, Cells]:
        """Scores of untrained networks of one encoder."""
        return {one.id: probe(one, self.sights, self.weights) for one in blank}

    def trained(
        self, run: Sequence[Subject], blank: Sequence[Subject]
    ) -> tuple[dict[PolicyId, Cells], dict[PolicyId, Starts]]:
        """Scores of each kept policy of a run, which all have their own start."""
        bar = watch(run, f"{run[0].id.run}: probing policies")
        return {one.id: probe(one, self.sights, self.weights) for one in bar}, {}


def constants() -> dict[str, Any]:
    """What decides the tables and is no setting."""
    return {**limits(), "untrained_episodes": logged_returns.EPISODES}


def show(frames: Frames, game: str) -> None:
    """Print each score's onset and its lag to the return."""
    show_onsets(frames[1], game)
