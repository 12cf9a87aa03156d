"""Shortest ways through a level's cells, in steps up, down, left and right."""

from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from probes.factors.frame import MISSING, Factor, Places, Real, View, choice, number
from probes.factors.general import SIDES

Steps = Int[np.ndarray, "height width"]
"""From each cell, steps of the shortest way to the nearest place asked for; -1: there is none."""


def steps_to(places: Places, free: Bool[np.ndarray, "height width"]) -> Steps:
    """Shortest way from each free cell to the nearest of some places, breadth first.

    Args:
        places: in cells; the cells that hold them count as free.
        free: cells that may be entered.
    """
    steps = np.where(np.pad(free, 1), -1, -2)
    waiting = deque((int(y) + 1, int(x) + 1) for x, y in places)
    for place in waiting:
        steps[place] = 0
    while waiting:
        y, x = waiting.popleft()
        for dx, dy in SIDES.values():
            if steps[y + dy, x + dx] == -1:
                steps[y + dy, x + dx] = steps[y, x] + 1
                waiting.append((y + dy, x + dx))
    return np.maximum(steps[1:-1, 1:-1], -1)


def length(steps: Steps, view: View) -> Real:
    """Steps left from the agent's cell; missing where no way leads on."""
    x, y = (int(place) for place in view.here)
    inside = 0 <= x < view.width and 0 <= y < view.height
    return float(steps[y, x]) if inside and steps[y, x] >= 0 else MISSING


def way_done(steps: Steps, view: View) -> Real:
    """1 at the goal, 0 in the cell farthest from it; missing where no way leads on."""
    return 1 - length(steps, view) / max(int(steps.max()), 1)


def path(
    find_steps: Callable[[View], Steps],
    most: int,
    what: str,
    *,
    scope: Literal["picture", "level"] = "picture",
) -> tuple[Factor, ...]:
    """``path_length`` and ``path_direction``: of the shortest way from the agent's cell.

    Args:
        find_steps: the way left from each cell.
        most: no way is longer, in steps.
        what: where it leads, for the meanings.
        scope: ``level`` where a moving camera shows a part of the way only.
    """

    def first_step(view: View) -> Real:
        steps = np.pad(find_steps(view), 1, constant_values=-1)
        x, y = (int(place) + 1 for place in view.here)
        if not (0 < x <= view.width and 0 < y <= view.height):
            return MISSING
        nearer = [steps[y + dy, x + dx] == steps[y, x] - 1 >= 0 for dx, dy in SIDES.values()]
        return nearer.index(True) if any(nearer) else MISSING

    return (
        number(
            "path_length",
            "steps",
            0,
            most,
            f"steps of the shortest way to {what}, walls respected",
            lambda view: length(find_steps(view), view),
            scope=scope,
        ),
        choice(
            "path_direction",
            tuple(SIDES),
            f"first step of the shortest way to {what}",
            first_step,
            scope=scope,
        ),
    )
