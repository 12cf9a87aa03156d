"""Procgen's state bytes and the fields in them, for the part that all 16 games share.

A state is a run of little-endian 4-byte integers and floats and of length-prefixed parts. The
class :class:`State` *is* the format: its fields stand in stored order, and the type of each says
how it is stored. Source: openai/procgen ``game.cpp``, ``basic-abstract-game.cpp``, ``entity.cpp``,
``grid.h``, ``buffer.h``, ``randgen.cpp`` and ``vecgame.cpp``, ``SERIALIZE_VERSION`` 0.

Procgen trusts what it is given and ends the whole Python process on a value it cannot use.
Everything here is therefore checked on its way to bytes as well as on its way from them; and what
did not come from Procgen reaches it first in a process that may end (see :class:`GameState`).
"""

import operator
import struct
from dataclasses import dataclass, fields

import numpy as np

from checkpoints.console import UserError, one_of
from checkpoints.world.codecs import CODECS, ENTITY, Entities, Generator, Grid, int_at
from checkpoints.world.games import GAMES, get_game
from checkpoints.world.state_ranges import first_fault

PLAYER = 0
"""Entity type of the agent, in every game."""

_VERSION = 0
# Never seeded: should such a state be stepped after all, Procgen stops instead of going astray.
_UNSEEDED = bytes(8)
_END = struct.pack("<I", 0xCAFECAFE)
# Entity types that a game looks up on restoring, beside the player.
_SOUGHT = {"bossfight": (2, 3), "jumper": (1,)}


class GameState(bytes):
    """A state just as Procgen gave it, and so one that Procgen takes.

    Cutting, joining or editing gives plain ``bytes``: those are drawn in another process, and tried
    there before they are stepped. Only mark what came from ``get_states`` or from a file that is
    known to be whole.
    """


@dataclass(frozen=True, eq=False)
class State:
    """One environment's state, without what belongs to a single game, which stays in ``tail``.

    Booleans are stored as 0 or 1. Change a state with ``dataclasses.replace``.
    """

    version: int
    game: str
    # render options
    paint_vel_info: int
    use_generated_assets: int
    use_monochrome_assets: int
    restrict_themes: int
    use_backgrounds: int
    center_agent: int
    debug_mode: int
    distribution_mode: int  # 0 easy, 1 hard, 2 extreme, 10 memory
    use_sequential_levels: int
    use_easy_jump: int
    plain_assets: int
    physics_mode: int
    # which levels
    grid_step: int
    level_seed_low: int
    level_seed_high: int
    game_type: int
    game_n: int  # place in the vector environment that the state was read from
    level_generator: Generator
    generator: Generator
    # the last step
    reward: float
    done: int
    level_complete: int
    action: int
    timeout: int  # steps
    current_level_seed: int
    prev_level_seed: int
    episodes_remaining: int
    episode_done: int
    last_reward_timer: int
    last_reward: float
    default_action: int
    fixed_asset_seed: int
    cur_time: int  # steps since the episode began
    is_waiting_for_step: int
    grid_size: int  # cells
    entities: Entities  # of dtype ENTITY
    # the wallpaper
    use_procgen_background: int
    background_index: int
    bg_tile_ratio: float
    bg_pct_x: float
    # how the agent moves
    char_dim: float
    last_move_action: int
    move_action: int
    special_action: int
    mixrate: float
    maxspeed: float  # cells a step
    max_jump: float
    action_vx: float
    action_vy: float
    action_vrot: float
    # what is in view
    center_x: float
    center_y: float
    random_agent_start: int
    has_useful_vel_info: int
    step_rand_int: int
    asset_generator: Generator
    main_width: int  # cells
    main_height: int
    out_of_bounds_object: int
    unit: float  # pixels a cell
    view_dim: float
    x_off: float
    y_off: float
    visibility: float  # cells
    min_visibility: float
    grid: Grid  # types of the cells; row 0 is the bottom of the level
    tail: bytes  # the game's own fields and the end mark

    @property
    def agent(self) -> np.void:
        """The entity that the actions move: of the players the last, as in Procgen."""
        return self.entities[self.entities["type"] == PLAYER][-1]


@dataclass(frozen=True)
class DrawableState:
    """A state that can only be drawn: the bytes before and after its background index.

    Its random generators are empty: Procgen draws the same, two to five times faster, and ends the
    process if the state is stepped.
    """

    game: str
    before: bytes
    own: int
    after: bytes
    known: bool = False
    """whether it was made of a :class:`GameState`"""

    def on(self, index: int) -> bytes:
        """The state on background ``index``; ``UserError`` unless the game has it."""
        made = self.before + struct.pack("<i", check_background(self.game, index)) + self.after
        return GameState(made) if self.known else made


def read_state(data: bytes) -> State:
    """The fields of a state.

    Raises:
        UserError: the bytes are cut short, damaged, or no state of the 16 games.
    """
    bounds = _bounds(data)
    parts = zip(_FIELDS, bounds, bounds[1:], strict=False)
    return State(*(CODECS[f.type].decode(data[start:stop]) for f, start, stop in parts))


def write_state(state: State) -> bytes:
    """The bytes of a state; those of an unchanged one are the bytes that were read.

    Raises:
        UserError: a field of the wrong type or range, or a state that Procgen cannot restore.

    Note:
        Pictures of entities (``image_type``, ``image_theme``) and the ``tail`` are not checked.
    """
    parts = []
    for field in _FIELDS:
        value = getattr(state, field.name)
        try:
            parts.append(CODECS[field.type].encode(value))
        except (struct.error, ArithmeticError, AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f"state field {field.name!r}: expected {CODECS[field.type].expected}, got "
                f"{value!r} ({error}); put such a value into dataclasses.replace"
            ) from error
    data = b"".join(parts)
    _bounds(data)
    return data


