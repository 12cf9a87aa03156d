"""Aggregates of runs and their stratified bootstrap: rliable's values, and by hand."""

import json
from itertools import product

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, trim_mean

from analysis.stats.few_runs import (
    ends,
    improvement,
    interquartile_mean,
    mean,
    profile,
    resample_runs,
    run_interval,
)
from checkpoints.console import UserError
from tests.support.rliable_reference import FILE, THRESHOLDS, made_up

X, Y = made_up()
KEPT = json.loads(FILE.read_text())
REPLICATES = 20000


def curve(scores: np.ndarray) -> np.ndarray:
    return profile(scores, THRESHOLDS)


# -- rliable ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize(("measure", "of"), [("mean", mean), ("iqm", interquartile_mean)])
def test_aggregates_are_those_of_rliable(measure, of, name):
    scores = {"x": X, "y": Y}[name]
    value, *interval = KEPT[measure][name]
    assert of(scores) == pytest.approx(value, rel=1e-12)
    # Two bootstraps differ by chance: a percentile of 20,000 replicates by about .002 here.
    found = run_interval(of, scores, replicates=REPLICATES, seed=0)
    np.testing.assert_allclose(found, interval, atol=0.01)


def test_improvement_is_that_of_rliable():
    value, *interval = KEPT["improvement"]
    assert improvement(X, Y) == pytest.approx(value, rel=1e-12)
    found = run_interval(improvement, X, Y, replicates=REPLICATES, seed=0)
    np.testing.assert_allclose(found, interval, atol=0.012)


def test_profiles_are_those_of_rliable():
    value, *interval = (np.array(kept) for kept in KEPT["profile"])
    np.testing.assert_allclose(curve(X), value, rtol=1e-12)
    found = run_interval(curve, X, replicates=REPLICATES, seed=0)
    # Shares are eighteenths: by chance a percentile may fall on the one beside it.
    step = 1 / X.size + 1e-9
    np.testing.assert_allclose(found, interval, atol=step)
    assert (np.abs(found - interval) < 1e-9).mean() > 0.9


# -- by hand, and by another road ------------------------------------------------------------


def test_the_middle_half_by_hand():
    scores = np.array([[0.0, 100.0], [1, 2], [3, 4], [5, -50]])
    assert interquartile_mean(scores) == pytest.approx((1 + 2 + 3 + 4) / 4)
    assert interquartile_mean(scores[:1, :1]) == 0
    assert interquartile_mean(scores[:3, :1]) == pytest.approx(4 / 3)


