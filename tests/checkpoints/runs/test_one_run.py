"""One run of a study as a job: exit codes, waiting for a process, file systems without locks."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from checkpoints.console import MachineTrouble, UserError
from checkpoints.runs import queue
from checkpoints.runs.folder import is_locked, only_process, standing
from checkpoints.runs.queue import Settings, main
from checkpoints.runs.worker import outcome_of
from tests.support.patience import PATIENCE
from tests.support.queued import STUDY, pretend
from tests.support.tree import ROOT

RUN = "coinrun/mutual/0"


@pytest.fixture(autouse=True)
def pretended(monkeypatch, tmp_path: Path) -> None:
    """Training that takes no time, in this process."""

    def apart(train, settings, behind, relay):
        return outcome_of(pretend, settings, behind)

    monkeypatch.setattr(queue, "train_apart", apart)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "runs").mkdir()


def settings(folder: Path, **changes) -> Settings:
    return Settings(folder / "study.yaml", folder / "runs", **({"only": (RUN,)} | changes))


def test_only_the_named_run_is_trained_and_then_nothing_is_left(tmp_path: Path):
    assert main(settings(tmp_path)) == 0
    assert (tmp_path / "runs" / "began").read_text().split()[::2] == [RUN]
    assert main(settings(tmp_path)) == 0
    assert len((tmp_path / "runs" / "began").read_text().splitlines()) == 1


def test_what_is_left_is_counted(tmp_path: Path):
    assert main(settings(tmp_path, steps=64.0)) == 1
    assert main(settings(tmp_path, only=(), steps=128.0)) == 2
    assert main(settings(tmp_path, only=())) == 0


def test_a_name_that_the_study_lacks_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="unknown run of the study 'coinrun/ppo/7'"):
        main(settings(tmp_path, only=("coinrun/ppo/7",)))


def test_a_run_of_another_process_is_waited_for(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(queue, "WAIT", 0.01)
    held, let_go = threading.Event(), threading.Event()

    def other() -> None:
        with only_process(tmp_path / "runs" / RUN):
            held.set()
            let_go.wait(PATIENCE)

    thread = threading.Thread(target=other)
    thread.start()
    held.wait(PATIENCE)
    looks = 0
    real = queue.look

    def counted(study, output):
        nonlocal looks
        looks += 1
        if looks == 4:
            let_go.set()
            thread.join()
        return real(study, output)

    monkeypatch.setattr(queue, "look", counted)
    assert main(settings(tmp_path)) == 0
    assert capsys.readouterr().out.count(f"waiting for another process: {RUN}") == 1
    assert standing(tmp_path / "runs" / RUN, 128).state == "done"


def test_waiting_ends_with_the_limit_of_hours(tmp_path: Path):
    with only_process(tmp_path / "runs" / RUN):
        assert main(settings(tmp_path, hours=1e-5)) == 1


@pytest.mark.parametrize(("how", "code"), [("whole", 0), ("paused", os.EX_TEMPFAIL), ("failed", 2)])
def test_exit_codes_are_what_an_engine_needs(how, code, tmp_path: Path):
    given = ["--only", "coinrun/ppo/0"] + (["--steps", "64"] if how == "paused" else [])
    text = STUDY if how != "failed" else STUDY.replace("epochs: 1", "epochs: 1, learning_rate: 1")
    (tmp_path / "study.yaml").write_text(text)
    call = [sys.executable, "-m", "checkpoints.queue", str(tmp_path / "study.yaml")]
    call += ["--output", str(tmp_path / "runs"), *given]
    if how == "failed":  # a save of another recipe is in the run's place
        (tmp_path / "runs" / "coinrun/ppo/0").mkdir(parents=True)
        (tmp_path / "runs" / "coinrun/ppo/0" / "state.safetensors").write_bytes(b"no save")
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr


def test_sigterm_while_waiting_leaves_the_run_to_be_continued(tmp_path: Path):
    call = [sys.executable, "-m", "checkpoints.queue", str(tmp_path / "study.yaml")]
    call += ["--output", str(tmp_path / "runs"), "--only", RUN]
    with only_process(tmp_path / "runs" / RUN):
        job = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert job.stdout is not None
        assert "waiting for another process" in job.stdout.readline()
        job.send_signal(signal.SIGTERM)
        assert job.wait(PATIENCE) == os.EX_TEMPFAIL
        job.stdout.close()


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch):
    def without(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("checkpoints.runs.folder.fcntl.flock", without)
    with (
        pytest.raises(MachineTrouble, match=r"with locks \(flock\), but .* has none: .*-o flock"),
        only_process(tmp_path / "a"),
    ):
        pass
    monkeypatch.undo()
    assert not is_locked(tmp_path / "a")
