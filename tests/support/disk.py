"""A disk that is full after so many bytes of each file."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let writes succeed up to ``size`` bytes of a file, and fail from there on, as on a full disk.

    It is a limit of the process in place of a disk: the error is *File too large* instead.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