def with_background(data: bytes, game: str, index: int) -> bytes:
    """The state ``data`` of ``game``, whole and fit to be stepped, on background ``index``.

    Args:
        data: a state from ``get_states`` or :func:`write_state`.
        game: whose state it must be.
        index: 0 to the game's number of backgrounds - 1.

    Raises:
        UserError: the game has no such background, or ``data`` is no whole state of it.
    """
    at = _bounds(data, game)[_PLACE["background_index"]]
    made = data[:at] + struct.pack("<i", check_background(game, index)) + data[at + 4 :]
    return GameState(made) if isinstance(data, GameState) else made


def for_drawing(data: bytes, game: str) -> DrawableState:
    """What Procgen needs to draw the state ``data`` of ``game``, and no more.

    Raises:
        UserError: ``data`` is no whole state of ``game``, or has restricted themes.
    """
    bounds = _bounds(data, game)
    if int_at(data, bounds[_PLACE["restrict_themes"]]):
        # Procgen keeps the first sprite it drew for a theme, and draws it for other states too.
        raise UserError(
            "expected a state with restrict_themes 0, got 1, which would change the sprites of "
            "states drawn after it; gather states without that option"
        )
    level, reward = bounds[_PLACE["level_generator"]], bounds[_PLACE["reward"]]
    own, tail = bounds[_PLACE["background_index"]], bounds[_PLACE["tail"]]
    asset, width = bounds[_PLACE["asset_generator"]], bounds[_PLACE["main_width"]]
    # Starpilot's tail lists what will appear later: as long as all the rest, and never drawn.
    end = bytes(4) + _END if game == "starpilot" else data[tail:]
    return DrawableState(
        game,
        before=data[:level] + 2 * _UNSEEDED + data[reward:own],
        own=int_at(data, own),
        after=data[own + 4 : asset] + _UNSEEDED + data[width:tail] + end,
        known=isinstance(data, GameState),
    )


_FIELDS = fields(State)
_PLACE = {field.name: place for place, field in enumerate(_FIELDS)}
# Fields of a length of their own; between them all take 4 bytes.
_LONG = [(place, end) for place, f in enumerate(_FIELDS) if (end := CODECS[f.type].end)]


def _bounds(data: bytes, game: str | None = None) -> list[int]:
    """Where each field starts, in order, and where the last one ends; checks the whole state."""
    if data[:4] != struct.pack("<i", _VERSION):
        raise _broken(f"bytes that start with {data[:4]!r}")
    bounds = [0]
    try:
        for place, end in _LONG:
            at = bounds[-1] + 4 * (place - len(bounds) + 1)
            bounds.extend(range(bounds[-1] + 4, at + 1, 4))
            bounds.append(end(data, at))
    except struct.error:
        raise _broken(f"{len(data)} bytes that stop within a field") from None
    if bounds[-2] > len(data) - len(_END) or not data.endswith(_END):
        raise _broken(f"{len(data)} bytes without the end mark")
    name = data[bounds[1] + 4 : bounds[2]].decode("ascii", "replace")
    one_of("game in a state", name, GAMES)
    if game not in (None, name):
        raise UserError(f"expected a state of {game}, got one of {name}; keep the games apart")
    _check_facts(data, bounds, name)
    return bounds


def _check_facts(data: bytes, bounds: list[int], game: str) -> None:
    """Raise ``UserError`` on what would stop Procgen, or keep it waiting for ever."""
    check_background(game, int_at(data, bounds[_PLACE["background_index"]]))
    for name in ("use_generated_assets", "use_procgen_background", "is_waiting_for_step"):
        if int_at(data, bounds[_PLACE[name]]):
            raise _broken(f"{name} {int_at(data, bounds[_PLACE[name]])} instead of 0")
    width, height, cells = struct.unpack_from("<3i", data, bounds[_PLACE["grid"]])
    if min(width, height) < 1 or width * height != cells:
        raise _broken(f"a grid of {width} x {height} with {cells} cells")
    start = bounds[_PLACE["entities"]]
    entities = np.frombuffer(data, ENTITY, int_at(data, start), start + 4)
    missing = {PLAYER, *_SOUGHT.get(game, ())}.difference(entities["type"].tolist())
    if missing:
        raise _broken(f"entities none of which has type {min(missing)}, which {game} needs")
    if not isinstance(data, GameState):
        starts = {field.name: (bounds[place], field.type) for place, field in enumerate(_FIELDS)}
        fault = first_fault(data, starts, entities, (width, height))
        if fault:
            raise _broken(fault)


def check_background(game: str, index: int) -> int:
    """The index, or ``UserError`` unless ``game`` has that background."""
    count = get_game(game).backgrounds
    try:
        found = operator.index(index)
    except TypeError:
        found = -1
    if not 0 <= found < count:
        raise UserError(
            f"{game}: expected a background from 0 to {count - 1}, got {index!r}; choose one that "
            f"the game has"
        )
    return found


def _broken(what: str) -> UserError:
    return UserError(
        f"expected the whole state of a Procgen game, got {what}; pass bytes from get_states() or "
        f"write_state(), unchanged"
    )
