"""Dodgeball: hit all enemies with balls, then leave by the door; enemies, balls and walls kill.

The agent throws the way it looks. Source: openai/procgen ``dodgeball.cpp``.
"""

import math

import numpy as np
from jaxtyping import Float

from probes.factors.frame import MISSING, Places, Real, Sheet, View, choice, number, yes_no
from probes.factors.general import (
    DIRECTIONS,
    agent,
    background,
    clock,
    count,
    direction_of,
    the,
    theme,
    towards,
)
from probes.factors.shots import boxes, first_hit, impact_time

SIZE = 20
ENEMIES = 6
RELOAD = 7  # steps between two throws
BALL_LIFE = 50  # steps
REACH = 1  # enemies throw at what is less than a cell off their row or column

door = the("door")
enemies = the("enemy")
balls = the("ball")
hazards = the("enemy", "ball")


def walls(view: View) -> Places:
    """Of each wall the point that is nearest to the agent."""
    found = view.things("wall")
    middle, half = view.places("wall"), boxes(found)
    return np.clip(view.here, middle - half, middle + half)


def heading(view: View) -> Float[np.ndarray, "2"]:
    """The way the agent looks, -1, 0 or 1 along x and along y."""
    angle = -float(view.agent["rotation"])
    return np.array([round(math.cos(angle)), round(math.sin(angle))], dtype=np.float64)


def _in_line(view: View) -> Real:
    things, radius = view.things("enemy", "wall"), view.tail["ball_r"]
    speed = heading(view) * view.tail["ball_vscale"]
    hit = first_hit(view.here, speed, np.array([radius, radius]), BALL_LIFE, things)
    return float(hit is not None and things["type"][hit[0]] == view.sheet.things["enemy"])


def _exposed(view: View) -> Real:
    return float((np.abs(enemies(view) - view.here).min(axis=1, initial=SIZE) < REACH).any())


def _enemy_theme(view: View) -> Real:
    found = view.things("enemy")
    return int(found["image_theme"][0]) if len(found) else MISSING


SHEET = Sheet(
    game="dodgeball",
    things={"wall": 1, "own_ball": 3, "enemy": 4, "door": 5, "ball": 6, "dust": 8},
    cells={"space": 100},
    marks={"goal": door, "hazard": hazards},
    factors=(
        *agent(SIZE, SIZE, 0.62, 0.62),
        choice(
            "heading",
            DIRECTIONS,
            "which way the agent looks, and throws",
            lambda view: direction_of(*heading(view)),
        ),
        yes_no(
            "can_throw",
            f"the last throw is at least {RELOAD} steps old",
            lambda view: view.state.cur_time + 1 - view.tail["last_fire_time"] >= RELOAD,
            scope="motion",
        ),
        *towards("goal", door, "the door", reach=(SIZE, SIZE)),
        yes_no(
            "door_open",
            "the door is open, and green: no enemy is left",
            lambda view: view.tail["num_enemies"] == 0,
        ),
        number(
            "progress",
            "share",
            0,
            1,
            f"1 less the enemies left as a share of {ENEMIES}, the most that a level begins with",
            lambda view: 1 - len(enemies(view)) / ENEMIES,
        ),
        yes_no("in_line", "a ball thrown now would hit an enemy, should all stand still", _in_line),
        yes_no(
            "exposed",
            "an enemy lies less than a cell off the agent's row or column, from where it throws",
            _exposed,
        ),
        *towards("hazard", hazards, "the nearest enemy or ball of theirs", reach=(SIZE, SIZE)),
        *towards("enemy", enemies, "the nearest enemy", reach=(SIZE, SIZE)),
        *towards("ball", balls, "the nearest ball of an enemy", reach=(SIZE, SIZE)),
        *towards("wall", walls, "the nearest point of a wall", reach=(SIZE, SIZE)),
        number(
            "impact_time",
            "steps",
            1,
            BALL_LIFE + 1,
            "until the first ball hits the agent, should it stand still; missing if none will",
            lambda view: impact_time(view, view.things("ball"), view.things("wall")),
            scope="motion",
        ),
        count("enemy", enemies, ENEMIES, "enemies"),
        count("ball", balls, 12, "balls of enemies"),
        count("own_ball", the("own_ball"), 10, "balls of the agent"),
        count("wall", the("wall"), 4, "walls with their middle"),
        *clock(1000),
        background("dodgeball"),
        theme("enemy_theme", 7, "sprite of the enemies; missing without any", _enemy_theme),
    ),
)
