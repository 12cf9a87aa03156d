"""Jumper: jump, twice in the air, through a cave to the carrot that the compass points at.

Gravity acts after the move: ``agent_vy`` is 0.15 below the last step's. Source: openai/procgen
``jumper.cpp``.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from probes.factors.frame import Real, Sheet, View, choice, number, yes_no
from probes.factors.general import (
    agent,
    around,
    background,
    clock,
    count,
    facing,
    seen,
    the,
    towards,
    wall_theme,
)
from probes.factors.paths import Steps, path, steps_to, way_done

SIZE = 40  # 20 in easy mode
VIEW = 8  # cells from the middle of the picture to its edge; 6 in easy mode
JUMPS = 2
COOLDOWN = 3  # steps between two jumps
MOST = 60

carrot = the("carrot")
spikes = the("spike")


@lru_cache(maxsize=1)  # three factors of a state ask
def steps_to_carrot(view: View) -> Steps:
    """Shortest way from each cell to the carrot, through everything that is no wall."""
    walls = [view.sheet.cells[name] for name in ("wall", "wall_top")]
    return steps_to(carrot(view), (view.state.grid != walls[0]) & (view.state.grid != walls[1]))


def supported(view: View) -> bool:
    """Whether the agent stands on ground now, as Procgen asks before the next step."""
    walls = [view.sheet.cells[name] for name in ("wall", "wall_top")]
    half, y = float(view.agent["rx"]) - 0.01, view.here[1] - float(view.agent["ry"]) - 0.01
    return any(view.cell(view.here[0] + side * half, y) in walls for side in (-1, 1))


def _jumps_left(view: View) -> Real:
    return JUMPS if supported(view) else view.tail["jump_count"]


def _can_jump(view: View) -> Real:
    return _jumps_left(view) > 0 and view.state.cur_time + 1 - view.tail["jump_time"] > COOLDOWN


def _needle(axis: int) -> Callable[[View], Real]:
    def read(view: View) -> Real:
        gap = carrot(view)[0] - view.here
        return float(gap[axis] / max(math.hypot(*gap), 1e-9))

    return read


def _bar(view: View) -> Real:
    return math.hypot(*(carrot(view)[0] - view.here)) / (view.width * math.sqrt(2))


SHEET = Sheet(
    game="jumper",
    things={"carrot": 1, "spike": 2, "trail": 59},
    cells={"wall": 6, "wall_top": 7, "space": 100},
    marks={"goal": carrot, "hazard": spikes},
    factors=(
        *agent(SIZE, SIZE, 0.5, 2.2, camera="following"),
        facing(),
        yes_no(
            "on_ground",
            "the agent stood on ground at the start of the last step",
            lambda view: view.tail["has_support"],
            scope="motion",
        ),
        choice(
            "jumps_left",
            ("0", "1", "2"),
            "jumps before the agent must stand on ground again; 2 on ground",
            _jumps_left,
            scope="motion",
        ),
        yes_no(
            "can_jump",
            f"a jump is left and the last one more than {COOLDOWN} steps old",
            _can_jump,
            scope="motion",
        ),
        *towards("goal", carrot, "the carrot", reach=(SIZE, SIZE), scope="level"),
        seen("goal", carrot, "the carrot"),
        number("compass_x", "–", -1, 1, "how far right the compass needle points", _needle(0)),
        number("compass_y", "–", -1, 1, "how far up the compass needle points", _needle(1)),
        number(
            "compass_distance",
            "share",
            0,
            1,
            "distance to the carrot, of the level's diagonal; the bar under the compass shows it",
            _bar,
        ),
        *path(steps_to_carrot, SIZE * SIZE // 2, "the carrot", scope="level"),
        number(
            "progress",
            "share",
            0,
            1,
            "1 at the carrot, 0 in the cell of the cave with the longest way to it",
            lambda view: way_done(steps_to_carrot(view), view),
            scope="level",
        ),
        *towards("hazard", spikes, "the nearest spike", reach=(VIEW, VIEW)),
        count("spike", spikes, MOST, "spikes"),
        *around({"wall": ("wall", "wall_top")}),
        *clock(1000),
        background("jumper"),
        wall_theme(4),
    ),
)
