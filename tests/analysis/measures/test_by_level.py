"""CKA over distinct levels: the definition spelled out, intervals that cover a planted truth."""

import numpy as np
import pytest

from analysis.measures import level_features
from analysis.measures.by_level import LevelGram, cka_levels, hsic_levels
from analysis.measures.cka import cka
from analysis.measures.hsic import centred, linear_gram
from analysis.measures.level_features import hsic_by_features
from analysis.measures.level_sums import LevelWeights
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError
from tests.support.cka_reference import by_grams, features, tuples_hsic

GOOD = features()[0]


def test_the_definition_over_draws_of_distinct_levels():
    # Six levels of one or two states; the replicates, spelled out, hold a copy of a state for
    # each time its level was drawn. Labels are neither sorted nor numbers.
    clusters = np.array(["d", "a", "c", "a", "b", "f", "e", "c"])
    weights = np.array([[1, 2, 1, 0, 2, 0], [0, 1, 1, 3, 0, 1]])
    x, y = features(n=8)
    K, L = linear_gram(x), linear_gram(y)
    levels = LevelWeights(clusters, weights)
    found = hsic_levels(LevelGram(K, levels), LevelGram(L, levels))
    level = np.unique(clusters, return_inverse=True)[1]
    for r, w in enumerate([np.ones(6, int), *weights]):
        drawn = np.repeat(np.arange(8), w[level])
        expected = tuples_hsic(K[np.ix_(drawn, drawn)], L[np.ix_(drawn, drawn)], level[drawn])
        assert found[r] == pytest.approx(expected, rel=1e-10)


# --- the bootstrap over levels ------------------------------------------------------------------

G, M, D = 50, 6, 32


def planted(rng, clusters):
    """Layers x = s and y = s + e, half of whose variance lies between levels.

    In the population Σxx = Σxy = I and Σyy = 2I, so CKA = ‖I‖² / (‖I‖ ‖2I‖) = ½.
    """

    def half_between():
        within = rng.normal(size=(len(clusters), D))
        return (rng.normal(size=(clusters.max() + 1, D))[clusters] + within) / np.sqrt(2)

    s, e = half_between(), half_between()
    return s, s + e


def coverage(by_level, trials=60):
    """Share of 95 % intervals that hold the planted ½, and the mean estimate."""
    level = np.repeat(np.arange(G), M)
    clusters = level if by_level else np.arange(G * M)
    hits, estimates = 0, []
    for seed in range(trials):
        x, y = planted(np.random.default_rng(seed), level)
        draws = cka_levels([x], [y], clusters, cluster_weights(clusters, 200, seed))[:, 0, 0]
        low, high = np.quantile(draws[1:], [0.025, 0.975])
        hits += low <= 0.5 <= high
        estimates.append(draws[0])
    return hits / trials, np.mean(estimates)


def test_intervals_over_levels_cover_the_planted_truth():
    # A true coverage of .95 falls below .85 in 60 trials once in 1,300 tries.
    share, estimate = coverage(by_level=True)
    assert share >= 0.85
    assert estimate == pytest.approx(0.5, abs=0.01)


def test_states_taken_as_independent_do_not_so_the_check_can_fail():
    # HSIC₁ over states of 50 levels is itself biased, as HSIC₀ is with few states.
    share, estimate = coverage(by_level=False)
    assert share < 0.3
    assert estimate > 0.55


def test_a_naive_bootstrap_is_centred_on_the_biased_value():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 50))
    naive = [by_grams(x[i], y[i]) for i in rng.integers(100, size=(200, 100))]
    ours = cka_levels([x], [y], np.arange(100), cluster_weights(np.arange(100), 200, 0))[:, 0, 0]
    estimate, biased = by_grams(x, y), by_grams(x, y, biased=True)
    assert abs(np.mean(ours[1:]) - estimate) < 0.02
    assert abs(np.mean(naive) - biased) < abs(np.mean(naive) - estimate)


def test_all_pairs_share_their_draws():
    x, y = features(n=60)
    clusters = np.arange(60) // 2
    weights = cluster_weights(clusters, 20, 0)
    both = cka_levels([x, y], [y, x[:, :4]], clusters, weights)
    assert both.shape == (21, 2, 2)
    alone = cka_levels([x], [x[:, :4]], clusters, weights)
    np.testing.assert_allclose(both[:, 0, 1], alone[:, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(both[:, 1, 0], 1, rtol=1e-12)


# --- what is refused ---


@pytest.mark.parametrize(
    ("clusters", "weights", "message"),
    [
        (np.arange(40), np.ones((5, 39), int), r"expected shape \(replicates, 40 levels\), got"),
        (np.arange(39), np.ones((5, 39), int), "got 39 labels for 40 states; pass features and"),
        (np.arange(40) % 3, np.ones((5, 3), int), "expected at least 4 different levels in every"),
    ],
)
def test_levels_that_do_not_fit_are_refused(clusters, weights, message):
    with pytest.raises(UserError, match=message):
        cka_levels([GOOD], [GOOD], clusters, weights)


def test_a_layer_that_fires_in_one_level_only_is_refused():
    clusters = np.arange(40) // 4
    x = GOOD * (clusters == 3)[:, None]
    assert np.isfinite(cka(x, GOOD))
    with pytest.raises(UserError, match="constant, dead or nearly so"):
        cka_levels([x], [GOOD], clusters, np.ones((1, 10), int))


# --- the road of features ---


@pytest.mark.parametrize("widths", [(2, 3), (7, 4)])
@pytest.mark.parametrize("parts", [(1, 1), (60, 7), (10**6, 10**6)], ids=str)
def test_the_road_of_features_gives_the_sums_of_kernel_matrices(widths, parts, monkeypatch):
    # Levels of unequal size, out of order, some drawn not at all or twice; means far from 0.
    rng = np.random.default_rng(0)
    monkeypatch.setattr(level_features, "_CHUNK", parts[0])
    monkeypatch.setattr(level_features, "_STATES", parts[1])
    clusters = rng.permutation(np.repeat([4, 1, 7, 0, 9, 3], [1, 5, 2, 9, 4, 6]))
    weights = rng.integers(0, 3, (20, 6))
    weights[:, 1:5] += 1
    levels = LevelWeights(clusters, weights)
    x, y = (rng.normal(size=(len(clusters), width)) + 50 for width in widths)
    x, y = centred(x), centred(y + 0.5 * x[:, :1])
    xs, ys = [x, y], [y, x[:, :1], x]
    X, Y = ([LevelGram(one @ one.T, levels) for one in side] for side in (xs, ys))
    xy, xx, yy = hsic_by_features(xs, ys, levels)
    wanted = np.array([[hsic_levels(one, other) for other in Y] for one in X])
    np.testing.assert_allclose(xy, wanted.transpose(2, 0, 1), rtol=1e-11, atol=1e-12)
    for found, side in ((xx, X), (yy, Y)):
        own = np.array([hsic_levels(one, one) for one in side]).T
        np.testing.assert_allclose(found, own, rtol=1e-11, atol=1e-12)
    assert np.ptp(xy) > 0.01


def test_few_levels_of_many_states_take_no_matrix_of_states(monkeypatch):
    clusters = np.repeat(np.arange(10), 30)
    x = np.random.default_rng(0).normal(size=(300, 3))
    weights = cluster_weights(clusters, 5, 0)
    expected = cka_levels([np.pad(x, ((0, 0), (0, 400)))], [x], clusters, weights)
    monkeypatch.delattr("analysis.measures.by_level.LevelGram")
    np.testing.assert_allclose(cka_levels([x], [x], clusters, weights), expected, rtol=1e-9)
