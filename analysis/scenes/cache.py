"""What is kept on disk to be made once only: checked by content, bounded, the longest unused first.

A cache may be deleted at any time; what is missing is made again.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.records.command import Output
from checkpoints.console import UserError, path_of, say
from checkpoints.doors.arrays import header_of, told
from checkpoints.doors.reading import check_file, read_text
from checkpoints.doors.writing import write_text

MOST = 8 * 2**30
"""Bytes of one cache at most, beside what is in use at that moment."""
_FORGOTTEN = 3600.0
_NOTE, _ANY = 65, 2**63
VARIABLE = "TWINSCOPE_CACHE"
DEFAULT = ".cache"
FLAG = "--cache"
_asked = ""


@dataclass(frozen=True)
class Cached(Output):
    """Settings of every command that keeps what it makes once."""

    cache: str = ""
    """folder that keeps states, twins and worlds; what the environment variable TWINSCOPE_CACHE
    names if none is given, or else .cache"""

    def check(self) -> None:
        """As of all settings; from here on caches lie where these say."""
        global _asked
        super().check()
        _asked = self.cache
        folder_of("banks")


def folder_of(kind: str) -> Path:
    """Where a cache lies: where ``--cache``, or ``TWINSCOPE_CACHE``, says, or else in ``.cache``.

    Args:
        kind: name of the cache, such as ``banks``.

    Raises:
        UserError: no path is named, or something that is no folder.
    """
    who = FLAG if _asked else VARIABLE
    try:
        place = path_of(_asked or os.environ.get(VARIABLE, DEFAULT))
    except UserError as error:
        raise UserError(f"{who}: {error}") from error
    if place.exists() and not place.is_dir():
        raise UserError(f"{who}: expected a folder, got {place}, which is none; name another")
    return place / kind


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex digits; about a second for a gigabyte.

    Raises:
        UserError: no file there, or a folder, pipe or device, which might never end.
    """
    check_file(path, limit=_ANY, what="a file to be summed")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(path: Path) -> Path:
    return path.with_suffix(".sha256")


def note_content(path: Path) -> None:
    """Write down beside a complete file what it holds."""
    write_text(_note(path), digest_of(path) + "\n")


def is_as_written(path: Path) -> bool:
    """Whether a file holds what :func:`note_content` saw; it then counts as used now."""
    try:
        noted = read_text(_note(path), limit=_NOTE, what="the note of a file")
        whole = noted.strip() == digest_of(path)
    except (OSError, UserError):
        return False
    if whole:
        with contextlib.suppress(OSError):
            os.utime(path)
    return whole


def holds(path: Path, kind: str, shape: tuple[int | None, ...]) -> bool:
    """Whether a ``.npy`` file holds an array of that type and shape, row by row.

    Args:
        path: the file.
        kind: the type, such as ``uint8``.
        shape: ``None`` where any length will do.
    """
    try:
        size = check_file(path, limit=_ANY, what="an array")
        with told(path, "an array"), open(path, "rb") as file:
            found, by_columns, dtype = header_of(file, size, str(path), limit=size)
    except UserError:
        return False
    lengths = tuple(None if n is None else m for m, n in zip(found, shape, strict=False))
    return (dtype, by_columns, len(found), lengths) == (np.dtype(kind), False, len(shape), shape)


def stands(path: Path, kind: str, shape: tuple[int | None, ...]) -> bool:
    """Whether an array stands there as it was written, see :func:`holds`; it counts as used now."""
    return is_as_written(path) and holds(path, kind, shape)


class Hold:
    """Keeps a file from being evicted for as long as this object lives."""

    def __init__(self, path: Path) -> None:
        """Take hold of a file that is there."""
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            os.close(self._handle)


def _size(entry: Path) -> int:
    files = [entry] if entry.is_file() else [one for one in entry.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)


def remove(entry: Path) -> bool:
    """Remove an entry, or whatever stands in its place, unless a process holds it."""
    try:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.is_file():
            with open(entry, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                entry.unlink(missing_ok=True)
                _note(entry).unlink(missing_ok=True)
        else:  # a pipe, which waits for whoever opens it, or a link to nothing
            entry.unlink(missing_ok=True)
        return True
    except OSError:
        return False


def make_room(folder: Path, wanted: int, most: int | None = None) -> None:
    """Evict what was not used for longest until ``wanted`` bytes more fit; leftovers go first.

    Args:
        folder: the cache; each file, or folder, in it is an entry.
        wanted: bytes about to be written.
        most: :data:`MOST` unless another bound is given.
    """
    most = MOST if most is None else most
    entries: list[tuple[float, int, Path]] = []
    for entry in folder.glob("*") if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # another process evicts, too
            used = entry.stat().st_mtime
            if entry.name.endswith(".tmp") and time.time() - used > _FORGOTTEN:
                remove(entry)
            elif entry.suffix not in (".sha256", ".tmp"):
                entries.append((used, _size(entry), entry))
    total = sum(size for _, size, _ in entries) + wanted
    for _, size, entry in sorted(entries):
        if total <= most:
            break
        if remove(entry):
            total -= size
            say(f"{entry} makes room in the cache; it will be made again when it is needed")
