"""What lies in the folder of a run: its lock, its save, why it failed. Read without torch."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from checkpoints.console import MachineTrouble, UserError
from checkpoints.doors.reading import KIB, parse_json, read_text
from checkpoints.doors.tensors import read_header
from checkpoints.doors.writing import write_text
from checkpoints.policy.recipes import Recipe, from_dict

STATE = "state.safetensors"
PROGRESS = "progress.csv"
FAILED = "failed.json"
LOCK = "lock"
RUN_KEY = "twinscope-run"
TRIES = 4
"""Failures in a row at one step after which an engine gives a run up. What failed once may have
been killed, by hand or by a machine that was short of memory, and may go on."""


class Busy(UserError):
    """Another process is training this run."""


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold the run's lock; a second process on the same run raises ``Busy``.

    The kernel lets go of the lock when the process ends, however it ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / LOCK, "w")
    except OSError as error:
        raise MachineTrouble(f"expected a folder that can be written, but: {error}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"another process is training in {folder}; wait for it, stop it, or choose "
                "another --output"
            ) from None
        except OSError as error:
            raise MachineTrouble(
                f"expected a file system with locks (flock), but {folder} has none: {error}. Have "
                "it mounted with them (Lustre: -o flock; NFS: version 4), or take another --output"
            ) from error
        yield


def is_locked(folder: Path) -> bool:
    """Whether a process trains the run at this moment."""
    try:
        handle = open(folder / LOCK)
    except OSError:
        return False
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed process was writing; call it with the lock held."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


class Content(msgspec.Struct, forbid_unknown_fields=True):
    """What the header of a save says."""

    iteration: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    recipe: dict[str, Any]
    extra: dict[str, Any]
    """the run's log; typed where a run goes on, see :mod:`checkpoints.runs.saves`"""

    @property
    def settings(self) -> Recipe:
        """The recipe, checked."""
        return from_dict(self.recipe)


def run_content(header: dict[str, str], path: Path) -> Content:
    """What the header of a save says; ``UserError`` for anything else."""
    if RUN_KEY not in header:
        raise UserError(f"expected the state of a run, got another kind of file: {path}")
    where = f"{path}, header"
    content: Content = parse_json(header[RUN_KEY], Content, where=where)
    try:
        from_dict(content.recipe)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return content


@dataclass(frozen=True)
class Save:
    """How far a run is saved, and what it was trained with."""

    step: int
    """environment steps of each peer"""
    recipe: Recipe


def read_save(path: Path) -> Save:
    """The save at ``path``; damage and absence raise ``UserError``."""
    content = run_content(read_header(path), path)
    recipe = content.settings
    return Save(content.iteration * recipe.batch, recipe)


@dataclass(frozen=True)
class Standing:
    """Where a run of a study stands."""

    state: Literal["done", "partial", "running", "failed", "waiting"]
    step: int = 0
    """environment steps of each peer that are saved"""
    why: str = ""
    """what made it fail"""
    times: int = 0
    """how often in a row it failed at this step"""


def standing(folder: Path, steps: int) -> Standing:
    """Where the run in ``folder`` stands on its way to ``steps``.

    A mark of failure counts only as long as the run has not got further since, by whatever command.
    """
    try:
        step = read_save(folder / STATE).step if (folder / STATE).exists() else 0
        mark = read_failure(folder)
    except UserError as error:
        return Standing("failed", 0, str(error), TRIES)
    if is_locked(folder):
        return Standing("running", step)
    if step >= steps:
        return Standing("done", step)
    if mark is not None and mark["step"] >= step:
        return Standing("failed", step, mark["why"], mark["times"])
    return Standing("partial" if step else "waiting", step)


def mark_failed(folder: Path, why: str) -> None:
    """Leave in the folder why its run failed, at which saved step, and how often in a row there."""
    step, times = standing(folder, 0).step, 1
    with suppress(UserError):
        before = read_failure(folder)
        times += before["times"] if before is not None and before["step"] == step else 0
    now = datetime.now(UTC).isoformat(timespec="seconds")
    mark = {"why": why, "step": step, "time": now, "times": times}
    write_text(folder / FAILED, json.dumps(mark, indent=1) + "\n")


class _Mark(msgspec.Struct, forbid_unknown_fields=True):
    why: str
    step: int
    time: str
    times: int = 1


def read_failure(folder: Path) -> dict[str, Any] | None:
    """The mark in ``folder`` (``why``, ``step``, ``time``, ``times``), if there is one."""
    path = folder / FAILED
    if not path.exists():
        return None
    try:
        text = read_text(path, limit=64 * KIB, what="a mark of failure")
        mark = parse_json(text, _Mark, where=str(path))
    except UserError as error:
        raise UserError(
            f"expected a mark of failure with why, step and time, but {path} is damaged "
            f"({error}). Remove it to try the run again"
        ) from error
    return msgspec.to_builtins(mark)
