"""How Procgen stores a number, a text, a random generator, a list of entities and a grid.

Little-endian, every number in 4 bytes, every length in front. Source: openai/procgen
``buffer.h``, ``randgen.cpp``, ``entity.cpp``, ``grid.h``.
"""

import operator
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Shaped

ENTITY = np.dtype(
    [
        (name, kind)
        for kind, names in (
            ("<f4", "x y vx vy rx ry"),
            ("<i4", "type image_type image_theme render_z will_erase collides_with_entities"),
            ("<f4", "collision_margin rotation vrot"),
            ("<i4", "is_reflected fire_time spawn_time life_time expire_time use_abs_coords"),
            ("<f4", "friction"),
            ("<i4", "smart_step avoids_collisions auto_erase"),
            ("<f4", "alpha health theta grow_rate alpha_decay climber_spawn_x"),
        )
        for name in names.split()
    ]
)
"""The 31 stored fields of an entity; positions and speeds in grid cells and cells a step."""

Entities = Shaped[np.ndarray, "entity"]
Grid = Int32[np.ndarray, "height width"]


class Generator(NamedTuple):
    """A random number generator: whether it was ever seeded, and its state as C++ prints it."""

    seeded: int
    text: bytes


class Codec(NamedTuple):
    """How one kind of field is stored."""

    expected: str
    end: Callable[[bytes, int], int] | None  # (state, start) -> end; None after 4 bytes
    decode: Callable[[bytes], Any]  # from exactly the field's bytes
    encode: Callable[[Any], bytes]  # any error says that the value does not fit


def int_at(data: bytes, at: int) -> int:
    """The stored integer that starts at byte ``at``."""
    return struct.unpack_from("<i", data, at)[0]


def _length_at(data: bytes, at: int) -> int:
    # Unsigned: a negative length is then too large, and shows as a cut state.
    return struct.unpack_from("<I", data, at)[0]


def _encode_entities(entities: np.ndarray) -> bytes:
    if entities.dtype != ENTITY or entities.ndim != 1:
        raise TypeError(f"shape {entities.shape}, dtype {entities.dtype}")
    return struct.pack("<i", len(entities)) + entities.tobytes()


def _decode_grid(part: bytes) -> np.ndarray:
    width, height = struct.unpack_from("<ii", part)
    return np.frombuffer(part, "<i4", offset=12).reshape(height, width).copy()


def _encode_grid(grid: np.ndarray) -> bytes:
    if grid.dtype.kind != "i" or grid.ndim != 2:
        raise TypeError(f"shape {grid.shape}, dtype {grid.dtype}")
    height, width = grid.shape
    return struct.pack("<3i", width, height, grid.size) + grid.astype("<i4").tobytes()


CODECS: dict[Any, Codec] = {
    int: Codec(
        "a whole number of 32 bits",
        None,
        lambda part: int_at(part, 0),
        lambda value: struct.pack("<i", operator.index(value)),
    ),
    float: Codec(
        "a number that fits a 32-bit float",
        None,
        lambda part: struct.unpack("<f", part)[0],
        lambda value: struct.pack("<f", value),
    ),
    str: Codec(
        "a text",
        lambda data, at: at + 4 + _length_at(data, at),
        lambda part: part[4:].decode("ascii"),
        lambda value: struct.pack("<i", len(value)) + value.encode("ascii"),
    ),
    Generator: Codec(
        "a Generator",
        lambda data, at: at + 8 + _length_at(data, at + 4),
        lambda part: Generator(int_at(part, 0), part[8:]),
        lambda value: struct.pack("<ii", value.seeded, len(value.text)) + value.text,
    ),
    Entities: Codec(
        "a vector of dtype ENTITY",
        lambda data, at: at + 4 + ENTITY.itemsize * _length_at(data, at),
        lambda part: np.frombuffer(part, ENTITY, offset=4).copy(),
        _encode_entities,
    ),
    Grid: Codec(
        "an array of whole numbers, (height, width)",
        lambda data, at: at + 12 + 4 * _length_at(data, at + 8),
        _decode_grid,
        _encode_grid,
    ),
    # Adding them up refuses what is no bytes, where bytes(5) would make five zeros.
    bytes: Codec("bytes", lambda data, at: len(data), bytes, lambda value: b"" + value),
}
