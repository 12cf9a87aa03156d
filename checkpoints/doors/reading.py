"""How a file of any kind is opened, held to a size, and turned into typed values.

Nothing here waits or grows: only regular files are opened, none beyond the limit of its kind, and
text is parsed into declared types, so that what reads a file sees what it expects or nothing.
"""

import hashlib
import json
import os
import reprlib
import stat
from pathlib import Path
from typing import Any

import msgspec

from checkpoints.console import UserError

KIB, MIB = 2**10, 2**20

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlong = 40


def shown(value: object) -> str:
    """A value as messages quote it: at most some 80 characters, however long it is."""
    try:
        return _short.repr(value)
    except ValueError:  # an int of more digits than Python prints
        return f"a {type(value).__name__} too long to print"


def check_file(path: Path, *, limit: int, what: str) -> int:
    """The size of a regular file in bytes, without opening what is none.

    Args:
        path: the file.
        limit: largest size accepted, bytes.
        what: what was expected, such as ``a policy file``.

    Raises:
        UserError: no file there, a folder, pipe or device, or one beyond the limit.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise UserError(f"expected {what}, but there is none at {path}; check the path") from None
    except (OSError, ValueError) as error:
        raise UserError(f"expected {what} at {path}, but: {error}; check the path") from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or device"
        raise UserError(f"expected {what}, but {path} is {kind}; name a regular file")
    if found.st_size > limit:
        raise UserError(
            f"expected {what} of at most {limit:,} bytes, but {path} has {found.st_size:,}; it is "
            "of another kind or damaged"
        )
    return found.st_size


def read_bytes(path: Path, *, limit: int, what: str) -> bytes:
    """The content of a file; errors as in :func:`check_file`."""
    check_file(path, limit=limit, what=what)
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise UserError(f"expected {what} that can be read, but: {error}") from error
    if len(content) > limit:
        raise UserError(f"expected {what} of at most {limit:,} bytes, but {path} grows; wait")
    return content


def short_hash(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a file that is known to be one, for provenances."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def read_text(path: Path, *, limit: int, what: str) -> str:
    """The content of a file of UTF-8; errors as in :func:`check_file`, and for other bytes."""
    content = read_bytes(path, limit=limit, what=what)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"expected {what} in UTF-8, but {path} is not ({error.reason} at byte {error.start}); "
            "save it as UTF-8, or give another file"
        ) from error


def parse_json(text: str | bytes, kind: Any, *, where: str) -> Any:
    """JSON as a value of a declared type; NaN and Infinity are numbers, as Python writes them.

    Args:
        text: what to parse, of a length that is limited already.
        kind: a dataclass, a ``msgspec.Struct`` or any other type that msgspec converts to.
        where: names the place in messages.

    Raises:
        UserError: no JSON, or a field that is missing, unknown or of another type.
    """
    try:
        return convert(json.loads(text), kind, where=where)
    except (RecursionError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{where}: expected JSON, but: {shown(str(error))}") from error


def convert(values: Any, kind: Any, *, where: str) -> Any:
    """Parsed values as a declared type; errors name the field, what it is and should be."""
    try:
        return msgspec.convert(values, kind)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {error}. Give a file as it was written, or mend it") from error
    except UnicodeEncodeError as error:
        raise UserError(
            f"{where}: expected text in Unicode, got half of a pair of surrogates "
            f"({shown(error.object)}); mend the text"
        ) from error
