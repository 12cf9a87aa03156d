"""Games played at random for a while, and single things in their states moved by hand."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from checkpoints.world.game_fields import with_tail
from checkpoints.world.games import Mode
from checkpoints.world.states import PLAYER, State, read_state, write_state
from probes.factors.frame import View
from probes.factors.general import ACTIONS
from probes.factors.targets import SHEETS, measure, sheet, view
from tests.support.played import play, renderer

HOLD = 6  # steps that an action is held: jitter leads nowhere
NONE = ACTIONS.index("none")


def wander(game: str, mode: Mode, count: int, seed: int = 0) -> list[bytes]:
    """``count`` states of random play, some steps apart."""
    env, rng = play(game, mode).env, np.random.default_rng(seed)
    env.set_states(play(game, mode).states)
    states: list[bytes] = []
    while len(states) < count:
        actions = rng.integers(0, 15, 4)
        for _ in range(HOLD):
            env.step(actions)
        states += env.get_states()
    return states[:count]


def starts(game: str, mode: Mode, rounds: int) -> Iterator[tuple[int, bytes]]:
    """Level seeds and first states of episodes that begin one after the other."""
    env = play(game, mode).env
    for _ in range(rounds):
        env.step(np.full(4, -1))
        yield from zip(env.level_seeds().tolist(), env.get_states(), strict=True)


def moved_agent(data: bytes, dx: float, dy: float) -> bytes:
    """The state with its agent elsewhere, at rest."""
    state = read_state(data)
    place = int(np.flatnonzero(state.entities["type"] == 0)[-1])
    state = moved_entity(state, place, dx, dy)
    state.entities["vx"][place] = state.entities["vy"][place] = 0
    return write_state(state)


def alone(
    game: str,
    data: bytes,
    *without: str,
    change: Callable[[np.ndarray], None] = lambda entities: None,
) -> bytes:
    """The state at time 100 without some things, ``change`` made to the rest; the agent rests."""
    state = read_state(data)
    gone = [sheet(game).things[name] for name in without]
    entities = state.entities[~np.isin(state.entities["type"], gone)]
    player = entities["type"] == PLAYER
    entities["vx"][player] = entities["vy"][player] = 0
    change(entities)
    return write_state(dataclasses.replace(state, entities=entities, cur_time=100))


def tailed(data: bytes, **changes: Any) -> bytes:
    """The state with some of its game's own fields changed."""
    return write_state(with_tail(read_state(data), **changes))


def changed_pixels(game: str, before: bytes, after: bytes) -> np.ndarray:
    """Middles of the pixels that differ, (pixel, row and column) from the upper left corner."""
    pictures = renderer(game).redraw([before, after])
    return np.argwhere((pictures[0] != pictures[1]).any(axis=-1)) + 0.5


def far_from(places: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """From each pixel, given by row and column, to the nearest place on the screen, in pixels."""
    return np.hypot(*(pixels[:, None, ::-1] - places).transpose(2, 0, 1)).min(axis=1)


def moved_entity(state: State, place: int, dx: float, dy: float) -> State:
    entities = state.entities.copy()
    entities["x"][place] += dx
    entities["y"][place] += dy
    return dataclasses.replace(state, entities=entities)


def moved_thing(data: bytes, at: np.ndarray, dx: float, dy: float) -> bytes | None:
    """The state with the thing at ``at`` elsewhere: an entity, or a cell swapped with another.

    ``None`` where there is neither, or no cell to swap with.
    """
    state = read_state(data)
    others = state.entities["type"] != 0
    near = (abs(state.entities["x"] - at[0]) < 1e-4) & (abs(state.entities["y"] - at[1]) < 1e-4)
    if (near & others).any():
        return write_state(moved_entity(state, int(np.flatnonzero(near & others)[0]), dx, dy))
    (x, y), grid = np.floor(at).astype(int), state.grid.copy()
    to_x, to_y = x + round(dx), y + round(dy)
    if not (0 <= to_x < grid.shape[1] and 0 <= to_y < grid.shape[0]) or (to_x, to_y) == (x, y):
        return None
    grid[y, x], grid[to_y, to_x] = grid[to_y, to_x], grid[y, x]
    return write_state(dataclasses.replace(state, grid=grid))


def radius_of(seen: View, at: np.ndarray) -> float:
    """Pixels from the middle of the thing at ``at`` to its farthest corner, at most."""
    found = seen.state.entities
    near = (abs(found["x"] - at[0]) < 1e-4) & (abs(found["y"] - at[1]) < 1e-4)
    radius = np.hypot(found["rx"], found["ry"])[near].max(initial=np.hypot(0.5, 0.5))
    return float(radius) * seen.scale


def mark_names() -> list[tuple[str, str]]:
    """Every game with each kind of thing that its annotated picture points at."""
    return [(game, mark) for game, page in SHEETS.items() for mark in page.marks]


def one(game: str, state: bytes, name: str) -> float:
    """A factor of one state."""
    return float(measure(game, [state], [name]).values[name][0])


def column(game: str, states: list[bytes], name: str) -> np.ndarray:
    """A factor of some states."""
    return measure(game, states, [name]).values[name]


def step(game: str, states: list[bytes], action: str | int) -> tuple[list[bytes], ...]:
    """The states after an action in each, with the rewards and which episodes ended."""
    env = play(game).env
    states = env.try_states(states)  # all at once: some were edited
    rewards, ended, after = [], [], []
    for start in range(0, len(states), 4):
        part = states[start : start + 4]
        env.set_states(part + part[-1:] * (4 - len(part)))
        code = ACTIONS.index(action) if isinstance(action, str) else action
        _, reward, end, _, _ = env.step(np.full(4, code))
        rewards += reward[: len(part)].tolist()
        ended += end[: len(part)].tolist()
        after += env.get_states()[: len(part)]
    return after, rewards, ended


def hold(game: str, states: list[bytes], action: str, steps: int) -> tuple[list[bytes], np.ndarray]:
    """The states after some steps of one action, and which are still the same episode."""
    alive = np.ones(len(states), dtype=bool)
    for _ in range(steps):
        states, _, ended = step(game, states, action)
        alive &= ~np.array(ended)
    return states, alive


def touching(game: str, mark: str) -> Iterator[tuple[bytes, bytes]]:
    """Easy states that show such a thing, and the same with the agent on it."""
    for state in wander(game, "easy", 48, seed=5):
        gap = view(game, state).gap(sheet(game).marks[mark], shown=True)
        if gap is not None:
            yield state, moved_agent(state, *gap)
