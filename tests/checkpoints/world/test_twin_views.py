"""Twins as views in training: the same state, another training background, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.scenes.masks import exact_mask
from checkpoints.console import UserError
from checkpoints.policy.recipes import METHODS, Recipe, get_recipe
from checkpoints.training.group import Group
from checkpoints.training.interleave import take_turns
from checkpoints.training.peer import training_levels
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.renderer import Renderer
from checkpoints.world.states import for_drawing
from checkpoints.world.twin_views import TwinViews

TINY = Recipe(
    encoder="nature", features=16, num_envs=8, num_steps=16, minibatches=4, mode="easy", drac=0.1
)
TWINS = replace(TINY, views="twins", backgrounds=(0, 4, 8, 12))


def world(backgrounds: tuple[int, ...] = (0, 4, 8, 12), game: str = "starpilot"):
    levels = Levels.train(20)
    env = ProcgenVectorEnv(game, levels=levels, num_envs=16, seed=1, backgrounds=backgrounds)
    rng = np.random.default_rng(0)
    for _ in range(12):
        env.step(rng.integers(0, 15, 16))
    return env


def own_of(env: ProcgenVectorEnv) -> list[int]:
    return [for_drawing(state, env.game).own for state in env.get_states()]


def test_a_view_is_the_state_on_another_training_background():
    env = world()
    before, frames = env.get_states(), env.reset()[0].copy()
    views = TwinViews(env).draw(np.random.default_rng(0))
    same_states = env.get_states() == before
    assert same_states  # nothing was stepped, and no generator moved
    drawn = Renderer("starpilot").render(before, range(13))
    own, found = own_of(env), []
    for k, view in enumerate(views):
        alike = [b for b in range(13) if np.array_equal(drawn[k, b], view)]
        assert len(alike) == 1
        found += alike
        assert np.array_equal(frames[k], drawn[k, own[k]])
    assert set(found) <= {0, 4, 8, 12}
    assert all(one != other for one, other in zip(own, found, strict=True))
    # Only pixels that the background shows through differ.
    mask = exact_mask(drawn)
    assert not ((views != frames).any(-1) & ~mask).any()


def test_every_other_training_background_is_drawn_alike_often():
    env = world()
    views, rng = TwinViews(env), np.random.default_rng(1)
    drawn = Renderer("starpilot").render(env.get_states(), (0, 4, 8, 12))
    counts = np.zeros((16, 4), dtype=int)
    for _ in range(60):
        pictures = views.draw(rng)
        counts += (drawn == pictures[:, None]).all(axis=(2, 3, 4))
    own = np.searchsorted([0, 4, 8, 12], own_of(env))
    assert (counts[np.arange(16), own] == 0).all()
    others = counts.sum(axis=0)
    assert others.sum() == 16 * 60
    assert (np.delete(counts[0], own[0]) > 8).all()  # 20 expected of 60, deviation 3.7


def test_the_same_draws_give_the_same_views_and_other_draws_others():
    env = world()
    views = TwinViews(env)
    one, again, other = (views.draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("game", "backgrounds"), [("coinrun", ()), ("starpilot", (3,)), ("chaser", ())]
)
def test_without_a_second_training_background_there_are_no_twins(game, backgrounds):
    with pytest.raises(UserError, match="expected a game with two backgrounds in training or more"):
        TwinViews(world(backgrounds, game))


def test_training_compares_each_frame_with_its_own_twin():
    group = Group(training_levels("starpilot"), TWINS, 0)
    [data] = take_turns([group.peers[0].collect(0)])
    frames, views = data["frames"].numpy(), data["views"].numpy()
    assert frames.shape == views.shape == (128, 64, 64, 3)
    apart = (frames != views).any(-1).mean(axis=(1, 2))
    assert (apart > 0.2).all()
    # A view keeps its frame's sprites: less of it differs than from the next state's frame.
    other = (frames != np.roll(views, 8 * 5, axis=0)).any(-1).mean(axis=(1, 2))
    assert apart.mean() < other.mean()


def test_twins_change_what_is_learned_and_a_weight_that_no_float_feels_does_not():
    def trained(recipe: Recipe) -> bytes:
        group = Group(training_levels("starpilot"), recipe, 0)
        for iteration in range(2):
            group.iterate(iteration)
        return b"".join(p.detach().numpy().tobytes() for p in group.peers[0].policy.parameters())

    plain = trained(replace(TWINS, drac=0.0))
    silent = trained(replace(TWINS, drac=1e-30))
    assert (plain == silent) is True
    loud = trained(TWINS)
    recoloured = trained(replace(TWINS, views="recoloured"))
    assert len({plain, loud, recoloured}) == 3


def test_an_invariant_policy_has_no_gap_between_twins():
    group = Group(training_levels("starpilot"), TWINS, 0)
    policy = group.peers[0].policy
    [data] = take_turns([group.peers[0].collect(0)])
    part = {key: array[:32] for key, array in data.items()}
    torch.nn.init.zeros_(policy.actor.weight)
    torch.nn.init.zeros_(policy.critic.weight)
    blind = group.losses([part])[0][-1].item()
    torch.nn.init.normal_(policy.actor.weight, std=10.0)
    assert blind == pytest.approx(0.0, abs=1e-7)
    assert group.losses([part])[0][-1].item() > 1e-3


def test_the_method_differs_from_drac_in_its_views_only():
    assert METHODS["drac-twins"] == replace(METHODS["drac"], views="twins")
    assert get_recipe("drac-twins-bg4", "starpilot").backgrounds == (0, 4, 8, 12)
    with pytest.raises(UserError, match="unknown views 'mirrored'"):
        from checkpoints.policy.recipes import from_dict

        from_dict({"views": "mirrored"})


def test_cost_is_work_and_what_making_views_takes():
    plain, wide = METHODS["ppo"], METHODS["ppo-wide"]
    assert plain.cost == plain.work
    assert METHODS["mutual"].cost == METHODS["mutual"].work
    assert wide.cost / plain.cost == pytest.approx(2.7, abs=0.05)
    assert METHODS["drac"].cost / plain.cost == pytest.approx(2.4, abs=0.01)
    assert METHODS["drac"].cost > METHODS["drac-twins"].cost > 1.9 * plain.cost
