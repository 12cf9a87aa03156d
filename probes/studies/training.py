"""When a layer comes to say what is true of a state, and of its wallpaper.

Policies are probed at every kept step, in the form and with the onsets of
``python -m analysis.emergence``; it stands here because that command must not know of factors. A
task score is the mean R² over the numbers that a picture shows: how much is there, not which.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.policies.features import read
from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.records.values import RETURN, Cell, Cells, onsets_schema, value_row, values_schema
from analysis.stats.clusters import cluster_weights
from analysis.studies.examination import Found
from analysis.studies.training import logged_returns as learning
from analysis.studies.training.history import Starts, lineage, make_histories
from analysis.studies.training.onsets import onset_rows
from analysis.studies.training.onsets import show as show_onsets
from checkpoints.console import say, watch
from checkpoints.policy.ids import UNTRAINED
from probes.readers.crossfit import crossfit
from probes.readers.scores import balanced_accuracy, class_sums, number_sums, r2
from probes.readers.scores import replicates as draw
from probes.studies.questions import Sights, background_groups, gather, limits

SCHEMA = values_schema("probes_steps", command="probes.steps")
ONSETS_SCHEMA = onsets_schema("probes_onsets", command="probes.steps")
TASK, NUISANCE = "probe_task", "probe_background"


def mean_score(
    x: np.ndarray, sights: Sights, names: Sequence[str], weights: np.ndarray
) -> np.ndarray:
    """Mean over factors of the score above chance, then its replicates: (1 + R,).

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
    from analysis.studies.training.snapshot import LAYERS

    layers = subject.policy.layers[-LAYERS:]
    reading = read(subject.policy, sights.fitted, layers)
    nothing = Cell(np.full(1 + len(weights), np.nan), "vacuous")
    return {
        (measure, layer): Cell(mean_score(reading.layers[layer], sights, names, weights))
        if names
        else nothing
        for measure, names in asked(sights).items()
        for layer in layers
    }


def starts_of(
    blank: Sequence[tuple[Subject, Cells]], replicates: int, seed: int
) -> dict[tuple[str, int], Starts]:
    """Encoder, as ``Subject.kind`` -> its scores and its return before training.

    Args:
        blank: untrained policies and their scores.
        replicates: draws about each mean return.
        seed: of these draws.
    """
    found: dict[tuple[str, int], Starts] = {}
    for kind in dict.fromkeys(one.kind for one, _ in blank):
        some = [pair for pair in blank if pair[0].kind == kind]
        first, keys = some[0]
        scores = {key: np.stack([cells[key].draws for _, cells in some]) for key in keys}
        returned = learning.untrained_return(first, replicates, seed).draws[None]
        found[kind] = scores | {(RETURN, learning.LAYER): returned}
    return found


def measure_game(
    subjects: Sequence[Subject], *, root: Path, until: int, states: int, replicates: int, seed: int
) -> Found:
    """Values at every step, and onsets beside those of the return, of one game's policies."""
    game = subjects[0].id.game
    say(f"{game}: gathering {states} states")
    sights = gather(game, subjects[0].mode, states, seed)
    weights = cluster_weights(np.asarray(sights.bank.levels), replicates, seed)
    bar = watch(subjects, f"{game}: probing policies")
    scores = [(one, probe(one, sights, weights)) for one in bar]
    blank = [(one, cells) for one, cells in scores if one.id.method == UNTRAINED]
    say(f"{game}: playing untrained policies")
    begun = starts_of(blank, replicates, seed)
    found = {one.id: cells for one, cells in scores if one.id.method != UNTRAINED}
    starts = {lineage(one.id): begun.get(one.kind, {}) for one, _ in scores}
    far = learning.reach(found, root, until)
    histories = make_histories(found, starts, far)
    logs = make_histories(learning.logged(root, found, replicates, seed), starts, far)
    returns = [one for one in logs if one.measure == RETURN]
    rows = [value_row(one.id, *key, cell) for one, cells in blank for key, cell in cells.items()]
    rows += [row for history in histories for row in history.rows()]
    notes = {"factors": asked(sights), "fitted_backgrounds": list(background_groups(game)[0])}
    return Found([rows, list(onset_rows(histories, returns))], notes)


def constants() -> dict[str, Any]:
    """What decides the tables and is no setting."""
    return {**limits(), "untrained_episodes": learning.EPISODES}


def show(frames: Frames, game: str) -> None:
    """Print each score's onset and its lag to the return."""
    show_onsets(frames[1], game)
