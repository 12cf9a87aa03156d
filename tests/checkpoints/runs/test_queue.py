"""The queue: order, limits, faults, two workers, kills. Training is pretended where it can be."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.console import MachineTrouble, UserError
from checkpoints.runs import queue
from checkpoints.runs.folder import FAILED, Busy, only_process, read_failure, read_save, standing
from checkpoints.runs.queue import Settings, Worker, look, main
from checkpoints.runs.study import Planned, read_study
from checkpoints.runs.train import Settings as TrainSettings
from checkpoints.runs.worker import Outcome, Relay, outcome_of, train_apart
from tests.support.patience import PATIENCE
from tests.support.queued import STUDY, pretend, save
from tests.support.tree import ROOT

IDS = ["coinrun/ppo/0", "coinrun/mutual/0", "coinrun/ppo/1"]


@pytest.fixture
def study(tmp_path: Path) -> tuple[Planned, ...]:
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "runs").mkdir()
    return read_study(tmp_path / "study.yaml")


@pytest.fixture
def here(monkeypatch) -> None:
    """Train in this process, where that makes no difference: a new one takes a second."""

    def apart(train, settings, behind, relay):
        return outcome_of(train, settings, behind)

    monkeypatch.setattr(queue, "train_apart", apart)


def settings(folder: Path, **changes) -> Settings:
    return Settings(folder / "study.yaml", folder / "runs", **changes)


def states(study: tuple[Planned, ...], folder: Path) -> list[str]:
    return [now.state for now in look(study, folder / "runs").values()]


def began(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "runs" / "began").read_text().splitlines()]


def test_runs_are_trained_in_order_of_worth(here, study, tmp_path: Path):
    assert states(study, tmp_path) == ["waiting"] * 3
    Worker(study, settings(tmp_path), pretend).work()
    assert began(tmp_path) == IDS and states(study, tmp_path) == ["done"] * 3
    behind = [line.split()[1] for line in (tmp_path / "runs" / "began").read_text().splitlines()]
    cost = [run.cost(0) for run in study]
    assert [float(number) for number in behind] == [cost[1] + cost[2], cost[2], 0]


def test_what_is_done_is_not_done_again_and_what_is_partial_goes_on(here, study, tmp_path: Path):
    save(tmp_path / "runs" / IDS[0], 2, study[0].recipe)
    save(tmp_path / "runs" / IDS[1], 1, study[1].recipe)
    assert states(study, tmp_path) == ["done", "partial", "waiting"]
    Worker(study, settings(tmp_path), pretend).work()
    assert began(tmp_path) == IDS[1:]


def test_steps_are_counted_over_all_runs(here, study, tmp_path: Path):
    Worker(study, settings(tmp_path, steps=192.0), pretend).work()
    assert [now.step for now in look(study, tmp_path / "runs").values()] == [128, 64, 0]
    assert states(study, tmp_path) == ["done", "partial", "waiting"]


def test_hours_end_the_work(here, study, tmp_path: Path):
    Worker(study, settings(tmp_path, hours=1e-12), pretend).work()
    assert states(study, tmp_path) == ["waiting"] * 3
    hours = []
    worker = Worker(
        study, settings(tmp_path, hours=2.0), lambda asked, _: hours.append(asked.hours)
    )
    worker.work()
    assert len(hours) == 3 and all(1.9 < one < 2 for one in hours)


def test_what_failed_is_marked_and_passed_over_until_retried(here, study, tmp_path, capsys):
    (tmp_path / "runs" / "refuse0").touch()
    Worker(study, settings(tmp_path), pretend).work()
    assert began(tmp_path) == IDS and states(study, tmp_path) == ["failed", "failed", "done"]
    mark = json.loads((tmp_path / "runs" / IDS[0] / FAILED).read_text())
    assert mark["why"] == "peer 0 diverged at step 64: loss not finite" and mark["step"] == 0
    assert "coinrun/ppo/0 failed: peer 0 diverged" in capsys.readouterr().out

    Worker(study, settings(tmp_path), pretend).work()
    assert len(began(tmp_path)) == 3
    Worker(study, settings(tmp_path, retry=True), pretend).work()
    assert began(tmp_path) == [*IDS, *IDS[:2]]
    (tmp_path / "runs" / "refuse0").unlink()
    Worker(study, settings(tmp_path, retry=True), pretend).work()
    assert states(study, tmp_path) == ["done"] * 3


def test_a_mark_is_void_once_the_run_got_further(here, study, tmp_path: Path):
    (tmp_path / "runs" / "refuse0").touch()
    Worker(study, settings(tmp_path), pretend).work()
    save(tmp_path / "runs" / IDS[0], 1, study[0].recipe)
    assert states(study, tmp_path)[0] == "partial"


def test_a_bug_keeps_its_traceback(here, study, tmp_path: Path, capsys):
    (tmp_path / "runs" / "break1").touch()
    Worker(study, settings(tmp_path), pretend).work()
    assert standing(tmp_path / "runs" / IDS[2], 128).why == "RuntimeError: a bug"
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "fault", [MachineTrouble("no device"), OSError(errno.ENOSPC, "No space left on device")]
)
def test_trouble_with_the_machine_stops_the_queue_and_marks_nothing(
    fault, here, study, tmp_path: Path
):
    def troubled(settings: TrainSettings, behind: int) -> None:
        raise fault

    with pytest.raises(MachineTrouble, match=r"coinrun/ppo/0: .*no device|No space.*queue stops"):
        Worker(study, settings(tmp_path), troubled).work()
    assert states(study, tmp_path) == ["waiting"] * 3


def test_training_that_gets_nowhere_ends_the_work(here, study, tmp_path: Path):
    seen = []
    Worker(study, settings(tmp_path), lambda asked, _: seen.append(asked.id)).work()
    assert seen == IDS and states(study, tmp_path) == ["waiting"] * 3


def test_a_run_that_another_process_trains_is_passed_over(here, study, tmp_path: Path):
    with only_process(tmp_path / "runs" / IDS[0]):
        assert states(study, tmp_path) == ["running", "waiting", "waiting"]
        Worker(study, settings(tmp_path), pretend).work()
        assert began(tmp_path) == IDS[1:]
    assert states(study, tmp_path) == ["waiting", "done", "done"]


def test_a_run_taken_in_the_same_moment_is_no_failure(study, tmp_path: Path):
    with only_process(tmp_path / "runs" / IDS[0]):
        asked = TrainSettings(IDS[0], study[0].recipe, output=tmp_path / "runs")
        outcome = outcome_of(pretend, asked, 0.0)
    assert outcome.kind == "busy" and "another process is training" in outcome.why
    assert issubclass(Busy, UserError)


def test_two_workers_take_no_run_twice(study, tmp_path: Path):
    (tmp_path / "runs" / "slow").touch()
    program = (
        "import sys; from tests.support.queued import *; from checkpoints.runs.queue import *\n"
        "f = Path(sys.argv[1]); s = Settings(f / 'study.yaml', f / 'runs');"
        "Worker(read_study(s.study), s, pretend).work()"
    )
    path = str(ROOT)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], env=os.environ | {"PYTHONPATH": path}
        )
        for _ in range(2)
    ]
    assert [worker.wait(PATIENCE) for worker in workers] == [0, 0]
    assert sorted(began(tmp_path)) == sorted(IDS) and states(study, tmp_path) == ["done"] * 3


@pytest.mark.parametrize(
    ("sign", "message"),
    [("kill0", "killed by SIGKILL; mostly the kernel"), ("leave0", "by itself, with exit code 3")],
)
def test_a_process_that_dies_without_a_word_has_failed(sign, message, study, tmp_path: Path):
    (tmp_path / "runs" / sign).touch()
    asked = TrainSettings(IDS[0], study[0].recipe, output=tmp_path / "runs")
    with Relay() as relay:
        outcome = train_apart(pretend, asked, 0.0, relay)
    assert outcome.kind == "failed" and message in outcome.why
    (tmp_path / "runs" / sign).unlink()
    with Relay() as relay:
        assert train_apart(pretend, asked, 0.0, relay) == Outcome("ended")


def start(folder: Path) -> subprocess.Popen:
    """A worker with real training of tiny runs, too long to end by themselves."""
    (folder / "study.yaml").write_text(STUDY.replace("128", "64_000_000"))
    worker = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            str(ROOT / "tests" / "support" / "queued.py"),
            "study.yaml",
            "runs",
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(3):
        line = worker.stdout.readline()
    assert "with all behind it" in line
    return worker


def test_sigterm_saves_and_ends_the_queue(tmp_path: Path):
    worker = start(tmp_path)
    worker.send_signal(signal.SIGTERM)
    output, errors = worker.communicate(timeout=PATIENCE)
    assert worker.returncode == 0 and "Traceback" not in errors
    assert "stopped at step" in output and "the queue ended" in output
    now = standing(tmp_path / "runs" / IDS[0], 10**9)
    assert now.state == "partial" and now.step >= 64 and not (tmp_path / "runs" / IDS[1]).exists()


def test_training_ends_with_a_queue_that_is_killed(tmp_path: Path):
    worker = start(tmp_path)
    worker.send_signal(signal.SIGKILL)
    output, _ = worker.communicate(timeout=PATIENCE)  # until the last writer of the pipe is gone
    assert worker.returncode == -signal.SIGKILL and "stopped at step" in output
    folder = tmp_path / "runs" / IDS[0]
    assert standing(folder, 10**9).state == "partial" and read_save(folder / "state.safetensors")


# -- the command -----------------------------------------------------------------------------


def spoil(path: Path, text: str = "{") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("name", "message"),
    [("state.safetensors", "truncated, corrupted"), (FAILED, "expected a mark of failure")],
)
def test_the_list_shows_damage_and_goes_on(name, message, study, tmp_path: Path, capsys):
    spoil(tmp_path / "runs" / IDS[0] / name)
    save(tmp_path / "runs" / IDS[1], 1, study[1].recipe)
    assert message in standing(tmp_path / "runs" / IDS[0], 128).why
    main(settings(tmp_path, list=True))
    printed = capsys.readouterr().out
    assert "failed: " in printed and "partial" in printed
    assert "3 runs: 1 failed, 1 partial, 1 waiting" in printed


def test_a_mark_without_its_parts_is_named(tmp_path: Path):
    spoil(tmp_path / FAILED, '{"why": "x"}')
    with pytest.raises(UserError, match=r"is damaged .*missing required field `step`.*Remove it"):
        read_failure(tmp_path)


def test_the_list_needs_no_torch_where_nothing_is_left_to_train(study, tmp_path: Path):
    for run in study:
        save(tmp_path / "runs" / str(run.id), 128, run.recipe)
    program = (
        "import sys; from pathlib import Path; from checkpoints.runs.queue import *\n"
        "f = Path(sys.argv[1])\n"
        "main(Settings(f / 'study.yaml', f / 'runs', list=True)); assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and "3 done; 0:00:00 left" in done.stdout, done.stderr


def test_the_command_says_what_failed(here, study, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "runs" / "refuse0").touch()
    Worker(study, settings(tmp_path), pretend).work()
    monkeypatch.setattr(Worker, "work", lambda _: None)
    with pytest.raises(
        UserError, match=r"passed over: coinrun/ppo/0, coinrun/mutual/0. See --list"
    ):
        main(settings(tmp_path))
    assert "3 runs: 2 failed, 1 done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hours": 0.0}, "--hours: expected a number above 0, inf among them, got 0.0"),
        ({"steps": -1.0}, "--steps: expected a number above 0, inf among them, got -1.0"),
        ({"list": True, "pack": Path("x")}, "at a time, got --list and --pack"),
    ],
)
def test_wrong_flags(changes: dict, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        settings(tmp_path, **changes)
