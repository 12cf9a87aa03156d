"""What flies: when it hits the agent, and what the agent would hit.

Procgen moves a shot by its speed, then looks which boxes overlap (``basic-abstract-game.cpp``,
``game_step`` and ``has_collision``). Here everything but the shots stands still.
"""

import numpy as np
from jaxtyping import Bool, Float, Shaped

from probes.factors.frame import MISSING, Real, View, places_of

Things = Shaped[np.ndarray, "_"]
"""Entities, of dtype ENTITY."""


def boxes(things: Things) -> Float[np.ndarray, "_ 2"]:
    """Half the width and half the height of each thing, in cells."""
    return np.column_stack([things["rx"], things["ry"]]).astype(np.float64)


def impact_time(view: View, shots: Things, stops: Things) -> Real:
    """Steps until the first shot hits the agent, should it stand still; missing if none will.

    Args:
        view: the state.
        shots: what flies.
        stops: what a shot does not pass.
    """
    speed = np.column_stack([shots["vx"], shots["vy"]]).astype(np.float64)
    # A shot that expires in a step still hits in that step.
    left = shots["expire_time"] + 1 - shots["life_time"]
    size, body = boxes(shots), np.array([view.agent["rx"], view.agent["ry"]], dtype=np.float64)
    flying = np.ones(len(shots), dtype=bool)
    for step in range(1, int(left.max(initial=0)) + 1):
        at = places_of(shots) + step * speed
        flying &= step <= left
        if (flying & (np.abs(at - view.here) < size + body).all(axis=1)).any():
            return step
        flying &= ~_overlap(at, size, stops).any(axis=1)
    return MISSING


def first_hit(
    start: Float[np.ndarray, "2"],
    speed: Float[np.ndarray, "2"],
    size: Float[np.ndarray, "2"],
    steps: int,
    things: Things,
) -> tuple[int, int] | None:
    """The first of some things that a shot hits, and in how many steps; ``None``: it hits none.

    Args:
        start: where the shot leaves, in cells.
        speed: cells a step.
        size: half its width and half its height, in cells.
        steps: how long it flies.
        things: what it may hit.
    """
    at = start + np.arange(1, steps + 1)[:, None] * speed
    hits = _overlap(at, np.broadcast_to(size, at.shape), things)
    if not hits.any():
        return None
    step = int(hits.any(axis=1).argmax())
    touched = np.flatnonzero(hits[step])
    gaps = places_of(things[touched]) - at[step]
    return int(touched[(gaps**2).sum(axis=1).argmin()]), step + 1


def _overlap(
    at: Float[np.ndarray, "shot 2"], size: Float[np.ndarray, "shot 2"], things: Things
) -> Bool[np.ndarray, "shot _"]:
    gaps = np.abs(at[:, None] - places_of(things))
    return (gaps < size[:, None] + boxes(things)).all(axis=2)
