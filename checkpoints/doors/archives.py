"""Archives of several arrays (``.npz``), without pickle: small ones whole, large ones in parts.

Sizes, types and shapes are known from the headers before anything is unpacked.
"""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.console import UserError
from checkpoints.doors.arrays import header_of, of_stream, told
from checkpoints.doors.reading import MIB, check_file, shown

MEMBERS = 200
"""Arrays of an archive at most."""


@dataclass(frozen=True)
class Member:
    """One array of an archive, not yet read."""

    file: str
    """its name in the archive, with or without ``.npy``"""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool
    """in Fortran's order, which cannot be read row by row"""
    size: int
    """of its ``.npy`` stream, bytes"""


class Archive:
    """A ``.npz`` file that is looked into.

    Attributes:
        path: the file.
        members: name -> its header.
    """

    def __init__(self, path: Path, what: str, *, limit: int) -> None:
        """Read every header.

        Args:
            path: the file.
            what: what was expected, such as ``a world``.
            limit: bytes of the file and of each array at most.

        Raises:
            UserError: no such file, no archive, too large, too many arrays, one of objects.
        """
        self.path, self._what = path, what
        check_file(path, limit=limit, what=what)
        self.members: dict[str, Member] = {}
        with told(path, what), zipfile.ZipFile(path) as archive:
            found = archive.infolist()
            names = [one.filename.removesuffix(".npy") for one in found]
            if len(found) > MEMBERS or len(set(names)) < len(found):
                raise UserError(
                    f"{path}: expected at most {MEMBERS} arrays of different names, got "
                    f"{len(found)}; save it with np.savez_compressed"
                )
            for name, one in zip(names, found, strict=True):
                with archive.open(one) as file:
                    where = f"{path}: {shown(name)}"
                    shape, by_columns, dtype = header_of(file, one.file_size, where, limit)
                self.members[name] = Member(one.filename, shape, dtype, by_columns, one.file_size)

    def check_names(
        self, required: Iterable[str], optional: Iterable[str] = (), prefix: str = ""
    ) -> None:
        """Raise ``UserError`` unless all that are required are there, and nothing unknown is.

        Args:
            required: names of arrays.
            optional: names that may be there.
            prefix: of further names; without one there are none.
        """
        required, optional = list(required), list(optional)
        missing = [name for name in required if name not in self.members]
        if missing:
            raise UserError(
                f"{self.path}: expected {self._what} with {', '.join(required)}, lacking "
                f"{', '.join(missing)}; add what is missing"
            )
        known = {*required, *optional}
        further = [f"{prefix}NAME"] if prefix else []
        unknown = [
            n for n in self.members if n not in known and not (prefix and n.startswith(prefix))
        ]
        if unknown:
            raise UserError(
                f"{self.path}: unknown array {shown(unknown[0])}; expected "
                f"{', '.join([*required, *optional, *further])}"
            )

    def read(self, name: str) -> np.ndarray:
        """One array, whole, in the machine's byte order."""
        with told(self.path, self._what), zipfile.ZipFile(self.path) as archive:
            with archive.open(self.members[name].file) as file:
                found = of_stream(file, self.members[name].size, f"{self.path}: {name}")
        return found.astype(found.dtype.newbyteorder("="), copy=False)

    def rows(self, name: str, most: int = 64 * MIB) -> Iterator[np.ndarray]:
        """One array in consecutive parts of its first axis, at most so many bytes each."""
        member = self.members[name]
        count = member.shape[0]
        row = member.dtype.itemsize * int(np.prod(member.shape[1:], dtype=np.int64))
        step = max(1, most // max(row, 1))
        with told(self.path, self._what), zipfile.ZipFile(self.path) as archive:
            with archive.open(member.file) as file:
                header_of(file, member.size, f"{self.path}: {name}", member.size)
                for start in range(0, count, step):
                    rows = min(step, count - start)
                    raw = file.read(rows * row)
                    if len(raw) != rows * row:
                        raise EOFError(f"{len(raw):,} of {rows * row:,} bytes of {name}")
                    yield np.frombuffer(raw, member.dtype).reshape(rows, *member.shape[1:])
