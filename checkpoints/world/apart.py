"""Work that may end its process, done in a process that may end.

Procgen trusts the states it is given: on a bad one it exits, aborts, reads foreign memory or never
comes back. What cannot be known to be sound is therefore tried in a copy of this process (a fork,
some milliseconds), which hands back its result in shared memory, or is gone.
"""

import contextlib
import faulthandler
import mmap
import os
import resource
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import IO

import numpy as np
from jaxtyping import UInt8

ROOM = 2 * 2**30
"""Bytes of memory that the copy may take beyond those of this process."""
_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02


class Died(Exception):
    """The copy ended without a result; the message says how."""


def apart(
    work: Callable[[UInt8[np.ndarray, " bytes"]], None], size: int, *, seconds: float
) -> UInt8[np.ndarray, " bytes"]:
    """What ``work`` writes into ``size`` bytes, in a copy of this process.

    Args:
        work: writes its result into the array it is given; nothing else it does stays. It must not
            use threads that run in this process, nor torch.
        size: of the result, bytes.
        seconds: after which the copy is ended.

    Raises:
        Died: it was ended by a signal, by itself, by an exception or by the clock.
    """
    with mmap.mmap(-1, max(size, 1)) as shared, tempfile.TemporaryFile() as said:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads, of which the copy uses none.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            _in_the_copy(work, shared, size, said, seconds)
        status = _wait(child, seconds)
        if status != 0:
            raise Died(_how(status, seconds) + _last_words(said))
        return np.frombuffer(shared, dtype=np.uint8, count=size).copy()


def _in_the_copy(
    work: Callable[[np.ndarray], None], shared: mmap.mmap, size: int, said: IO, seconds: float
) -> None:
    code = 3
    try:
        faulthandler.disable()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
        _limit(seconds)
        work(np.frombuffer(shared, dtype=np.uint8, count=size))
        code = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            os.write(2, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _limit(seconds: float) -> None:
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * mmap.PAGESIZE
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, now + ROOM),
        (resource.RLIMIT_CPU, int(time.process_time() + seconds) + 2),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, hard))


def _wait(child: int, seconds: float) -> int | None:
    """The exit status of the copy, minus its signal, or None where it had to be ended."""
    end, pause, ended = time.monotonic() + seconds, _PAUSE, False
    try:
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                ended = True
                return os.waitstatus_to_exitcode(status)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return None
    finally:
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _how(status: int | None, seconds: float) -> str:
    if status is None:
        return f"it did not come back within {seconds:.0f} seconds"
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended itself with exit code {status}"


def _last_words(said: IO) -> str:
    said.seek(0)
    lines = said.read(4096).decode("utf-8", "replace").split("\n")
    words = [line.strip() for line in lines if line.strip()]
    return f", saying {words[-1][:200]!r}" if words else ""
