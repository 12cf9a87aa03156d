"""What a factor is, what a game's sheet of factors holds, and what a factor reads from: a view.

Coordinates are Procgen's: cells, x to the right, y *up*, (0, 0) the lower left corner of the level.
Screen positions are pixels of the 64 × 64 picture, x to the right, y *down*.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from checkpoints.console import one_of
from checkpoints.world.game_fields import read_tail
from checkpoints.world.games import IMAGE_SHAPE
from checkpoints.world.states import PLAYER, State

PIXELS = IMAGE_SHAPE[0]
MISSING = math.nan
"""What a factor reads where the state has no such thing: no enemy in view, say."""

Real = float | int
FactorKind = Literal["number", "class"]
Role = Literal["task", "nuisance"]
Scope = Literal["picture", "motion", "level"]
Places = Float[np.ndarray, "thing 2"]


@dataclass(frozen=True)
class Factor:
    """One true thing about a state.

    ``scope`` says what the factor is about: ``picture`` what this one frame shows, ``motion`` what
    takes more than one frame (speeds, time, the last action), ``level`` also what may lie outside
    of the frame (a goal off screen, or where in the level a moving camera is).
    """

    name: str
    kind: FactorKind
    role: Role
    scope: Scope
    unit: str
    low: Real
    high: Real
    meaning: str
    read: Callable[["View"], Real] = field(repr=False)
    """the value in one state, or ``MISSING``; of a class its number"""
    classes: tuple[str, ...] = ()
    """names of the classes 0, 1, …, of a ``class`` factor"""


def number(
    name: str,
    unit: str,
    low: Real,
    high: Real,
    meaning: str,
    read: Callable[["View"], Real],
    *,
    scope: Scope = "picture",
    role: Role = "task",
) -> Factor:
    """A factor that is a number between ``low`` and ``high``, both possible."""
    return Factor(name, "number", role, scope, unit, low, high, meaning, read)


def choice(
    name: str,
    classes: tuple[str, ...],
    meaning: str,
    read: Callable[["View"], Real],
    *,
    scope: Scope = "picture",
    role: Role = "task",
) -> Factor:
    """A factor that is one of some classes; ``read`` gives its number."""
    high = len(classes) - 1
    return Factor(name, "class", role, scope, "–", 0, high, meaning, read, classes)


def yes_no(
    name: str, meaning: str, read: Callable[["View"], Real], *, scope: Scope = "picture"
) -> Factor:
    """A factor that holds (1) or does not (0)."""
    return choice(name, ("no", "yes"), meaning, read, scope=scope)


Finder = Callable[["View"], Places]
"""Where all things of a kind are, in cells; none is an array of shape (0, 2)."""

Offset = Float[np.ndarray, "2"] | None


def _on_agent(view: "View") -> tuple[float, float]:
    return float(view.agent["x"]), float(view.agent["y"])


@dataclass(frozen=True)
class Sheet:
    """A game's entity types, grid cell types and factors."""

    game: str
    things: Mapping[str, int]
    """name -> entity type; ``agent`` is 0 everywhere"""
    cells: Mapping[str, int]
    """name -> type of a grid cell; ``space`` is 100 everywhere"""
    factors: tuple[Factor, ...]
    marks: Mapping[str, Finder]
    """what an annotated picture points at, such as ``goal`` and ``hazard``"""
    camera: Callable[["View"], tuple[float, float]] = _on_agent
    """the point in the middle of the picture, in cells, where the camera moves at all"""


class View:
    """One state and what its picture shows.

    Note:
        The stored ``center_x``, ``unit``, … are those of the last drawing, wrong once a state has
        been edited; here they are worked out anew (``basic-abstract-game.cpp``,
        ``prepare_for_drawing``).
    """

    def __init__(self, state: State, sheet: Sheet) -> None:
        """Look at ``state``, of the sheet's game."""
        self.state, self.sheet = state, sheet
        self.agent = state.agent
        self.width, self.height = state.main_width, state.main_height
        alive = (state.entities["will_erase"] == 0) & (state.entities["type"] != PLAYER)
        self._others = state.entities[alive]
        self._found: dict[tuple[Finder, bool], Places] = {}

    @cached_property
    def tail(self) -> dict[str, Any]:
        """The game's own fields, see :mod:`checkpoints.world.game_fields`."""
        return read_tail(self.state)

    @cached_property
    def here(self) -> Float[np.ndarray, "2"]:
        """Where the agent is, in cells."""
        return np.array([self.agent["x"], self.agent["y"]], dtype=np.float64)

    # -- things ------------------------------------------------------------------------------

    def things(self, *names: str) -> np.ndarray:
        """The entities of these kinds, the agent left out, in stored order; of dtype ENTITY."""
        for name in names:
            one_of(f"thing in {self.sheet.game}", name, self.sheet.things)
        kinds = [self._others["type"] == self.sheet.things[name] for name in names]
        return self._others[np.logical_or.reduce(kinds)]

    def places(self, *names: str) -> Places:
        """Where the entities of these kinds are."""
        return places_of(self.things(*names))

    def cells(self, *names: str) -> Places:
        """Middles of the grid cells of these kinds, from the bottom row up."""
        for name in names:
            one_of(f"cell in {self.sheet.game}", name, self.sheet.cells)
        kinds = [self.state.grid == self.sheet.cells[name] for name in names]
        y, x = np.nonzero(np.logical_or.reduce(kinds))
        return np.column_stack([x, y]) + 0.5

    def found(self, find: "Finder", *, shown: bool) -> Places:
        """What ``find`` finds, or only what of it lies in the picture; looked for once."""
        if (find, shown) not in self._found:
            places = find(self)
            self._found[find, shown] = self.in_view(places) if shown else places
        return self._found[find, shown]

    def gap(self, find: "Finder", *, shown: bool) -> "Offset":
        """From the agent to the nearest of what is found, (2,) cells; ``None`` without any."""
        gaps = self.found(find, shown=shown) - self.here
        return gaps[np.argmin((gaps**2).sum(axis=1))] if len(gaps) else None

    def cell(self, x: Real, y: Real) -> int:
        """Type of the grid cell that holds a point; outside of the level what Procgen says."""
        column, row = math.floor(x), math.floor(y)
        if 0 <= column < self.width and 0 <= row < self.height:
            return int(self.state.grid[row, column])
        return self.state.out_of_bounds_object

    # -- the picture -------------------------------------------------------------------------

    @cached_property
    def reach(self) -> Real:
        """Cells that the picture is wide and high."""
        if self.state.center_agent:
            return self.state.visibility
        return max(self.width, self.height, self.state.min_visibility)

    @cached_property
    def middle(self) -> Float[np.ndarray, "2"]:
        """The point in the middle of the picture, in cells."""
        if self.state.center_agent:
            return np.array(self.sheet.camera(self))
        return np.array([self.width / 2, self.height / 2])

    @property
    def scale(self) -> float:
        """Pixels a cell."""
        return PIXELS / self.reach

    def screen(self, places: Places) -> Places:
        """Positions in pixels from the upper left corner of the picture; may lie outside."""
        return PIXELS / 2 + (places - self.middle) * self.scale * np.array([1, -1])

    def in_view(self, places: Places) -> Float[np.ndarray, "seen 2"]:
        """Those of the places that lie in the picture."""
        at = self.screen(places)
        return places[((at >= 0) & (at < PIXELS)).all(axis=1)]


def places_of(entities: np.ndarray) -> Places:
    """Where entities are, in cells."""
    return np.column_stack([entities["x"], entities["y"]]).astype(np.float64)
