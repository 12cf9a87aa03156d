"""Caveflyer: fly a ship through a cave to the green saucer; shoot red ones, touch nothing else.

Left and right turn the ship, up and down drive it on and back along its nose.
Source: openai/procgen ``caveflyer.cpp``.
"""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from probes.factors.frame import (
    MISSING,
    PIXELS,
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
    seen,
    the,
    towards,
)
from probes.factors.paths import Steps, path, steps_to, way_done
from probes.factors.shots import first_hit

SIZE = 40  # 30 in easy mode
VIEW = 8  # cells from the middle of the picture to its edge; 5 in easy mode
MOST = 20  # things of a kind in a level
TURN = math.radians(15)  # most a step
SHOT, SHOT_STEPS = np.array([0.1, 0.25]), 10  # half its size in cells, and how long it flies
FINE = 0.125  # cells, between the places looked at along the ship's way
SIDES = ("ahead", "left", "behind", "right")

saucer = the("goal")
targets = the("target")
enemies = the("enemy")
meteors = the("meteor")
hazards = the("target", "enemy", "meteor")


def nose(view: View) -> Float[np.ndarray, "2"]:
    """Which way the ship points, of length 1: up unless turned, then clockwise."""
    turned = float(view.agent["rotation"])
    return np.array([math.sin(turned), math.cos(turned)])


def _wall_ahead(view: View) -> float:
    most, way = float(view.reach) / 2, nose(view)
    crossed = [np.array([0.0, most])]
    for axis in (0, 1):
        if way[axis]:
            lines = np.arange(math.floor(view.here[axis] - most), view.here[axis] + most + 1)
            crossed.append((lines - view.here[axis]) / way[axis])
    for start, end in pairwise(np.unique(np.clip(np.concatenate(crossed), 0, most))):
        if view.cell(*(view.here + way * (start + end) / 2)) == view.sheet.cells["wall"]:
            return float(start)
    return most


def _hazard_ahead(view: View) -> Real:
    things = view.things("target", "enemy", "meteor")
    at = view.screen(places_of(things))
    things = things[((at >= 0) & (at < PIXELS)).all(axis=1)]
    body = np.array([view.agent["rx"], view.agent["ry"]], dtype=np.float64)
    hit = first_hit(view.here, nose(view) * FINE, body, int(_wall_ahead(view) / FINE), things)
    return MISSING if hit is None else hit[1] * FINE


def _flight(view: View) -> int:
    """Steps that a shot flies before a corner of its box is in the wall."""
    corners = SHOT * [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    for step in range(SHOT_STEPS):
        at = view.here + step * nose(view) + corners
        if any(view.cell(*corner) == view.sheet.cells["wall"] for corner in at):
            return step
    return SHOT_STEPS


def _in_line(view: View) -> Real:
    things = view.things("target", "enemy", "meteor", "goal")
    hit = first_hit(view.here, nose(view), SHOT, _flight(view), things)
    return float(hit is not None and things["type"][hit[0]] == view.sheet.things["target"])


def _goal_side(view: View) -> Real:
    gap = view.gap(saucer, shown=False)
    if gap is None:
        return MISSING
    ahead = nose(view)
    left = np.array([-ahead[1], ahead[0]])
    return round(math.atan2(gap @ left, gap @ ahead) / (math.pi / 2)) % 4


@lru_cache(maxsize=1)  # three factors of a state ask
def steps_to_saucer(view: View) -> Steps:
    """Shortest way from each cell to the green saucer, through the cave."""
    return steps_to(saucer(view), view.state.grid != view.sheet.cells["wall"])


SHEET = Sheet(
    game="caveflyer",
    things={
        "goal": 1,
        "meteor": 2,
        "target": 3,
        "own_bullet": 4,
        "enemy": 5,
        "exhaust": 9,
        "explosion": 54,
    },
    cells={"wall": 8, "space": 100},
    marks={"goal": saucer, "hazard": hazards, "target": targets},
    factors=(
        *agent(SIZE, SIZE, 0.81, 0.81, camera="following"),
        choice(
            "heading",
            DIRECTIONS,
            "which way the ship points",
            lambda view: direction_of(*nose(view)),
        ),
        number("heading_x", "share", -1, 1, "how much the ship points right", lambda v: nose(v)[0]),
        number("heading_y", "share", -1, 1, "how much the ship points up", lambda v: nose(v)[1]),
        number(
            "agent_vrot",
            "radians a step",
            -TURN,
            TURN,
            "how fast the ship turns, clockwise",
            lambda view: float(view.agent["vrot"]),
            scope="motion",
        ),
        *towards("goal", saucer, "the green saucer", reach=(SIZE, SIZE), scope="level"),
        seen("goal", saucer, "the green saucer"),
        choice(
            "goal_side",
            SIDES,
            "where the green saucer lies, as seen from the ship",
            _goal_side,
            scope="level",
        ),
        *path(steps_to_saucer, SIZE * SIZE // 2, "the green saucer", scope="level"),
        number(
            "progress",
            "share",
            0,
            1,
            "how near the green saucer is along the cave; 0 in the cave's farthest cell, 1 there",
            lambda view: way_done(steps_to_saucer(view), view),
            scope="level",
        ),
        number(
            "wall_ahead_distance",
            "cells",
            0,
            VIEW,
            "from the ship's middle along its nose to the wall, up to half the picture's width",
            _wall_ahead,
        ),
        number(
            "hazard_ahead_distance",
            "cells",
            0,
            VIEW,
            "how far the ship may fly along its nose before it touches a thing in view that "
            "kills; missing if the wall comes first",
            _hazard_ahead,
        ),
        yes_no("in_line", "a target lies straight ahead, in the gun's way and reach", _in_line),
        *towards("hazard", hazards, "the nearest thing that kills", reach=(VIEW, VIEW)),
        *towards("enemy", enemies, "the nearest enemy, which flies to and fro", reach=(VIEW, VIEW)),
        *towards("target", targets, "the nearest target, which five shots end", reach=(VIEW, VIEW)),
        count("enemy", enemies, MOST, "enemies"),
        count("target", targets, MOST, "targets"),
        count("meteor", meteors, MOST, "meteors"),
        count("own_bullet", the("own_bullet"), 12, "bullets of the agent"),
        *around({"wall": ("wall",)}),
        *clock(1000),
        background("caveflyer"),
    ),
)