def test_an_outlier_moves_the_mean_and_not_the_middle():
    spoilt = X.copy()
    spoilt[X.argmax() // 3, X.argmax() % 3] = 1e6
    assert interquartile_mean(spoilt) == interquartile_mean(X)
    assert mean(spoilt) > 1e4


def test_improvement_by_hand():
    x, y = np.array([[1.0], [3.0]]), np.array([[0.0], [1.0], [2.0]])
    # 1 beats 0 and ties 1; 3 beats all.
    assert improvement(x, y) == pytest.approx((1.5 + 3) / 6)
    assert improvement(X, X) == 0.5


def test_improvement_is_the_share_of_u():
    shares = []
    for game in range(3):
        u = mannwhitneyu(X[:, game], Y[:, game], alternative="greater").statistic
        shares.append(u / (len(X) * len(Y)))
    assert improvement(X, Y) == pytest.approx(np.mean(shares))


def test_improvement_knows_order_only():
    def warped(scores):
        return np.exp(3 * scores) * [1.0, 10.0, 100.0]

    assert improvement(warped(X), warped(Y)) == pytest.approx(float(improvement(X, Y)))
    assert improvement(Y, X) == pytest.approx(1 - float(improvement(X, Y)))
    # Not so the others, which depend on what 0 and 1 stand for.
    for of in (mean, interquartile_mean):
        assert of(warped(X)) != pytest.approx(float(of(X)))


def test_a_profile_counts_and_its_area_is_the_mean():
    scores = np.array([[0.1, 0.5], [0.5, 0.9]])
    at = np.array([0.0, 0.1, 0.4, 0.5, 0.9])
    assert profile(scores, at).tolist() == [1, 0.75, 0.75, 0.25, 0]
    fine = np.linspace(0, 1, 20001)
    area = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
    assert area(profile(scores, fine), fine) == pytest.approx(float(mean(scores)), abs=1e-4)


@pytest.mark.parametrize("of", [mean, interquartile_mean, curve])
def test_stacked_scores_are_computed_apart(of):
    stack = np.random.default_rng(0).normal(size=(4, 2, 6, 3))
    apart = np.stack([[of(scores) for scores in row] for row in stack])
    np.testing.assert_allclose(of(stack), apart)
    np.testing.assert_allclose(of(stack[..., ::-1, ::-1]), apart)


def test_scipy_trims_the_same():
    rng = np.random.default_rng(1)
    for run, game in product((1, 2, 5, 10), (1, 2, 16)):
        scores = rng.normal(size=(run, game))
        assert interquartile_mean(scores) == pytest.approx(trim_mean(scores, 0.25, axis=None))


# -- the stratified bootstrap ----------------------------------------------------------------


def test_runs_are_drawn_within_their_game():
    scores = np.arange(6.0).reshape(3, 2)  # even scores belong to the first game
    drawn = resample_runs(scores, 20000, np.random.default_rng(0))
    assert set(drawn[..., 0].ravel()) == {0, 2, 4}
    assert set(drawn[..., 1].ravel()) == {1, 3, 5}
    share = [(drawn == score).mean() for score in range(6)]
    np.testing.assert_allclose(share, 1 / 6, atol=0.005)
    # Apart: the first game's resample says nothing of the second's.
    first, second = drawn.mean(axis=1).T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_the_interval_over_two_runs_is_known():
    # Means 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
    scores = np.array([[0.0], [1.0]])
    wide, narrow = (
        run_interval(mean, scores, replicates=999, seed=0, level=level) for level in (0.95, 0.4)
    )
    assert wide.tolist() == [0, 1]
    assert narrow.tolist() == [0.5, 0.5]


def test_the_interval_over_three_runs_is_that_of_all_resamples():
    scores = np.array([[0.0], [0.3], [1.0]])
    means = [np.mean(drawn) for drawn in product(scores[:, 0], repeat=3)]
    exact = np.quantile(means, [0.1, 0.9], method="inverted_cdf")
    found = run_interval(mean, scores, replicates=20000, seed=0, level=0.8)
    np.testing.assert_allclose(found, exact)


def test_95_percent_intervals_over_ten_runs_cover():
    rng, hits, trials = np.random.default_rng(0), 0, 400
    for trial in range(trials):
        scores = rng.normal(loc=[0, 1, 2, 3], size=(10, 4))
        low, high = run_interval(mean, scores, replicates=300, seed=trial)
        hits += low <= 1.5 <= high
    # Percentiles of ten runs are a little short: 92 to 93 %.
    assert 0.89 <= hits / trials <= 0.97


def test_one_run_says_nothing_of_runs():
    assert np.isnan(run_interval(mean, X[:1], replicates=10, seed=0)).all()
    assert np.isnan(run_interval(improvement, X, Y[:1], replicates=10, seed=0)).all()
    band = run_interval(curve, X[:1], replicates=10, seed=0)
    assert band.shape == (2, len(THRESHOLDS))
    assert np.isnan(band).all()


def test_the_seed_decides():
    first, again, other = (
        run_interval(mean, X, replicates=50, seed=seed).tolist() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_ends_of_nothing_are_undefined():
    assert np.isnan(ends(np.empty((0, 3)))).all()
    np.testing.assert_allclose(ends(np.arange(1001.0), level=0.9), (50, 950))


def test_messages():
    with pytest.raises(UserError, match="replicates: expected at least 1, got 0"):
        run_interval(mean, X, replicates=0, seed=0)
    with pytest.raises(UserError, match="scores: expected finite numbers"):
        run_interval(mean, X * np.nan, replicates=10, seed=0)
