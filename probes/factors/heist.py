"""Heist: collect keys, open the doors of their colours, reach the gem.

Source: openai/procgen ``heist.cpp``.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Bool

from probes.factors.frame import (
    MISSING,
    Factor,
    Places,
    Real,
    Sheet,
    View,
    choice,
    number,
    places_of,
    yes_no,
)
from probes.factors.general import (
    DIRECTIONS,
    agent,
    around,
    background,
    clock,
    count,
    direction_of,
    the,
    towards,
)
from probes.factors.paths import Steps, length, path, steps_to

SIZE = 13  # 9 in easy mode
COLOURS = ("blue", "green", "red")

gem = the("gem")
keys = the("key")
doors = the("locked_door")


def held(view: View) -> Bool[np.ndarray, " colour"]:
    """Whether the agent has the key of each colour."""
    have = view.tail["has_keys"]
    return np.array([*have, *[False] * (len(COLOURS) - len(have))], dtype=bool)


def passable(view: View) -> Bool[np.ndarray, "height width"]:
    """The cells that the agent may enter: no walls, and no doors that it has no key for."""
    free = view.state.grid != view.sheet.cells["wall"]
    found = view.things("locked_door")
    shut = places_of(found[~held(view)[found["image_theme"]]])
    for x, y in shut.astype(int):
        free[y, x] = False
    return free


@lru_cache(maxsize=1)  # four factors of a state ask
def next_target(view: View) -> tuple[int, Steps] | None:
    """What to fetch next, 0 the gem and 1, 2, … a key, and the way left to it from each cell.

    The gem once it can be reached, else of the keys that can the one with the shortest way.
    """
    free = passable(view)
    found, best = view.things("key"), None
    things = [(0, gem(view)), *((1 + int(k["image_theme"]), places_of(k[None])) for k in found)]
    for target, place in things:
        steps = steps_to(place, free)
        left = length(steps, view)
        if not math.isnan(left) and (best is None or left < best[0]):
            best = left, target, steps
        if best is not None and best[1] == 0:
            break
    return None if best is None else best[1:]


def _way(view: View) -> Steps:
    found = next_target(view)
    return np.full(view.state.grid.shape, -1) if found is None else found[1]


def _target(view: View) -> Real:
    found = next_target(view)
    return MISSING if found is None else found[0]


def _target_place(view: View) -> Places:
    found = next_target(view)
    if found is None:
        return np.empty((0, 2))
    things = view.things("key")
    return gem(view) if found[0] == 0 else places_of(things[things["image_theme"] == found[0] - 1])


def _has(colour: int) -> Callable[[View], Real]:
    def read(view: View) -> Real:
        in_level = (view.things("key")["image_theme"] == colour).any()
        return float(held(view)[colour]) if in_level or held(view)[colour] else MISSING

    return read


def _progress(view: View) -> Real:
    have, left, shut = int(held(view).sum()), len(keys(view)), len(doors(view))
    total = have + left
    return (have + total - shut) / (2 * total + 1)


def _heading(view: View) -> Real:
    angle = -float(view.agent["rotation"])
    return direction_of(math.cos(angle), math.sin(angle))


def _keys() -> tuple[Factor, ...]:
    return tuple(
        yes_no(
            f"has_{colour}_key",
            f"the agent has the {colour} key, and the upper right corner shows it; missing "
            f"without such a key in the level",
            _has(place),
        )
        for place, colour in enumerate(COLOURS)
    )


SHEET = Sheet(
    game="heist",
    things={"locked_door": 1, "key": 2, "gem": 9, "key_on_ring": 11},
    cells={"wall": 51, "space": 100},
    marks={"goal": gem, "key": keys, "door": doors},
    factors=(
        *agent(SIZE, SIZE, 0.62, 0.62),
        choice("heading", DIRECTIONS, "which way the agent last went", _heading),
        *towards("goal", gem, "the gem", reach=(SIZE, SIZE)),
        *towards("key", keys, "the nearest key", reach=(SIZE, SIZE)),
        *towards("door", doors, "the nearest locked door", reach=(SIZE, SIZE)),
        choice(
            "target",
            ("gem", *(f"{colour} key" for colour in COLOURS)),
            "the gem once it can be reached with the keys held, else the nearest key that can",
            _target,
        ),
        *towards("target", _target_place, "what to fetch next", reach=(SIZE, SIZE)),
        *path(_way, SIZE * SIZE // 2, "what to fetch next"),
        number(
            "progress",
            "share",
            0,
            1,
            "keys taken and doors opened, of all keys, all doors and the gem",
            _progress,
        ),
        *_keys(),
        number(
            "keys_held",
            "things",
            0,
            len(COLOURS),
            "keys that the agent has",
            lambda view: int(held(view).sum()),
        ),
        count("key", keys, len(COLOURS), "keys to be taken"),
        count("door", doors, len(COLOURS), "locked doors"),
        number(
            "maze_size",
            "cells",
            3,
            SIZE,
            "width and height of the maze",
            lambda view: float(np.ptp(view.cells("space"), axis=0).max() + 1),
        ),
        *around({"wall": ("wall",)}),
        *clock(1000),
        background("heist"),
    ),
)
