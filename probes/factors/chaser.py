"""Chaser: collect all green orbs of a maze; enemies kill but for a while after a large orb.

Source: openai/procgen ``chaser.cpp``.
"""

from functools import lru_cache

import numpy as np

from probes.factors.frame import MISSING, Places, Real, Sheet, View, number, yes_no
from probes.factors.general import agent, around, background, clock, count, the, the_cells, towards
from probes.factors.paths import Steps, length, path, steps_to

SIZE = 13  # 11 in easy mode
EAT, HATCH = 75, 50  # steps
ENEMIES = 3
MOST = SIZE * SIZE // 2

orbs = the_cells("orb")
large_orbs = the("large_orb")
enemies = the("enemy")


def _time_left(view: View) -> int:
    """Steps until the enemies kill again; at most 0 while they do."""
    return view.tail["eat_timeout"] - (view.state.cur_time - view.tail["eat_time"])


def deadly(view: View) -> Places:
    """The enemies, while they kill."""
    return enemies(view) if _time_left(view) <= 0 else np.empty((0, 2))


def prey(view: View) -> Places:
    """The enemies, while the agent may eat them."""
    return enemies(view) if _time_left(view) > 0 else np.empty((0, 2))


@lru_cache(maxsize=1)  # two factors of a state ask
def steps_to_orb(view: View) -> Steps:
    """Shortest way from each cell to the nearest green orb."""
    return steps_to(orbs(view), view.state.grid != view.sheet.cells["wall"])


def _steps_to_hazard(view: View) -> Real:
    return length(steps_to(deadly(view), view.state.grid != view.sheet.cells["wall"]), view)


def _hatch_time(view: View) -> Real:
    left = view.things("egg")["health"]
    return float(left.min()) if len(left) else MISSING


SHEET = Sheet(
    game="chaser",
    things={"large_orb": 2, "egg": 4, "enemy": 6},
    cells={"wall": 5, "orb": 1002, "space": 100, "outside": -1},
    marks={"goal": orbs, "hazard": deadly, "large_orb": large_orbs, "prey": prey},
    factors=(
        *agent(SIZE, SIZE, 0.5, 0.5),
        *towards("goal", orbs, "the nearest green orb", reach=(SIZE, SIZE)),
        *path(steps_to_orb, MOST, "the nearest green orb"),
        number(
            "progress",
            "share",
            0,
            1,
            "green orbs collected, of those at the start",
            lambda view: view.tail["orbs_collected"] / view.tail["total_orbs"],
        ),
        *towards("large_orb", large_orbs, "the nearest large orb", reach=(SIZE, SIZE)),
        yes_no(
            "enemies_vulnerable",
            "a large orb was taken: for now the agent eats enemies",
            lambda view: _time_left(view) > 0,
        ),
        number(
            "vulnerable_time",
            "steps",
            0,
            EAT,
            "how long the agent may eat enemies yet",
            lambda view: max(_time_left(view), 0),
            scope="motion",
        ),
        *towards("hazard", deadly, "the nearest enemy, while it kills", reach=(SIZE, SIZE)),
        number(
            "hazard_path_length",
            "steps",
            0,
            MOST,
            "steps of the shortest way to the nearest enemy while it kills, walls respected",
            _steps_to_hazard,
        ),
        *towards("enemy", enemies, "the nearest enemy, deadly or not", reach=(SIZE, SIZE)),
        number(
            "hatch_time",
            "steps",
            0,
            HATCH,
            "steps until the next egg becomes an enemy",
            _hatch_time,
            scope="motion",
        ),
        count("orb", orbs, SIZE * SIZE, "green orbs left"),
        count("large_orb", large_orbs, 4, "large orbs"),
        count("enemy", enemies, ENEMIES, "enemies"),
        count("egg", the("egg"), ENEMIES, "eggs, which become enemies"),
        *around({"wall": ("wall",), "orb": ("orb",), "outside": ("outside",)}),
        *clock(1000),
        background("chaser"),
    ),
)
