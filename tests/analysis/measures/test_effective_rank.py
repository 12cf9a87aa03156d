"""The effective rank of spectra that are known, and by another road."""

import numpy as np
import pytest

from analysis.measures.effective_rank import effective_rank


def test_effective_rank_of_known_spectra():
    axes = np.vstack([np.eye(5), -np.eye(5)])
    assert effective_rank(axes) == pytest.approx(5)
    assert effective_rank(axes * [1, 1, 0, 0, 0]) == pytest.approx(2)
    # Variances 9 : 1 in two directions.
    p = np.array([0.9, 0.1])
    assert effective_rank(axes[:, :2] * [3, 1]) == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    assert effective_rank(np.full((6, 3), 0.1)) == 0
    assert effective_rank(np.outer(np.arange(6.0), [1, 2, 3])) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)], ids=["covariance", "Gram"])
def test_effective_rank_by_singular_values(shape):
    from scipy.stats import entropy

    x = np.random.default_rng(0).normal(size=shape) @ np.diag(np.arange(1.0, shape[1] + 1))
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    assert effective_rank(x) == pytest.approx(np.exp(entropy(values**2)), rel=1e-10)
