"""Cycles of trajectories over backgrounds: known answers, brute force, chance."""

import numpy as np
import pytest

from analysis.measures.cycles import chance, nearest, returns_home, three_way, trajectories, two_way
from analysis.measures.robustness import FEWEST
from analysis.scenes.backgrounds import GROUPS, cover, cycle_views, pairs_of
from checkpoints.world.games import GAMES

T, B, D = 20, 3, 8
EVERY = [0, 1, 2]


def line(*shifts: float, noise: float = 0.0) -> np.ndarray:
    """(T, views, 2): a straight trajectory, each view shifted along it."""
    rng = np.random.default_rng(0)
    steps = np.stack([np.arange(T) + shift for shift in shifts], axis=1)
    return np.stack([steps, np.zeros_like(steps)], axis=2) + noise * rng.normal(
        size=(T, len(shifts), 2)
    )


def test_an_invariant_layer_finds_itself_always():
    near = nearest(np.random.default_rng(0).normal(size=(T, 1, D)).repeat(B, axis=1))
    assert (two_way(near, EVERY, EVERY, 0) == 1).all()
    assert (three_way(near, EVERY, EVERY, 0) == 1).all()


def test_a_layer_that_hears_the_background_only_finds_one_step():
    features = np.random.default_rng(0).normal(size=(1, B, D)).repeat(T, axis=0)
    near = nearest(features)
    # All steps are equal: the earliest is the nearest, and within one step of the first two.
    np.testing.assert_array_equal(two_way(near, EVERY, EVERY), [1, 1] + [0] * (T - 2))


def test_a_shift_misses_at_the_end_alone():
    near = nearest(line(0.0, 3.0))
    # Step i on the first is step i - 3 on the second, from where the way back is exact.
    home = returns_home(near, (0, 1), tolerance=0)
    np.testing.assert_array_equal(np.flatnonzero(~home), [0, 1, 2])
    assert returns_home(near, (0, 1), tolerance=1)[2]


def test_features_without_information_score_by_chance():
    rng = np.random.default_rng(0)
    # Ends drawn uniformly, which is what the formula assumes.
    near = rng.integers(0, T, (T, 400, 400))
    views = list(range(0, 400, 20))
    assert two_way(near, views, views).mean() == pytest.approx(chance(T), abs=0.02)
    found = three_way(near, views[:8], views[8:16]).mean()
    assert found == pytest.approx(chance(T) ** 2, abs=0.01)


@pytest.mark.parametrize("steps", [1, 2, 7, 24])
def test_chance_by_formula(steps):
    assert chance(steps) == pytest.approx((3 * steps - 2) / steps**2)
    assert chance(steps, 0) == pytest.approx(1 / steps)


def test_cycles_as_loops_would():
    features = line(0.0, 0.4, -0.7, noise=0.8)

    def step(i: int, a: int, b: int) -> int:
        return int(np.argmin([np.linalg.norm(features[i, a] - features[k, b]) for k in range(T)]))

    near = nearest(features)
    for i in range(T):
        two = [abs(step(step(i, v, u), u, v) - i) <= 1 for v in EVERY for u in EVERY if u != v]
        assert two_way(near, EVERY, EVERY)[i] == pytest.approx(np.mean(two))
        three = []
        for v in EVERY:
            u, j = (view for view in EVERY if view != v)
            ends = [step(step(step(i, v, a), a, b), b, v) for a, b in ((u, j), (j, u))]
            three.append(max(abs(end - i) for end in ends) <= 1)
        assert three_way(near, EVERY, EVERY)[i] == pytest.approx(np.mean(three))


def test_scale_and_rotation_do_not_matter_and_stretching_does():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(T, B, D))
    turned = 5 * features @ np.linalg.qr(rng.normal(size=(D, D)))[0] + 3
    np.testing.assert_array_equal(nearest(features), nearest(turned))
    assert (nearest(features) != nearest(features * [9, *[1] * (D - 1)])).any()


def test_three_ways_are_harder_than_two():
    near = nearest(line(0.0, 0.4, -0.7, noise=1.0))
    assert three_way(near, EVERY, EVERY).mean() < two_way(near, EVERY, EVERY).mean() < 1


def test_too_few_views_give_no_score():
    near = nearest(line(0.0, 1.0))
    assert np.isnan(two_way(near, [0], [0])).all()
    assert np.isnan(three_way(near, [0, 1], [0, 1])).all()
    assert not np.isnan(two_way(near, [0], [1])).any()


def test_trajectories_are_one_episode_each():
    levels = np.array([5, 5, 5, 3, 3, 3, 8, 8, 9, 9, 9])
    time = np.array([9, 1, 5, 1, 2, 1, 1, 2, 1, 2, 3])
    actor = np.array([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0])
    found = [rows.tolist() for rows in trajectories(levels, time, actor, least=3)]
    # Level 3 was at time 1 twice, 8 is short, two actors met 9.
    assert found == [[1, 2, 0]]


# -- which backgrounds -----------------------------------------------------------------------


@pytest.mark.parametrize("game", GAMES)
def test_backgrounds_cover_what_is_seen_and_what_is_not(game):
    there = range(GAMES[game].backgrounds)
    for trained in [tuple(there), (0,), tuple(there)[-2:]]:
        chosen = cover(game, [trained, tuple(there)], 4)
        assert set(chosen) <= set(there)
        assert len(chosen) >= min(4, len(there))
        three = cover(game, [trained, tuple(there)], 4, least=3)
        for side in (set(trained), set(there) - set(trained)):
            assert len(side & set(chosen)) >= min(FEWEST, len(side))
            assert len(side & set(three)) >= min(3, len(side))


def test_enough_backgrounds_are_not_added_to():
    assert cover("coinrun", [(0,)], 4, least=3) == (0, 15, 31, 46)
    assert cover("coinrun", [(0,)], 8) == (0, 7, 15, 23, 31, 38, 46, 54)
    assert cover("chaser", [(0,)], 8) == (0,)


def test_pairs_are_sorted_by_what_training_showed():
    found = pairs_of((3, 5, 7), trained=(5, 7, 9))
    assert found == {
        "all": [(0, 1), (0, 2), (1, 2)],
        "seen": [(1, 2)],
        "unseen": [],
        "seen-unseen": [(0, 1), (0, 2)],
    }
    sides = cycle_views((3, 5, 7), trained=(5, 7, 9))
    assert sides["seen-unseen"] == ([1, 2], [0])
    assert set(found) == set(sides) == set(GROUPS)
