"""How far decisions move between views and states: known answers, two roads, planted truth."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from analysis.measures.decisions import (
    MEASURES,
    Decisions,
    between_states,
    between_views,
    entropy,
    jensen_shannon,
    robustness,
    total_variation,
)
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError

STATES, LEVELS, VIEWS, ACTIONS = 60, 20, 4, 15
PAIRS = [(a, b) for b in range(VIEWS) for a in range(b)]
LEVEL_OF = np.arange(STATES) % LEVELS
WEIGHTS = cluster_weights(LEVEL_OF, 200, 0)


def some(*shape: int, seed: int = 0) -> np.ndarray:
    """Distributions, from nearly uniform to nearly certain."""
    rng = np.random.default_rng(seed)
    return softmax(rng.normal(size=(*shape, ACTIONS)) * rng.uniform(0, 6, (*shape, 1)), axis=-1)


def decisions(of_state: float, of_view: float, seed: int = 0) -> Decisions:
    """Logits that are a sum of a part of the state's and a part of the view's."""
    rng = np.random.default_rng(seed)
    state = rng.normal(size=(STATES, 1, ACTIONS))
    view = rng.normal(size=(1, VIEWS, ACTIONS))
    logits = of_state * state + of_view * view
    return Decisions(softmax(logits, axis=-1), logits[..., 0] + 0.0 * state[..., 0])


def all_pairs(p: np.ndarray) -> np.ndarray:
    """(state, state) total variation, by the definition."""
    return np.abs(p[:, None] - p[None]).sum(-1) / 2


def measured(made: Decisions) -> dict[str, float]:
    found = robustness(made, LEVEL_OF, PAIRS, WEIGHTS)
    assert set(found) == set(MEASURES)
    return {name: interval.estimate for name, interval in found.items()}


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
        agree = [p[s, a].argmax() == p[s, b].argmax() for a, b in PAIRS]
        assert found["tv"][s] == pytest.approx(np.mean(each))
        assert found["tv_worst"][s] == pytest.approx(max(each))
        assert found["agreement"][s] == pytest.approx(np.mean(agree))
        assert found["value_shift"][s] == pytest.approx(
            np.mean([abs(V[s, a] - V[s, b]) for a, b in PAIRS])
        )
        assert found["entropy"][s] == pytest.approx(-(p[s] * np.log(p[s])).sum() / VIEWS)


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


def test_every_number_has_a_second_road():
    made = Decisions(some(STATES, VIEWS), np.random.default_rng(2).normal(size=(STATES, VIEWS)))
    found = measured(made)
    apart = LEVEL_OF[:, None] != LEVEL_OF
    p, V = made.probs, made.values
    tv = np.mean([all_pairs(p[:, v])[apart] for v in range(VIEWS)])
    value = np.mean([np.abs(V[:, None, v] - V[None, :, v])[apart] for v in range(VIEWS)])
    assert found["tv_between"] == pytest.approx(tv)
    assert found["value_between"] == pytest.approx(value)
    assert found["ratio"] == pytest.approx(between_views(made, PAIRS)["tv"].mean() / tv)


def test_intervals_resample_whole_levels():
    made, drawn = decisions(1.0, 1.0), WEIGHTS[:3]
    rows = [np.flatnonzero(LEVEL_OF == level) for level in range(LEVELS)]
    ratios = []
    for w in drawn:
        # Copies of a level keep its number, and so are never compared with each other.
        again = np.concatenate([np.tile(rows[g], w[g]) for g in range(LEVELS)])
        p = made.probs[again]
        apart = LEVEL_OF[again][:, None] != LEVEL_OF[again]
        between = [all_pairs(p[:, v])[apart] for v in range(VIEWS)]
        twins = between_views(Decisions(p, made.values[again]), PAIRS)["tv"]
        ratios.append(twins.mean() / np.mean(between))
    found = robustness(made, LEVEL_OF, PAIRS, drawn)["ratio"]
    np.testing.assert_allclose(found[1:], np.percentile(ratios, [2.5, 97.5]))


# -- planted truth ---------------------------------------------------------------------------


def test_decisions_of_the_state_alone_have_ratio_zero():
    found = measured(decisions(of_state=2.0, of_view=0.0))
    assert found["ratio"] == found["tv"] == found["tv_worst"] == found["jsd"] == 0
    assert found["value_shift"] == 0
    assert found["agreement"] == 1
    assert found["tv_between"] > 0.3


def test_decisions_of_the_background_alone_have_no_ratio():
    found = measured(decisions(of_state=0.0, of_view=2.0))
    assert found["tv"] > 0.3
    assert found["tv_between"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(found["ratio"])


def test_more_background_gives_a_larger_ratio_and_half_and_half_gives_one():
    ratios = [measured(decisions(1.0, strength))["ratio"] for strength in (0.1, 0.3, 1.0, 3.0)]
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.15
    assert ratios[-1] > 2
    mean = np.mean([measured(decisions(1.0, 1.0, seed))["ratio"] for seed in range(10)])
    assert mean == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("certain", [False, True])
def test_a_policy_that_decides_nothing_is_undecided(certain):
    p = np.full((STATES, VIEWS, ACTIONS), 1 / ACTIONS)
    if certain:
        p = np.eye(ACTIONS)[np.zeros((STATES, VIEWS), dtype=int)]
    found = robustness(Decisions(p, np.zeros((STATES, VIEWS))), LEVEL_OF, PAIRS, WEIGHTS)
    assert found["tv"].estimate == found["tv_between"].estimate == 0
    assert np.isnan(found["ratio"]).all()
    assert found["entropy"].estimate == pytest.approx(0 if certain else np.log(15))


def test_a_certain_policy_that_flips_with_the_view_moves_everything():
    action = np.arange(STATES)[:, None] % 2 + 2 * np.arange(VIEWS)
    found = measured(Decisions(np.eye(ACTIONS)[action], np.zeros((STATES, VIEWS))))
    assert found["tv"] == found["tv_worst"] == 1
    assert found["agreement"] == 0
    assert found["jsd"] == pytest.approx(np.log(2))
    assert found["ratio"] > 1


def test_the_interval_covers_the_ratio_of_many_levels():
    # Noise of the state and of the view, anew for every state: the truth from 100 times the data.
    def draw(states: int, seed: int) -> Decisions:
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(states, 1, 5)) + rng.normal(size=(states, 2, 5))
        return Decisions(softmax(logits, axis=-1), np.zeros((states, 2)))

    def ratio(made: Decisions, replicates: int) -> np.ndarray:
        levels = np.arange(len(made.probs)) // 2
        weights = cluster_weights(levels, replicates, 0)
        return np.array(robustness(made, levels, [(0, 1)], weights)["ratio"])

    truth = ratio(draw(3000, 999), 2)[0]
    ends = [ratio(draw(60, seed), 200)[1:] for seed in range(60)]
    inside = np.mean([low <= truth <= high for low, high in ends])
    # Nominal 95 %: fewer than 50 of 60 happens once in 10,000 times.
    assert inside >= 50 / 60


# -- what does not change the numbers, and what does ------------------------------------------


def test_order_of_states_views_and_actions_does_not_matter():
    made, rng = decisions(1.0, 0.5), np.random.default_rng(0)
    states, actions = rng.permutation(STATES), rng.permutation(ACTIONS)
    shuffled = Decisions(made.probs[states][:, ::-1][..., actions], made.values[states][:, ::-1])
    found = robustness(shuffled, LEVEL_OF[states], PAIRS, WEIGHTS)
    for name, interval in robustness(made, LEVEL_OF, PAIRS, WEIGHTS).items():
        np.testing.assert_allclose(interval, found[name], err_msg=name)


def test_values_scale_and_probabilities_do_not():
    made = decisions(1.0, 0.5)
    scaled = measured(Decisions(made.probs, 3 * made.values + 7))
    for name, value in measured(made).items():
        factor = 3 if name.startswith("value") else 1
        assert scaled[name] == pytest.approx(factor * value)


def test_only_the_views_in_the_pairs_count():
    made = decisions(1.0, 0.5)
    alone = Decisions(made.probs[:, :2], made.values[:, :2])
    first = robustness(made, LEVEL_OF, [(0, 1)], WEIGHTS)
    assert first == robustness(alone, LEVEL_OF, [(0, 1)], WEIGHTS)
    assert first != robustness(made, LEVEL_OF, [(2, 3)], WEIGHTS)


def test_nothing_to_compare_is_refused():
    made = decisions(1.0, 1.0)
    with pytest.raises(UserError, match="at least one pair of views and weights of 20 levels"):
        robustness(made, LEVEL_OF, [], WEIGHTS)
    with pytest.raises(UserError, match="got 6 pairs and weights of 19; pass cluster_weights"):
        robustness(made, LEVEL_OF, PAIRS, WEIGHTS[:, 1:])
