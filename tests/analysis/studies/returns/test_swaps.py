"""Returns with the background re-drawn: what cannot change the game, what does, and paired rows."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from analysis.policies.subjects import Subject
from analysis.scenes import episodes
from analysis.scenes.episodes import SWAPS, Played, Stage, act, blind, other_than, pool_of
from analysis.stats.clusters import Interval
from analysis.studies.returns.episodes import SPLITS, play_splits
from analysis.studies.returns.swaps import sees, swap_rows
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.trained import Training
from checkpoints.world.environments import Levels, ProcgenVectorEnv

EPISODES = 20
EVERY = range(13)


class Looking(nn.Module):
    """A policy of one linear layer on a coarse picture; ``blind`` ignores the picture."""

    def __init__(self, blind: bool, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.head = nn.Linear(3 * 16, 15)
        self.blind = blind

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        coarse = frames.float().reshape(-1, 4, 16, 4, 16, 3).mean((2, 4)).flatten(1) / 255
        logits = 4 * self.head(0 * coarse if self.blind else coarse)
        return logits, logits[:, 0]


def stranger(policy: nn.Module, narrowed: tuple[int, ...] = ()) -> Subject:
    """A policy that no file holds, trained on chosen backgrounds or on the game's own."""
    name = parse_id("starpilot/ppo/0/peer0/step9")
    return Subject(name, policy, Training(backgrounds=narrowed))


@cache
def stage(game: str = "starpilot") -> Stage:
    return Stage(game, "easy", EPISODES, seed=0)


@cache
def three_times(blind: bool) -> list[Played]:
    """What a policy plays with each swap."""
    return [stage().play(Looking(blind), swap, EVERY) for swap in SWAPS]


# -- playing ---------------------------------------------------------------------------------


def test_a_blind_policy_plays_the_same_game_three_times():
    plain, *others = three_times(blind=True)
    assert plain.steps.min() < plain.steps.max()
    for other in others:
        np.testing.assert_array_equal(plain.returns, other.returns)
        np.testing.assert_array_equal(plain.steps, other.steps)


def test_a_policy_that_looks_plays_other_games():
    plain, *others = three_times(blind=False)
    for other in others:
        assert (plain.steps != other.steps).any()


def test_returns_by_an_environment_that_is_never_touched():
    policy = Looking(blind=False)
    env = ProcgenVectorEnv("starpilot", levels=Levels.unseen(), num_envs=EPISODES, seed=0)
    frames = env.set_states(stage().first)
    draws, total = np.random.default_rng([0, 0]), np.zeros(EPISODES)
    playing, steps = np.ones(EPISODES, dtype=bool), np.zeros(EPISODES, dtype=int)
    while playing.any():
        actions = act(policy, frames, draws.random(EPISODES))
        frames, rewards, dones, _, _ = env.step(actions)
        total[playing] += rewards[playing]
        steps[playing] += 1
        playing &= ~dones
    played = three_times(blind=False)[0]
    np.testing.assert_array_equal(played.returns, total)
    np.testing.assert_array_equal(played.steps, steps)


def test_the_policy_sees_what_the_swap_says(monkeypatch):
    seen: list[np.ndarray] = []

    def watch(policy, frames, uniform):
        seen.append(frames.copy())
        return np.zeros(len(frames), dtype=np.int64)

    monkeypatch.setattr(episodes, "act", watch)
    shown = {}
    for swap in SWAPS:
        seen.clear()
        stage().play(Looking(blind=True), swap, EVERY)
        shown[swap] = [frames for frames in seen if len(frames) == EPISODES]
    for plain, episode, step in zip(*shown.values(), strict=True):
        for other in (episode, step):
            # Sprites stay where they are: some pixels are equal, most are not.
            share = (other != plain).any(-1).mean(axis=(1, 2))
            assert ((share > 0.1) & (share < 1)).all()
    first, second = (
        [np.abs(a.astype(int) - b).mean() for a, b in pairwise(run)]
        for run in (shown["episode"], shown["step"])
    )
    # A background that stays changes little from one step to the next.
    assert np.mean(second) > 5 * np.mean(first)


def test_actions_follow_their_probabilities_and_numbers():
    policy, frames = Looking(blind=True), np.zeros((20000, 64, 64, 3), dtype=np.uint8)
    uniform = np.random.default_rng(0).random(20000)
    logits, _ = policy(torch.zeros(1, 64, 64, 3))
    expected = logits.softmax(-1)[0].detach().numpy()
    drawn = act(policy, frames[:1].repeat(20000, axis=0), uniform)
    share = np.bincount(drawn, minlength=15) / len(drawn)
    np.testing.assert_allclose(share, expected, atol=0.015)
    ends = act(policy, frames[:2], np.array([0.0, 1 - 1e-12]))
    assert ends.tolist() == [0, 14]


# -- which backgrounds -----------------------------------------------------------------------


