"""A value read off at a level of another."""

import numpy as np
import pytest

from analysis.stats.at_level import at_level


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
