"""Several jobs that wait now and then, each going on while the others wait."""

from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")
Turns = Generator[None, None, T]
"""A job that yields where it would wait, and returns a ``T``."""


def take_turns(jobs: Iterable[Turns[T]]) -> list[T]:
    """Run every job to its end, each to its next ``yield`` in turn; returns what each returned."""
    running = dict(enumerate(jobs))
    found: dict[int, T] = {}
    while running:
        for k, job in list(running.items()):
            try:
                next(job)
            except StopIteration as end:
                found[k] = end.value
                del running[k]
    return [found[k] for k in sorted(found)]
