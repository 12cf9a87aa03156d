"""Onsets, lags and increments on planted curves: known answers, coverage, false alarms."""

import numpy as np
import pytest
from scipy.stats import permutation_test, spearmanr

from analysis.measures.onset import detectable, direction, half_way, one_start, together
from checkpoints.console import UserError
from tests.support.planted_histories import STEPS, made, policy, sigmoid


def at(values, start=0.0, steps=STEPS) -> float:
    values = np.asarray(values, dtype=float)[:, None]
    return float(half_way(np.asarray(steps), values, np.array([float(start)]))[0])


# --- where half of the way lies -----------------------------------------------------------------


def test_half_way_is_interpolated_between_doublings():
    assert at([0, 0.25, 0.75, 1], steps=(1, 2, 4, 8)) == pytest.approx(1.5)
    assert at([0, 0.5, 0.5, 1], steps=(1, 2, 4, 8)) == pytest.approx(1.0)
    assert at([0, 0.9, 0.1, 1], steps=(1, 2, 4, 8)) == pytest.approx(0.5 / 0.9)


def test_the_same_by_numpy_where_a_curve_only_rises():
    values = sigmoid(17.3)
    share = values / values[-1]
    assert at(values) == pytest.approx(np.interp(0.5, share, np.log2(STEPS)))


def test_what_is_covered_before_the_first_step_is_placed_there():
    assert at([0.6, 0.7, 1], steps=(4, 8, 16)) == 2.0
    assert np.isnan(at([3, 1, 2], start=2, steps=(4, 8, 16)))


def test_units_do_not_matter_and_steps_shift():
    values = sigmoid(18.1)
    assert at(5 - 3 * values, start=5) == pytest.approx(at(values))
    assert at(values, steps=4 * np.array(STEPS)) == pytest.approx(at(values) + 2)


def test_what_does_matter():
    values = sigmoid(18.1)
    assert at(values**3) > at(values) + 0.1
    assert at(values, start=-1.0) < at(values) - 0.1
    assert at(values[:-2], steps=STEPS[:-2]) < at(values)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([4], "at least 2 rising steps"),
        ([0, 4], "rising steps above 0"),
        ([8, 4], "at least 2 rising steps"),
    ],
)
def test_curves_that_are_none_are_refused(steps, message):
    with pytest.raises(UserError, match=message):
        half_way(np.array(steps), np.zeros((len(steps), 1)), np.zeros(1))


# --- whether it moved ---------------------------------------------------------------------------


def test_every_untrained_network_has_to_be_left_behind():
    rng = np.random.default_rng(0)
    end = 1 + 0.01 * rng.normal(size=200)
    low, high = (level + 0.01 * rng.normal(size=200) for level in (0.0, 1.01))
    assert direction(np.stack([low, low]), end) == 1
    assert direction(np.stack([low, high]), end) == 0
    assert direction(np.stack([high + 1]), end) == -1


def test_a_start_is_one_of_the_networks():
    starts = np.repeat([[1.0], [3.0]], 400, axis=1)
    found = one_start(starts, seed=0)
    assert found[0] == 2.0
    assert set(found[1:]) == {1.0, 3.0}
    assert abs((found[1:] == 1).mean() - 0.5) < 0.1


def test_a_flat_curve_is_seldom_called_moved():
    # Nominal 5 %, percentile intervals on 60 levels; two networks must both be left behind.
    one, two = ([made(np.zeros(8), networks=n, seed=s).onset for s in range(300)] for n in (1, 2))
    alarms = [np.mean([o.verdict != "did not move" for o in some]) for some in (one, two)]
    assert 0.02 <= alarms[0] <= 0.10
    assert alarms[1] < alarms[0]


def test_95_percent_intervals_of_an_onset_cover():
    values = sigmoid(17.6)
    truth, hits = at(values), []
    for seed in range(300):
        found = made(values, seed=seed).onset
        low, high = np.quantile(found.draws[1:], [0.025, 0.975])
        hits.append(low <= truth <= high)
    assert 0.90 <= np.mean(hits) <= 0.98


def test_a_planted_lag_is_covered():
    early, late = sigmoid(16.4), sigmoid(18.4)
    truth, hits = at(early) - at(late), []
    assert truth == pytest.approx(-2, abs=0.15)
    for seed in range(200):
        mine = made(early, seed=seed)
        other = made(late, measure="return", seed=1000 + seed)
        found = mine.after(other)
        low, high = np.quantile(found.draws[1:], [0.025, 0.975])
        assert found.verdict == "ok"
        hits.append(low <= truth <= high)
    assert 0.90 <= np.mean(hits) <= 1.0


# --- increments ---------------------------------------------------------------------------------


def test_increments_against_scipy():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 9)).cumsum(axis=1)
    assert together(x, y) == pytest.approx(spearmanr(np.diff(x), np.diff(y)).statistic)
    assert together(x, np.exp(2.0) * x + 1) == pytest.approx(1)
    assert together(x, -x) == pytest.approx(-1)


def test_few_or_constant_increments_say_nothing():
    rising = np.arange(9.0)
    assert np.isnan(together(rising, rising**2))
    assert np.isnan(together(rising[:5] ** 2, rising[:5] ** 3))
    assert np.isnan(detectable(4))


def test_what_can_be_detected():
    assert detectable(8) == pytest.approx(0.707, abs=1e-3)
    assert detectable(5) == pytest.approx(0.878, abs=1e-3)
    ranks = np.arange(6.0)

    def p(y):
        test = permutation_test(
            (ranks,), lambda x: spearmanr(x, y).statistic, permutation_type="pairings"
        )
        return test.pvalue

    strong, weak = np.array([0, 1, 2, 3, 5, 4.0]), np.array([0, 2, 1, 5, 3, 4.0])
    assert spearmanr(ranks, strong).statistic > detectable(6) > spearmanr(ranks, weak).statistic
    assert p(strong) < 0.05 < p(weak)


def test_a_policy_is_known_by_its_run_and_peer():
    assert str(policy(2)) == "starpilot/ppo/2/peer0"
