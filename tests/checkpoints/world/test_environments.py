"""Procgen behind the Gymnasium interface: spaces, seeds, levels, saved states, backgrounds."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from torch import nn

from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.training.evaluate import Evaluation
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import GAMES, get_game
from checkpoints.world.states import read_state

STEPS = 120


def played(env: ProcgenVectorEnv, steps: int = 30, seed: int = 0) -> list[np.ndarray]:
    """Frames, rewards and ends of random play, copied."""
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(steps):
        frames, rewards, ends, _, _ = env.step(rng.integers(0, 15, env.num_envs))
        seen += [frames.copy(), rewards.copy(), ends.copy()]
    return seen


@pytest.mark.parametrize("game", sorted(GAMES))
@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_every_game_steps_inside_its_spaces(game: str, mode: str):
    env = ProcgenVectorEnv(game, levels=Levels.train(10), mode=mode, num_envs=2)
    assert isinstance(env, gymnasium.vector.VectorEnv)
    frames, info = env.reset()
    assert env.observation_space.contains(frames)
    assert set(info["level_seed"]) <= set(range(10))
    frames, rewards, ends, cut, _ = env.step(env.action_space.sample())
    assert env.observation_space.contains(frames)
    assert rewards.shape == ends.shape == cut.shape == (2,) and not cut.any()


def test_training_and_unseen_levels_share_nothing():
    train, unseen = Levels.train(1_000_000), Levels.unseen()
    assert train.start + train.count <= unseen.start
    env = ProcgenVectorEnv("coinrun", levels=unseen, num_envs=16)
    assert min(env.level_seeds()) >= unseen.start
    with pytest.raises(UserError, match="1 to 1,000,000 training levels"):
        Levels.train(1_000_001)


def test_same_seed_same_play_other_seed_other_play():
    def play(seed: int) -> list[np.ndarray]:
        return played(ProcgenVectorEnv("maze", levels=Levels.train(50), num_envs=4, seed=seed))

    first, again, other = play(1), play(1), play(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_restored_state_plays_on_the_same_in_another_environment():
    first = ProcgenVectorEnv("starpilot", levels=Levels.train(50), num_envs=4, seed=1)
    played(first)
    states, expected = first.get_states(), played(first, seed=3)
    second = ProcgenVectorEnv("starpilot", levels=Levels.unseen(), num_envs=4, seed=9)
    second.set_states(states)
    assert all(np.array_equal(a, b) for a, b in zip(played(second, seed=3), expected, strict=True))


def test_wrong_requests():
    with pytest.raises(UserError, match=r"unknown game 'pacman'.*bigfish"):
        ProcgenVectorEnv("pacman", levels=Levels.train(1))
    env = ProcgenVectorEnv("maze", levels=Levels.train(1), num_envs=2)
    with pytest.raises(UserError, match="seeded when it is created"):
        env.reset(seed=1)
    with pytest.raises(UserError, match="expected 2 states, one each, got 1"):
        env.set_states(env.get_states()[:1])


def test_coinrun_easy_pins_its_background():
    assert get_game("coinrun").trained_backgrounds("easy") == (0,)
    assert len(get_game("coinrun").trained_backgrounds("hard")) == 62


def test_the_notice_of_old_gym_is_never_printed():
    code = (
        "from checkpoints.world.environments import *; "
        "ProcgenVectorEnv('maze', levels=Levels.train(1)).reset()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


def test_without_procgen_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['procgen'] = None\n"
        "from checkpoints.world.environments import *\n"
        "ProcgenVectorEnv('maze', levels=Levels.train(1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install procgen-mirror" in done.stderr


def always_right() -> Policy:
    """Takes action 7, to the right, whatever it sees."""
    policy = Policy("nature", 8)
    nn.init.zeros_(policy.actor.weight)
    policy.actor.bias.data[7] = 1e9
    return policy


def test_an_evaluation_repeats_and_counts_each_first_episode_once():
    evaluation = Evaluation("coinrun", "easy", levels=Levels.unseen(), num_envs=6)
    first = evaluation.returns(always_right())
    assert np.array_equal(first, evaluation.returns(always_right()))
    # A second road: step the same first states by hand.
    evaluation.env.set_states(evaluation.first)
    total, playing = np.zeros(6), np.ones(6, dtype=bool)
    while playing.any():
        _, rewards, ends, _, _ = evaluation.env.step(np.full(6, 7))
        total += rewards * playing
        playing &= ~ends
    assert np.array_equal(first, total)


# -- chosen backgrounds: the wallpaper changes, the game does not ------------------------------


def shown(env: ProcgenVectorEnv) -> dict[int, int]:
    """Level played and background on show, of every environment."""
    states = [read_state(data) for data in env.get_states()]
    return {state.current_level_seed: state.background_index for state in states}


def world(game: str, backgrounds: tuple[int, ...] = ()) -> ProcgenVectorEnv:
    levels = Levels.train(8)
    return ProcgenVectorEnv(game, levels=levels, num_envs=6, seed=3, backgrounds=backgrounds)


@pytest.mark.parametrize("game", [name for name in GAMES if get_game(name).backgrounds > 1])
def test_chosen_backgrounds_change_pictures_and_nothing_else(game: str):
    total = get_game(game).backgrounds
    chosen = (total - 1, 1) if total > 2 else (total - 1,)
    own, other = world(game), world(game, chosen)
    rng, seen, differ = np.random.default_rng(0), {}, False
    assert not np.array_equal(own.reset()[0], other.reset()[0])
    for step in range(STEPS):
        actions = rng.integers(0, 15, 6)
        frames, rewards, ends, _, _ = own.step(actions)
        frames_b, rewards_b, ends_b, _, _ = other.step(actions)
        assert np.array_equal(rewards, rewards_b) and np.array_equal(ends, ends_b)
        differ |= not np.array_equal(frames, frames_b)
        for level, background in shown(other).items() if step % 8 == 0 else ():
            assert seen.setdefault(level, background) == background
    assert differ and set(seen.values()) == set(chosen)
    assert sorted(shown(own)) == sorted(shown(other))


def test_a_new_episode_is_seen_on_its_background_at_once():
    env = world("bigfish", (4,))
    for _ in range(400):
        frames, _, ends, _, _ = env.step(np.full(6, 7))
        if ends.any():
            break
    assert ends.any()
    same = np.array_equal(frames, env.set_states(env.get_states()))
    assert same
    assert set(shown(env).values()) == {4}


def test_a_background_that_a_game_lacks_is_refused():
    with pytest.raises(UserError, match="chaser: expected a background from 0 to 0, got 1"):
        world("chaser", (1,))
