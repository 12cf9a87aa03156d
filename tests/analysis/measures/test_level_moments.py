"""Two roads to the CKA between levels: n x n matrices, and products of features."""

import numpy as np
import pytest

from analysis.measures.by_level import cka_levels
from analysis.measures.chance import level_permutations
from analysis.measures.level_moments import permuted_cka
from checkpoints.console import UserError


def planted(n: int, G: int, dx: int, dy: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that share three of their units, which belong to the level; far from 0."""
    rng = np.random.default_rng(n + dx)
    levels = rng.permutation(np.arange(n) % G)
    shared = rng.normal(size=(G, 3))[levels]
    x, y = (np.hstack([shared, rng.normal(size=(n, d))]) + 3 for d in (dx, dy))
    return x, y, levels


@pytest.mark.parametrize(
    "sizes", [(60, 20, 5, 7), (60, 60, 5, 100), (90, 31, 30, 4)], ids=["even", "wide", "uneven"]
)
def test_both_roads_agree_before_and_after_permutations(sizes):
    x, y, levels = planted(*sizes)
    permutations = level_permutations(levels, 5, seed=0)
    ones = np.ones((1, sizes[1]), dtype=int)
    slow = [cka_levels([x], [z], levels, ones)[0, 0, 0] for z in (y, *(y[p] for p in permutations))]
    np.testing.assert_allclose(permuted_cka(x, y, levels, permutations), slow, atol=1e-12)


def test_chance_of_what_is_shared_is_nothing():
    x, y, levels = planted(400, 100, 5, 5)
    draws = permuted_cka(x, y, levels, level_permutations(levels, 99, seed=0))
    # 3 of 8 units of variance 1 are shared: 3 / 8.
    assert draws[0] == pytest.approx(3 / 8, abs=0.1)
    assert abs(draws[1:].mean()) < 0.01
    assert draws[1:].max() < draws[0] / 3


def test_without_permutations_the_estimate_stands_alone():
    x, _, levels = planted(60, 20, 5, 7)
    none = np.empty((0, 60), dtype=np.int32)
    assert permuted_cka(x, 3 * x - 7, levels, none) == pytest.approx([1.0])


def test_what_does_not_fit_is_refused():
    x, y, levels = planted(60, 20, 5, 7)
    none = np.empty((0, 60), dtype=np.int32)
    with pytest.raises(UserError, match="expected x and y of the same states, got 60 and 59 rows"):
        permuted_cka(x, y[1:], levels, none)
    with pytest.raises(UserError, match="y: expected finite features"):
        permuted_cka(x, np.where(y == y[3, 0], np.nan, y), levels, none)
    with pytest.raises(UserError, match=r"x: expected layers that vary .* in layer \[0\]"):
        permuted_cka(np.ones_like(x), y, levels, none)
    with pytest.raises(UserError, match="at least 4 different levels in every replicate, got 3"):
        permuted_cka(x, y, np.arange(60) % 3, none)
