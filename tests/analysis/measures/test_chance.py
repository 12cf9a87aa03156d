"""Permutation of levels: what moves, what p-values mean, and what they would mean otherwise.

The data of the simulations are two layers that have nothing in common but the levels: states of a
level resemble each other, levels hold unequal numbers of states, and long levels look different
from short ones on both sides.
"""

import json

import numpy as np
import pytest
from scipy.stats import kstest

from analysis.measures.chance import calibrate, level_permutations, permuted
from analysis.measures.hsic import linear_gram
from analysis.measures.kernels import linear_profile
from analysis.measures.neighbours import neighbour_profile
from analysis.measures.profiles import Pairs
from analysis.measures.rsa import rank_profile
from checkpoints.console import UserError
from tests.support.similarity_reference import FILE, OBSERVED, chance

SIZES = np.r_[np.full(8, 1), np.full(10, 2), np.full(6, 4)]
LEVELS = np.repeat(np.arange(len(SIZES)), SIZES)
TRIALS, PERMUTATIONS = 300, 99


def layer(rng, d=4, size_effect=0.0, shared=None):
    """States = level + noise, and something that the size of a level decides."""
    level = rng.normal(size=(len(SIZES), d)) + size_effect * np.eye(d)[np.minimum(SIZES, d) - 1]
    x = level[LEVELS] + 0.7 * rng.normal(size=(len(LEVELS), d))
    return x if shared is None else x + shared[:, :d]


def examine(xs, ys, levels, rng, profile=linear_profile, *, ordered=False):
    pairs = Pairs.of(levels, ordered=ordered)
    p, q = (np.stack([profile(linear_gram(z), pairs) for z in side]) for side in (xs, ys))
    moves = level_permutations(levels, PERMUTATIONS, int(rng.integers(1 << 30)))
    return calibrate(p @ q.T, permuted(p, q, pairs, moves))


# --- what moves ---------------------------------------------------------------------------------


def test_whole_levels_change_places_with_levels_of_their_size():
    shuffle = np.random.default_rng(0).permutation(len(LEVELS))
    levels = LEVELS[shuffle]
    for row in level_permutations(levels, 50, 0):
        assert sorted(row) == list(range(len(levels)))
        for level in np.unique(levels):
            here = np.flatnonzero(levels == level)
            (other,) = set(levels[row[here]])
            # First to first, second to second: in order of time, if that is how states come.
            np.testing.assert_array_equal(row[here], np.flatnonzero(levels == other))


def test_every_permutation_is_as_likely_and_seeds_repeat():
    rows = level_permutations(np.arange(7), 4900, 0)
    counts = np.stack([np.bincount(rows[:, i], minlength=7) for i in range(7)])
    # 700 in each of 49 places, sd 24; five of them is a false alarm in 35,000.
    assert abs(counts - 700).max() < 122
    np.testing.assert_array_equal(rows, level_permutations(np.arange(7), 4900, 0))
    assert not np.array_equal(rows, level_permutations(np.arange(7), 4900, 1))


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("profile", [linear_profile, rank_profile, neighbour_profile])
def test_one_sweep_equals_measuring_again_after_each_permutation(profile, ordered):
    if (profile is neighbour_profile) is not ordered:
        return  # each profile has one kind of pairs
    rng, pairs = np.random.default_rng(0), Pairs.of(LEVELS, ordered=ordered)
    xs, ys = ([layer(rng, d) for d in side] for side in ((3, 4, 5), (2, 6)))
    moves = level_permutations(LEVELS, 10, 0)
    rest = (3,) if ordered else ()
    p, q = (np.stack([profile(linear_gram(z), pairs, *rest) for z in side]) for side in (xs, ys))
    found = permuted(p, q, pairs, moves)
    assert found.shape == (10, 3, 2)
    for row, move in zip(found, moves, strict=True):
        # From the features again: centring, ranking and neighbours do not have to be redone.
        again = np.stack([profile(linear_gram(y[move]), pairs, *rest) for y in ys])
        np.testing.assert_allclose(row, p @ again.T, atol=1e-6)


