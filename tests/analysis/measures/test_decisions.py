"""How far decisions move between views and states: known answers, two roads, planted truth."""

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from analysis.measures.decisions import (
    Decisions,
    agreement_by_chance,
    agreement_of,
    between_states,
    between_views,
    entropy,
    jensen_shannon,
    kappa,
    likeliest,
    probabilities,
    total_variation,
)
from checkpoints.world.buttons import buttons
from checkpoints.world.games import Game
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


# -- agreement -------------------------------------------------------------------------------


def test_chance_is_the_mean_over_all_orders_of_states():
    x, y = np.array([0, 0, 0, 1, 3]), np.array([0, 2, 1, 1, 0])
    orders = [agreement_of("starpilot", x, y[list(order)]) for order in permutations(range(5))]
    assert agreement_by_chance("starpilot", x, y) == pytest.approx(np.mean(orders), abs=1e-12)
    assert np.mean(orders) == pytest.approx((3 * 2 + 1 * 2) / 25)
    several = y[np.array([[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]])]
    assert agreement_by_chance("starpilot", x, several) == agreement_by_chance("starpilot", x, y)
    assert agreement_of("starpilot", x, several) == pytest.approx((2 / 5 + 1 / 5) / 2)


def test_kappa_is_cohens():
    # Two raters say yes to 25 and 30 of 50, and both to 20: agreement .7, chance .5 (any textbook).
    assert kappa(0.7, 0.5) == pytest.approx(0.4)
    x = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    y = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    both = agreement_of("starpilot", x, y), agreement_by_chance("starpilot", x, y)
    assert both == (0.7, 0.5)
    np.testing.assert_allclose(kappa([1.0, 0.5, 0.0], [0.5, 0.5, 0.5]), [1, 0, -1])


def test_kappa_of_two_who_always_choose_the_same_is_not_defined():
    always = np.full(600, 7)
    chance = agreement_by_chance("starpilot", always, always)
    assert chance == 1 and np.isnan(kappa(1.0, chance))
    assert np.isnan(kappa(np.nan, np.nan))


def test_continuous_actions_neither_agree_nor_have_a_chance_to(monkeypatch):
    world = Game("arm", 2, (0.0, 1.0), (0.0, 1.0), num_actions=0)
    monkeypatch.setattr("analysis.measures.decisions.get_game", lambda name: world)
    one = np.zeros(4, dtype=int)
    assert np.isnan(agreement_of("arm", one, one))
    assert np.isnan(agreement_by_chance("arm", one, one))


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
