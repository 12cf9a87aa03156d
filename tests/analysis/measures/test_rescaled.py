"""Units and directions counted alike."""

import numpy as np

from analysis.measures.crossed_icc import crossed_icc
from analysis.measures.rescaled import standardised, whitened

RNG = np.random.default_rng(0)


def test_units_have_variance_one_and_dead_ones_are_gone():
    x = RNG.normal(size=(50, 4, 6)) * np.array([1, 10, 0.1, 0, 3, 1e-9]) + 5.0
    found = standardised(x)
    assert found.shape == (50, 4, 4)
    np.testing.assert_allclose(found.mean(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=(0, 1)), 1)
    np.testing.assert_allclose(standardised(3 * x + 2), found, atol=1e-9)


def test_directions_have_variance_one_and_no_covariance():
    mixing = RNG.normal(size=(6, 6))
    x = RNG.normal(size=(200, 4, 6)) @ mixing
    found = whitened(x, 1.0).reshape(-1, 6)
    np.testing.assert_allclose(found.T @ found / len(found), np.eye(6), atol=1e-9)
    # What a turn of the layer's axes does not change.
    turn = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    np.testing.assert_allclose(np.abs(whitened(x @ turn, 1.0)), np.abs(whitened(x, 1.0)), atol=1e-8)


def test_what_is_left_out_is_the_small_directions():
    x = RNG.normal(size=(500, 3, 5)) * np.array([10.0, 5, 1, 0.01, 0.001])
    assert whitened(x, 0.999).shape[2] == 3
    assert whitened(x, 0.7).shape[2] == 1
    assert whitened(np.ones((4, 3, 5))).shape == (4, 3, 0)


def test_pooling_decides_where_units_differ():
    # One loud unit follows the state, seven quiet ones the background.
    state, background = RNG.normal(size=(60, 1, 1)), RNG.normal(size=(60, 5, 7))
    x = np.concatenate([10 * np.repeat(state, 5, axis=1), background], axis=2)
    how = np.arange(60), np.ones((1, 60)), np.ones((1, 5))
    pooled, each = crossed_icc(x, *how)[0], crossed_icc(standardised(x), *how)[0]
    assert pooled > 0.9
    assert 0.05 < each < 0.25  # an eighth of the units
