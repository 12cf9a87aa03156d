"""Twin sets: every state of a bank on the same backgrounds, drawn once and read in blocks.

All measures of invariance share one layout, (state, background, …). Its frames are drawn once,
kept in a cache on disk beside the banks and given out a block of states at a time, so that any
number fits into memory. Features are not kept: reading a layer again from the frames takes less
time than reading it back from a disk (Nature, one core: about 20,000 frames a second).
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.lib.format import open_memmap

from analysis.measures.decisions import Decisions, probabilities
from analysis.policies.features import read
from analysis.scenes.bank import Bank, procgen_version
from analysis.scenes.cache import Hold, folder_of, make_room, note_content, remove, stands
from analysis.scenes.file_world import FileWorld
from analysis.scenes.worlds import world_of
from checkpoints.console import UserError, say
from checkpoints.doors.writing import atomic
from checkpoints.world.games import IMAGE_SHAPE
from checkpoints.world.states import check_background

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy

FRAMES = 256
"""Frames a block, unless another number of states is asked for: one forward pass."""


@dataclass(frozen=True)
class TwinReading:
    """What a policy makes of some states on every background of a twin set."""

    layers: dict[str, Float[np.ndarray, "state background feature"]]
    """activation of each layer asked for, flattened, float32"""
    log_probs: Float[np.ndarray, "state background action"]
    """log-probabilities of the actions, in nats"""
    values: Float[np.ndarray, "state background"]
    """the critic's value, in units of scaled discounted reward"""

    @staticmethod
    def joined(parts: "Sequence[TwinReading]") -> "TwinReading":
        """Consecutive states together."""
        return TwinReading(
            {name: np.concatenate([one.layers[name] for one in parts]) for name in parts[0].layers},
            np.concatenate([one.log_probs for one in parts]),
            np.concatenate([one.values for one in parts]),
        )

    @property
    def decisions(self) -> Decisions:
        """Probabilities and values, of all actions apart."""
        return Decisions(probabilities(self.log_probs), self.values.astype(np.float64))


@dataclass(frozen=True)
class Block:
    """Consecutive states of a twin set."""

    states: slice
    """which rows of the bank they are"""
    frames: UInt8[np.ndarray, "state background h w c"]

    def read(self, policy: "Policy", layers: Sequence[str] | None = None) -> TwinReading:
        """What a policy makes of it; arguments as in ``analysis.policies.features.read``."""
        whole = read(policy, self.frames.reshape(-1, *self.frames.shape[2:]), layers)
        shape = self.frames.shape[:2]
        return TwinReading(
            {name: found.reshape(*shape, -1) for name, found in whole.layers.items()},
            whole.log_probs.reshape(*shape, -1),
            whole.values.reshape(shape),
        )


