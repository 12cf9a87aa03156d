"""Plunder: shoot the ships that the legend shows, spare the others, before the juice runs out.

Source: openai/procgen ``plunder.cpp``.
"""

import numpy as np

from probes.factors.frame import (
    MISSING,
    Places,
    Real,
    Sheet,
    View,
    choice,
    number,
    places_of,
    yes_no,
)
from probes.factors.general import agent, agent_theme, background, clock, count, the, towards

SIZE = 20
SPRITES = 6
RELOAD = 3  # steps between two shots
MOST = 60


def _ships(view: View, *, target: bool) -> np.ndarray:
    ships = view.things("ship")
    return ships[np.array(view.tail["target_bools"])[ships["image_theme"]] == target]


def targets(view: View) -> Places:
    """Ships to shoot."""
    return places_of(_ships(view, target=True))


def others(view: View) -> Places:
    """Ships to spare."""
    return places_of(_ships(view, target=False))


def _target_speed(view: View) -> Real:
    gap, ships = view.gap(targets, shown=True), _ships(view, target=True)
    if gap is None:
        return MISSING
    near = ((places_of(ships) - view.here - gap) ** 2).sum(axis=1).argmin()
    return float(ships["vx"][near])


SHEET = Sheet(
    game="plunder",
    things={
        "bullet": 1,
        "legend": 2,
        "legend_background": 3,
        "panel": 6,
        "ship": 7,
        "explosion": 54,
    },
    cells={"space": 100},
    marks={"goal": targets, "hazard": others},
    factors=(
        *agent(SIZE, SIZE, 0.85, 0.5),
        yes_no(
            "can_fire",
            f"the last shot is at least {RELOAD} steps old",
            lambda view: view.state.cur_time + 1 - view.tail["last_fire_time"] >= RELOAD,
            scope="motion",
        ),
        number(
            "juice",
            "share",
            0,
            1,
            "juice left, less with each step and shot; the green bar shows it",
            lambda view: view.tail["juice_left"],
        ),
        number(
            "progress",
            "share",
            0,
            1,
            "targets hit, of those that end the level; the red bar shows it",
            lambda view: view.tail["targets_hit"] / view.tail["target_quota"],
        ),
        choice(
            "target",
            tuple(map(str, range(SPRITES))),
            "sprite of the ships to shoot, as the legend shows it",
            lambda view: view.tail["image_permutation"][0],
        ),
        *towards("goal", targets, "the nearest ship to shoot", reach=(SIZE, SIZE)),
        number(
            "goal_vx",
            "cells a step",
            -0.25,
            0.25,
            "speed to the right of the nearest ship to shoot in view",
            _target_speed,
            scope="motion",
        ),
        *towards("hazard", others, "the nearest ship to spare", reach=(SIZE, SIZE)),
        count("target", targets, MOST, "ships to shoot"),
        count("other", others, MOST, "ships to spare"),
        count("bullet", the("bullet"), 20, "bullets"),
        count("panel", the("panel"), 3, "panels that stop bullets"),
        *clock(4000),
        background("plunder"),
        agent_theme(SPRITES),
    ),
)