def test_levels_that_cannot_change_places_are_refused():
    with pytest.raises(UserError, match=r"in 10 ways, got 4 levels with 1: only levels with equal"):
        level_permutations(np.repeat(np.arange(4), [1, 2, 3, 4]), 10, 0)
    with pytest.raises(UserError, match="in 24 ways, got 4 levels with 24"):
        level_permutations(np.arange(4), 24, 0)
    assert len(level_permutations(np.arange(4), 23, 0)) == 23
    with pytest.raises(UserError, match="permutations: expected at least 1, got 0"):
        level_permutations(np.arange(4), 0, 0)


# --- p-values -----------------------------------------------------------------------------------


def jittered(p, rng):
    """Uniform in (0, 1) exactly where p is uniform on its 100 values."""
    return np.array(p) - rng.uniform(size=len(p)) / (PERMUTATIONS + 1)


@pytest.fixture(scope="module")
def under_the_null():
    """(trial, cell) p of each cell alone and p_max of each, of 3 x 3 independent layers."""
    alone, among = [], []
    for trial in range(TRIALS):
        rng = np.random.default_rng(trial)
        xs, ys = ([layer(rng, d, size_effect=2.0) for d in (3, 4, 5)] for _ in "xy")
        found = examine(xs, ys, LEVELS, rng)
        alone.append(found.p.ravel())
        among.append(found.p_max.ravel())
    return np.array(alone), np.array(among)


def test_p_values_are_uniform_under_the_null(under_the_null):
    alone, among = under_the_null
    rng = np.random.default_rng(0)
    # Kolmogorov and Smirnov; a false alarm in 1,000 other seeds for each of the two.
    assert kstest(jittered(alone[:, 4], rng), "uniform").pvalue > 1e-3
    assert kstest(jittered(among.min(axis=1), rng), "uniform").pvalue > 1e-3


def test_searching_the_best_cell_is_paid_for(under_the_null):
    alone, among = under_the_null
    assert (among >= alone - 1e-9).all()
    assert (among.min(axis=1) <= 0.05).mean() < 0.10  # four standard errors above .05
    assert (alone.min(axis=1) <= 0.05).mean() > 0.15


@pytest.mark.parametrize("profile", [rank_profile, neighbour_profile])
def test_p_values_of_other_measures_are_uniform(profile):
    p = []
    for trial in range(150):
        rng = np.random.default_rng(trial)
        near = profile is neighbour_profile
        found = examine(
            [layer(rng)],
            [layer(rng)],
            LEVELS,
            rng,
            (lambda K, pairs: neighbour_profile(K, pairs, 5)) if near else profile,
            ordered=near,
        )
        p.append(float(found.p[0, 0]))
    assert kstest(jittered(p, np.random.default_rng(0)), "uniform").pvalue > 1e-3


def test_p_of_neighbours_counts_ties_as_whole_numbers_do():
    """What 40 states have in common is a whole number, and many permutations have as many."""
    levels, k, ties = np.arange(40), 5, 0
    pairs = Pairs.of(levels, ordered=True)
    for trial in range(40):
        rng = np.random.default_rng(trial)
        p, q = (neighbour_profile(linear_gram(rng.normal(size=(40, 3))), pairs, k) for _ in "xy")
        moves = level_permutations(levels, 199, trial)
        found = calibrate((p @ q)[None, None], permuted(p[None], q[None], pairs, moves))
        one, other = (pairs.square(some) > 0 for some in (p, q))
        common = np.array([(one & other[np.ix_(move, move)]).sum() for move in moves])
        observed = (one & other).sum()
        assert observed == round(float(p @ q) * 40 * k)
        assert found.p[0, 0] == (1 + (common >= observed).sum()) / 200
        ties += (common == observed).sum()
    assert ties > 40


@pytest.mark.parametrize("ordered", [False, True])
def test_permutations_that_change_nothing_are_counted(ordered):
    levels = np.repeat(np.arange(5), 6)
    pairs = Pairs.of(levels, ordered=ordered)
    profile = (lambda K, of: neighbour_profile(K, of, 3)) if ordered else linear_profile
    for trial in range(30):
        rng = np.random.default_rng(trial)
        p, q = (
            np.stack([profile(linear_gram(rng.normal(size=(30, d))), pairs) for d in (2, 3)])
            for _ in "xy"
        )
        moves = level_permutations(levels, 90, trial)
        moves[::9] = np.arange(30)
        found = calibrate(p @ q.T, permuted(p, q, pairs, moves))
        for part in (found.p, found.p_max):
            assert (part >= 11 / 91 - 1e-12).all()
        assert (found.value == 0).all()


