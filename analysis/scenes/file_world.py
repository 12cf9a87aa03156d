"""A file of renderings as a world: unpacked once, then read in blocks."""

import os
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy.lib.format import write_array_header_1_0

from analysis.scenes.bank import Bank
from analysis.scenes.cache import (
    Hold,
    digest_of,
    folder_of,
    make_room,
    note_content,
    remove,
    stands,
)
from analysis.scenes.state_list import StateList
from analysis.scenes.world_format import PART, Contents, checked_parts, read_contents
from analysis.scenes.worlds import keep_open
from checkpoints.console import UserError, say, watch
from checkpoints.doors.writing import atomic
from checkpoints.world.games import Mode, add_world

_ONCE = 32  # rows picked before the map is opened anew
_ROW = np.dtype("<i8")  # a state's bytes are the number of its row


def open_world(path: Path, folder: Path | None = None) -> "FileWorld":
    """The world in a file, known by its name from then on; its form: ``scenes.world_format``.

    Args:
        path: the ``.npz`` file.
        folder: the cache that it is unpacked into, once; None takes
            :func:`analysis.scenes.cache.folder_of`.

    Raises:
        UserError: whatever does not stand in it as it must.
    """
    found = read_contents(path)
    add_world(found.facts)
    digest = digest_of(path)
    world = FileWorld(found, digest, folder or folder_of("worlds"))
    forms = [("uint8", found.shape), ("bool", (found.shape[0], *found.shape[2:4]))]
    if not all(stands(file, *form) for file, form in zip(world.files, forms, strict=False)):
        _unpack(found, *world.files)
    world.held = [Hold(file) for file in world.files]
    keep_open(world)
    return world


