"""Parts: what was measured of one run, in a file, so that runs are measured apart and joined.

A file is an ``.npz`` without pickle: ``header``, JSON in UTF-8, and two arrays of draws, whose rows
the header names. The same measurement gives the same bytes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from analysis.records.values import RETURN, Cell, Cells, Starts
from checkpoints.console import UserError
from checkpoints.doors.archives import Archive
from checkpoints.doors.reading import MIB, parse_json
from checkpoints.doors.writing import atomic, kept
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id

FORMAT = 1
LARGEST = 512 * MIB
"""Bytes of a part, and of each of its arrays, at most."""
WHAT = "a part of a measurement"
NetworkKind = tuple[str, int]
"""Encoder and how wide it is, as ``Subject.kind``."""


@dataclass(frozen=True, eq=False)
class Part:
    """What was measured of one run, or of the untrained networks of one encoder of a game."""

    name: str
    """the run, or ``game/untrained/encoder-width``"""
    kind: NetworkKind
    found: Mapping[PolicyId, Cells]
    """policy -> its cells; none of a run that keeps nothing"""
    begun: Mapping[PolicyId, Starts] = field(default_factory=dict)
    """policy without step -> what untrained networks have in the place of what only this run has"""
    codes: Mapping[PolicyId, str] = field(default_factory=dict)
    """policy -> hash of the code that trained it"""
    logged: int = 0
    """last step in the run's log"""
    ended: str = ""
    """why the run ended before its time, or keeps nothing; empty of a sound one"""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """what decided it and is no setting, such as which backgrounds were drawn"""

    @property
    def untrained(self) -> bool:
        """Whether it is of untrained networks."""
        return self.name.split("/")[1] == UNTRAINED

    @property
    def starts(self) -> Starts:
        """Of untrained networks: what each measure is in those of them that have it."""
        cells = list(self.found.values())
        return {
            key: np.stack([of[key].draws for of in cells if key in of])
            for key in (cells[0] if cells else ())
        }


class Stamp(msgspec.Struct, forbid_unknown_fields=True):
    """What a part was measured by and on: all that parts which are joined must agree in."""

    command: str
    code: dict[str, str]
    """package -> hash of its source, or its version"""
    settings: dict[str, Any]
    """what decides numbers"""
    told: dict[str, Any]
    """what it was told of the rest of the study"""
    files: dict[str, str]
    """file of the run -> its hash"""


def check_agrees(path: Path, found: Stamp, wanted: Stamp, otherwise: str) -> None:
    """Raise ``UserError`` with the first thing in which a part is not as it must be.

    Args:
        path: of the part.
        found: its stamp.
        wanted: what a part that is measured now would have.
        otherwise: what to do about it.
    """
    for what, got, needed in (
        ("command", {"command": found.command}, {"command": wanted.command}),
        ("code", found.code, wanted.code),
        ("setting", found.settings, wanted.settings),
        ("study", found.told, wanted.told),
        ("file", found.files, wanted.files),
    ):
        # As JSON has them: a tuple that was written comes back as a list.
        got, needed = json.loads(json.dumps([got, needed]))
        for name in sorted({*got, *needed}):
            sides = needed.get(name, "none"), got.get(name, "none")
            if sides[0] != sides[1]:
                raise UserError(
                    f"{path}: expected {_SAYS[what].format(name)} {sides[0]}, got {sides[1]}; "
                    f"{otherwise}"
                )


_SAYS = {
    "command": "a part of the {}",
    "code": "a part measured by the {} of this call,",
    "setting": "a part measured with the {} of this call,",
    "study": "a part of this study, with {}",
    "file": "the run as it was when the part was measured, but it went on or changed: {} with hash",
}


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    stamp: Stamp
    name: Annotated[str, msgspec.Meta(max_length=200)]
    kind: tuple[str, int]
    codes: dict[str, str]
    logged: Annotated[int, msgspec.Meta(ge=0)]
    ended: str
    notes: dict[str, Any]
    cells: list[tuple[str, str, str, str]]
    """policy, measure, layer and verdict of each row of ``draws``"""
    starts: list[tuple[str, str, str, Annotated[int, msgspec.Meta(ge=1)]]]
    """policy, measure, layer and number of rows of ``starts``"""


