"""The part of a state that belongs to one game, behind what all 16 share.

Each game's ``serialize`` (openai/procgen ``games/*.cpp``) writes its own fields last, then comes
the end mark. ``LAYOUTS`` names them in stored order; a tail is parsed only where somebody asks,
and passes through :mod:`checkpoints.world.states` untouched otherwise.
"""

import dataclasses
import struct
from typing import Any

from checkpoints.console import UserError, one_of
from checkpoints.world.codecs import CODECS, Codec, Entities, int_at
from checkpoints.world.states import State

Bools = tuple[bool, ...]
Ints = tuple[int, ...]
Floats = tuple[float, ...]

_END = struct.pack("<I", 0xCAFECAFE)


def _vector(letter: str, kind: type) -> Codec:
    """How a length and so many 4-byte values are stored."""
    return Codec(
        f"a sequence of {kind.__name__}",
        lambda data, at: at + 4 + 4 * max(int_at(data, at), 0),
        lambda part: tuple(
            kind(v) for v in struct.unpack(f"<{len(part) // 4 - 1}{letter}", part[4:])
        ),
        lambda value: struct.pack(f"<i{len(value)}{letter}", len(value), *value),
    )


_CODECS: dict[Any, Codec] = {
    **{kind: CODECS[kind] for kind in (int, float, Entities)},
    bool: CODECS[int]._replace(decode=lambda part: bool(int_at(part, 0))),
    Bools: _vector("i", bool),
    Ints: _vector("i", int),
    Floats: _vector("f", float),
}

LAYOUTS: dict[str, dict[str, Any]] = {
    "bigfish": {"fish_eaten": int, "r_inc": float},
    "bossfight": {
        "attack_modes": Ints,
        "last_fire_time": int,
        "time_to_swap": int,
        "invulnerable_duration": int,
        "vulnerable_duration": int,
        "num_rounds": int,
        "round_num": int,
        "round_health": int,
        "boss_vel_timeout": int,
        "curr_vel_timeout": int,
        "attack_mode": int,
        "player_laser_theme": int,
        "boss_laser_theme": int,
        "damaged_until_time": int,
        "shields_are_up": bool,
        "barriers_moves_right": bool,
        "base_fire_prob": float,
        "boss_bullet_vel": float,
        "barrier_vel": float,
        "barrier_spawn_prob": float,
        "rand_pct": float,
        "rand_fire_pct": float,
        "rand_pct_x": float,
        "rand_pct_y": float,
    },
    "caveflyer": {},
    "chaser": {
        "free_cells": Ints,
        "is_space_vec": Bools,
        "eat_timeout": int,
        "egg_timeout": int,
        "eat_time": int,
        "total_enemies": int,
        "total_orbs": int,
        "orbs_collected": int,
        "maze_dim": int,
    },
    "climber": {
        "has_support": bool,
        "facing_right": bool,
        "coin_quota": int,
        "coins_collected": int,
        "wall_theme": int,
        "gravity": float,
        "air_control": float,
    },
    "coinrun": {
        "last_agent_y": float,
        "wall_theme": int,
        "has_support": bool,
        "facing_right": bool,
        "is_on_crate": bool,
        "gravity": float,
        "air_control": float,
    },
    "dodgeball": {
        "min_dim": float,
        "hard_min_dim": float,
        "ball_vscale": float,
        "ball_r": float,
        "last_fire_time": int,
        "num_enemies": int,
        "enemy_fire_delay": int,
    },
    "fruitbot": {"min_dim": float, "bullet_vscale": float, "last_fire_time": int},
    "heist": {"num_keys": int, "world_dim": int, "has_keys": Bools},
    "jumper": {
        "jump_count": int,
        "jump_delta": int,
        "jump_time": int,
        "has_support": bool,
        "facing_right": bool,
        "wall_theme": int,
        "compass_dim": float,
    },
    "leaper": {
        "bottom_road_y": int,
        "road_lane_speeds": Floats,
        "bottom_water_y": int,
        "water_lane_speeds": Floats,
        "goal_y": int,
    },
    "maze": {"maze_dim": int, "world_dim": int},
    "miner": {"diamonds_remaining": int},
    "ninja": {
        "has_support": bool,
        "facing_right": bool,
        "last_fire_time": int,
        "wall_theme": int,
        "gravity": float,
        "air_control": float,
        "jump_charge": float,
        "jump_charge_inc": float,
    },
    "plunder": {
        "last_fire_time": int,
        "lane_directions": Bools,
        "target_bools": Bools,
        "image_permutation": Ints,
        "lane_vels": Floats,
        "num_lanes": int,
        "num_current_ship_types": int,
        "targets_hit": int,
        "target_quota": int,
        "juice_left": float,
        "r_scale": float,
        "spawn_prob": float,
        "legend_r": float,
        "min_agent_x": float,
    },
    "starpilot": {"spawners": Entities},
}
"""Game -> field -> type, in stored order."""


def read_tail(state: State) -> dict[str, Any]:
    """The fields of ``state`` that belong to its game alone, by name, in stored order.

    Raises:
        UserError: the tail is longer or shorter than the game's fields.
    """
    at, found = 0, {}
    try:
        for name, kind in LAYOUTS[state.game].items():
            codec = _CODECS[kind]
            end = codec.end(state.tail, at) if codec.end else at + 4
            found[name] = codec.decode(state.tail[at:end])
            at = end
    except (struct.error, ValueError):
        at = -1
    if at < 0 or state.tail[at:] != _END:
        raise UserError(
            f"expected the tail of a {state.game} state, got {len(state.tail)} bytes that do not "
            f"end with its last field; read the state anew from what get_states() gave"
        )
    return found


def with_tail(state: State, **changes: Any) -> State:
    """``state`` with some of its game's own fields changed; none changed gives equal bytes.

    Raises:
        UserError: a field that the game lacks, or a value that does not fit it.
    """
    layout, found = LAYOUTS[state.game], read_tail(state)
    for name in changes:
        one_of(f"{state.game} field", name, layout)
    parts = []
    for name, value in (found | changes).items():
        codec = _CODECS[layout[name]]
        try:
            parts.append(codec.encode(value))
        except (struct.error, ArithmeticError, AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f"{state.game} field {name!r}: expected {codec.expected}, got {value!r} ({error}); "
                f"pass such a value"
            ) from error
    return dataclasses.replace(state, tail=b"".join(parts) + _END)
