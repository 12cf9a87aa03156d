"""Splits: no level and no picture on both sides, whatever the data."""

import numpy as np
import pytest

from checkpoints.console import UserError
from probes.readers.splits import check_features, check_target, deal_folds, deal_within, frequent


def random_bank(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels of unequal size, with some pictures that recur within and between levels."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 200))
    levels = rng.integers(0, int(rng.integers(20, 60)), n) * 7
    pictures = rng.integers(0, 256, (n, 2, 2, 3), dtype=np.uint8)
    for _ in range(int(rng.integers(0, 8))):
        pictures[rng.integers(n)] = pictures[rng.integers(n)]
    return levels, pictures


@pytest.mark.parametrize("seed", range(40))
def test_neither_levels_nor_pictures_straddle(seed):
    levels, pictures = random_bank(seed)
    folds = deal_folds(levels, pictures, seed=seed)
    assert set(folds.tolist()) == set(range(5))
    of_level: dict[int, int] = {}
    of_picture: dict[bytes, int] = {}
    for level, picture, fold in zip(levels.tolist(), pictures, folds.tolist(), strict=True):
        assert of_level.setdefault(level, fold) == fold
        assert of_picture.setdefault(picture.tobytes(), fold) == fold


def test_a_chain_of_pictures_joins_levels():
    # 0 and 1 share a picture, 1 and 2 another: all three go together.
    levels = np.array([0, 1, 1, 2, 3, 4])
    pictures = np.array([[1], [1], [2], [2], [3], [4]])
    folds = deal_folds(levels, pictures, folds=3)
    assert len(set(folds[:4].tolist())) == 1
    assert len(set(folds.tolist())) == 3
    with pytest.raises(UserError, match=r"at least 4 levels, one a fold, got 3 that share no"):
        deal_folds(levels, pictures, folds=4)


def test_folds_are_about_equal_and_repeatable():
    levels = np.repeat(np.arange(100), 6)
    folds, again, other = (deal_folds(levels, seed=seed) for seed in (1, 1, 2))
    assert (np.bincount(folds) == 120).all()
    assert (folds == again).all()
    assert (folds != other).any()


def test_the_order_of_states_keeps_levels_whole():
    levels = np.repeat(np.arange(20), 3)
    order = np.random.default_rng(0).permutation(60)
    folds = deal_folds(levels[order])
    assert all(len(set(folds[levels[order] == level].tolist())) == 1 for level in range(20))


def test_within_levels_every_level_is_on_both_sides():
    levels = np.random.default_rng(0).permutation(np.repeat(np.arange(30), 6))
    folds = deal_within(levels)
    assert all(set(folds[levels == level].tolist()) == set(range(5)) for level in range(30))
    pairs = deal_within(np.arange(60) // 2).reshape(30, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"levels": np.zeros(9)}, "expected at least 5 levels, one a fold, got 1;"),
        ({"levels": np.arange(4)}, "expected at least 5 levels, one a fold, got 4;"),
        ({"folds": 1}, "folds: expected at least 2, got 1"),
        ({"observations": np.zeros((3, 2))}, r"expected one level per state, got levels \(9,\)"),
        ({"levels": np.zeros((9, 2))}, "expected one level per state"),
    ],
)
def test_messages(given, message):
    with pytest.raises(UserError, match=message):
        deal_folds(**{"levels": np.arange(9), **given})


FOLDS = np.arange(40) % 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(40, np.nan), "x: expected values, got NaN in all 40 states"),
        (np.full(40, 3.0), "x: expected a factor that varies, got 3 in all 40 states"),
        (np.where(FOLDS == 1, np.nan, np.arange(40)), r"states in every fold, got none in \[1\]"),
        (np.r_[np.inf, np.arange(39)], "x: expected finite values or NaN, got inf"),
        (np.where(FOLDS == 2, np.arange(40), 7), "got 7 in all 30 states outside fold 2; gather"),
        (np.r_[1.0, np.zeros(39)], "numbers that vary whichever fold is held out, got 0 in all 30"),
    ],
)
def test_factors_that_cannot_be_probed(values, message):
    with pytest.raises(UserError, match=message):
        check_target("x", values, FOLDS, classes=False)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(40) == 0, "members of class 1 in at least 2 folds, got 1 in 1;"),
        (FOLDS == 2, "members of class 1 in at least 2 folds, got 10 in 1;"),
    ],
)
def test_classes_that_cannot_be_probed(labels, message):
    with pytest.raises(UserError, match=message):
        check_target("x", labels.astype(float), FOLDS, classes=True)


def test_numbers_that_vary_in_two_folds_can_be_probed():
    check_target("x", np.r_[1.0, 1, np.zeros(38)], FOLDS, classes=False)
    check_target("x", np.where(np.arange(40) < 8, np.nan, FOLDS * 1.0), FOLDS, classes=False)


def test_rare_classes_and_missing_states_are_not_frequent():
    labels = np.zeros(40)
    labels[:9] = 1  # nine members
    labels[np.flatnonzero(FOLDS < 2)[-12:]] = 2  # twelve, in two folds
    labels[39] = np.nan
    assert (frequent(labels, FOLDS) == (labels == 0)).all()
    assert frequent(labels, FOLDS, least=9).sum() == (labels < 2).sum()


def test_features_must_be_finite():
    x = np.zeros((5, 3))
    x[1, 2] = x[4, 2] = np.nan
    with pytest.raises(UserError, match="NaN or inf in 2 of 5 states and 1 of 3 features; drop"):
        check_features(x)
    with pytest.raises(UserError, match=r"shape \(states, features\), none of them 0, got \(5,\)"):
        check_features(np.zeros(5))