def write_part(part: Part, stamp: Stamp, path: Path, *, overwrite: bool) -> None:
    """Write a part, whole or not at all; ``UserError`` where one is kept."""
    if path.exists() and not overwrite:
        raise kept(path)
    cells = [(str(one), *key, cell) for one, of in part.found.items() for key, cell in of.items()]
    starts = [(str(one), *key, x) for one, of in part.begun.items() for key, x in of.items()]
    header = {
        "format": FORMAT,
        "stamp": msgspec.to_builtins(stamp),
        "name": part.name,
        "kind": part.kind,
        "codes": {str(one): code for one, code in part.codes.items()},
        "logged": part.logged,
        "ended": part.ended,
        "notes": dict(part.notes),
        "cells": [(*names, cell.verdict) for *names, cell in cells],
        "starts": [(*names, len(x)) for *names, x in starts],
    }
    arrays = {
        "header": np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8),
        "draws": _stacked([cell.draws[None] for *_, cell in cells]),
        "starts": _stacked([x for *_, x in starts]),
    }
    # In memory: a zip file that a full disk cuts short is closed by a traceback.
    packed = BytesIO()
    np.savez_compressed(packed, **arrays)
    with atomic(path, keep=not overwrite) as temporary:
        temporary.write_bytes(packed.getvalue())


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(rows).astype(np.float64) if rows else np.empty((0, 0))


def read_part(path: Path, length: int) -> tuple[Part, Stamp]:
    """A part and what it was measured by and on.

    Args:
        path: of the file.
        length: of draws: the estimate and the replicates.

    Raises:
        UserError: no such file, damage, another kind of file, arrays that are not as its header
            says.
    """
    archive = Archive(path, WHAT, limit=LARGEST)
    archive.check_names(("header", "draws", "starts"))
    header = _header(archive)
    count = len(header.cells), sum(rows for *_, rows in header.starts)
    shapes = [(rows, length if rows else 0) for rows in count]
    draws, starts = (
        _draws(archive, *pair) for pair in zip(("draws", "starts"), shapes, strict=True)
    )
    found: dict[PolicyId, Cells] = {}
    for (name, measure, layer, verdict), row in zip(header.cells, draws, strict=True):
        found.setdefault(parse_id(name), {})[measure, layer] = Cell(row, verdict)
    begun: dict[PolicyId, Starts] = {}
    for (name, measure, layer, _), rows in zip(header.starts, _split(header, starts), strict=True):
        begun.setdefault(parse_id(name), {})[measure, layer] = rows
    if not header.name.split("/")[1:2] == [UNTRAINED] and not _whole(found):
        raise _not_as_said(path, "the return and all measures at each step", "fewer")
    codes = {parse_id(name): code for name, code in header.codes.items()}
    facts = header.logged, header.ended, header.notes
    return Part(header.name, header.kind, found, begun, codes, *facts), header.stamp


def _whole(found: Mapping[PolicyId, Cells]) -> bool:
    """Whether the policies of a run have the same measures, with the return among them."""
    measures = {frozenset(cells) for cells in found.values()}
    return len(measures) < 2 and all(RETURN in dict(some) for some in measures)


def _header(archive: Archive) -> _Header:
    raw = archive.read("header")
    if raw.dtype != np.uint8 or raw.ndim != 1:
        raise _not_as_said(archive.path, "a header of bytes", f"{raw.dtype} {raw.shape}")
    where = f"{archive.path}, header"
    says = parse_json(raw.tobytes(), dict[str, Any], where=where).get("format")
    if says != FORMAT:
        raise UserError(
            f"{archive.path}: expected {WHAT} of format {FORMAT}, got {says}; measure it again"
        )
    found: _Header = parse_json(raw.tobytes(), _Header, where=where)
    return found


def _draws(archive: Archive, name: str, shape: tuple[int, int]) -> np.ndarray:
    found = archive.read(name)
    if found.dtype != np.float64 or found.shape != shape or np.isinf(found).any():
        got = f"{found.dtype} {found.shape}"
        raise _not_as_said(archive.path, f"{name} as finite float64 {shape}", got)
    return found


def _split(header: _Header, starts: np.ndarray) -> Iterator[np.ndarray]:
    ends = np.cumsum([0, *(rows for *_, rows in header.starts)])
    return (starts[first:last] for first, last in pairwise(ends))


def _not_as_said(path: Path, wanted: str, got: str) -> UserError:
    return UserError(f"{path}: expected {wanted}, got {got}: damaged; measure it again")
