"""Bossfight: shoot the boss while its shields are down; dodge its bullets and the meteors.

Source: openai/procgen ``bossfight.cpp``.
"""

from collections.abc import Callable

import numpy as np

from probes.factors.frame import MISSING, Finder, Real, Sheet, View, choice, number, yes_no
from probes.factors.general import agent, agent_theme, background, clock, count, the, theme, towards
from probes.factors.shots import first_hit, impact_time

SIZE = 20
HEALTH = 9 * 5  # shots a round, rounds
ATTACKS = ("fan", "turning cross", "ring", "random")
RELOAD = 3  # steps between two shots
SHOT, SHOT_STEPS = 0.25, 25  # half a shot's width in cells, and how long it flies
BULLET_STEPS = 50
MOST = 80

boss = the("boss")
barriers = the("barrier")
bullets = the("bullet")
shots = the("own_bullet")
hazards = the("boss", "barrier", "bullet")


def _boss(field: str) -> Callable[[View], Real]:
    return lambda view: float(view.things("boss")[field][0])


def _progress(view: View) -> Real:
    full = view.tail["round_health"] * view.tail["num_rounds"]
    return 1 - _boss("health")(view) / full


def _in_line(view: View) -> Real:
    things, up = view.things("boss", "barrier"), np.array([0.0, 1.0])
    hit = first_hit(view.here, up, np.array([SHOT, SHOT]), SHOT_STEPS, things)
    return float(hit is not None and things["type"][hit[0]] == view.sheet.things["boss"])


def _damaged(view: View) -> bool:
    return view.tail["damaged_until_time"] > view.state.cur_time


def _attack(view: View) -> Real:
    fires = view.tail["shields_are_up"] and not _damaged(view)
    return view.tail["attack_mode"] if fires else MISSING


def _shown(field: str, find: Finder) -> Callable[[View], Real]:
    return lambda view: view.tail[field] if len(view.found(find, shown=True)) else MISSING


SHEET = Sheet(
    game="bossfight",
    things={
        "own_bullet": 1,
        "boss": 2,
        "shields": 3,
        "bullet": 4,
        "bullet_trail": 5,
        "reflected_bullet": 6,
        "barrier": 7,
        "explosion": 54,
    },
    cells={"space": 100},
    marks={"goal": boss, "hazard": hazards, "barrier": barriers},
    factors=(
        *agent(SIZE, SIZE, 0.85, 0.85),
        *towards("goal", boss, "the boss", reach=(SIZE, SIZE)),
        number("boss_x", "cells", 0, SIZE, "middle of the boss, to the right", _boss("x")),
        number("boss_y", "cells", 0, SIZE, "middle of the boss, upwards", _boss("y")),
        number(
            "boss_vx",
            "cells a step",
            -0.75,
            0.75,
            "speed of the boss to the right",
            _boss("vx"),
            scope="motion",
        ),
        number(
            "boss_vy",
            "cells a step",
            -0.75,
            0.75,
            "speed of the boss upwards",
            _boss("vy"),
            scope="motion",
        ),
        yes_no(
            "shields_up",
            "the boss's shields are up and throw shots back",
            lambda view: view.tail["shields_are_up"],
        ),
        yes_no(
            "boss_damaged",
            "the boss has lost a round, burns and holds its fire",
            _damaged,
            scope="motion",
        ),
        choice(
            "attack",
            ATTACKS,
            "how the boss fires behind its shields; missing when it does not",
            _attack,
            scope="motion",
        ),
        number(
            "boss_health",
            "shots",
            0,
            HEALTH,
            "shots that the boss still takes; the picture does not show it",
            _boss("health"),
            scope="level",
        ),
        number(
            "rounds_left",
            "rounds",
            1,
            5,
            "rounds still to win, this one too; the picture does not show it",
            lambda view: view.tail["num_rounds"] - view.tail["round_num"],
            scope="level",
        ),
        number(
            "progress",
            "share",
            0,
            1,
            "shots that the boss took, of those that end the level",
            _progress,
            scope="level",
        ),
        yes_no(
            "in_line",
            "the boss lies straight ahead, in the gun's way, with no meteor before",
            _in_line,
        ),
        yes_no(
            "can_fire",
            f"the last shot is at least {RELOAD} steps old",
            lambda view: view.state.cur_time + 1 - view.tail["last_fire_time"] >= RELOAD,
            scope="motion",
        ),
        *towards("hazard", hazards, "the nearest thing that kills", reach=(SIZE, SIZE)),
        *towards("bullet", bullets, "the nearest bullet of the boss", reach=(SIZE, SIZE)),
        number(
            "impact_time",
            "steps",
            1,
            BULLET_STEPS,
            "steps until a bullet hits the agent, should it stay; missing if none will",
            lambda view: impact_time(view, view.things("bullet"), view.things("barrier")),
            scope="motion",
        ),
        *towards("barrier", barriers, "the nearest meteor", reach=(SIZE, SIZE)),
        count("barrier", barriers, 3, "meteors, which kill and stop bullets"),
        count("bullet", bullets, MOST, "bullets of the boss"),
        count("own_bullet", shots, 10, "bullets of the agent"),
        *clock(4000),
        background("bossfight"),
        agent_theme(4),
        theme(
            "boss_theme",
            4,
            "sprite of the boss",
            lambda view: int(view.things("boss")["image_theme"][0]),
        ),
        theme(
            "bullet_theme",
            3,
            "sprite of the boss's bullets; missing out of view",
            _shown("boss_laser_theme", bullets),
        ),
        theme(
            "own_bullet_theme",
            3,
            "sprite of the agent's bullets; missing out of view",
            _shown("player_laser_theme", shots),
        ),
    ),
)
