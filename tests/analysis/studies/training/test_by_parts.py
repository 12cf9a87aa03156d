"""Parts that do not belong together: each fault is said, and nothing is averaged away."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.records.values import EMERGENCE, EMERGENCE_ONSETS, Cell
from analysis.studies.training import by_parts, course
from analysis.studies.training.along import follow
from analysis.studies.training.plan import part_path
from analysis.studies.training.settings import AlongTraining, Following
from checkpoints.console import UserError
from checkpoints.runs.study import read_study
from tests.support.followed import STUDY, part_names, pretend_run, pretend_runs, study_file
from tests.support.logged import log

R = 20
RUN = "leaper/ppo-bg4/0"
IMPALA = "leaper/untrained/impala-8"


class Planted:
    """Measures nothing: each policy has what its name says."""

    def __init__(self, game: str, mode: str, shown: Any, *, seed: int) -> None:
        self.notes = {"shown": [list(some) for some in shown]}

    def untrained(self, blank):
        return {one.id: {("tv", "x"): Cell(np.full(1 + R, 0.5))} for one in blank}

    def trained(self, run, blank):
        step = np.linspace(0, 1, 1 + R)
        return {one.id: {("tv", "x"): Cell(one.id.step / 100 + step)} for one in run}, {}


@dataclass
class Bench:
    """A study whose parts are all measured."""

    settings: AlongTraining
    how: Following

    def path(self, name: str = RUN) -> Path:
        return part_path(self.settings.parts, "emergence", name)

    def measure(self, *names: str, **changes: Any) -> None:
        follow(replace(self.settings, ids=names, overwrite=True, **changes), self.how)

    def join(self, **changes: Any) -> bytes:
        follow(replace(self.settings, overwrite=True, **changes), self.how)
        return (self.settings.output / "emergence.csv").read_bytes()


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    def played(blank, replicates, seed):
        return Cell(np.zeros(1 + replicates))

    monkeypatch.setattr(course, "untrained_return", played)
    study = study_file(tmp_path)
    root = pretend_runs(study, tmp_path / "runs")
    places = {"study": study, "root": root, "parts": tmp_path / "parts", "output": tmp_path}
    settings = AlongTraining(replicates=R, **places)
    how = Following(
        (EMERGENCE, EMERGENCE_ONSETS), lambda frames, game: None, dict, Planted, returned=True
    )
    found = Bench(settings, how)
    found.measure(*part_names(study))
    return found


def test_whole_parts_join(bench):
    assert b"leaper/mutual/0/peer1/step64" in bench.join()


def other_code(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(by_parts, "source_hash", lambda package: "0123")


def other_version(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(by_parts, "versions", lambda: {"torch": "0.1"})


def other_settings(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.measure(RUN, states=48)


def other_study(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    study_file(bench.settings.study.parent, STUDY.replace("ppo-bg4", "ppo-bg2"))
    pretend_runs(bench.settings.study, bench.settings.root)
    bench.measure("leaper/ppo-bg2/0")


def lost(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.path().unlink()


def truncated(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.path().write_bytes(bench.path().read_bytes()[:-100])


def one_bit(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    raw = bytearray(bench.path().read_bytes())
    raw[raw.index(b"draws.npy") + 120] ^= 4
    bench.path().write_bytes(raw)


def of_another_name(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.path(IMPALA).write_bytes(bench.path("leaper/untrained/nature-8").read_bytes())


def went_on(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    run = next(one for one in read_study(bench.settings.study) if str(one.id) == RUN)
    pretend_run(bench.settings.root, run.id, run.recipe, 128, seed=2)


def log_went_on(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    log(bench.settings.root, RUN, (64, 128))


def policy_gone(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    (bench.settings.root / RUN / "peer0/step64.safetensors").unlink()


def shown_other(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Planted, "__init__", lambda self, *a, seed: setattr(self, "notes", {"b": 1}))
    bench.measure(RUN)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (other_code, r"measured by the analysis of this call, 0123, got [0-9a-f]{16}; measure it"),
        (other_version, r"measured by the \w+ of this call, .*, got .*; measure it with: "),
        (other_settings, rf"{RUN.replace('/', '.')}.npz: .* with the states of this call, 600, go"),
        (other_study, r"part of this study, with backgrounds of training \[.*\], got \[.*\]; mea"),
        (lost, rf"expected a part of a measurement, {RUN}, at .*, found none; measure it with: "),
        (truncated, "expected a part of a measurement in a complete .npz file, but .* is trunc"),
        (one_bit, "expected a part of a measurement in a complete .npz file, but .* is truncated"),
        (of_another_name, r"untrained\+impala-8.npz: expected a part of this study, with encoder "),
        (went_on, rf"but it went on or changed: {RUN}/.* with hash [0-9a-f]+, got "),
        (log_went_on, rf"but it went on or changed: {RUN}/progress.csv with hash [0-9a-f]+, got "),
        (policy_gone, rf"changed: {RUN}/peer0/step64.safetensors with hash none, got [0-9a-f]+; "),
        (shown_other, rf"{RUN.replace('/', '.')}.npz: expected what the others were shown, .* go"),
    ],
)
def test_what_does_not_belong_together_is_said(
    bench: Bench, monkeypatch, fault: Callable[..., None], message: str
):
    bench.join()
    fault(bench, monkeypatch)
    with pytest.raises(UserError, match=message):
        bench.join()


def test_the_command_that_is_named_mends_it(bench):
    went_on(bench, None)
    with pytest.raises(UserError, match=rf"python -m analysis.emergence {RUN} --study .* --over"):
        bench.join()
    bench.measure(RUN)
    assert b"leaper/ppo-bg4/0/peer0/step128" in bench.join()


def test_more_runs_of_the_same_kind_leave_parts_as_they_are(bench):
    with open(bench.settings.study, "a") as file:
        file.write("  - {id: leaper/ppo-bg4/1, steps: 64}\n")
    pretend_runs(bench.settings.study, bench.settings.root)
    bench.measure("leaper/ppo-bg4/1")
    assert b"leaper/ppo-bg4/1/peer0/step64" in bench.join()


def test_a_part_is_kept_unless_overwritten(bench):
    before = bench.path().read_bytes()
    with pytest.raises(UserError, match="exists and is kept; give --overwrite"):
        follow(replace(bench.settings, ids=(RUN,)), bench.how)
    bench.measure(RUN)
    assert bench.path().read_bytes() == before


def test_a_policy_of_another_recipe_than_the_study_says_is_refused(bench):
    study_file(bench.settings.study.parent, STUDY.replace("features: 8", "features: 16"))
    with pytest.raises(UserError, match=r"with another recipe .features: 8 → 16.; correct the stu"):
        bench.measure("leaper/ppo-bg4/0")


def test_runs_of_one_game_in_two_modes_are_refused(bench):
    text = STUDY.replace(
        "leaper/ppo-bg4/0, steps: 64", "leaper/ppo/2, steps: 64, recipe: {mode: hard}"
    )
    study_file(bench.settings.study.parent, text)
    with pytest.raises(UserError, match=r"leaper: expected runs of one mode, got easy and hard"):
        bench.join()


def test_a_teacher_that_training_pinned_is_the_one_of_the_study(bench):
    text = STUDY + "  - {id: leaper/oneway-bg4/0, steps: 64}\n"
    study_file(bench.settings.study.parent, text)
    planned = read_study(bench.settings.study)[-1]
    assert planned.recipe.teacher
    pinned = replace(
        planned.recipe, teacher=f"{planned.recipe.teacher}/peer0/step64@0123456789abcdef"
    )
    pretend_run(bench.settings.root, planned.id, pinned, 64)
    bench.measure(str(planned.id))
    pretend_run(bench.settings.root, planned.id, replace(pinned, teacher="leaper/ppo/77"), 64)
    with pytest.raises(UserError, match=r"with another recipe .teacher: leaper/ppo/77 → "):
        bench.measure(str(planned.id))


def test_untrained_networks_wait_for_no_run(bench, tmp_path):
    bench.measure("chaser/untrained/nature-8", root=tmp_path / "none yet")
    bench.measure(RUN, root=tmp_path / "none yet")
    with pytest.raises(UserError, match=rf"it went on or changed: {RUN}/peer0/step64.* got none; "):
        bench.join()
