"""Two folders change places in one step, where the system can (Linux: ``renameat2``)."""

import ctypes
import os
from pathlib import Path

_AT_FDCWD, _EXCHANGE = -100, 2


def exchange(one: Path, other: Path) -> None:
    """Let two folders that are there change places.

    Note:
        Where the filesystem cannot, it takes three renames: after a kill between them, ``other``
        lies beside its place under a name that begins with a dot.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        given = _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE
        if rename(*given) == 0:
            return
    except (AttributeError, OSError):
        pass
    away = other.with_name(f".{other.name}.{os.getpid()}.replaced")
    os.rename(other, away)
    os.rename(one, other)
    os.rename(away, one)
