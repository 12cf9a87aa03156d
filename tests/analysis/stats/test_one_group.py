"""A mean of few values."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from analysis.stats.one_group import mean_interval
from checkpoints.console import UserError


def test_the_interval_is_students():
    values = np.array([0.3, 0.1, 0.5])
    low, high = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((0.3, low, high))
    assert np.isnan(mean_interval(values[:1])[1:]).all()
    with pytest.raises(UserError, match="expected a finite value for each run, got"):
        mean_interval(np.array([np.nan, 1.0]))
