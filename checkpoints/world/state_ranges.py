"""Numbers in a state that Procgen takes and goes astray with, by reading what is not there.

What it refuses by ending the process needs no list: see :mod:`checkpoints.world.apart`.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from checkpoints.world.codecs import ENTITY, int_at

LARGEST_TYPE = 127
"""No game's entities or themes have larger numbers."""
_FLAGS = (
    *("paint_vel_info", "use_monochrome_assets", "restrict_themes", "use_backgrounds"),
    *("center_agent", "debug_mode", "use_sequential_levels", "use_easy_jump", "plain_assets"),
    *("done", "level_complete", "episode_done", "random_agent_start", "has_useful_vel_info"),
)
_RANGES = dict.fromkeys(_FLAGS, range(2)) | {"timeout": range(10**6)}


def first_fault(
    data: bytes, starts: Mapping[str, tuple[int, Any]], entities: np.ndarray, size: tuple[int, int]
) -> str:
    """What is wrong with the numbers of a state, or nothing.

    Args:
        data: the state.
        starts: field -> where it starts, and its type.
        entities: of the state, of dtype ``ENTITY``.
        size: width and height of its grid, cells.
    """
    equal = {"main_width": size[0], "main_height": size[1], "grid_size": size[0] * size[1]}
    for name, (at, kind) in starts.items():
        if kind is float:
            (number,) = struct.unpack_from("<f", data, at)
            if not math.isfinite(number):
                return f"{name} {number}, no finite number"
        elif name in _RANGES and int_at(data, at) not in _RANGES[name]:
            return f"{name} {int_at(data, at)}, not in 0 to {_RANGES[name][-1]}"
        elif name in equal and int_at(data, at) != equal[name]:
            return f"{name} {int_at(data, at)} beside a grid of {equal[name]}"
    return _fault_of_entities(entities)


def _fault_of_entities(entities: np.ndarray) -> str:
    for name in ENTITY.names or ():
        column = entities[name]
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            return f"an entity whose {name} is no finite number"
    for name in ("type", "image_type", "image_theme"):
        if entities[name].min() < -1 or entities[name].max() > LARGEST_TYPE:
            return f"an entity whose {name} is not in -1 to {LARGEST_TYPE}"
    return ""
