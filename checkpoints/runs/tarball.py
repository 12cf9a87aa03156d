"""The files of an archive, one after the other: sized before they are read, and nothing else there.

Archives are xz streams strung together that hold one plain tar. Long names, links, sparse files and
whatever else tar can say are refused, since ``--pack`` writes none of it.
"""

import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path

from checkpoints.console import UserError
from checkpoints.doors.reading import MIB, check_file, shown

LIMIT = 16 * MIB
"""Largest archive, bytes."""
UNPACKED_LIMIT = 32 * LIMIT
"""Bytes that all files of one may have together."""
LARGEST = {"safetensors": 256 * MIB, "csv": 64 * MIB, "json": MIB}
"""Ending -> bytes of one file at most."""
_MEMORY = 128 * MIB
_CHUNK = 2**16


def damaged(archive: Path, found: object) -> UserError:
    """The error to raise about an archive; ``found`` says what is wrong with it."""
    return UserError(
        f"expected an archive written by --pack, but {archive} is damaged or of another kind "
        f"({found}). Copy it again, or pack the run again"
    )


class _Unpacked:
    """What comes out of the xz streams of a file, in pieces of the size asked for."""

    def __init__(self, archive: Path) -> None:
        check_file(archive, limit=LIMIT, what="an archive")
        self._archive, self._rest, self._made = archive, archive.read_bytes(), 0
        self._stream: lzma.LZMADecompressor | None = None
        self._ready = b""

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer where the archive ends."""
        parts, left = [self._ready[:size]], size - len(self._ready[:size])
        self._ready = self._ready[size:]
        while left > 0 and (piece := self._more(min(left, _CHUNK))):
            parts.append(piece[:left])
            self._ready = piece[left:]
            left -= len(parts[-1])
        return b"".join(parts)

    def _more(self, most: int) -> bytes:
        while True:
            if self._stream is None or self._stream.eof:
                if self._stream is not None:
                    self._rest = self._stream.unused_data
                if not self._rest:
                    return b""
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
            fed, self._rest = self._rest, b""
            piece = self._stream.decompress(fed, most)
            self._made += len(piece)
            if self._made > UNPACKED_LIMIT:
                raise damaged(self._archive, f"more than {UNPACKED_LIMIT:,} bytes")
            if piece:
                return piece
            if not self._stream.eof and self._stream.needs_input:
                raise damaged(self._archive, "its end is missing")


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file.

    Raises:
        UserError: no archive there, a damaged one, a member that is no plain file or beyond its
            limit, or anything behind the end.
    """
    unpacked = _Unpacked(archive)
    try:
        while True:
            block = unpacked.read(tarfile.BLOCKSIZE)
            if block == bytes(tarfile.BLOCKSIZE):
                break
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            name = shown(info.name)
            limit = LARGEST.get(info.name.rpartition(".")[2], 0)
            if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not limit:
                raise damaged(archive, f"{name} is no file of a run")
            if not 0 <= info.size <= limit:
                raise damaged(archive, f"{name} has {info.size:,} bytes, at most {limit:,}")
            content = unpacked.read(info.size)
            padding = unpacked.read(-info.size % tarfile.BLOCKSIZE)
            if len(content) < info.size or len(padding) < -info.size % tarfile.BLOCKSIZE:
                raise damaged(archive, f"{name} is cut short")
            yield info.name, content
        # Two empty blocks end a tar; other programs fill its last record with more of them.
        while rest := unpacked.read(_CHUNK):
            if rest.strip(b"\0"):
                raise damaged(archive, "more behind its end")
    except (tarfile.TarError, lzma.LZMAError, EOFError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise damaged(archive, shown(str(error))) from error