def test_every_other_background_is_drawn_alike():
    own = np.tile([0, 2, 5], 4000)
    drawn = other_than([5, 0, 2, 3], own, np.random.default_rng(0))
    assert (drawn != own).all()
    for one in (0, 2, 5):
        values, counts = np.unique(drawn[own == one], return_counts=True)
        assert values.tolist() == sorted({0, 2, 3, 5} - {one})
        np.testing.assert_allclose(counts / 4000, 1 / 3, atol=0.04)


def test_an_own_background_outside_the_pool_takes_nothing_away():
    drawn = other_than([1, 4], np.full(1000, 3), np.random.default_rng(0))
    assert set(drawn.tolist()) == {1, 4}


@pytest.mark.parametrize("pool", [[3], []])
def test_no_other_background_is_refused(pool):
    with pytest.raises(UserError, match=r"expected a background other than 3 .* got only"):
        other_than(pool, np.array([3, 3]), np.random.default_rng(0))


def test_pools_are_what_training_showed_or_not():
    assert pool_of("all", "bigfish", (0, 1)) == tuple(range(7))
    assert pool_of("seen", "bigfish", (0, 1)) == (0, 1)
    assert pool_of("unseen", "bigfish", (0, 1)) == (2, 3, 4, 5, 6)
    assert pool_of("unseen", "chaser", (0,)) == ()


# -- rows ------------------------------------------------------------------------------------


def paired(there: Stage, who: Subject) -> Sequence[dict[str, Any]]:
    """The rows of a policy, from its rows of episodes: its own backgrounds, two swaps, blind."""
    splits = [split for split in SPLITS if split != "train"]
    played = play_splits(dict.fromkeys(splits, there), who, backgrounds="all")
    return list(swap_rows(who.columns, played, backgrounds="all", replicates=50, seed=0))


def test_rows_hold_paired_differences():
    none, episode, step, without = paired(stage(), stranger(Looking(blind=False)))
    plain, other, every_step = (played.returns for played in three_times(blind=False))
    assert [none["swap"], episode["swap"], step["swap"]] == [*SWAPS]
    assert (without["swap"], without["backgrounds"]) == ("blind", "own")
    assert [row["sees"] for row in (none, episode, step)] == [""] * 3
    assert none["episode_return"] == pytest.approx(plain.mean())
    assert episode["difference"] == pytest.approx((other - plain).mean())
    assert step["difference"] == pytest.approx((every_step - plain).mean())
    assert episode["difference_low"] <= episode["difference"] <= episode["difference_high"]
    assert none["backgrounds"] == "own"
    assert step["backgrounds"] == "all"
    assert np.isnan(none["difference"])


def test_a_blind_policy_loses_nothing():
    _, episode, step, _ = paired(stage(), stranger(Looking(blind=True)))
    for row in (episode, step):
        assert row["difference"] == row["difference_low"] == row["difference_high"] == 0


@pytest.mark.parametrize("game", ["chaser"])
def test_a_game_of_one_background_is_vacuous_and_kept(game):
    found = paired(stage(game), stranger(Looking(blind=True)))
    assert [row["vacuous"] for row in found] == [False, True, True, False]
    assert not np.isnan([found[0]["episode_return"], found[3]["episode_return"]]).any()
    assert np.isnan([row["episode_return"] for row in found[1:3]]).all()


def test_the_floor_takes_actions_as_often_and_looks_at_nothing():
    played = stage().play(Looking(blind=False), "none", EVERY)
    assert played.actions.sum() == played.steps.sum()
    floor = blind(played.actions)
    frames = np.random.default_rng(0).integers(0, 255, (4000, 64, 64, 3), dtype=np.uint8)
    drawn = act(floor, frames, np.random.default_rng(1).random(4000))
    shares = np.bincount(drawn, minlength=15) / 4000
    np.testing.assert_allclose(shares, played.actions / played.actions.sum(), atol=0.03)
    never = np.flatnonzero(played.actions == 0)
    assert not np.isin(drawn, never).any()


def test_a_policy_sees_if_it_earns_two_errors_more_than_its_mix():
    assert sees(Interval(-2.1, -2.1 - 1.96, -2.1 + 1.96))
    assert not sees(Interval(-1.9, -1.9 - 1.96, -1.9 + 1.96))
    assert not sees(Interval(2.1, 2.1 - 1.96, 2.1 + 1.96))
    assert not sees(Interval(0.0, 0.0, 0.0))


def test_a_policy_trained_on_chosen_backgrounds_starts_on_them():
    looking = Looking(blind=False)
    rows = paired(stage(), stranger(looking, narrowed=(3, 7)))
    where_it_trained = stage().play(looking, "none", EVERY, (3, 7)).returns
    elsewhere = stage().play(looking, "none", EVERY).returns
    assert not np.array_equal(where_it_trained, elsewhere)
    assert rows[0]["episode_return"] == pytest.approx(where_it_trained.mean())
    own = paired(stage(), stranger(looking))[0]
    assert own["episode_return"] == pytest.approx(elsewhere.mean())
