"""Miner: dig for all diamonds, then go to the exit; boulders and diamonds fall and crush.

Source: openai/procgen ``miner.cpp``.
"""

import numpy as np

from probes.factors.frame import Places, Real, Sheet, View, number, yes_no
from probes.factors.general import (
    agent,
    around,
    background,
    clock,
    count,
    facing,
    the,
    the_cells,
    towards,
)

SIZE = 20  # 10 in easy mode
FALLS = (1, 2, 3, 4)  # types of boulders and diamonds
DIAMONDS = 12 / 400  # a cell, at the start

door = the("exit")
diamonds = the_cells("diamond", "moving_diamond")
boulders = the_cells("boulder", "moving_boulder")
moving = the_cells("moving_boulder", "moving_diamond")
dirt = the_cells("dirt")


def overhead(view: View) -> Places:
    """The boulder or diamond that falls towards the agent: with air, and only air, between."""
    x, y = (int(place) for place in view.here)
    above = view.state.grid[y + 1 :, x]
    solid = np.flatnonzero(above != view.sheet.cells["space"])
    falls = len(solid) and solid[0] > 0 and above[solid[0]] in FALLS
    return np.array([[x + 0.5, y + 1.5 + solid[0]]]) if falls else np.empty((0, 2))


def _progress(view: View) -> Real:
    total = round(DIAMONDS * view.width * view.height)
    return 1 - len(diamonds(view)) / total


SHEET = Sheet(
    game="miner",
    things={"enemy": 5, "exit": 6},
    cells={
        "boulder": 1,
        "diamond": 2,
        "moving_boulder": 3,
        "moving_diamond": 4,
        "dirt": 9,
        "outside": 10,
        "space": 100,
    },
    marks={"goal": door, "diamond": diamonds, "hazard": overhead},
    factors=(
        *agent(SIZE, SIZE, 1, 1),
        facing(),
        *towards("goal", door, "the exit", reach=(SIZE, SIZE)),
        *towards("diamond", diamonds, "the nearest diamond", reach=(SIZE, SIZE)),
        *towards("boulder", boulders, "the nearest boulder", reach=(SIZE, SIZE)),
        number(
            "hazard_distance",
            "cells",
            0,
            SIZE,
            "height of the boulder or diamond that falls towards the agent",
            lambda view: np.nan if (gap := view.gap(overhead, shown=True)) is None else gap[1],
        ),
        yes_no(
            "hazard_in_view",
            "a boulder or diamond is above the agent, with only air between",
            lambda view: float(view.gap(overhead, shown=True) is not None),
        ),
        count("diamond", diamonds, 12, "diamonds"),
        count("boulder", boulders, 80, "boulders"),
        count("dirt", dirt, 400, "cells of dirt"),
        number(
            "count_falling",
            "things",
            0,
            92,
            "boulders and diamonds in view that fell in the last step",
            lambda view: len(moving(view)),
            scope="motion",
        ),
        number("progress", "share", 0, 1, "diamonds collected, of those at the start", _progress),
        *around(
            {
                "dirt": ("dirt",),
                "boulder": ("boulder", "moving_boulder"),
                "diamond": ("diamond", "moving_diamond"),
                "outside": ("outside",),
            }
        ),
        *clock(1000),
        background("miner"),
    ),
)
