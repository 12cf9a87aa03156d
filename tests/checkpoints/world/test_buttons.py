"""Buttons that do the same: stepped again from whole states, and merged without loss."""

from dataclasses import replace

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.world.buttons import SAME, buttons, merged
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import GAMES, NUM_ACTIONS, Mode
from checkpoints.world.states import read_state, write_state

DISTINCT = {"starpilot": 11} | dict.fromkeys(("bossfight", "caveflyer", "dodgeball", "ninja"), 10)
DISTINCT |= dict.fromkeys(("bigfish", "chaser", "heist"), 9)
DISTINCT |= dict.fromkeys(("coinrun", "jumper", "climber"), 6)
DISTINCT |= dict.fromkeys(("maze", "miner", "leaper"), 5) | {"fruitbot": 4, "plunder": 4}


def field_bytes(state: bytes) -> bytes:
    """All of a state but where it was read from, and which way was pressed last."""
    return write_state(replace(read_state(state), game_n=0, last_move_action=0))


def outcomes(game: str, mode: Mode, states: int) -> list[list[tuple]]:
    """For each state what each of the 15 actions led to, two common steps later."""
    levels, rng = Levels.train(200), np.random.default_rng(0)
    env, each = (
        ProcgenVectorEnv(game, levels=levels, mode=mode, num_envs=count, seed=0)
        for count in (8, NUM_ACTIONS)
    )
    env.reset()
    found: list[list[tuple]] = []
    while len(found) < states:
        for _ in range(12):
            env.step(rng.integers(0, NUM_ACTIONS, 8))
        for state in env.get_states():
            each.set_states([state] * NUM_ACTIONS)
            frames, rewards, ends, *_ = each.step(np.arange(NUM_ACTIONS))
            seen = [(f.tobytes(), float(r), bool(e)) for f, r, e in zip(frames, rewards, ends)]  # noqa: B905
            for common in rng.integers(0, NUM_ACTIONS, 2):
                each.step(np.full(NUM_ACTIONS, common))
            after = [field_bytes(one) for one in each.get_states()]
            found.append([(*one, state) for one, state in zip(seen, after, strict=True)])
    return found


@pytest.mark.parametrize(("mode", "states"), [("easy", 48), ("hard", 24)])
@pytest.mark.parametrize("game", GAMES)
def test_actions_that_are_merged_do_the_same_and_others_do_not(game: str, mode: Mode, states: int):
    found = outcomes(game, mode, states)
    for group in buttons(game):
        parted = [one for one in found if len({one[action] for action in group}) > 1]
        assert len(parted) <= (2 if game == "coinrun" else 0)
    firsts = [group[0] for group in buttons(game)]
    for place, a in enumerate(firsts):
        for b in firsts[:place]:
            assert any(one[a] != one[b] for one in found), (a, b)


def test_every_action_stands_once_and_as_many_are_distinct_as_procgen_reads():
    assert set(SAME) == set(GAMES)
    for game in GAMES:
        flat = [action for group in buttons(game) for action in group]
        assert sorted(flat) == list(range(NUM_ACTIONS))
        assert len(buttons(game)) == DISTINCT[game]


def test_merging_keeps_the_whole_probability_and_the_order():
    probs = np.random.default_rng(0).dirichlet(np.ones(15), (4, 3))
    found = merged(probs, "starpilot")
    assert found.shape == (4, 3, 11) and found.sum(-1) == pytest.approx(np.ones((4, 3)))
    assert found[..., 9] == pytest.approx(probs[..., [9, 11, 12, 13, 14]].sum(-1))
    with pytest.raises(UserError, match="unknown game 'pong'"):
        merged(probs, "pong")
