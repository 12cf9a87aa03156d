"""ICC with both factors drawn anew: a second road, loops, and a planted truth."""

import numpy as np
import pytest

from analysis.measures.crossed_icc import crossed_icc
from analysis.measures.icc import measure
from analysis.measures.robustness import view_weights
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError


def planted(of_state: float, of_both: float, *, states=60, backgrounds=5, features=8, seed=0):
    """Features that are a sum of the state, the background, and what is neither's alone."""
    rng = np.random.default_rng(seed)
    state = rng.normal(size=(states, 1, features))
    background = rng.normal(size=(1, backgrounds, features))
    both = rng.normal(size=(states, backgrounds, features))
    return of_state * state + 0.5 * background + of_both * both


def ones(states: int, backgrounds: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((1, states)), np.ones((1, backgrounds))


def test_with_a_state_a_level_it_is_the_icc_of_one_pass():
    x = planted(1.0, 0.7)
    found = crossed_icc(x, np.arange(60), *ones(60, 5))
    assert found[0] == pytest.approx(measure(x, replicates=2).icc[0], rel=1e-9)


def test_with_some_states_a_level_both_roads_lead_near_each_other():
    # One pass takes what a background adds to all states off pairs of one level, too.
    x, levels = planted(1.0, 0.7, states=600), np.arange(600) // 3
    one, other = crossed_icc(x, levels, *ones(200, 5))[0], measure(x, levels).icc[0]
    assert one != other
    assert one == pytest.approx(other, abs=1e-4)


def test_replicates_are_those_of_loops():
    x, levels = planted(1.0, 0.7, states=12, backgrounds=4), np.arange(12) // 3
    w, v = np.array([[2.0, 0, 1, 1]]), np.array([[1.0, 2, 0, 1]])
    S = W = pairs = single = 0.0
    for b, c in np.ndindex(4, 4):
        weight = v[0, b] * v[0, c] * (b != c)
        for i in range(12):
            W += weight * w[0, levels[i]] * ((x[i, b] - x[i, c]) ** 2).sum() / 2
            single += weight * w[0, levels[i]]
            for j in range(12):
                both = weight * w[0, levels[i]] * w[0, levels[j]] * (levels[i] != levels[j])
                S += both * ((x[i, b] - x[j, b]) * (x[i, c] - x[j, c])).sum() / 2
                pairs += both
    expected = (S / pairs) / (S / pairs + W / single)
    assert crossed_icc(x, levels, w, v)[0] == pytest.approx(expected)


def test_known_answers_at_both_ends():
    still, noise = planted(1.0, 0.0), planted(0.0, 1.0, states=400)
    levels = np.arange(60)
    state_only = still - still.mean(axis=0, keepdims=True)
    assert crossed_icc(state_only, levels, *ones(60, 5))[0] == pytest.approx(1)
    assert crossed_icc(noise, np.arange(400), *ones(400, 5))[0] == pytest.approx(0, abs=0.02)
    assert np.isnan(crossed_icc(np.ones_like(still), levels, *ones(60, 5))[0])


def test_order_and_scale_do_not_matter_and_units_do():
    x, rng = planted(1.0, 0.7), np.random.default_rng(1)
    base = crossed_icc(x, np.arange(60), *ones(60, 5))
    moved = 3 * x[rng.permutation(60)][:, ::-1] + 7
    np.testing.assert_allclose(crossed_icc(moved, np.arange(60), *ones(60, 5)), base)
    scaled = x * np.array([10.0] + [1.0] * 7)
    assert abs(crossed_icc(scaled, np.arange(60), *ones(60, 5)) - base)[0] > 1e-3


def test_intervals_cover_other_levels_and_other_backgrounds():
    # A background adds as much to every state as the state itself, but differs in how much.
    def draw(seed: int, backgrounds: int, states: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        strength = rng.uniform(0, 2, size=(1, backgrounds, 1))
        noise = rng.normal(size=(states, backgrounds, 4))
        return rng.normal(size=(states, 1, 4)) + strength * noise

    truth, hits = 1 / (1 + 4 / 3), {"fixed": [], "drawn": []}
    pairs = np.array([(a, b) for b in range(12) for a in range(b)])
    for seed in range(100):
        x, levels = draw(seed, 12, 80), np.arange(80)
        w = cluster_weights(levels, 200, seed).astype(float)
        for how, v in (("fixed", np.ones((200, 12))), ("drawn", view_weights(pairs, 200, seed))):
            low, high = np.percentile(crossed_icc(x, levels, w, v), [2.5, 97.5])
            hits[how].append(low <= truth <= high)
    assert np.mean(hits["fixed"]) < 0.8
    assert np.mean(hits["drawn"]) > 0.88


def test_weights_of_other_things_are_refused():
    x = planted(1.0, 1.0)
    with pytest.raises(UserError, match="weights of 60 levels and of 5 backgrounds, as many rows"):
        crossed_icc(x, np.arange(60), np.ones((1, 59)), np.ones((1, 5)))
