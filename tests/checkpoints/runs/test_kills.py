"""Twenty kills, and every other way in which a machine ends a run: no byte changes."""

import errno
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from checkpoints.console import MachineTrouble, UserError
from checkpoints.runs.folder import STATE, read_save
from checkpoints.runs.train import main
from checkpoints.training.group import Group
from tests.support.patience import PATIENCE
from tests.support.tiny import BATCH, RUN, final_bytes, kept_files, log, settings
from tests.support.tree import ROOT

ITERATIONS = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that was never disturbed."""
    output = tmp_path_factory.mktemp("whole")
    main(settings(output, steps=ITERATIONS * BATCH, save_seconds=0.0))
    return output


def ends_alike(output: Path, other: Path, run: str = RUN) -> bool:
    """Finish ``output`` and compare every byte; pytest would spell differences out for minutes."""
    main(settings(output, run, steps=ITERATIONS * BATCH))
    return (
        final_bytes(output, run) == final_bytes(other, run)
        and kept_files(output, run) == kept_files(other, run)
        and log(output, run) == log(other, run)
        and not list(output.rglob("*.tmp"))
    )


@pytest.mark.slow
def test_twenty_kills_change_no_byte(tmp_path: Path):
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            str(ROOT / "tests" / "support" / "killed.py"),
            str(tmp_path),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("kill ") == 20
    main(settings(tmp_path / "whole", steps=24 * BATCH))
    same = final_bytes(tmp_path) == final_bytes(tmp_path / "whole")
    same_kept = kept_files(tmp_path) == kept_files(tmp_path / "whole")
    same_log = log(tmp_path) == log(tmp_path / "whole")
    assert (same, same_kept, same_log) == (True, True, True)
    assert not list((tmp_path / RUN).rglob("*.tmp"))


def test_the_comparison_can_fail(whole: Path, tmp_path: Path):
    main(settings(tmp_path, steps=BATCH, save_seconds=0.0))
    kept = next((tmp_path / RUN).glob("peer0/*"))
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    alike = ends_alike(tmp_path, whole)
    assert not alike


def test_a_disk_that_fills_at_each_write_in_turn(whole: Path, tmp_path: Path, monkeypatch):
    """Three writes at the first step: two policies, the table; then the save."""
    fsync, left = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    for writes in range(8):
        left = writes
        with pytest.raises(MachineTrouble, match=r"No space left on device.*Free room"):
            main(settings(tmp_path, steps=ITERATIONS * BATCH, save_seconds=0.0))
        assert not list(tmp_path.rglob("*.tmp"))
        saved = tmp_path / RUN / STATE
        assert not saved.exists() or read_save(saved).step >= BATCH
    monkeypatch.undo()
    alike = ends_alike(tmp_path, whole)
    assert alike


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (MemoryError(), UserError, "out of memory .*is sound.*Expected more room"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB\nx"), UserError, "Tried 2 GiB\\)"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            UserError,
            r"out of memory \(Def",
        ),
        (RuntimeError("CUDA driver error: out of memory"), UserError, r"out of memory \(CUDA dri"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
            UserError,
            r"out of memory \(CUDA err.*ALLOC_F",
        ),
        (RuntimeError("CUDA error: device lost"), MachineTrouble, "CUDA device failed.*nvidia-smi"),
        (
            RuntimeError("cuDNN error: EXECUTION_FAILED"),
            MachineTrouble,
            r"CUDA device failed \(cuDNN",
        ),
        (RuntimeError("a bug"), RuntimeError, "^a bug$"),
    ],
    ids=["memory", "device memory", "allocator", "driver", "library", "device", "cudnn", "bug"],
)
def test_a_fault_says_what_it_is_and_the_run_goes_on(
    fault, kind, message, whole: Path, tmp_path: Path, monkeypatch
):
    iterate = Group.iterate

    def faulty(group: Group, iteration: int, *more):
        if iteration == 3:
            raise fault
        return iterate(group, iteration, *more)

    monkeypatch.setattr(Group, "iterate", faulty)
    with pytest.raises(kind, match=message):
        main(settings(tmp_path, steps=ITERATIONS * BATCH, save_seconds=0.0))
    assert read_save(tmp_path / RUN / STATE).step == 3 * BATCH
    monkeypatch.undo()
    alike = ends_alike(tmp_path, whole)
    assert alike


def test_weights_that_turn_nan_end_the_run_before_they_are_saved(tmp_path: Path, monkeypatch):
    main(settings(tmp_path))
    before = final_bytes(tmp_path)
    learn = Group.learn

    def poisoned(group: Group, *arguments):
        with torch.no_grad():
            next(group.peers[1].policy.parameters()).fill_(math.nan)
        return learn(group, *arguments)

    monkeypatch.setattr(Group, "learn", poisoned)
    with pytest.raises(UserError, match=r"diverged at step 128: loss.*last save in .* is sound"):
        main(settings(tmp_path, steps=2 * BATCH))
    same = final_bytes(tmp_path) == before
    assert same


def test_pauses_change_no_byte(whole: Path, tmp_path: Path, capsys):
    main(settings(tmp_path, steps=ITERATIONS * BATCH, pause=BATCH + 1))
    assert read_save(tmp_path / RUN / STATE).step == 2 * BATCH
    main(settings(tmp_path, steps=ITERATIONS * BATCH, hours=1e-9))
    assert "goes on from there" in capsys.readouterr().out
    assert read_save(tmp_path / RUN / STATE).step == 2 * BATCH
    alike = ends_alike(tmp_path, whole)
    assert alike


@pytest.mark.parametrize("limit", ["hours", "pause"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_limits_that_leave_nothing_to_do(limit: str, value: float, tmp_path: Path):
    with pytest.raises(UserError, match=f"--{limit}: expected a number above 0"):
        main(settings(tmp_path, **{limit: value}))


def test_what_a_killed_process_was_writing_is_cleared(tmp_path: Path):
    (tmp_path / RUN / "peer0").mkdir(parents=True)
    (tmp_path / RUN / "peer0" / ".step64.safetensors.123.tmp").write_bytes(b"half")
    main(settings(tmp_path))
    assert not list(tmp_path.rglob("*.tmp"))


def test_time_left_is_said_for_all_that_waits(tmp_path: Path, capsys):
    main(settings(tmp_path), 1e9)
    line = capsys.readouterr().out.splitlines()[0]
    assert "0:00:00 left, " in line and line.endswith("with all behind it")
    main(settings(tmp_path, steps=2 * BATCH))
    assert "behind" not in capsys.readouterr().out
