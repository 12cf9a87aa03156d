"""Scores from sums by level: scikit-learn's values, drawn levels, intervals that cover."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score

from analysis.stats.clusters import cluster_weights
from probes.readers.scores import (
    balanced_accuracy,
    class_sums,
    interval,
    number_sums,
    r2,
    replicates,
)


def test_scores_are_scikit_learns():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 20, 200)
    y, guess = rng.normal(size=(2, 200)) + 1e6
    label, other = rng.integers(0, 4, (2, 200))
    y[::7] = np.nan
    here = ~np.isnan(y)
    found = r2(number_sums(y, guess, level, 20).sum(axis=0))
    np.testing.assert_allclose(found, r2_score(y[here], guess[here]))
    sums = class_sums(label.astype(float), other, level, 20, 4)
    expected = balanced_accuracy_score(label, other)
    np.testing.assert_allclose(balanced_accuracy(sums.sum(axis=0)), expected)


def test_known_scores():
    one, y = np.zeros(4, dtype=int), np.array([0.0, 0, 2, 2])
    assert r2(number_sums(y, y, one, 1)[0]) == 1
    assert r2(number_sums(y, np.ones(4), one, 1)[0]) == 0
    assert r2(number_sums(y, 2 - y, one, 1)[0]) == -3
    label = np.array([0.0, 0, 0, 1])
    assert balanced_accuracy(class_sums(label, np.zeros(4), one, 1, 2)[0]) == 0.5
    assert balanced_accuracy(class_sums(label, label, one, 1, 3)[0]) == 1


def test_replicates_are_those_of_drawn_levels():
    rng = np.random.default_rng(0)
    levels = np.sort(rng.integers(0, 12, 90))
    y, guess = rng.normal(size=(2, 90))
    weights = cluster_weights(levels, 6, seed=1)
    draws = replicates(number_sums(y, guess, levels, 12), weights, r2)
    assert draws.shape == (7,)
    for weight, found in zip(weights, draws[1:], strict=True):
        drawn = np.concatenate([np.flatnonzero(levels == g) for g in np.repeat(range(12), weight)])
        np.testing.assert_allclose(found, r2_score(y[drawn], guess[drawn]))


@pytest.mark.parametrize("still", [0.0, 0.1, -3e7])
def test_levels_of_one_number_have_no_r2(still):
    """Drawn levels may all hold the number that most levels hold; rounding is no variance."""
    levels = np.repeat(np.arange(60), 4)
    y = np.where(levels < 2, still + 1 + levels, still)
    sums = number_sums(y, y + np.random.default_rng(0).normal(size=240) / 9, levels, 60)
    weights = cluster_weights(levels, 400, seed=0)
    draws = replicates(sums, weights, r2)
    constant = (weights[:, :2] == 0).all(axis=1)
    assert 20 < constant.sum() < 100
    np.testing.assert_array_equal(np.isnan(draws[1:]), constant)
    assert (draws[1:][~constant] > -1).all()
    low, high = interval(draws)[1:]
    np.testing.assert_allclose([low, high], np.quantile(draws[1:][~constant], [0.025, 0.975]))


def test_an_interval_leaves_undefined_draws_out():
    draws = np.array([0.5, *np.linspace(0, 1, 41), np.nan, np.inf, -np.inf])
    np.testing.assert_allclose(interval(draws), (0.5, 0.025, 0.975))
    nothing = interval(np.array([0.5, np.nan, -np.inf]))
    assert nothing.estimate == 0.5 and np.isnan(nothing[1:]).all()


def test_no_state_of_any_class_is_no_accuracy():
    sums = np.array([[1.0, 0, 2, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(balanced_accuracy(sums), [0.5, np.nan])


def test_intervals_cover():
    """A true recall of .7 whose states share a level's luck: 200 intervals, nominal 95 %.

    With 40 levels a true coverage of .93 leaves [.87, .98] in 1 of 400 sets.
    """
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        levels = np.repeat(np.arange(40), 10)
        chance = rng.beta(7, 3, 40)[levels]
        found = (rng.random(400) < chance).astype(float)
        sums = class_sums(np.ones(400), found, levels, 40, 2)
        draws = replicates(sums, cluster_weights(levels, 300, seed), balanced_accuracy)
        _, low, high = interval(draws)
        hits += low <= 0.7 <= high
    assert 0.87 <= hits / 200 <= 0.98
