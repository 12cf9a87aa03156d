"""Procgen's states in one long array, which may lie on a disk."""

from collections.abc import Sequence
from typing import overload

import numpy as np
from jaxtyping import Int, UInt8

from checkpoints.world.states import GameState


class StateList(Sequence[bytes]):
    """States in one long array, cut out when they are asked for; read-only."""

    def __init__(
        self,
        joined: UInt8[np.ndarray, " bytes"],
        offsets: Int[np.ndarray, " fences"],
        *,
        known: bool = False,
    ) -> None:
        """State ``i`` is ``joined[offsets[i]:offsets[i + 1]]``; ``known`` if Procgen gave all."""
        self.joined, self.offsets, self.known = joined, offsets, known

    @staticmethod
    def of(states: Sequence[bytes]) -> "StateList":
        """The same states, joined."""
        offsets = np.cumsum([0, *map(len, states)], dtype=np.int64)
        known = all(isinstance(state, GameState) for state in states)
        return StateList(np.frombuffer(b"".join(states), np.uint8), offsets, known=known)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        state = self.joined[self.offsets[place] : self.offsets[place + 1]].tobytes()
        return GameState(state) if self.known else state
