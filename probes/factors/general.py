"""Factors that mean the same in several games, made to a game's measures.

A *direction* is a class of 8 and no pair of sine and cosine: ``_dx`` and ``_dy`` already give the
way as numbers, of which sine and cosine are the same divided by the distance; the class asks the
other question, whether the way is known at all, near or far, and its chance level is plain.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from checkpoints.world.games import NUM_ACTIONS, get_game
from probes.factors.frame import (
    MISSING,
    PIXELS,
    Factor,
    Finder,
    Real,
    Scope,
    View,
    choice,
    number,
    yes_no,
)

Camera = Literal["fixed", "rising", "following"]
"""Shows the whole level; follows the agent upwards only; follows it everywhere."""

DIRECTIONS = ("right", "right-up", "up", "left-up", "left", "left-down", "down", "right-down")
ACTIONS = (
    *("left-down", "left", "left-up", "down", "none", "up", "right-down", "right", "right-up"),
    *("D", "A", "W", "S", "Q", "E"),
)
"""Procgen's 15 actions in order; the last six are keys, of which each game uses a few."""

SIDES = {"left": (-1, 0), "right": (1, 0), "up": (0, 1), "down": (0, -1)}


# -- the agent -------------------------------------------------------------------------------


def agent(
    width: Real, height: Real, vx: Real, vy: Real, *, camera: Camera = "fixed", margin: Real = 0
) -> tuple[Factor, ...]:
    """Where the agent is and how fast; on the screen too, along axes where the camera is fixed.

    Args:
        width: cells of the widest level of easy and hard mode.
        height: cells of the highest one.
        vx: no agent is faster along x, cells a step.
        vy: the same along y.
        camera: what the picture shows of the level.
        margin: cells that the agent's middle may lie outside of the level.
    """
    at = {"x": (0, width, vx, "to the right"), "y": (1, height, vy, "upwards")}
    still = {"fixed": "xy", "rising": "x", "following": ""}[camera]
    found = []
    for axis, (place, size, speed, way) in at.items():
        scope: Scope = "picture" if axis in still else "level"
        where = f"middle of the agent, {way} from the level's lower left corner"
        found += [
            number(
                f"agent_{axis}",
                "cells",
                0 - margin,
                size + margin,
                where,
                _field(axis),
                scope=scope,
            ),
            number(
                f"agent_v{axis}",
                "cells a step",
                -speed,
                speed,
                f"speed of the agent {way}",
                _field(f"v{axis}"),
                scope="motion",
            ),
        ]
        if axis in still:
            sense = "to the right" if axis == "x" else "downwards"
            meaning = f"middle of the agent on the screen, {sense} from the upper left corner"
            far = margin * PIXELS / 2
            found.append(
                number(f"agent_screen_{axis}", "pixels", 0 - far, PIXELS + far, meaning, _on(place))
            )
    return tuple(found)


def _field(name: str) -> Callable[[View], Real]:
    return lambda view: float(view.agent[name])


def _on(place: int) -> Callable[[View], Real]:
    return lambda view: float(view.screen(view.here[None])[0, place])


def facing(reflected: Literal["left", "right"] = "left") -> Factor:
    """Whether the agent looks left or right; ``reflected`` is where its mirrored sprite looks."""
    mirrored = ("left", "right").index(reflected)
    return choice(
        "facing",
        ("left", "right"),
        "which way the agent's sprite looks",
        lambda view: mirrored if view.agent["is_reflected"] else 1 - mirrored,
    )


def clock(timeout: int) -> tuple[Factor, ...]:
    """Steps since the episode began, and the action that led here."""
    return (
        number(
            "time",
            "steps",
            0,
            timeout,
            f"steps since the episode began; it ends at {timeout}",
            lambda view: view.state.cur_time,
            scope="motion",
        ),
        choice(
            "last_action",
            ACTIONS,
            "action of the step that led here; none at the start of an episode",
            lambda view: view.state.action if 0 <= view.state.action < NUM_ACTIONS else MISSING,
            scope="motion",
        ),
    )


# -- other things ----------------------------------------------------------------------------