def test_permuting_states_of_clustered_data_would_lie():
    p = []
    for trial in range(100):
        rng = np.random.default_rng(trial)
        x, y = (layer(rng, size_effect=2.0) for _ in "xy")
        p.append(float(examine([x], [y], np.arange(len(x)), rng).p[0, 0]))
    assert np.mean(np.array(p) <= 0.05) > 0.5


def test_what_is_shared_is_found_and_only_there():
    rng = np.random.default_rng(0)
    common = 2 * rng.normal(size=(len(LEVELS), 5))
    xs, ys = [layer(rng), layer(rng, shared=common)], [layer(rng, shared=common), layer(rng)]
    found = examine(xs, ys, LEVELS, rng)
    np.testing.assert_array_equal(found.p_max <= 0.05, [[False, False], [True, False]])
    np.testing.assert_array_equal(found.value > 0, [[False, False], [True, False]])
    assert found.p_max[1, 0] == pytest.approx(0.01)


# --- calibration --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(OBSERVED)))
def test_one_cell_equals_calibrated_similarity(number):
    expected = json.loads(FILE.read_text())["calibrated"][number]
    null = chance().reshape(-1, 1, 1)
    found = calibrate(np.array([[OBSERVED[number]]]), null)
    for name in ("value", "p", "threshold"):
        assert getattr(found, name)[0, 0] == pytest.approx(expected[name], abs=1e-6)
    assert found.p_max[0, 0] == found.p[0, 0]
    assert found.chance[0, 0] == pytest.approx(np.append(null, OBSERVED[number]).mean())


def test_a_cell_is_beyond_its_threshold_where_p_max_says_so():
    rng = np.random.default_rng(0)
    null = rng.normal(size=(199, 4, 4)) * rng.uniform(0.01, 0.1, size=(4, 4))
    observed = rng.uniform(-0.1, 0.3, size=(4, 4))
    found = calibrate(observed, null)
    beyond = found.p_max <= 0.05
    assert 0 < beyond.sum() < 16
    np.testing.assert_array_equal(observed > found.threshold, beyond)
    np.testing.assert_array_equal(found.value > 0, beyond)


def test_a_cell_that_is_not_defined_says_nothing_and_disturbs_no_other():
    rng = np.random.default_rng(0)
    null, observed = rng.normal(size=(99, 2, 2)), np.full((2, 2), 0.5)
    null[:, 1], observed[1] = 0, np.nan
    found = calibrate(observed, null)
    for part in vars(found).values():
        np.testing.assert_array_equal(np.isnan(part), [[False] * 2, [True] * 2])
    np.testing.assert_allclose(found.p_max[:1], calibrate(observed[:1], null[:, :1]).p_max)


def test_a_cell_that_only_rounding_moves_is_not_defined():
    rng = np.random.default_rng(0)
    null, observed = rng.normal(size=(99, 1, 2)), np.full((1, 2), 0.5)
    null[:, 0, 1] = 0.5 + 1e-7 * rng.normal(size=99)
    found = calibrate(observed, null)
    for part in vars(found).values():
        np.testing.assert_array_equal(np.isnan(part), [[False, True]])
    np.testing.assert_allclose(found.p_max[0, 0], calibrate(observed[:, :1], null[..., :1]).p_max)
    alone = calibrate(observed[:, 1:], null[..., 1:])
    assert all(np.isnan(part).all() for part in vars(alone).values())


def test_values_of_very_many_levels_are_told_apart():
    """As close as those of a million levels are, and exact."""
    null = 1e-6 * np.random.default_rng(0).normal(size=(999, 1, 1))
    observed = np.quantile(null, 0.9, keepdims=True)[0]
    assert calibrate(observed, null).p[0, 0] == pytest.approx(0.1, abs=0.003)