class FileWorld:
    """A world out of a file; see :class:`analysis.scenes.worlds.World`.

    A state that was met on none of the variants is shown on the first of them.

    Attributes:
        name: as the file says.
        digest: SHA-256 of the file.
        files: its frames, ``(state, variant, h, w, c)`` uint8 in one .npy file, and its masks.
        held: keeps them in the cache.
    """

    def __init__(self, found: Contents, digest: str, folder: Path) -> None:
        """Of a file that was read; its frames lie in ``folder``, or will."""
        self._found, self.digest = found, digest
        self.name = found.meta.world
        names = [digest[:16], f"{digest[:16]}-mask"][: 1 + found.has_masks]
        self.files = [folder / f"{name}.npy" for name in names]
        self.held: list[Hold] = []

    @property
    def noted(self) -> dict[str, Any]:
        """What a provenance says of it."""
        return {"name": self.name, "sha256": self.digest, "variants": list(self.variants)}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return self._found.shape[2:]

    @property
    def num_actions(self) -> int:
        """How many there are; 0 where actions are continuous."""
        return self._found.facts.num_actions

    @property
    def variants(self) -> tuple[str, ...]:
        """Their names, by their numbers."""
        return tuple(self._found.meta.variants)

    def __len__(self) -> int:
        return len(self._found.levels)

    def bank(
        self, states: int, seed: int = 0, *, mode: Mode = "easy", per_level: int | None = None
    ) -> Bank:
        """So many states, or all that there are, at most ``per_level`` of a level.

        Drawn at random where there are more, and in the order of the file.
        """
        rows = np.arange(len(self))
        if states < len(rows) or per_level is not None:
            rows = np.random.default_rng(seed).permutation(len(self))
            if per_level is not None:
                rows = rows[_place_in(self._found.levels[rows]) < per_level]
            rows = np.sort(rows[:states])
        if len(rows) < states:
            of = f", {per_level} a level" if per_level is not None else ""
            say(f"{self.name}: {len(rows):,} states{of}, all that the file has, are looked at")
        found, joined = self._found, rows.astype(_ROW).view(np.uint8)
        listed = StateList(joined, np.arange(len(rows) + 1) * _ROW.itemsize)
        pictures = self._picked(rows, self._shown[rows])
        nobody = np.zeros(len(rows), np.int64)
        return Bank(listed, pictures, found.levels[rows], found.time[rows], nobody)

    @property
    def _shown(self) -> np.ndarray:
        return np.maximum(self._found.own, 0)

    def _frames(self) -> np.ndarray:
        # Opened anew each time: pages of a map that stays open would count as memory.
        found: np.ndarray = np.load(self.files[0], mmap_mode="r")
        return found

    def _picked(self, rows: np.ndarray, variants: np.ndarray) -> np.ndarray:
        """Row i in its own variant, a few at a time: rows far apart map much of a file."""
        found = np.empty((len(rows), *self.image_shape), dtype=np.uint8)
        for start in range(0, len(rows), _ONCE):
            some = slice(start, start + _ONCE)
            found[some] = self._frames()[rows[some], variants[some]]
        return found

    def rows(self, states: Sequence[bytes]) -> Int[np.ndarray, " state"]:
        """Rows of the file that states of this world are."""
        rows = np.frombuffer(b"".join(states), _ROW).astype(np.int64)
        if len(rows) != len(states) or (
            len(rows) and not 0 <= rows.min() <= rows.max() < len(self)
        ):
            raise UserError(
                f"expected states of {self.name}, which are the rows of a file, got others; take "
                "them from its bank"
            )
        return rows

    def own(self, states: Sequence[bytes]) -> Int[np.ndarray, " state"]:
        """The variant that the bank's picture of each state shows."""
        return self._shown[self.rows(states)]

    def render(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state background h w c"]:
        """Each state in each of some variants, by their numbers."""
        return self._frames()[np.ix_(self.rows(states), self._known(backgrounds))]

    def render_each(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state h w c"]:
        """State i in variant ``backgrounds[i]``."""
        return self._picked(self.rows(states), self._known(backgrounds))

    def stream(
        self, states: Sequence[bytes], backgrounds: Sequence[int], chunk: int = 64
    ) -> Iterator[UInt8[np.ndarray, "state background h w c"]]:
        """Like :meth:`render`, ``chunk`` states at a time."""
        for start in range(0, len(states), chunk):
            yield self.render(states[start : start + chunk], backgrounds)

    def masks(self, states: Sequence[bytes]) -> Bool[np.ndarray, "state h w"] | None:
        """Which pixels are background, as the file says; None where it does not."""
        if not self._found.has_masks:
            return None
        found: np.ndarray = np.load(self.files[1], mmap_mode="r")[self.rows(states)]
        return found

    def factors(self, states: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        """What the file says is true of each state, by name."""
        rows = self.rows(states)
        return {name: values[rows] for name, values in self._found.factors.items()}

    def _known(self, backgrounds: Sequence[int]) -> np.ndarray:
        chosen = np.asarray(backgrounds, dtype=np.int64)
        count = len(self.variants)
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < count:
            raise UserError(
                f"{self.name}: expected variants 0 to {count - 1}, got {list(backgrounds)[:8]}"
            )
        return chosen


def _place_in(levels: np.ndarray) -> np.ndarray:
    """Of each state how many of its level come before it."""
    order = np.argsort(levels, kind="stable")
    ordered = levels[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    place = np.arange(len(levels))
    found = np.empty(len(levels), dtype=np.int64)
    found[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return found


def _unpack(found: Contents, frames: Path, masks: Path | None = None) -> None:
    """Write what is packed as it is checked; a file that fails a check leaves nothing behind."""
    states, _, height, width, _ = found.shape
    size = found.archive.members["frames"].size + states * height * width * found.has_masks
    make_room(frames.parent, size)
    for path in (frames, masks):
        if path is not None and path.is_dir():
            remove(path)
    parts = watch(checked_parts(found), f"{found.meta.world}: unpacking", ceil(size / PART))
    if masks is None:
        with atomic(frames) as one, open(one, "xb") as file:
            _begin(file, found.shape, np.uint8)
            for block, _ in parts:
                file.write(block.data)
    else:
        with atomic(frames) as one, atomic(masks) as two, open(one, "xb") as file:
            with open(two, "xb") as other:
                _begin(file, found.shape, np.uint8)
                _begin(other, (states, height, width), np.bool_)
                for block, mask in parts:
                    file.write(block.data)
                    assert mask is not None
                    other.write(mask.data)
        note_content(masks)
    note_content(frames)


def _begin(file: IO[bytes], shape: tuple[int, ...], kind: Any) -> None:
    dtype = np.dtype(kind)
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    write_array_header_1_0(file, header)
    # A disk that has no room says so now.
    os.posix_fallocate(file.fileno(), file.tell(), int(np.prod(shape, dtype=np.int64)))
