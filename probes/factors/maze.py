"""Maze: walk to the cheese.

Source: openai/procgen ``maze.cpp``.
"""

from functools import lru_cache

import numpy as np

from probes.factors.frame import Real, Sheet, View, number
from probes.factors.general import agent, around, background, clock, facing, the_cells, towards
from probes.factors.paths import Steps, path, steps_to

SIZE = 25  # 15 in easy mode

cheese = the_cells("cheese")


@lru_cache(maxsize=1)  # three factors of a state ask
def steps_to_cheese(view: View) -> Steps:
    """Shortest way from each cell to the cheese, through everything that is no wall."""
    return steps_to(cheese(view), view.state.grid != view.sheet.cells["wall"])


def _progress(view: View) -> Real:
    start = (view.width - view.tail["maze_dim"]) // 2
    steps = steps_to_cheese(view)
    left = steps[int(view.here[1]), int(view.here[0])] / steps[start, start]
    return float(np.clip(1 - left, 0, 1))


SHEET = Sheet(
    game="maze",
    things={},
    cells={"cheese": 2, "wall": 51, "space": 100},
    marks={"goal": cheese},
    factors=(
        *agent(SIZE, SIZE, 1, 1),
        facing(reflected="right"),
        *towards("goal", cheese, "the cheese", reach=(SIZE, SIZE)),
        *path(steps_to_cheese, SIZE * SIZE // 2, "the cheese"),
        number(
            "progress",
            "share",
            0,
            1,
            "share of the shortest way from the start that is done; 0 also farther off than that",
            _progress,
        ),
        number(
            "maze_size",
            "cells",
            3,
            SIZE,
            "width and height of the maze",
            lambda view: view.tail["maze_dim"],
        ),
        *around({"wall": ("wall",), "cheese": ("cheese",)}),
        *clock(500),
        background("maze"),
    ),
)