@dataclass(frozen=True, eq=False)
class TwinSet:
    """The states of a bank, each on each of ``backgrounds``."""

    game: str
    bank: Bank
    backgrounds: tuple[int, ...]
    own: Int[np.ndarray, " state"]
    """the background on which each state was met; not always one of ``backgrounds``"""
    path: Path
    """the frames, ``(state, background, h, w, c)`` uint8 in one .npy file"""
    held: Hold | None = None
    """keeps that file in the cache"""
    rows: Int[np.ndarray, " state"] | None = None
    """of a world in a file: where the bank's states stand in that file, which has all variants"""

    def __len__(self) -> int:
        return len(self.bank)

    @property
    def chunk(self) -> int:
        """States whose twins make :data:`FRAMES`, at least one."""
        return max(1, FRAMES // len(self.backgrounds))

    def blocks(self, chunk: int | None = None) -> Iterator[Block]:
        """All states in order, ``chunk`` at a time, or as many as make :data:`FRAMES`."""
        chunk = self.chunk if chunk is None else chunk
        if chunk < 1:
            raise UserError(f"chunk: expected at least 1 state, got {chunk}; 32 is usual")
        for start in range(0, len(self), chunk):
            states = slice(start, min(start + chunk, len(self)))
            # Opened anew for each block: pages of a map that stays open would count as memory.
            there = np.load(self.path, mmap_mode="r")
            if self.rows is None:
                yield Block(states, np.array(there[states]))
            else:
                yield Block(states, there[np.ix_(self.rows[states], np.array(self.backgrounds))])

    def readings(
        self, policy: "Policy", layers: Sequence[str] | None = None, chunk: int | None = None
    ) -> Iterator[tuple[slice, TwinReading]]:
        """Which states, and what ``policy`` makes of them, block by block."""
        for block in self.blocks(chunk):
            yield block.states, block.read(policy, layers)

    def read(self, policy: "Policy", layers: Sequence[str]) -> TwinReading:
        """Some layers and the decisions on all twins, kept in memory.

        Raises:
            UserError: a layer would take more than 2 GB.
        """
        parts = []
        for states, reading in self.readings(policy, layers):
            parts.append(reading)
            for layer, block in reading.layers.items() if states.start == 0 else ():
                size = block[0].nbytes * len(self)
                if size > 2 * 1024**3:
                    raise UserError(
                        f"{layer}: expected at most 2 GB of activations, got {size / 1024**3:.1f} "
                        f"GB for {len(self):,} states on {len(self.backgrounds)} backgrounds; take "
                        "fewer states"
                    )
        return TwinReading.joined(parts)


def twin_set(
    game: str, bank: Bank, backgrounds: Sequence[int], folder: Path | None = None
) -> TwinSet:
    """Draw every state of ``bank`` on every background, or find that it was done before.

    Args:
        game: whose states they are; frames of a world in a file are drawn already.
        bank: the states.
        backgrounds: at least two different ones that the game has.
        folder: the cache; holds one file a twin set, named by the hash of all that decides it;
            None takes :func:`analysis.scenes.cache.folder_of`.

    Raises:
        UserError: fewer than two backgrounds (chaser has one), one named twice or not there.
    """
    chosen = tuple(check_background(game, b) for b in backgrounds)
    if len(set(chosen)) < 2 or len(set(chosen)) < len(chosen):
        raise UserError(
            f"{game}: expected at least 2 different backgrounds, got {list(backgrounds)}; a state "
            "on one background has no twins (chaser has only one)"
        )
    world = world_of(game)
    own = world.own(bank.states)
    if isinstance(world, FileWorld):
        frames = world.files[0]
        return TwinSet(game, bank, chosen, own, frames, Hold(frames), world.rows(bank.states))
    decisive = {"procgen": procgen_version(), "game": game, "backgrounds": chosen, "format": 1}
    name = sha256(json.dumps(decisive, sort_keys=True).encode())
    name.update(bank.states.joined.tobytes())
    path = (folder or folder_of("twins")) / f"{name.hexdigest()[:16]}.npy"
    shape = (len(bank), len(chosen), *IMAGE_SHAPE)
    if not stands(path, "uint8", shape):
        say(f"{game}: drawing {len(bank):,} states on {len(chosen)} backgrounds")
        _draw(game, bank, chosen, path)
    return TwinSet(game, bank, chosen, own, path, Hold(path))


def _draw(game: str, bank: Bank, backgrounds: tuple[int, ...], path: Path) -> None:
    """Write the frames under a temporary name, then rename: a kill leaves no half set."""
    from checkpoints.world.renderer import Renderer

    shape = (len(bank), len(backgrounds), *IMAGE_SHAPE)
    renderer = Renderer(game)
    make_room(path.parent, math.prod(shape))
    if path.is_dir():
        remove(path)
    with atomic(path) as temporary:
        frames = open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        # A full disk under a map ends the process without a word; asked for now, it is an error.
        with open(temporary, "rb+") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
        start = 0
        for part in renderer.stream(bank.states, backgrounds):
            frames[start : start + len(part)] = part
            start += len(part)
        frames.flush()
        del frames
    note_content(path)
