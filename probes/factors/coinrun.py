"""Coinrun: run and jump to the coin at the level's right end, past saws, enemies and lava.

Source: openai/procgen ``coinrun.cpp``.
"""

import numpy as np

from probes.factors.frame import Places, Real, Sheet, View, number, yes_no
from probes.factors.general import (
    agent,
    agent_theme,
    around,
    background,
    clock,
    count,
    facing,
    seen,
    the,
    the_cells,
    towards,
    wall_theme,
)

SIZE = 64
VIEW = 6.5  # cells from the middle of the picture to its edge
START = 1.5

coin = the_cells("coin")
saws = the("saw")
enemies = the("enemy")
crates = the("crate")
lava = the_cells("lava", "lava_top")


def hazards(view: View) -> Places:
    """Whatever kills on touch."""
    return np.concatenate([saws(view), enemies(view), lava(view)])


def _progress(view: View) -> Real:
    way = coin(view)[0, 0] - START
    return float(np.clip((view.here[0] - START) / way, 0, 1))


SHEET = Sheet(
    game="coinrun",
    things={"saw": 2, "enemy": 5, "crate": 20, "trail": 59},
    cells={
        "coin": 1,
        "wall": 15,
        "wall_top": 16,
        "lava": 17,
        "lava_top": 18,
        "enemy_barrier": 19,  # turns enemies round; drawn as nothing
        "space": 100,
    },
    marks={"goal": coin, "hazard": hazards},
    factors=(
        *agent(SIZE, SIZE, 0.5, 1.5, camera="following"),
        facing(),
        yes_no(
            "on_ground",
            "the agent stood on ground or a crate at the start of the last step",
            lambda view: view.tail["has_support"],
            scope="motion",
        ),
        yes_no("on_crate", "the agent stands on a crate", lambda view: view.tail["is_on_crate"]),
        *towards("goal", coin, "the coin", reach=(SIZE, SIZE), scope="level"),
        seen("goal", coin, "the coin"),
        number(
            "progress",
            "share",
            0,
            1,
            "way from the start to the coin that is done, along x",
            _progress,
            scope="level",
        ),
        *towards("hazard", hazards, "the nearest saw, enemy or lava", reach=(VIEW, VIEW)),
        *towards("saw", saws, "the nearest saw", reach=(VIEW, VIEW)),
        *towards("enemy", enemies, "the nearest enemy", reach=(VIEW, VIEW)),
        count("saw", saws, 20, "saws"),
        count("enemy", enemies, 20, "enemies"),
        count("crate", crates, 60, "crates"),
        count("lava", lava, 169, "cells of lava"),
        *around({"wall": ("wall", "wall_top"), "lava": ("lava", "lava_top"), "coin": ("coin",)}),
        *clock(1000),
        background("coinrun"),
        wall_theme(6),
        agent_theme(5),
    ),
)
