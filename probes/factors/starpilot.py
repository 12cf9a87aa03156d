"""Starpilot: fly and shoot; ships, their bullets, turrets and meteors kill.

Source: openai/procgen ``starpilot.cpp``.
"""

import numpy as np

from probes.factors.frame import Places, Real, Sheet, View, number, yes_no
from probes.factors.general import agent, background, clock, count, seen, the, towards

SIZE = 16
LEVEL_TIME = 500  # steps until the finish line appears
SHOT = 0.4  # cells, half the width of a bullet

ships = the("flyer", "fast_flyer", "turret")
bullets = the("bullet", "turret_bullet")
hazards = the("flyer", "fast_flyer", "turret", "meteor", "bullet", "turret_bullet")
finish = the("finish_line")


def _in_line(view: View) -> Real:
    found = view.things("flyer", "fast_flyer", "turret")
    at: Places = np.column_stack([found["x"], found["y"]]) - view.here
    shown = found["x"] < view.width
    return float((shown & (at[:, 0] > 0) & (np.abs(at[:, 1]) < found["ry"] + SHOT)).any())


SHEET = Sheet(
    game="starpilot",
    things={
        "own_bullet": 1,
        "bullet": 2,
        "turret_bullet": 3,
        "flyer": 4,
        "meteor": 5,
        "cloud": 6,
        "turret": 7,
        "fast_flyer": 8,
        "finish_line": 9,
        "explosion": 54,
    },
    cells={"space": 100},
    marks={"goal": ships, "hazard": hazards},
    factors=(
        *agent(SIZE, SIZE, 0.75, 0.75),
        *towards("goal", ships, "the nearest ship or turret to shoot", reach=(SIZE, SIZE)),
        yes_no(
            "in_line", "a ship or turret in view lies straight ahead, in the gun's way", _in_line
        ),
        *towards("hazard", hazards, "the nearest thing that kills", reach=(SIZE, SIZE)),
        *towards("bullet", bullets, "the nearest bullet of an enemy", reach=(SIZE, SIZE)),
        count("flyer", the("flyer"), 40, "flyers"),
        count("fast_flyer", the("fast_flyer"), 40, "fast flyers"),
        count("turret", the("turret"), 10, "turrets"),
        count("meteor", the("meteor"), 10, "meteors"),
        count("cloud", the("cloud"), 10, "clouds, which hide things and do no harm"),
        count("bullet", bullets, 40, "bullets of enemies"),
        count("own_bullet", the("own_bullet"), 40, "bullets of the agent"),
        seen("finish", finish, "the finish line"),
        number(
            "progress",
            "share",
            0,
            1,
            f"time, of the {LEVEL_TIME} steps before the finish line comes; the sky moves with it",
            lambda view: min(view.state.cur_time / LEVEL_TIME, 1),
        ),
        *clock(1000),
        background("starpilot"),
    ),
)
