"""The one writer: whole or not at all, beside other processes, on a disk that may be full."""

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checkpoints.console import MachineTrouble, UserError

_COUNT = itertools.count()
_FORGOTTEN = 3600.0
"""Seconds after which what a killed process was writing is removed by the next one."""


@contextmanager
def atomic(path: Path, *, keep: bool = False) -> Iterator[Path]:
    """A temporary neighbour of ``path`` to write, put in its place when complete.

    Each process writes under a name of its own, so that of two at once the later one stands. A kill
    at any moment leaves the old file or the new one; any other end leaves no temporary file.

    Args:
        path: the file; missing folders are made.
        keep: refuse to replace a file, even one that another process wrote in the meantime.

    Raises:
        UserError: ``keep``, and the file is there.
        MachineTrouble: a full or read-only folder; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}-{next(_COUNT)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_forgotten(path)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        _put(temporary, path, keep=keep)
    except OSError as error:
        raise MachineTrouble(
            f"expected to write {path}, but: {error}. Free room or choose another folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path, *, keep: bool) -> None:
    if not keep:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # of two processes, one succeeds
    except FileExistsError:
        raise kept(path) from None
    except OSError:
        # A filesystem without hard links: the first to create the name has it.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise kept(path) from None
        os.replace(temporary, path)


def kept(path: Path) -> UserError:
    """The error to raise about a file that is there and must not be replaced."""
    return UserError(
        f"{path} exists and is kept; give --overwrite to replace it, or another --output"
    )


def _clear_forgotten(path: Path) -> None:
    """Remove what a process that was killed long ago was writing to ``path``."""
    for left in path.parent.glob(f".{_literal(path.name[:200])}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _FORGOTTEN:
                left.unlink()


def _literal(name: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in name)


def write_text(path: Path, text: str, *, keep: bool = False) -> None:
    """Write UTF-8 text as :func:`atomic` does."""
    with atomic(path, keep=keep) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def check_folder(folder: Path) -> None:
    """Try now what will be written after hours of work, in the folder or where it will be made.

    Raises:
        UserError: a file stands in its place, or nothing can be written there.
    """
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    trial = there / f".trial.{os.getpid()}-{next(_COUNT)}.tmp"
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(folder)
        trial.write_bytes(b"x")
    except (OSError, ValueError) as error:
        raise UserError(
            f"expected a folder that can be written, but {folder} is none: {error}. Choose another "
            "--output"
        ) from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            trial.unlink(missing_ok=True)
