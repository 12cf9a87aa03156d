"""Fruitbot: steer left and right on the way up, through gaps, into fruit and past other food.

A locked gap opens when a key hits its lock. Source: openai/procgen ``fruitbot.cpp``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from probes.factors.frame import MISSING, Finder, Places, Real, Sheet, View, number, yes_no
from probes.factors.general import agent, background, clock, count, seen, the, towards

WIDTH = 20  # 10 in easy mode
HEIGHT = 60
START = 0.4
RELOAD = 8  # steps between two throws of a key
MOST = 40
ROW = 0.01  # cells: two things of a wall differ less in height


def ahead(*names: str) -> Finder:
    """Finds things of these kinds that the agent has not passed."""

    def find(view: View) -> Places:
        places = view.places(*names)
        return places[places[:, 1] >= view.here[1]]

    return find


fruit = ahead("fruit")
junk = ahead("junk")
locks = ahead("lock")
presents = the("present")


def _camera(view: View) -> tuple[float, float]:
    return view.width / 2, view.here[1] + view.width / 2 - 2 * float(view.agent["ry"])


@dataclass(frozen=True)
class Gap:
    """The hole in a wall, in cells from the agent."""

    left: float
    right: float
    up: float
    locked: bool


def gap_ahead(view: View) -> Gap | None:
    """The hole in the first wall in view that the agent has not passed altogether."""
    walls = view.things("wall")
    top = view.middle[1] + view.reach / 2
    last = view.here[1] - float(view.agent["ry"]) - walls["ry"]
    walls = walls[(walls["y"] > last) & (walls["y"] < top)]
    if not len(walls):
        return None
    y = walls["y"].min()
    pair = walls[np.abs(walls["y"] - y) < ROW]
    if len(pair) != 2:  # one half has been edited away
        return None
    left, right = sorted(pair, key=lambda wall: wall["x"])
    locked = (np.abs(view.things("locked_door")["y"] - y) < ROW).any()
    return Gap(
        float(left["x"] + left["rx"] - view.here[0]),
        float(right["x"] - right["rx"] - view.here[0]),
        float(y - view.here[1]),
        bool(locked),
    )


def _of_gap(read: Callable[[Gap], Real]) -> Callable[[View], Real]:
    def of(view: View) -> Real:
        found = gap_ahead(view)
        return MISSING if found is None else read(found)

    return of


def _aligned(view: View) -> Real:
    half = float(view.agent["rx"])
    return _of_gap(lambda gap: gap.left < -half and half < gap.right)(view)


def _progress(view: View) -> Real:
    # The agent's upper edge meets the presents' lower one.
    end = view.height - 1 - float(view.agent["ry"])
    return float(np.clip((view.here[1] - START) / (end - START), 0, 1))


SHEET = Sheet(
    game="fruitbot",
    things={
        "wall": 1,
        "key": 3,
        "junk": 4,
        "fruit": 7,
        "locked_door": 10,
        "lock": 11,
        "present": 12,
    },
    cells={"space": 100},
    marks={"goal": fruit, "hazard": junk},
    camera=_camera,
    factors=(
        *agent(WIDTH, HEIGHT, 0.7, 0.14, camera="rising"),
        yes_no(
            "can_throw",
            f"the last key was thrown at least {RELOAD} steps ago",
            lambda view: view.state.cur_time + 1 - view.tail["last_fire_time"] >= RELOAD,
            scope="motion",
        ),
        *towards("goal", fruit, "the nearest fruit ahead", reach=(WIDTH, WIDTH)),
        *towards("hazard", junk, "the nearest other food ahead", reach=(WIDTH, WIDTH)),
        number(
            "gap_dx",
            "cells",
            -WIDTH,
            WIDTH,
            "how far right the middle of the next gap lies; missing without a wall in view",
            _of_gap(lambda gap: (gap.left + gap.right) / 2),
        ),
        number(
            "gap_dy",
            "cells",
            -1,
            WIDTH,
            "how far up the next wall lies",
            _of_gap(lambda gap: gap.up),
        ),
        number(
            "gap_width",
            "cells",
            0,
            WIDTH,
            "width of the next gap",
            _of_gap(lambda gap: gap.right - gap.left),
        ),
        yes_no("gap_aligned", "the way straight up leads through the next gap", _aligned),
        yes_no("gap_locked", "a door shuts the next gap", _of_gap(lambda gap: gap.locked)),
        *towards("lock", locks, "the nearest lock ahead", reach=(WIDTH, WIDTH)),
        count("fruit", fruit, MOST, "fruit ahead"),
        count("junk", junk, MOST, "other food ahead"),
        count("key", the("key"), 2, "keys in flight"),
        seen("finish", presents, "the row of presents at the end"),
        number(
            "progress",
            "share",
            0,
            1,
            "way from the start to the presents that is done",
            _progress,
            scope="level",
        ),
        *clock(1000),
        background("fruitbot"),
    ),
)
