"""Two roads to the CKA between levels: n x n matrices, and products of features."""

import numpy as np
import pytest

from analysis.measures import level_moments
from analysis.measures.by_level import cka_levels
from analysis.measures.level_moments import turned_cka
from analysis.measures.rings import level_rings
from checkpoints.console import UserError


def planted(n: int, G: int, dx: int, dy: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that share three of their units, which belong to the level; far from 0."""
    rng = np.random.default_rng(n + dx)
    levels = rng.permutation(np.arange(n) % G)
    shared = rng.normal(size=(G, 3))[levels]
    x, y = (np.hstack([shared, rng.normal(size=(n, d))]) + 3 for d in (dx, dy))
    return x, y, levels


@pytest.mark.parametrize(
    "sizes",
    [(60, 20, 5, 7), (60, 60, 5, 100), (90, 31, 30, 4), (40, 5, 6, 3)],
    ids=["even", "wide", "uneven", "few turns"],
)
def test_both_roads_agree_before_and_after_permutations(sizes, monkeypatch):
    monkeypatch.setattr(level_moments, "_CHUNK", 700)  # in several parts
    x, y, levels = planted(*sizes)
    rings, ones = level_rings(levels, 30, seed=0), np.ones((1, sizes[1]), dtype=int)
    moved = [y[order] for order in rings.permutations()]
    slow = [cka_levels([x], [z], levels, ones)[0, 0, 0] for z in moved]
    assert len(slow) == 31 and np.array_equal(moved[0], y)
    np.testing.assert_allclose(turned_cka(x, y, levels, rings), slow, atol=1e-12)


def test_chance_of_what_is_shared_is_nothing():
    x, y, levels = planted(400, 100, 5, 5)
    draws = turned_cka(x, y, levels, level_rings(levels, 99, seed=0))
    # 3 of 8 units of variance 1 are shared: 3 / 8.
    assert draws[0] == pytest.approx(3 / 8, abs=0.1)
    assert abs(draws[1:].mean()) < 0.01
    assert draws[1:].max() < draws[0] / 3


def test_a_layer_is_itself_whatever_its_place_and_scale():
    x, _, levels = planted(60, 20, 5, 7)
    draws = turned_cka(x, 3 * x - 7, levels, level_rings(levels, 20, seed=0))
    assert draws[0] == pytest.approx(1) and (draws[1:] < 0.9).all()


def test_what_does_not_fit_is_refused():
    x, y, levels = planted(60, 20, 5, 7)
    rings = level_rings(levels, 5, seed=0)
    with pytest.raises(UserError, match="expected x and y of the same states, got 60 and 59 rows"):
        turned_cka(x, y[1:], levels, rings)
    with pytest.raises(UserError, match="y: expected finite features"):
        turned_cka(x, np.where(y == y[3, 0], np.nan, y), levels, rings)
    with pytest.raises(UserError, match=r"x: expected layers that vary .* in layer \[0\]"):
        turned_cka(np.ones_like(x), y, levels, rings)
    three = np.arange(60) % 3
    with pytest.raises(UserError, match="at least 4 different levels in every replicate, got 3"):
        turned_cka(x, y, three, level_rings(three, 4, seed=0))
