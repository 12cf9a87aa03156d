"""Training on chosen backgrounds: the wallpaper changes, the game does not."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe, from_dict, get_recipe
from checkpoints.runs.train import Settings, defaults, main
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import GAMES, first_backgrounds, get_game, spread
from checkpoints.world.states import read_state

STEPS = 120


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


def test_a_recipe_carries_its_backgrounds_through_json():
    assert from_dict({"backgrounds": [0, 3]}) == Recipe(backgrounds=(0, 3))
    for wrong in ([0, "3"], 3, [True]):
        with pytest.raises(UserError, match="setting 'backgrounds': expected tuple"):
            from_dict({"backgrounds": wrong})


def test_a_number_of_backgrounds_is_spread_over_all_and_holds_the_smaller_numbers():
    assert first_backgrounds("starpilot", 4) == (0, 4, 8, 12)
    assert first_backgrounds("starpilot", 9) == (0, 1, 2, 4, 6, 8, 9, 10, 12)
    assert first_backgrounds("chaser", 1) == (0,)
    for game, facts in GAMES.items():
        chosen = [set(first_backgrounds(game, k)) for k in range(1, facts.backgrounds + 1)]
        assert all(few < more for few, more in pairwise(chosen))
        assert [len(some) for some in chosen] == list(range(1, facts.backgrounds + 1))
    assert spread(range(13), 4) == (0, 3, 6, 9)


def test_a_method_names_its_number_of_backgrounds():
    recipe = get_recipe("mutual-bg4", "starpilot")
    assert recipe == replace(get_recipe("mutual"), backgrounds=(0, 4, 8, 12))
    assert get_recipe("ppo-l2-bg1", "starpilot").l2 > 0
    assert str(parse_id("starpilot/ppo-bg9/0")) == "starpilot/ppo-bg9/0"
    with pytest.raises(UserError, match="starpilot: expected 1 to 13 backgrounds, got 14"):
        get_recipe("ppo-bg14", "starpilot")
    for wrong in ("ppo-bg0", "ppo-bg", "pppo-bg4"):
        with pytest.raises(UserError, match="unknown method"):
            get_recipe(wrong, "starpilot")


def test_the_command_line_takes_the_recipe_of_the_method_named():
    assert defaults(["starpilot/ppo-bg4/0"]).recipe.backgrounds == (0, 4, 8, 12)


@pytest.mark.parametrize(
    ("backgrounds", "message"),
    [
        ((14,), "starpilot: expected 1 to 13 backgrounds, got 14"),
        ((0, 13), "starpilot: expected a background from 0 to 12, got 13"),
        ((2, 2), "expected different backgrounds, got 2, 2"),
    ],
)
def test_wrong_backgrounds_stop_a_run(backgrounds, message, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        main(Settings("starpilot/ppo/0", backgrounds=backgrounds, output=tmp_path))
