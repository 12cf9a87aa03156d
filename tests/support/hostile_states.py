"""States that somebody edited without knowing what Procgen can bear, drawn by a seed."""

import dataclasses
import struct

import numpy as np

from checkpoints.console import UserError
from checkpoints.world.states import State, read_state, write_state

INTS = (-(2**31), -1000, -1, 0, 1, 5, 50, 99, 127, 1000, 2**20, 2**31 - 1)
FLOATS = (float("nan"), float("inf"), -1e30, -1.0, 0.0, 1e-30, 1.5, 100.0, 1e6, 1e30)


def edited(data: bytes, rng: np.random.Generator) -> bytes:
    """One state with one edit: bytes anywhere, a field, a cell, an entity or the tail.

    Raises:
        UserError: the edit does not even fit into bytes.
    """
    kind = rng.choice(["bytes", "field", "grid", "entity", "tail"])
    if kind == "bytes":
        at = int(rng.integers(len(data) - 4))
        return data[:at] + rng.bytes(4) + data[at + 4 :]
    state = read_state(data)
    if kind == "field":
        field = rng.choice([f.name for f in dataclasses.fields(State) if f.type in (int, float)])
        kept = getattr(state, field)
        value = rng.choice(INTS).item() if isinstance(kept, int) else rng.choice(FLOATS).item()
        return write_state(dataclasses.replace(state, **{field: value}))
    if kind == "grid":
        grid = state.grid.copy()
        if rng.random() < 0.5:
            grid[rng.integers(grid.shape[0]), rng.integers(grid.shape[1])] = rng.choice(INTS)
        else:
            grid = np.resize(grid, rng.integers(1, 90, 2))
        height, width = grid.shape
        changed = {"main_width": width, "main_height": height, "grid_size": width * height}
        return write_state(dataclasses.replace(state, grid=grid, **changed))
    if kind == "entity":
        entities = state.entities.copy()
        name = rng.choice(entities.dtype.names)
        values = FLOATS if entities.dtype[name].kind == "f" else INTS
        entities[rng.integers(len(entities))][name] = rng.choice(values)
        return write_state(dataclasses.replace(state, entities=entities))
    tail = state.tail
    if len(tail) < 8:
        raise UserError("no tail to edit")
    at = 4 * int(rng.integers(len(tail) // 4 - 1))
    value = struct.pack("<i", int(rng.choice(INTS)))
    return write_state(dataclasses.replace(state, tail=tail[:at] + value + tail[at + 4 :]))
