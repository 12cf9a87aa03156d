"""Climber: jump up from platform to platform, collect all coins, keep away from enemies.

Source: openai/procgen ``climber.cpp``.
"""

import numpy as np

from probes.factors.frame import MISSING, Places, Real, Sheet, View, number, yes_no
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

SIZE = 20  # 16 in easy mode
HEIGHT = 64
GROUND = 1.5  # where an agent on the floor is
PLATFORMS = 10
TOUCH = 0.01  # cells

coins = the("coin")
enemies = the("enemy")
tops = the_cells("wall_top")


def camera(view: View) -> tuple[float, float]:
    """Half the picture's width up from the agent, less five of its half heights."""
    return view.width / 2, float(view.agent["y"] + view.width / 2 - 5 * view.agent["ry"])


def _rows_above(view: View) -> np.ndarray:
    """Height of the top of each platform above the agent's feet, from the lowest on."""
    feet = view.here[1] - float(view.agent["ry"])
    heights = np.unique(tops(view)[:, 1]) + 0.5
    return heights[heights > feet + TOUCH]


def next_platform(view: View) -> Places:
    """Cells of the lowest platform above the agent's feet."""
    cells, above = tops(view), _rows_above(view)
    return cells[cells[:, 1] + 0.5 == above[0]] if len(above) else np.empty((0, 2))


def _guarded(view: View) -> Real:
    above = _rows_above(view)
    if not len(above):
        return MISSING
    low, high = above[0], above[1] if len(above) > 1 else np.inf
    height = enemies(view)[:, 1]
    return float(((height >= low) & (height < high)).any())


def _climbed(view: View) -> Real:
    way = tops(view)[:, 1].max() + 1 - GROUND
    return float(np.clip((view.here[1] - GROUND) / way, 0, 1))


SHEET = Sheet(
    game="climber",
    things={"coin": 1, "enemy": 5},
    cells={"wall": 15, "wall_top": 16, "space": 100},
    marks={"goal": coins, "hazard": enemies, "platform": next_platform},
    camera=camera,
    factors=(
        *agent(SIZE, HEIGHT, 0.5, 2.2, camera="rising"),
        facing(),
        yes_no(
            "on_ground",
            "the agent stood on ground at the start of the last step",
            lambda view: view.tail["has_support"],
            scope="motion",
        ),
        *towards("goal", coins, "the nearest coin", reach=(SIZE, HEIGHT), scope="level"),
        seen("goal", coins, "a coin"),
        number(
            "progress",
            "share",
            0,
            1,
            "coins collected, of those at the start",
            lambda view: view.tail["coins_collected"] / view.tail["coin_quota"],
            scope="level",
        ),
        number(
            "coins_left",
            "things",
            0,
            PLATFORMS,
            "coins still to collect, in view or not",
            lambda view: view.tail["coin_quota"] - view.tail["coins_collected"],
            scope="level",
        ),
        number(
            "climbed",
            "share",
            0,
            1,
            "height above the floor, of that of the highest platform",
            _climbed,
            scope="level",
        ),
        *towards(
            "platform",
            next_platform,
            "the nearest cell of the lowest platform above the agent's feet",
            reach=(SIZE, SIZE),
        ),
        yes_no(
            "platform_guarded",
            "an enemy flies over the lowest platform above the agent's feet, under the one after",
            _guarded,
        ),
        *towards("hazard", enemies, "the nearest enemy", reach=(SIZE, SIZE)),
        count("coin", coins, PLATFORMS, "coins"),
        count("enemy", enemies, PLATFORMS, "enemies"),
        *around({"wall": ("wall", "wall_top")}),
        *clock(1000),
        background("climber"),
        wall_theme(4),
        agent_theme(4),
    ),
)
