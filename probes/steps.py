"""When a layer comes to say what is true of a state, and of its wallpaper.

``python -m probes.steps`` probes policies at every kept step, in the form and with the onsets of
``python -m analysis.emergence``; it stands here because that command must not know of factors. A
task score is the mean R² over the numbers that a picture shows: how much is there, not which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.emergence import kept_names, lineage, make_tracks, reach, show
from analysis.records.tables import check_output, write_table
from analysis.studies.training.history import RETURN, Cell, Track, value_row, values_schema
from analysis.studies.training.onsets import onset_rows, onsets_schema
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.studies.training.snapshot import Cells
    from probes.questions import Sights

SCHEMA, ONSETS_SCHEMA = values_schema("probes_steps"), onsets_schema("probes_onsets")
TASK, NUISANCE = "probe_task", "probe_background"


@dataclass(frozen=True)
class Settings:
    """Probe policies at every kept step, and say when each score moved.

    Measures: probe_task, mean R² over the numbers that a picture shows, and probe_background,
    balanced accuracy of the background's index above chance ÷ the most above chance: 0 is a blind
    probe, 1 a perfect one. Of the last two layers, on levels never fitted. Intervals are 95 %
    bootstraps over levels.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to probe: ids such as starpilot/mutual/0; none takes all there are"""
    until: int = 0
    """leave out later steps, so that runs of unequal length can be compared; 0 takes all"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    replicates: int = 300
    """bootstrap replicates behind each interval"""
    untrained: int = 2
    """untrained policies, built like the game's first policy: where a score starts from"""
    seed: int = 0
    """of the states, the backgrounds, the folds and the bootstrap"""
    root: Path = ZOO
    """where ids and logs are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives probes_steps.csv and probes_onsets.csv"""
    overwrite: bool = False
    """replace tables that exist"""

    def check(self) -> None:
        """Raise ``UserError`` on a number that cannot be measured with."""
        for name, bound in {"until": 0, "states": 100, "replicates": 1, "untrained": 1}.items():
            if getattr(self, name) < bound:
                raise UserError(f"--{name}: expected at least {bound}, got {getattr(self, name)}")


def mean_score(
    x: np.ndarray, sights: "Sights", names: Sequence[str], weights: np.ndarray
) -> np.ndarray:
    """Mean over factors of the score above chance, then its replicates: (1 + R,).

    Args:
        x: (n, d) a layer on the sights' pictures.
        sights: from :func:`probes.questions.gather`.
        names: at least one factor that these sights can be asked for.
        weights: (R, levels) of the bootstrap.
    """
    from probes.crossfit import crossfit
    from probes.scores import balanced_accuracy, class_sums, number_sums, r2, replicates

    tasks = [task for task in sights.tasks if task.name in names]
    held = crossfit(x, tasks, sights.folds)
    level = np.unique(np.asarray(sights.bank.levels), return_inverse=True)[1]
    found = []
    for place, task in enumerate(tasks):
        sides = task.values, held.predicted[:, place], level, weights.shape[1]
        sums = class_sums(*sides, task.k) if task.k else number_sums(*sides)
        draws = replicates(sums, weights, balanced_accuracy if task.k else r2)
        found.append((draws - task.chance) / (1 - task.chance))
    return np.mean(found, axis=0)


def asked(sights: "Sights") -> dict[str, list[str]]:
    """Measure -> the factors behind it: what can be seen and asked for; perhaps none."""
    ready = [one.factor for one in sights.questions if one.task is not None]
    seen = [factor for factor in ready if factor.role == "task" and factor.scope == "picture"]
    return {
        # Numbers only: R² of some and accuracy of others have no mean.
        TASK: [factor.name for factor in seen if factor.kind == "number"],
        NUISANCE: [factor.name for factor in ready if factor.name == "background"],
    }


def probe(subject: "Subject", sights: "Sights", weights: np.ndarray) -> "Cells":
    """Both scores of the last layers of one policy; ``vacuous`` without a factor to ask for."""
    from analysis.policies.features import read
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


def probe_game(
    subjects: "Sequence[Subject]", settings: Settings
) -> tuple[list[Track], list[Track], list[dict[str, Any]]]:
    """Tracks of one game's probes, tracks of its returns, and rows of its untrained policies."""
    from rich.console import Console
    from rich.progress import track

    from analysis.stats.clusters import cluster_weights
    from analysis.studies.training import logged_returns as learning
    from probes.questions import gather

    game, R = subjects[0].id.game, settings.replicates
    sights = gather(game, subjects[0].mode, settings.states, settings.seed)
    weights = cluster_weights(np.asarray(sights.bank.levels), R, settings.seed)
    bar = track(subjects, f"probing {game}", console=Console(stderr=True), transient=True)
    found = {one.id: probe(one, sights, weights) for one in bar}
    blank = {one: found.pop(one) for one in list(found) if one.method == UNTRAINED}
    keys = next(iter(blank.values()))
    start = {key: np.stack([cells[key].draws for cells in blank.values()]) for key in keys}
    far = reach(found, settings)
    tracks = make_tracks(found, {lineage(one): start for one in found}, far)
    logs = learning.logged(settings.root, found, R, settings.seed)
    control = next(one for one in subjects if one.id in blank)
    first = learning.untrained_return(control, R, settings.seed).draws[None]
    begun = {lineage(one): {(RETURN, learning.LAYER): first} for one in found}
    returns = [one for one in make_tracks(logs, begun, far) if one.measure == RETURN]
    rows = [value_row(one, *key, cell) for one, some in blank.items() for key, cell in some.items()]
    return tracks, returns, rows


def main(settings: Settings) -> None:
    """Probe, print a table a game and write two tables."""
    settings.check()
    schemas = SCHEMA, ONSETS_SCHEMA
    paths = [settings.output / f"{schema.name}.csv" for schema in schemas]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import load_subjects

    names = kept_names(settings.ids, settings.root, settings.until)
    games = load_subjects(names, settings.root, controls=settings.untrained)
    values: list[dict[str, Any]] = []
    onsets: list[dict[str, Any]] = []
    for game, subjects in games.items():
        tracks, returns, rows = probe_game(subjects, settings)
        values += rows + [row for track in tracks for row in track.rows()]
        onsets += onset_rows(tracks, returns)
        show(pd.DataFrame(onsets), game)
    provenance: dict[str, Any] = {
        "policies": {str(s.id): s.code for g in games.values() for s in g},
        **{name: getattr(settings, name) for name in ("until", "states", "replicates", "seed")},
    }
    frames = pd.DataFrame(values), pd.DataFrame(onsets)
    for one, schema, path in zip(frames, schemas, paths, strict=True):
        print(write_table(one, schema, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes.steps")
