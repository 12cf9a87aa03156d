"""Two methods over runs: Welch's interval, equivalence, and what would be found."""

import numpy as np
import pytest
from scipy.stats import t as student

from analysis.stats.welch import compare, detectable_in_deviations, power, welch
from checkpoints.console import UserError

# -- two methods, numbers only -----------------------------------------------------------------


def test_welch_by_hand():
    a, b = np.array([1.0, 2.0, 4.0]), np.array([5.0, 5.5])
    found = welch(a, b)
    parts = a.var(ddof=1) / 3, b.var(ddof=1) / 2
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 1)
    width = student.ppf(0.975, freedom) * np.sqrt(sum(parts))
    assert found.estimate == pytest.approx(a.mean() - b.mean())
    assert found.error == pytest.approx(np.sqrt(sum(parts)))
    assert (found.low, found.high) == pytest.approx(
        (found.estimate - width, found.estimate + width)
    )
    assert found.p == pytest.approx(
        2 * student.sf(abs(found.estimate) / np.sqrt(sum(parts)), freedom)
    )


def test_welch_is_antisymmetric_and_moves_with_its_unit():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=4), rng.normal(size=3)
    one, other = welch(a, b), welch(b, a)
    assert (one.estimate, one.low, one.high) == pytest.approx(
        (-other.estimate, -other.high, -other.low)
    )
    assert one.p == pytest.approx(other.p)
    scaled = welch(3 * a + 1, 3 * b + 1)
    assert scaled[:3] == pytest.approx(tuple(3 * value for value in one[:3]))
    assert scaled.p == pytest.approx(one.p)
    assert scaled.detectable == pytest.approx(3 * one.detectable)


def test_intervals_over_three_runs_cover_and_a_bootstrap_would_not():
    rng = np.random.default_rng(1)
    covered, naive = [], []
    for a, b in rng.normal(size=(800, 2, 3)):
        found = welch(a, b)
        covered.append(found.low <= 0 <= found.high)
        draws = rng.choice(a, (200, 3)).mean(1) - rng.choice(b, (200, 3)).mean(1)
        low, high = np.quantile(draws, [0.025, 0.975])
        naive.append(low <= 0 <= high)
    assert 0.94 <= np.mean(covered) <= 0.99
    assert np.mean(naive) < 0.87


@pytest.mark.parametrize(("a", "b"), [(3, 3), (2, 4), (6, 6), (3, 12)])
def test_power_is_that_of_simulation(a, b):
    rng, far = np.random.default_rng(2), detectable_in_deviations(a, b)
    assert power(far, a, b) == pytest.approx(0.8, abs=1e-6)
    for difference in (0.0, far / 2, far):
        x, y = rng.normal(size=(40_000, a)) + difference, rng.normal(size=(40_000, b))
        found = (compare(x, y, 1.0).p < 0.05).mean()
        assert power(difference, a, b) == pytest.approx(found, abs=0.008)


def test_power_of_many_runs_is_the_noncentral_t():
    from statsmodels.stats.power import TTestIndPower

    theirs = TTestIndPower().power(0.5, 40, 0.05)
    assert power(0.5, 40, 40) == pytest.approx(theirs, abs=0.002)
    # With three runs a side the test of equal variances would promise a third of a deviation less.
    few = TTestIndPower().solve_power(nobs1=3, ratio=1, alpha=0.05, power=0.8)
    assert detectable_in_deviations(3, 3) > few + 0.3


def test_what_is_detectable_hangs_on_a_spread_that_few_runs_hardly_know():
    rng = np.random.default_rng(4)
    truth, held = detectable_in_deviations(3, 3), []
    for a, b in rng.normal(size=(800, 2, 3)):
        found = welch(a, b)
        assert found.detectable_low < found.detectable < found.detectable_high
        held.append(found.detectable_low <= truth <= found.detectable_high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def test_equivalence_is_that_of_statsmodels():
    from statsmodels.stats.weightstats import ttost_ind

    rng = np.random.default_rng(5)
    a, b = rng.normal(0.1, 0.1, size=6), rng.normal(0.0, 0.2, size=5)
    for margin in (0.1, 0.3):
        theirs = ttost_ind(a, b, -margin, margin, usevar="unequal")[0]
        assert welch(a, b, margin).p_equivalence == pytest.approx(theirs)
    assert np.isnan(welch(a, b).p_equivalence)


def test_one_run_has_no_interval_and_equal_runs_have_no_spread():
    assert np.isnan(welch(np.array([1.0]), np.array([2.0, 3.0]))).all()
    found = welch(np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    assert found.estimate == -1 and np.isnan(found[1:]).all()


def test_welch_refuses_nothing_and_no_number():
    with pytest.raises(UserError, match="expected a finite value for each run"):
        welch(np.array([]), np.array([1.0]))
    with pytest.raises(UserError, match="expected a finite value for each run"):
        welch(np.array([1.0, np.nan]), np.array([1.0]))
