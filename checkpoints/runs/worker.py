"""Train one run in a process of its own, so that whatever ends it does not end the queue."""

import errno
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Literal

from checkpoints.console import MachineTrouble, UserError
from checkpoints.doors.children import deaf, end_with_parent
from checkpoints.runs.folder import Busy
from checkpoints.runs.train import Settings, Stop

Train = Callable[[Settings, float], None]
"""Trains one run; the number is what waits behind it (see ``checkpoints.runs.train.main``)."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Outcome:
    """How the training of a run ended."""

    kind: Literal["ended", "busy", "failed", "trouble"]
    """``ended``: as far as it was asked to go; ``busy``: another process has the run; ``failed``:
    by a fault of the run; ``trouble``: by one of the machine, which other runs would meet, too"""
    why: str = ""


def outcome_of(train: Train, settings: Settings, behind: float) -> Outcome:
    """Train in this process and say how it ended; a fault without an own message is printed."""
    try:
        train(settings, behind)
    except KeyboardInterrupt:
        return Outcome("ended")
    except Busy as error:
        return Outcome("busy", str(error))
    except MachineTrouble as error:
        return Outcome("trouble", str(error))
    except UserError as error:
        return Outcome("failed", str(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            return Outcome("trouble", f"{error}. Free room or choose another --output")
        traceback.print_exc()
        return Outcome("failed", f"{type(error).__name__}: {error}")
    return Outcome("ended")


def _child(train: Train, settings: Settings, behind: float, answer: Connection) -> None:
    os.setpgrp()  # Ctrl-C then reaches the queue alone, which passes it on once
    end_with_parent()
    answer.send(outcome_of(train, settings, behind))


class Relay(Stop):
    """Passes Ctrl-C and SIGTERM on to the process that trains, which saves and ends."""

    def __init__(self) -> None:
        super().__init__()
        self.child: BaseProcess | None = None

    def _ask(self, number: int, frame: Any) -> None:
        self.asked = True
        if self.child is not None:
            self.child.terminate()


def train_apart(train: Train, settings: Settings, behind: float, relay: Relay) -> Outcome:
    """Train in a new process; a process that dies without a word has failed.

    Args:
        train: importable by name, since the new process imports it.
        settings: of the run.
        behind: what waits behind it.
        relay: entered; what it hears is passed on.
    """
    # A fork would share torch's threads and Procgen's environments.
    context = multiprocessing.get_context("spawn")
    hears, says = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(train, settings, behind, says), name=settings.id)
    with deaf():
        child.start()
    says.close()
    relay.child = child
    if relay.asked:
        child.terminate()
    try:
        outcome: Outcome | None = hears.recv()
    except EOFError:
        outcome = None
    child.join()
    relay.child = None
    code = child.exitcode or 0
    child.close()
    if outcome is not None:
        return outcome
    return Outcome("ended") if relay.asked else Outcome("failed", _death(code))


def _death(code: int) -> str:
    if code >= 0:
        return f"its process ended by itself, with exit code {code}"
    name = signal.Signals(-code).name
    hint = "; mostly the kernel does that when memory runs out" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"
