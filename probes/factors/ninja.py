"""Ninja: jump from ledge to ledge to the mushroom, past bombs and above the fire.

Source: openai/procgen ``ninja.cpp``.
"""

import numpy as np

from probes.factors.frame import MISSING, Places, Real, Sheet, View, number, yes_no
from probes.factors.general import (
    agent,
    around,
    background,
    clock,
    count,
    facing,
    seen,
    the,
    the_cells,
    theme,
    towards,
    wall_theme,
)

SIZE = 64
VIEW = 8  # cells from the middle of the picture to its edge; 5 in easy mode
START = 1.5
RELOAD = 3  # steps between two throws

mushroom = the("mushroom")
bombs = the_cells("bomb")
fire = the_cells("fire")


def hazards(view: View) -> Places:
    """Whatever kills on touch."""
    return np.concatenate([bombs(view), fire(view), view.places("explosion")])


def _progress(view: View) -> Real:
    way = mushroom(view)[0, 0] - START
    return float(np.clip((view.here[0] - START) / way, 0, 1))


def _mushroom_theme(view: View) -> Real:
    found = view.things("mushroom")
    return int(found["image_theme"][0]) if len(view.in_view(mushroom(view))) else MISSING


SHEET = Sheet(
    game="ninja",
    things={"mushroom": 1, "star": 7, "explosion": 54},
    cells={"bomb": 6, "fire": 14, "wall": 20, "space": 100},
    marks={"goal": mushroom, "hazard": hazards},
    factors=(
        *agent(SIZE, SIZE, 0.5, 2.25, camera="following"),
        facing(),
        yes_no(
            "on_ground",
            "the agent stood on ground at the start of the last step",
            lambda view: view.tail["has_support"],
            scope="motion",
        ),
        number(
            "jump_charge",
            "share",
            0,
            1,
            "how far the jump is charged; the green bar shows it",
            lambda view: view.tail["jump_charge"],
        ),
        yes_no(
            "can_throw",
            f"the last throw is at least {RELOAD} steps old",
            lambda view: view.state.cur_time + 1 - view.tail["last_fire_time"] >= RELOAD,
            scope="motion",
        ),
        *towards("goal", mushroom, "the mushroom", reach=(SIZE, SIZE), scope="level"),
        seen("goal", mushroom, "the mushroom"),
        number(
            "progress",
            "share",
            0,
            1,
            "way from the start to the mushroom that is done, along x",
            _progress,
            scope="level",
        ),
        *towards("hazard", hazards, "the nearest bomb, fire or explosion", reach=(VIEW, VIEW)),
        *towards("bomb", bombs, "the nearest bomb", reach=(VIEW, VIEW)),
        count("bomb", bombs, 10, "bombs"),
        count("fire", fire, 4 * VIEW, "cells of fire"),
        count("star", the("star"), 8, "throwing stars"),
        *around({"wall": ("wall",), "bomb": ("bomb",), "fire": ("fire",)}),
        *clock(1000),
        background("ninja"),
        wall_theme(3),
        theme("goal_theme", 6, "sprite of the mushroom; missing out of view", _mushroom_theme),
    ),
)
