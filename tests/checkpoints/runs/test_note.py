"""What an engine is told of a run: only what calling again would not change."""

import json
import os
from pathlib import Path

import pytest

from checkpoints.console import UserError
from checkpoints.runs import queue
from checkpoints.runs.folder import STATE, TRIES
from checkpoints.runs.note import note_all, note_path
from checkpoints.runs.queue import Settings, main
from checkpoints.runs.study import Planned, read_study
from checkpoints.runs.worker import outcome_of
from tests.support.queued import STUDY, pretend, save

RUN = "coinrun/ppo/0"
OF_RUN = {"run": RUN, "wanted": 128}
WHY = "peer 0 diverged at step 64: loss not finite"


@pytest.fixture(autouse=True)
def study(monkeypatch, tmp_path: Path) -> tuple[Planned, ...]:
    """Training that takes no time, in this process."""

    def apart(train, settings, behind, relay):
        return outcome_of(pretend, settings, behind)

    monkeypatch.setattr(queue, "train_apart", apart)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "runs").mkdir()
    return read_study(tmp_path / "study.yaml")


def train(folder: Path, **changes) -> dict | None:
    """What the note says after one job, None where there is none."""
    path = folder / "notes" / "coinrun+ppo+0.json"
    given = {"only": (RUN,), "retry": True, "note": path} | changes
    try:
        main(Settings(folder / "study.yaml", folder / "runs", **given))
    except UserError as error:
        assert "failed and passed over" in str(error)
    return json.loads(path.read_text()) if path.exists() else None


def test_a_run_that_is_done_is_noted_and_one_that_goes_on_is_not(tmp_path: Path):
    assert train(tmp_path, steps=64.0) is None
    assert train(tmp_path) == OF_RUN | {"state": "done", "step": 128, "why": "", "times": 0}


def test_a_note_that_is_no_text_is_written_again(study, tmp_path: Path):
    path = note_path(tmp_path / "notes", study[0])
    path.parent.mkdir()
    path.write_bytes(b"\xff")
    note_all(study[:1], tmp_path / "runs", path.parent, training=False)
    assert json.loads(path.read_text())["run"] == RUN


def test_a_run_is_given_up_when_it_fails_again_and_again_at_one_step(study, tmp_path: Path):
    (tmp_path / "runs" / "refuse0").touch()
    assert [train(tmp_path) for _ in range(TRIES - 1)] == [None] * (TRIES - 1)
    save(tmp_path / "runs" / RUN, 1, study[0].recipe)
    assert [train(tmp_path) for _ in range(TRIES - 1)] == [None] * (TRIES - 1)
    noted = {"state": "failed", "step": 64, "why": WHY, "times": TRIES}
    assert train(tmp_path) == OF_RUN | noted


def test_a_run_that_failed_may_be_done_yet(tmp_path: Path):
    (tmp_path / "runs" / "refuse0").touch()
    assert train(tmp_path) is None
    (tmp_path / "runs" / "refuse0").unlink()
    assert train(tmp_path)["state"] == "done"


def test_a_run_whose_save_is_damaged_is_given_up_at_once(tmp_path: Path):
    (tmp_path / "runs" / RUN).mkdir(parents=True)
    (tmp_path / "runs" / RUN / STATE).write_bytes(b"no save")
    (tmp_path / "runs" / "refuse0").touch()
    assert train(tmp_path)["state"] == "failed"


@pytest.mark.parametrize("only", [(), (RUN, "coinrun/ppo/1")])
def test_a_note_is_of_one_run(only, tmp_path: Path):
    with pytest.raises(UserError, match=f"--note: expected one run under --only, got {len(only)}"):
        Settings(tmp_path, only=only, note=tmp_path / "note")


def states(study: tuple[Planned, ...], folder: Path) -> list[str]:
    """Of each run what its note says, nothing where there is none."""
    paths = [note_path(folder / "notes", run) for run in study]
    return [json.loads(p.read_text())["state"] if p.exists() else "" for p in paths]


def test_notes_are_brought_up_to_date_without_training(study, tmp_path: Path):
    places = study, tmp_path / "runs", tmp_path / "notes"
    save(tmp_path / "runs" / "coinrun/ppo/1", 2, study[2].recipe)
    save(tmp_path / "runs" / "coinrun/mutual/0", 1, study[1].recipe)
    (tmp_path / "runs" / "refuse0").touch()
    train(tmp_path)
    note_all(*places, training=True)
    assert states(study, tmp_path) == ["", "", "done"]
    for _ in range(TRIES):
        train(tmp_path)
    note_all(*places, training=True)
    assert states(study, tmp_path) == ["failed", "", "done"]
    note_all(*places, training=False)
    assert states(study, tmp_path) == ["failed", "partial", "done"]
    note_all(*places, training=True)
    assert states(study, tmp_path) == ["failed", "", "done"]
    note_all(*places, training=True, retry=True)
    assert states(study, tmp_path) == ["", "", "done"]


def test_a_note_that_holds_keeps_its_time_and_one_of_a_longer_run_goes(study, tmp_path: Path):
    places = tmp_path / "runs", tmp_path / "notes"
    train(tmp_path)
    path = note_path(tmp_path / "notes", study[0])
    os.utime(path, (1, 1))
    note_all(study, *places, training=True)
    assert path.stat().st_mtime == 1
    (tmp_path / "study.yaml").write_text(STUDY.replace("128", "256"))
    note_all(read_study(tmp_path / "study.yaml"), *places, training=True)
    assert not path.exists()