def towards(
    name: str,
    find: Finder,
    what: str,
    *,
    reach: tuple[Real, Real],
    scope: Literal["picture", "level"] = "picture",
) -> tuple[Factor, ...]:
    """Distance, ``dx``, ``dy`` and direction from the agent to the nearest of some things.

    Args:
        name: begins the four names.
        find: where the things are.
        what: what they are, for the meanings.
        reach: no thing is farther than this along x and along y, in cells.
        scope: ``picture`` takes only things in view; missing where there is none.
    """
    shown = scope == "picture"

    def distance(view: View) -> Real:
        gap = view.gap(find, shown=shown)
        return MISSING if gap is None else math.hypot(*gap)

    def along(axis: int) -> Callable[[View], Real]:
        def read(view: View) -> Real:
            gap = view.gap(find, shown=shown)
            return MISSING if gap is None else float(gap[axis])

        return read

    def direction(view: View) -> Real:
        gap = view.gap(find, shown=shown)
        return MISSING if gap is None else direction_of(*gap)

    seen = f"{what} in view" if shown else what
    (x, y), far = reach, math.hypot(*reach)
    return (
        number(f"{name}_distance", "cells", 0, far, f"distance to {seen}", distance, scope=scope),
        number(f"{name}_dx", "cells", -x, x, f"how far right {seen} lies", along(0), scope=scope),
        number(f"{name}_dy", "cells", -y, y, f"how far up {seen} lies", along(1), scope=scope),
        choice(f"{name}_direction", DIRECTIONS, f"way to {seen}", direction, scope=scope),
    )


def direction_of(dx: Real, dy: Real) -> Real:
    """Which of the 8 ``DIRECTIONS`` a vector points along; missing for no length."""
    return MISSING if dx == dy == 0 else round(math.atan2(dy, dx) / (math.pi / 4)) % 8


def seen(name: str, find: Finder, what: str) -> Factor:
    """Whether any of some things is in view."""
    return yes_no(
        f"{name}_in_view", f"{what} is in view", lambda view: len(view.found(find, shown=True)) > 0
    )


def count(
    name: str, find: Finder, most: int, what: str, *, scope: Literal["picture", "level"] = "picture"
) -> Factor:
    """``count_<name>``: how many things there are in view, or in the level."""

    def read(view: View) -> Real:
        return len(view.found(find, shown=scope == "picture"))

    where = "in view" if scope == "picture" else "in the level"
    return number(f"count_{name}", "things", 0, most, f"{what} {where}", read, scope=scope)


def the(*names: str) -> Finder:
    """Finds the entities of these kinds."""
    return lambda view: view.places(*names)


def the_cells(*names: str) -> Finder:
    """Finds the grid cells of these kinds."""
    return lambda view: view.cells(*names)


def around(kinds: Mapping[str, Iterable[str]], rest: str = "free") -> tuple[Factor, ...]:
    """``cell_left``, ``_right``, ``_up``, ``_down``: what lies half a cell beyond the agent's box.

    Args:
        kinds: name of a class -> names of the grid cells in it.
        rest: what all other cells are called; class 0.
    """
    classes = (rest, *kinds)

    def beside(dx: int, dy: int) -> Callable[[View], Real]:
        def read(view: View) -> Real:
            x = view.here[0] + dx * (float(view.agent["rx"]) + 0.5)
            y = view.here[1] + dy * (float(view.agent["ry"]) + 0.5)
            found = view.cell(x, y)
            named = [name for name, type_ in view.sheet.cells.items() if type_ == found]
            of = (i for i, cells in enumerate(kinds.values(), start=1) if {*cells} & {*named})
            return next(of, 0)

        return read

    return tuple(
        choice(f"cell_{side}", classes, f"grid cell {_beside(side)} the agent", beside(*step))
        for side, step in SIDES.items()
    )


def _beside(side: str) -> str:
    return {"left": "left of", "right": "right of", "up": "above", "down": "below"}[side]


# -- the wallpaper ---------------------------------------------------------------------------


def background(game: str) -> Factor:
    """Which of the game's backgrounds is drawn."""
    return theme(
        "background",
        get_game(game).backgrounds,
        "picture behind the level",
        lambda view: view.state.background_index,
    )


def agent_theme(themes: int) -> Factor:
    """Which of its sprites the agent wears."""
    return theme(
        "agent_theme", themes, "sprite of the agent", lambda view: int(view.agent["image_theme"])
    )


def wall_theme(themes: int) -> Factor:
    """Which of its sprites the wall is made of, in games whose tail says."""
    return theme("wall_theme", themes, "sprite of the walls", lambda view: view.tail["wall_theme"])


def theme(name: str, themes: int, meaning: str, read: Callable[[View], Real]) -> Factor:
    """A nuisance: one of so many ways to draw the same thing."""
    return choice(name, tuple(map(str, range(themes))), meaning, read, role="nuisance")
