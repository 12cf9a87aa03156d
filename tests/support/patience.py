"""How long a test waits for what must come: this ends a hang, it never times a machine."""

import time
from collections.abc import Callable

PATIENCE = 600.0
"""Seconds. A test of 25 seconds has taken over 300 where its machine stood still meanwhile."""


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something, and say what did not come."""
    last = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < last, f"waited {PATIENCE:g} s for {what}"
        time.sleep(0.1)
