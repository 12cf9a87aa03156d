"""Processes that are started here: deaf to Ctrl-C, which their parent hears, and gone with it."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")
MOST = 8
"""Processes at once, each with a copy of what it loads."""


def end_with_parent() -> None:
    """Ask the kernel (Linux) for a SIGTERM when the process that started this one is gone."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
        if os.getppid() != getattr(multiprocessing.parent_process(), "pid", None):
            os.kill(os.getpid(), signal.SIGTERM)  # it was gone before the kernel was asked


@contextmanager
def deaf() -> Iterator[None]:
    """Processes started meanwhile never hear Ctrl-C, not even while they import."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal reaches another thread
        return
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)


def side_by_side(work: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
    """What ``work`` makes of each item, in their order, a process a core.

    Args:
        work: importable by name, as is what it is given and gives: processes import it anew.
        items: a single one is worked on in this process.

    Raises:
        Whatever ``work`` raises; what has not begun by then is left.
    """
    count = min(len(os.sched_getaffinity(0)), len(items), MOST)
    if count < 2:
        yield from map(work, items)
        return
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent) as pool:
        with deaf():
            waiting = [pool.submit(work, item) for item in items]
        try:
            for one in waiting:
                yield one.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
