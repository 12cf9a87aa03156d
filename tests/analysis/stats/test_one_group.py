"""A mean of few values."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from analysis.stats.one_group import Mean, jackknife_interval, mean_interval, p_of
from checkpoints.console import UserError


def test_the_interval_is_students():
    values = np.array([0.3, 0.1, 0.5])
    low, high = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((0.3, low, high))
    assert np.isnan(mean_interval(values[:1])[1:]).all()
    with pytest.raises(UserError, match="expected a finite value for each run, got"):
        mean_interval(np.array([np.nan, 1.0]))


def test_p_is_students():
    values = np.array([0.3, 0.1, 0.5, 0.2])
    assert p_of(mean_interval(values), 4) == pytest.approx(ttest_1samp(values, 0.0).pvalue)
    assert np.isnan(p_of(mean_interval(values[:1]), 1))


@pytest.mark.parametrize(
    ("of_run", "of_pair", "too_few"), [(1.0, 0.0, 0.75), (0.0, 1.0, 0.9), (0.7, 0.7, 0.85)]
)
def test_values_that_two_runs_share_are_covered(of_run, of_pair, too_few):
    """Three runs, each with its own value, and one for each pair of them; the truth is 0."""
    rng, everyone = np.random.default_rng(0), [0, 1, 2]
    pairs = [{0, 1}, {0, 2}, {1, 2}]
    covered = as_independent = 0
    for _ in range(1000):
        own, effect = 0.3 * rng.normal(size=3), of_run * rng.normal(size=3)
        shared = np.array([effect[[*pair]].sum() + of_pair * rng.normal() for pair in pairs])

        def difference(left: list[int], own=own, shared=shared) -> float:
            return float(own[left].mean() - shared[[pair <= set(left) for pair in pairs]].mean())

        without = [difference([run for run in everyone if run != gone]) for gone in everyone]
        found = jackknife_interval(difference(everyone), np.array(without))
        covered += found.low <= 0 <= found.high
        near = [shared[[run in pair for pair in pairs]].mean() for run in everyone]
        wrong = mean_interval(own - np.array(near))
        as_independent += wrong.low <= 0 <= wrong.high
    assert covered / 1000 > 0.93
    assert as_independent / 1000 < too_few


def test_what_does_not_exist_without_a_run_has_no_interval():
    assert jackknife_interval(1.0, np.array([np.nan, 1.0]))[0] == 1.0
    assert np.isnan(jackknife_interval(1.0, np.array([np.nan, 1.0]))[1:]).all()
    # A mean of independent values is its own jackknife.
    values = np.array([0.3, 0.1, 0.5])
    without = np.array([np.delete(values, i).mean() for i in range(3)])
    assert jackknife_interval(values.mean(), without) == pytest.approx(mean_interval(values))
    assert isinstance(jackknife_interval(values.mean(), without), Mean)
