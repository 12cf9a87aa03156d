"""How far decisions move between views and states: known answers, two roads, planted truth."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from analysis.measures.decisions import (
    Decisions,
    between_states,
    between_views,
    entropy,
    jensen_shannon,
    likeliest,
    probabilities,
    total_variation,
)
from checkpoints.world.buttons import buttons
from tests.support.planted_decisions import ACTIONS, LEVEL_OF, LEVELS, PAIRS, STATES, VIEWS, some

# -- distances of two distributions ----------------------------------------------------------


def test_known_distances():
    p = np.array([[1.0, 0.0, 0.0], [0.75, 0.25, 0.0], [0.2, 0.3, 0.5]])
    q = np.array([[0.0, 0.5, 0.5], [0.25, 0.75, 0.0], [0.2, 0.3, 0.5]])
    np.testing.assert_allclose(total_variation(p, q), [1, 0.5, 0])
    np.testing.assert_allclose(jensen_shannon(p, q)[[0, 2]], [np.log(2), 0])
    uniform = np.full((1, ACTIONS), 1 / ACTIONS)
    np.testing.assert_allclose(entropy(uniform), np.log(15))
    assert entropy(p)[0] == 0


def test_divergence_is_scipys_squared():
    p, q = some(50, seed=1), some(50, seed=2)
    np.testing.assert_allclose(jensen_shannon(p, q), jensenshannon(p, q, axis=-1) ** 2, atol=1e-12)


def test_bounds_between_the_two_distances():
    p, q = some(500, seed=3), some(500, seed=4)
    tv, jsd = total_variation(p, q), jensen_shannon(p, q)
    assert (tv**2 / 2 <= jsd + 1e-12).all()  # Pinsker, for both halves of the divergence
    assert (jsd <= np.log(2) * tv + 1e-12).all()  # Lin 1991, theorem 3
    assert ((tv >= 0) & (tv <= 1) & (jsd >= 0) & (jsd <= np.log(2))).all()


@pytest.mark.parametrize("distance", [total_variation, jensen_shannon])
def test_distances_are_symmetric_and_blind_to_the_order_of_actions(distance):
    p, q = some(20, seed=5), some(20, seed=6)
    order = np.random.default_rng(0).permutation(ACTIONS)
    np.testing.assert_allclose(distance(p, q), distance(q, p))
    np.testing.assert_allclose(distance(p[:, order], q[:, order]), distance(p, q))
    assert (np.abs(distance(p[:, order], q) - distance(p, q)) > 1e-3).any()


# -- between views and between states --------------------------------------------------------


def test_views_are_compared_as_loops_would():
    p, V = some(5, VIEWS), np.random.default_rng(1).normal(size=(5, VIEWS))
    found = between_views(Decisions(p, V), PAIRS)
    for s in range(5):
        each = [np.abs(p[s, a] - p[s, b]).sum() / 2 for a, b in PAIRS]
        agree = [float(p[s, a].argmax() == p[s, b].argmax()) for a, b in PAIRS]
        assert found["tv"][s] == pytest.approx(each)
        assert found["agreement"][s] == pytest.approx(agree)
        assert found["value_shift"][s] == pytest.approx([abs(V[s, a] - V[s, b]) for a, b in PAIRS])


def test_actions_that_do_the_same_are_one():
    made = Decisions(some(5, VIEWS), np.zeros((5, VIEWS)))
    merged = made.of_buttons("starpilot")
    assert merged.probs.shape == (5, VIEWS, 11)
    np.testing.assert_allclose(merged.probs.sum(-1), 1)
    fire = made.probs[..., [9, 11, 12, 13, 14]].sum(-1)
    assert (np.abs(merged.probs - fire[..., None]).min(-1) < 1e-12).all()
    # Moving probability between them alone changes nothing.
    moved = made.probs.copy()
    moved[:, 0, 9], moved[:, 0, 11] = made.probs[:, 0, 11], made.probs[:, 0, 9]
    other = Decisions(moved, made.values)
    assert (total_variation(made.probs, moved)[:, 0] > 0).all()
    np.testing.assert_allclose(other.of_buttons("starpilot").probs, merged.probs)


def test_the_likeliest_button_need_not_be_the_likeliest_action():
    probs = np.full((2, ACTIONS), 0.01)
    probs[0, [9, 11, 12, 13, 14]], probs[0, 5] = 0.15, 0.16  # five that do the same, and one alone
    probs[1, 5] = 0.5
    log_probs = np.log(probs / probs.sum(-1, keepdims=True))
    assert log_probs.argmax(-1).tolist() == [5, 5]
    found = likeliest(log_probs, "starpilot").tolist()
    assert [buttons("starpilot")[place] for place in found] == [(9, 11, 12, 13, 14), (5,)]


def test_probabilities_add_up_to_one():
    p = probabilities(np.log(some(50)).astype(np.float32) + np.float32(0.01))
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-15)
    np.testing.assert_allclose(p, some(50), atol=1e-6)


def test_states_are_compared_as_loops_would():
    p = some(STATES)
    found, expected = between_states(p, LEVEL_OF), np.zeros((LEVELS, LEVELS))
    for i, j in np.ndindex(STATES, STATES):
        if LEVEL_OF[i] != LEVEL_OF[j]:
            expected[LEVEL_OF[i], LEVEL_OF[j]] += np.abs(p[i] - p[j]).sum()
    np.testing.assert_allclose(found, expected)


def test_states_of_one_level_are_not_compared():
    levels = np.array([7, 7, 3])
    features = np.array([[0.0], [100.0], [1.0]])
    np.testing.assert_allclose(between_states(features, levels), [[0, 100], [100, 0]])
