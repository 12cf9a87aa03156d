"""Worlds: whoever can draw a state on several backgrounds, Procgen or a file of renderings.

A world is known by its name, as Procgen's games are; its backgrounds are numbered, and may have
names (``variants``). States are opaque bytes that only their world can read.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int, UInt8

from analysis.scenes.bank import Bank
from checkpoints.world.games import GAMES, Mode, get_game


@runtime_checkable
class World(Protocol):
    """What the measures ask of a world."""

    name: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""

    @property
    def num_actions(self) -> int:
        """How many there are; 0 where actions are continuous."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the backgrounds, by their numbers."""

    def bank(
        self, states: int, seed: int = 0, *, mode: Mode = "easy", per_level: int | None = None
    ) -> Bank:
        """At most so many states, at most ``per_level`` of a level; the same for the same seed."""

    def own(self, states: Sequence[bytes]) -> Int[np.ndarray, " state"]:
        """The background that the bank's picture of each state shows."""

    def render(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state background h w c"]:
        """Each state on each background."""

    def render_each(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state h w c"]:
        """State i on background ``backgrounds[i]``."""

    def stream(
        self, states: Sequence[bytes], backgrounds: Sequence[int], chunk: int = 64
    ) -> Iterator[UInt8[np.ndarray, "state background h w c"]]:
        """Like :meth:`render`, ``chunk`` states at a time."""

    def masks(self, states: Sequence[bytes]) -> Bool[np.ndarray, "state h w"] | None:
        """Which pixels are background, where the world knows; None where renderings tell."""

    def factors(self, states: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        """Name -> what is true of each state, numbers or classes, of what came with the states.

        Those of Procgen's games are read off the states by ``probes.factors``.
        """


_open: dict[str, World] = {}


def keep_open(world: World) -> None:
    """Make a world known by its name for the rest of the process."""
    _open[world.name] = world


def is_procgen(name: str) -> bool:
    """Whether a name is that of one of Procgen's games, which can be stepped."""
    return get_game(name).name in GAMES


def world_of(name: str) -> World:
    """The world of that name.

    Raises:
        UserError: none is known by it.
    """
    return _procgen(name) if is_procgen(name) else _open[name]


@lru_cache(maxsize=32)
def _procgen(name: str) -> Any:
    from analysis.scenes.procgen import ProcgenWorld

    return ProcgenWorld(name)
