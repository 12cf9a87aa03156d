"""Two methods over runs: Welch's interval, what is detectable, false discoveries, equal levels."""

import numpy as np
import pytest
from scipy.stats import t as student

from analysis.stats.two_groups import at_level, detectable_in_deviations, discoveries, welch
from checkpoints.console import UserError

# -- two methods, numbers only -----------------------------------------------------------------


def test_welch_by_hand():
    a, b = np.array([1.0, 2.0, 4.0]), np.array([5.0, 5.5])
    found = welch(a, b)
    parts = a.var(ddof=1) / 3, b.var(ddof=1) / 2
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 1)
    width = student.ppf(0.975, freedom) * np.sqrt(sum(parts))
    assert found.estimate == pytest.approx(a.mean() - b.mean())
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


def test_a_detectable_difference_is_detected_four_times_in_five():
    rng = np.random.default_rng(2)
    far = detectable_in_deviations(3, 3)
    runs = rng.normal(size=(1500, 2, 3)) + np.array([far, 0.0])[:, None]
    found = np.mean([welch(*pair).p < 0.05 for pair in runs])
    # The t test of equal variances finds .8; Welch's, which spends freedom on both, a little less.
    assert 0.68 <= found <= 0.84
    assert detectable_in_deviations(10, 10) < detectable_in_deviations(4, 4) < far


def test_one_run_has_no_interval_and_equal_runs_have_no_spread():
    for a, b in (([1.0], [2.0, 3.0]), ([1.0, 1.0], [2.0, 2.0])):
        found = welch(np.array(a), np.array(b))
        assert found.estimate == pytest.approx(np.mean(a) - np.mean(b))
        assert np.isnan(found[1:]).all()


def test_welch_refuses_nothing_and_no_number():
    with pytest.raises(UserError, match="expected a finite value for each run"):
        welch(np.array([]), np.array([1.0]))
    with pytest.raises(UserError, match="expected a finite value for each run"):
        welch(np.array([1.0, np.nan]), np.array([1.0]))


def test_discoveries_by_hand_and_what_has_no_p_does_not_count():
    p = np.array([0.01, np.nan, 0.02, 0.9])
    q = discoveries(p)
    assert np.isnan(q[1])
    assert q[[0, 2, 3]] == pytest.approx([0.03, 0.03, 0.9])
    assert np.isnan(discoveries(np.array([np.nan]))).all()


def test_discoveries_hold_their_rate():
    rng = np.random.default_rng(3)
    false = []
    for _ in range(300):
        p = np.concatenate([rng.uniform(size=40), rng.uniform(0, 1e-4, size=10)])
        found = discoveries(p) < 0.1
        false.append(found[:40].sum() / max(found.sum(), 1))
    assert np.mean(false) < 0.1


# -- at an equal level ----------------------------------------------------------------------------


def test_a_value_is_read_off_where_the_marker_passes_a_level():
    steps = np.array([1.0, 2.0, 4.0, 8.0])
    marker, values = np.array([0.0, 1.0, 2.0, 3.0]), np.array([8.0, 4.0, 2.0, 1.0])
    assert at_level(steps, marker, values, 1.0) == pytest.approx(4.0)
    assert at_level(steps, marker, values, 1.5) == pytest.approx(3.0)
    assert at_level(steps, marker, values, 0.0) == pytest.approx(8.0)
    assert at_level(steps, -marker, values, -1.5, rising=False) == pytest.approx(3.0)
    for outside in (-0.1, 3.1):
        assert np.isnan(at_level(steps, marker, values, outside))


def test_the_level_is_found_whatever_the_pace_and_despite_noise():
    steps = 2.0 ** np.arange(10, 22)
    way = np.linspace(0, 1, len(steps))
    fast, slow = way**0.5, way**2
    # The value is a function of the marker alone: reading it at one level must not see the pace.
    for marker in (fast, way, slow):
        assert at_level(steps, marker, marker**2, 0.49) == pytest.approx(0.49**2, abs=0.01)
    noisy = way + np.random.default_rng(0).normal(0, 0.05, len(way))
    assert at_level(steps, noisy, way, 0.5) == pytest.approx(0.5, abs=0.1)


def test_missing_steps_are_left_out_and_too_few_are_none():
    steps, marker = np.array([1.0, 2.0, 4.0]), np.array([0.0, np.nan, 2.0])
    assert at_level(steps, marker, np.array([0.0, 9.0, 2.0]), 1.0) == pytest.approx(1.0)
    assert np.isnan(at_level(steps, np.array([0.0, np.nan, np.nan]), marker, 0.0))
