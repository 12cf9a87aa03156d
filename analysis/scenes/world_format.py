"""A world in a file: what stands in it, and every check of it, before anything is measured.

``np.savez_compressed(path, frames=…, level=…, own=…, meta=json.dumps(…))`` writes one:

- ``frames`` (S, V, H, W, C) uint8: each state in each variant of what should not matter;
- ``level`` (S,) whole numbers or text: states of one level resemble each other, and are resampled
  together; at least 2 levels;
- ``own`` (S,) whole numbers: the variant on which the state was met, -1 for none of them;
- ``meta``, JSON: ``{"world": NAME, "variants": [NAME, …], "actions": NUMBER or "continuous"}``;
- ``time`` (S,), steps since the episode began, and ``mask`` (S, H, W), true where the picture is
  background, and ``factor/NAME`` (S,), floats for numbers, whole numbers or text for classes:
  each may be missing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from jaxtyping import Bool, Int, UInt8

from checkpoints.console import UserError
from checkpoints.doors.archives import Archive
from checkpoints.doors.reading import parse_json, shown
from checkpoints.world.games import Game

LARGEST = 2**40
"""Bytes of a file, and of its frames unpacked, at most."""
PART = 64 * 2**20
"""Bytes of frames in memory at once."""
META = 64 * 2**10
"""Characters of ``meta`` at most."""
REQUIRED = ("frames", "level", "own", "meta")
OPTIONAL = ("time", "mask")
FACTOR = "factor/"
MOST_CHANNELS = 64


class Meta(msgspec.Struct, forbid_unknown_fields=True):
    """What a world is called, its variants by name, and its actions."""

    world: str
    variants: list[str]
    actions: int | Literal["continuous"]


@dataclass(frozen=True, eq=False)
class Contents:
    """A file whose small arrays are read and checked; its frames are still packed."""

    archive: Archive
    meta: Meta
    shape: tuple[int, int, int, int, int]
    """states, variants, height, width, channels"""
    levels: Int[np.ndarray, " state"]
    own: Int[np.ndarray, " state"]
    time: Int[np.ndarray, " state"]
    factors: dict[str, np.ndarray]

    @property
    def facts(self) -> Game:
        """What everybody asks of a game; without returns, for nobody plays it."""
        nowhere = (math.nan, math.nan)
        continuous = self.meta.actions == "continuous"
        actions = 0 if continuous else int(self.meta.actions)
        return Game(self.meta.world, self.shape[1], nowhere, nowhere, self.shape[2:], actions)

    @property
    def has_masks(self) -> bool:
        """Whether the file says which pixels are background."""
        return "mask" in self.archive.members


def read_contents(path: Path) -> Contents:
    """Read and check all but the frames and masks.

    Raises:
        UserError: another format, missing or unknown arrays, arrays of objects, of another kind,
            shape or range than they must be.
    """
    archive = Archive(path, "a world", limit=LARGEST)
    archive.check_names(REQUIRED, OPTIONAL, FACTOR)
    meta, shape = _meta(archive), _shape(archive)
    if len(meta.variants) != shape[1]:
        raise UserError(
            f"{path}: expected a name for each of the {shape[1]} variants of frames, got "
            f"{len(meta.variants)}; give meta as many variants"
        )
    own = _whole(archive, "own", shape[0])
    if own.min() < -1 or own.max() >= shape[1]:
        raise UserError(
            f"{path}: own: expected numbers of variants, 0 to {shape[1] - 1}, or -1 for none of "
            f"them, got {int(own.min())} to {int(own.max())}; correct them"
        )
    has_time = "time" in archive.members
    time = _whole(archive, "time", shape[0]) if has_time else np.zeros(shape[0], np.int64)
    if time.min() < 0:
        raise UserError(f"{path}: time: expected steps, 0 or more, got {int(time.min())}")
    names = [name for name in archive.members if name.startswith(FACTOR)]
    factors = {name.removeprefix(FACTOR): _factor(archive, name, shape[0]) for name in names}
    if "background" in factors or "" in factors:
        raise UserError(
            f"{path}: expected factors with names other than background, which the variants are "
            "called in tables; rename it"
        )
    return Contents(archive, meta, shape, _levels(archive, shape[0]), own, time, factors)


def _meta(archive: Archive) -> Meta:
    where, member = f"{archive.path}: meta", archive.members["meta"]
    if member.dtype.kind != "U" or member.shape != () or member.dtype.itemsize > 4 * META:
        raise UserError(
            f"{where}: expected one text of at most {META:,} characters, got {member.dtype} of "
            f"shape {member.shape}; save meta=json.dumps({{'world': …, 'variants': …, "
            "'actions': …}})"
        )
    found: Meta = parse_json(str(archive.read("meta")), Meta, where=where)
    if len(set(found.variants)) < len(found.variants) or not all(found.variants):
        raise UserError(
            f"{where}: expected variants of different names, got {shown(found.variants)}"
        )
    if found.actions != "continuous" and not 2 <= found.actions <= 10_000:
        raise UserError(
            f"{where}: expected actions from 2 to 10,000, or 'continuous', got {found.actions}"
        )
    return found


def _shape(archive: Archive) -> tuple[int, int, int, int, int]:
    member = archive.members["frames"]
    told = f"{archive.path}: frames: expected uint8 of shape (states, variants, height, width, "
    got = f"got {member.dtype} of shape {member.shape}"
    if member.dtype != np.uint8:
        raise UserError(f"{told}channels), {got}; save 0 to 255 with .astype(np.uint8)")
    if len(member.shape) != 5 or 0 in member.shape:
        raise UserError(f"{told}channels), none of them 0, {got}; stack them so")
    states, variants, height, width, channels = member.shape
    if channels > MOST_CHANNELS or (height <= 4 < min(width, channels)):
        raise UserError(
            f"{told}channels), at most {MOST_CHANNELS} channels, last, {got}; move them with "
            "np.moveaxis(frames, 2, -1)"
        )
    if variants < 2:
        raise UserError(
            f"{told}channels), at least 2 variants, {got}; a state drawn once has no twins"
        )
    if member.by_columns:
        raise UserError(
            f"{archive.path}: frames: expected rows in order, got Fortran's; save "
            "np.ascontiguousarray(frames)"
        )
    return states, variants, height, width, channels


def _column(archive: Archive, name: str, states: int, kinds: str, what: str) -> np.ndarray:
    member = archive.members[name]
    if member.dtype.kind not in kinds or member.shape != (states,):
        raise UserError(
            f"{archive.path}: {name}: expected {what} for each of {states:,} states, shape "
            f"({states},), got {member.dtype} of shape {member.shape}; save one a state"
        )
    return archive.read(name)


def _whole(archive: Archive, name: str, states: int) -> np.ndarray:
    found = _column(archive, name, states, "iu", "a whole number")
    return found.astype(np.int64)


def _levels(archive: Archive, states: int) -> np.ndarray:
    found = _column(archive, "level", states, "iuU", "a level, a whole number or text,")
    if len(np.unique(found)) < 2:
        raise UserError(
            f"{archive.path}: level: expected at least 2 levels, got one; intervals resample "
            "levels, so gather states of more"
        )
    if found.dtype.kind == "U" or found.max() > np.iinfo(np.int64).max:
        return np.unique(found, return_inverse=True)[1].astype(np.int64)
    return found.astype(np.int64)


def _factor(archive: Archive, name: str, states: int) -> np.ndarray:
    found = _column(archive, name, states, "fiubU", "a number or class")
    if found.dtype.kind == "f" and np.isinf(found).any():
        raise UserError(
            f"{archive.path}: {name}: expected finite numbers, or NaN where a state has no such "
            "thing, got infinity"
        )
    if found.dtype.kind == "f" and np.isnan(found).all():
        raise UserError(
            f"{archive.path}: {name}: expected a value in some state, got NaN in all {states:,}; "
            "leave it out"
        )
    return found


def checked_parts(
    found: Contents,
) -> Iterator[
    tuple[UInt8[np.ndarray, "state variant h w c"], Bool[np.ndarray, "state h w"] | None]
]:
    """Frames and masks, part by part, each checked; what concerns all of them at the end.

    Raises:
        UserError: two variants that are the same in every state, a mask that is empty or full, or
            pixels that vary outside of it.
    """
    path, (states, variants, *_) = found.archive.path, found.shape
    digests = [blake2b(digest_size=16) for _ in range(variants)]
    masks = _masks(found)
    start = 0
    for frames in found.archive.rows("frames", PART):
        mask = next(masks)[: len(frames)] if found.has_masks else None
        for digest, view in zip(digests, np.moveaxis(frames, 1, 0), strict=True):
            digest.update(np.ascontiguousarray(view).data)
        if mask is not None:
            _check_masks(path, frames, mask, start)
        yield frames, mask
        start += len(frames)
    assert start == states
    seen: dict[bytes, int] = {}
    for place, digest in enumerate(digests):
        other = seen.setdefault(digest.digest(), place)
        if other != place:
            one, two = found.meta.variants[other], found.meta.variants[place]
            raise UserError(
                f"{path}: expected variants that differ, got the same frames in {shown(one)} and "
                f"{shown(two)}, in all {states:,} states; draw the variant, or leave it out"
            )


def _masks(found: Contents) -> Iterator[np.ndarray]:
    """Masks of as many states as each part of the frames has."""
    if not found.has_masks:
        return
    member, (states, variants, height, width, channels) = found.archive.members["mask"], found.shape
    path = found.archive.path
    if member.shape != (states, height, width) or member.dtype.kind not in "bu":
        raise UserError(
            f"{path}: mask: expected true or false of shape ({states}, {height}, {width}), got "
            f"{member.dtype} of shape {member.shape}; save it as bool"
        )
    if member.by_columns:
        raise UserError(f"{path}: mask: expected rows in order; save np.ascontiguousarray(mask)")
    step = max(1, PART // (variants * height * width * channels))
    for part in found.archive.rows("mask", step * height * width * member.dtype.itemsize):
        if part.dtype.kind == "u" and part.max() > 1:
            raise UserError(f"{path}: mask: expected 0 and 1, got {int(part.max())}")
        yield part.astype(bool)


def _check_masks(path: Path, frames: np.ndarray, mask: np.ndarray, start: int) -> None:
    area = mask.mean(axis=(1, 2))
    for value, word in ((0, "an empty"), (1, "a full")):
        bad = np.flatnonzero(area == value)
        if len(bad):
            raise UserError(
                f"{path}: mask: expected some pixels of background and some of other things in "
                f"each state, got {word} one, first of state {start + int(bad[0])}; correct it, "
                "or leave these states out"
            )
    varies = (frames != frames[:, :1]).any(axis=(1, 4))
    outside = (varies & ~mask).sum(axis=(1, 2))
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise UserError(
            f"{path}: mask: expected pixels to vary only under the mask, got "
            f"{int(outside[first]):,} that vary outside of it, first in state {start + first}; "
            "twins are to differ in the background alone"
        )
