"""I(Z; L) of planted codes."""

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from analysis.measures.level_information import level_information, most
from checkpoints.console import UserError

RNG = np.random.default_rng(0)
LEVELS = np.repeat(np.arange(40), 6)


def information(x: np.ndarray, levels: np.ndarray = LEVELS) -> float:
    return float(np.nanmean(level_information(x, levels)))


def coded(groups: int) -> np.ndarray:
    """Says which of so many groups of levels it is, and nothing else."""
    code = 1e3 * RNG.normal(size=(groups, 8))
    return code[LEVELS % groups] + RNG.normal(size=(len(LEVELS), 8))


@pytest.mark.parametrize("groups", [1, 2, 10, 20])
def test_a_planted_code_is_read_off(groups):
    assert information(coded(groups)) == pytest.approx(np.log(groups), abs=0.12)


def test_naming_the_level_gets_the_most():
    assert information(coded(40)) == pytest.approx(most(LEVELS))
    assert most(LEVELS) == pytest.approx(np.log(40), abs=0.2)


def test_a_constant_layer_says_nothing():
    assert information(np.ones((len(LEVELS), 4))) == pytest.approx(0, abs=0.25)


@pytest.mark.parametrize("kept", [2**22, 100], ids=["at once", "a row at a time"])
@pytest.mark.parametrize("far", [0, 0.1, 1e5])
def test_distances_pair_by_pair_ties_among_them(monkeypatch, kept, far):
    monkeypatch.setattr("analysis.measures.level_information._NUMBERS", kept)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, size=(60, 4)).astype(np.float32) + np.float32(far)
    levels = rng.permutation(np.arange(60) // 5)
    apart = np.sqrt(((x[:, None] - x).astype(float) ** 2).sum(axis=2))
    expected = []
    for state in range(60):
        own = levels == levels[state]
        near = apart[state] <= np.sort(apart[state, own])[3] * (1 + 1e-9)
        counts = np.array([60, (near & own).sum() - 1, 5, near.sum() - 1])
        expected.append(digamma(counts) @ [1, 1, -1, -1])
    np.testing.assert_allclose(level_information(x, levels), expected)


def test_a_second_road_for_one_feature():
    x = RNG.normal(size=(200, 1)) + 2.0 * (np.arange(200) % 4)[:, None]
    levels = np.arange(200) % 4
    # That implementation adds noise and takes neighbours strictly inside: equal to rounding.
    theirs = mutual_info_classif(x, levels, n_neighbors=3, random_state=0)[0]
    assert information(x, levels) == pytest.approx(theirs, abs=1e-3)


def test_scale_and_order_do_not_matter():
    x, order = coded(10), RNG.permutation(len(LEVELS))
    found = level_information(x, LEVELS)
    np.testing.assert_allclose(level_information(7 * x[order] + 3, LEVELS[order]), found[order])


def test_single_states_do_not_count():
    x, levels = coded(10), LEVELS.copy()
    levels[-1] = 99
    found = level_information(x, levels)
    assert np.isnan(found[-1]) and np.isfinite(found[:-1]).all()
    with pytest.raises(UserError, match="at least 2 levels with 2 states each, got 0"):
        level_information(x, np.arange(len(x)))
