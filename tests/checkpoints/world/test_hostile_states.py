"""Edited states are drawn and stepped, or refused; whatever Procgen does, this process stays."""

import dataclasses
import os
import signal
import sys
import time

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.world.apart import Died, apart
from checkpoints.world.games import GAMES
from checkpoints.world.states import GameState, read_state, with_background, write_state
from tests.support.hostile_states import edited
from tests.support.patience import PATIENCE
from tests.support.played import play, renderer

EDITS = 24
"""A game; half as many for stepping."""


def outcomes(game: str, count: int, use) -> dict[str, int]:
    """How often what was edited came through and was refused."""
    rng, found = np.random.default_rng(list(game.encode())), {"taken": 0, "refused": 0, "ended": 0}
    states = play(game).states
    for _ in range(count):
        try:
            use(edited(states[rng.integers(len(states))], rng))
            found["taken"] += 1
        except UserError as error:
            found["ended" if "a copy of this process" in str(error) else "refused"] += 1
    return found


@pytest.mark.parametrize("game", GAMES)
def test_edited_states_are_drawn_or_refused(game):
    found = outcomes(game, EDITS, lambda state: renderer(game).redraw([state]))
    assert sum(found.values()) == EDITS and min(found["taken"], EDITS - found["taken"]) > 0, found
    played = play(game)
    np.testing.assert_array_equal(renderer(game).redraw(played.states), played.observations)


@pytest.mark.parametrize("game", GAMES)
def test_edited_states_are_stepped_or_refused(game):
    env = play(game, seed=5).env
    found = outcomes(game, EDITS // 8, lambda state: env.set_states([state] * env.num_envs))
    assert sum(found.values()) == EDITS // 8, found
    env.step(np.zeros(env.num_envs, dtype=int))


def test_some_edits_end_procgen():
    """Or the two tests above would say nothing: a theme that no picture is of."""
    state = read_state(play("bigfish").states[0])
    entities = state.entities.copy()
    entities["image_theme"] = 99
    edit = write_state(dataclasses.replace(state, entities=entities))
    with pytest.raises(
        UserError, match="that Procgen can draw, but a copy of this process did not"
    ):
        renderer("bigfish").redraw([edit])
    with pytest.raises(UserError, match="that Procgen can go on from, but a copy"):
        play("bigfish").env.set_states([edit] * 4)


def test_what_is_drawn_in_a_copy_is_the_same():
    played = play("coinrun")
    plain = [bytes(state) for state in played.states]
    assert not any(isinstance(state, GameState) for state in plain)
    here, there = (renderer("coinrun").render(s, [0, 7]) for s in (played.states, plain))
    np.testing.assert_array_equal(here, there)


def test_only_what_procgen_gave_is_known():
    state = play("coinrun").states[0]
    assert isinstance(state, GameState) and isinstance(
        with_background(state, "coinrun", 3), GameState
    )
    assert not isinstance(write_state(read_state(state)), GameState)
    assert not isinstance(state[:4] + state[4:], GameState)


def forever(_) -> None:
    while True:
        time.sleep(1)


def hungry(_) -> None:
    np.ones(2**33, dtype=np.uint8)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda _: sys.exit(7), "exit code 3, saying 'SystemExit: 7'"),
        (lambda _: os._exit(9), "exit code 9"),
        (lambda _: os.abort(), "ended by SIGABRT"),
        (lambda _: os.kill(os.getpid(), signal.SIGSEGV), "ended by SIGSEGV"),
        (forever, "did not come back within 0 seconds"),
        (hungry, "exit code 3, saying '.*MemoryError"),
    ],
)
def test_however_a_copy_ends_is_said(work, message):
    with pytest.raises(Died, match=message):
        apart(work, 8, seconds=0.4 if work is forever else PATIENCE)


def test_a_copy_hands_back_its_bytes():
    def write(out):
        out[:] = range(8)

    assert apart(write, 8, seconds=PATIENCE).tolist() == list(range(8))


@pytest.mark.parametrize("actions", [[99] * 4, [-2] * 4, [0.5] * 4, [0] * 3, ["left"] * 4])
def test_strange_actions_are_refused(actions):
    with pytest.raises(UserError, match="expected 4 whole numbers from 0 to 14, or -1"):
        play("coinrun").env.step(np.array(actions))
