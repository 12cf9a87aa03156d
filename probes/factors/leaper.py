"""Leaper: hop across roads between cars, and across water on logs, to the finish line.

The agent hops a cell in four steps, and rests in the middle of a row, 0.4 above its lower edge.
Source: openai/procgen ``leaper.cpp``.
"""

import math
from collections.abc import Callable

import numpy as np

from probes.factors.frame import MISSING, Places, Real, Sheet, View, choice, number, yes_no
from probes.factors.general import agent, around, background, clock, count, the, towards

SIZE = 15  # 9 in easy mode
START = 0.4
MOST = 75  # five lanes full

cars = the("car")
logs = the("log")


def finish(view: View) -> Places:
    """The point of the finish line straight above the agent."""
    return np.column_stack([view.here[:1], view.places("finish_line")[:, 1]])


def _row(view: View) -> int:
    return math.floor(view.here[1])


def _ahead(name: str) -> Callable[[View], np.ndarray]:
    """Things of a kind in view, one row up."""

    def find(view: View) -> np.ndarray:
        things = view.things(name)
        inside = (things["x"] >= 0) & (things["x"] < view.width)
        return things[inside & (np.floor(things["y"]) == _row(view) + 1)]

    return find


def _dx_ahead(name: str) -> Callable[[View], Real]:
    def read(view: View) -> Real:
        gaps = _ahead(name)(view)["x"] - view.here[0]
        return float(gaps[np.abs(gaps).argmin()]) if len(gaps) else MISSING

    return read


def _log_at(view: View, rows_up: int) -> Real:
    # As Procgen asks whether a log carries the agent: ``has_collision`` less the agent's radius.
    found = view.things("log")
    dx, dy = found["x"] - view.here[0], found["y"] - view.here[1] - rows_up
    return float(((np.abs(dx) < found["rx"]) & (np.abs(dy) < found["ry"])).any())


def _log_ahead(view: View) -> Real:
    water = view.cell(view.here[0], view.here[1] + 1) == view.sheet.cells["water"]
    return _log_at(view, 1) if water else MISSING


def _lane_speed(rows_up: int) -> Callable[[View], Real]:
    def read(view: View) -> Real:
        for kind in ("road", "water"):
            lane = _row(view) + rows_up - view.tail[f"bottom_{kind}_y"]
            if 0 <= lane < len(view.tail[f"{kind}_lane_speeds"]):
                return view.tail[f"{kind}_lane_speeds"][lane]
        return 0.0

    return read


def _ground(view: View) -> Real:
    kinds = [view.sheet.cells[name] for name in ("road", "water")]
    here = view.cell(*view.here)
    return kinds.index(here) + 1 if here in kinds else 0


def _heading(view: View) -> Real:
    return round(float(view.agent["rotation"]) / (math.pi / 2)) % 4


SHEET = Sheet(
    game="leaper",
    things={"log": 1, "car": 4, "finish_line": 5},
    cells={"road": 2, "water": 3, "space": 100, "outside": -1},
    marks={"goal": finish, "hazard": cars},
    factors=(
        *agent(SIZE, SIZE, 0.5, 0.5, margin=0.5),
        choice("heading", ("up", "right", "down", "left"), "which way the agent looks", _heading),
        yes_no(
            "hopping",
            "the agent is between two cells",
            lambda view: float(view.agent["vx"] != 0 or view.agent["vy"] != 0),
        ),
        number(
            "goal_distance",
            "cells",
            0,
            SIZE,
            "how far up the finish line lies",
            lambda view: finish(view)[0, 1] - view.here[1],
        ),
        number(
            "progress",
            "share",
            0,
            1,
            "rows crossed, of those up to the finish line",
            lambda view: float(np.clip((view.here[1] - START) / (view.tail["goal_y"] - 1), 0, 1)),
        ),
        choice("cell_here", ("free", "road", "water"), "grid cell under the agent", _ground),
        *around({"road": ("road",), "water": ("water",), "outside": ("outside",)}),
        yes_no("on_log", "a log carries the agent", lambda view: _log_at(view, 0)),
        yes_no("log_ahead", "a log lies above; missing unless water does", _log_ahead),
        number(
            "log_ahead_dx",
            "cells",
            -SIZE - 1,
            SIZE + 1,
            "how far right the nearest log in view of the row above lies",
            _dx_ahead("log"),
        ),
        number(
            "car_ahead_dx",
            "cells",
            -SIZE - 1,
            SIZE + 1,
            "how far right the nearest car in view of the row above lies",
            _dx_ahead("car"),
        ),
        number(
            "lane_ahead_speed",
            "cells a step",
            -0.2,
            0.2,
            "speed to the right of cars or logs in the row above; 0 without a lane",
            _lane_speed(1),
            scope="motion",
        ),
        *towards("hazard", cars, "the nearest car", reach=(SIZE + 1, SIZE)),
        count("car", cars, MOST, "cars"),
        count("log", logs, MOST, "logs"),
        *clock(500),
        background("leaper"),
    ),
)
