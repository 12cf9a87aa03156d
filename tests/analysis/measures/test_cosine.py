"""Cosine between twins and its chance level: by hand, by brute force, what it is blind to."""

import numpy as np
import pytest

from analysis.measures.cosine import Cosines
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError

LEVELS = np.array([0, 0, 1, 2, 2, 2])


def measured(x: np.ndarray, levels: np.ndarray = LEVELS, blocks: int = 1):
    found = Cosines(levels, x.shape[1])
    for part in np.array_split(np.arange(len(x)), blocks):
        found.add(slice(part[0], part[-1] + 1), x[part])
    return found.result(cluster_weights(levels, 20, 0))


def brute(x: np.ndarray) -> tuple[float, float]:
    u = x / np.linalg.norm(x, axis=2, keepdims=True)
    n, B = x.shape[:2]
    apart = [(b, c) for b in range(B) for c in range(B) if b != c]
    twins = [np.mean([u[s, b] @ u[s, c] for b, c in apart]) for s in range(n)]
    others = [
        u[s, b] @ u[t, c]
        for s in range(n)
        for t in range(n)
        for b, c in apart
        if LEVELS[s] != LEVELS[t]
    ]
    return float(np.mean(twins)), float(np.mean(others))


def test_states_at_right_angles_that_the_background_leaves_alone():
    x = np.repeat(np.eye(3)[[0, 0, 1, 2, 2, 2]][:, None], 4, axis=1)
    found = measured(x)
    assert found.draws == pytest.approx(np.ones(21)) and found.chance == pytest.approx(0)


def test_backgrounds_at_right_angles_that_hide_the_state():
    x = np.repeat(np.eye(4)[None], 6, axis=0)
    found = measured(x)
    assert found.draws[0] == pytest.approx(0) and found.chance == pytest.approx(0)


@pytest.mark.parametrize("blocks", [1, 4])
def test_brute_force_agrees_in_any_blocks(blocks: int):
    x = np.random.default_rng(0).normal(size=(6, 3, 5))
    twins, others = brute(x)
    found = measured(x, blocks=blocks)
    assert found.draws[0] == pytest.approx(twins) and found.chance == pytest.approx(others)


def test_levels_whose_states_come_apart_and_in_any_order_change_nothing():
    x = np.random.default_rng(3).normal(size=(6, 3, 5))
    order = np.array([3, 0, 5, 2, 1, 4])
    found = Cosines(LEVELS[order], 3)
    for state in (4, 1, 5, 0, 3, 2):
        found.add(slice(state, state + 1), x[order[[state]]])
    apart, whole = found.result(cluster_weights(LEVELS, 20, 0)), measured(x)
    np.testing.assert_allclose(apart.draws, whole.draws)
    assert apart.chance == pytest.approx(whole.chance)


def test_length_and_rotation_change_nothing_and_translation_does():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 3, 5))
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    longer = x * rng.uniform(0.5, 2, (6, 3, 1)) @ rotation
    assert measured(longer).draws == pytest.approx(measured(x).draws)
    moved = measured(x + 10)
    assert moved.draws[0] > 0.9 and moved.chance > 0.9


def test_units_that_are_never_negative_are_alike_by_chance():
    x = np.maximum(np.random.default_rng(2).normal(size=(60, 3, 200)), 0)
    found = measured(x, np.arange(60) // 2)
    assert found.draws[0] == pytest.approx(found.chance, abs=0.02) and found.chance > 0.25


def test_a_dead_layer_has_no_direction_and_one_background_no_twins():
    assert measured(np.zeros((6, 3, 5))).draws[0] == 0
    assert np.isnan(measured(np.ones((6, 1, 5))).draws).all()


def test_what_is_missing_or_comes_twice_is_refused():
    found = Cosines(LEVELS, 2)
    found.add(slice(0, 3), np.ones((3, 2, 4)))
    with pytest.raises(UserError, match="expected all 6 states, got 3; add every block"):
        found.result(cluster_weights(LEVELS, 5, 0))
    with pytest.raises(UserError, match="1 of them for the second time"):
        found.add(slice(2, 4), np.ones((2, 2, 4)))
    with pytest.raises(UserError, match=r"on 2 backgrounds, got \(3, 1, 4\)"):
        found.add(slice(3, 6), np.ones((3, 1, 4)))
    with pytest.raises(UserError, match="at least 2 levels, got 1"):
        Cosines(np.zeros(4, int), 2)
