"""Decisions between views and between states: two roads, planted truth, views drawn anew."""

import numpy as np
import pytest
from scipy.special import gammaln, softmax

from analysis.measures.decisions import Decisions, between_views
from analysis.measures.robustness import (
    FEWEST,
    MEASURES,
    Sums,
    robustness,
    robustness_draws,
    view_weights,
    without_each_view,
)
from analysis.records.columns import filled
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError
from tests.support.planted_decisions import (
    ACTIONS,
    LEVEL_OF,
    LEVELS,
    PAIRS,
    STATES,
    VIEWS,
    WEIGHTS,
    some,
)


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


# -- views drawn anew -------------------------------------------------------------------------


def test_replicates_of_views_are_those_of_loops():
    made = decisions(1.0, 1.0)
    drawn = robustness_draws(made, LEVEL_OF, PAIRS, WEIGHTS[:5], views_seed=3)
    multiplicity = view_weights(np.array(PAIRS), 5, 3)
    for row, (w, v) in enumerate(zip(WEIGHTS[:5], multiplicity, strict=True)):
        views = np.repeat(np.arange(VIEWS), v.astype(int))
        states = np.concatenate(
            [np.tile(np.flatnonzero(LEVEL_OF == g), w[g]) for g in range(LEVELS)]
        )
        p = made.probs[states]
        # Copies of a view, like those of a level, are never compared with each other.
        pairs = [(a, b) for i, a in enumerate(views) for b in views[:i] if a != b]
        twins = np.mean([np.abs(p[:, a] - p[:, b]).sum(-1).mean() / 2 for a, b in pairs])
        apart = LEVEL_OF[states][:, None] != LEVEL_OF[states]
        between = np.mean([all_pairs(p[:, view])[apart] for view in views])
        assert drawn["tv"][1 + row] == pytest.approx(twins)
        assert drawn["ratio"][1 + row] == pytest.approx(twins / between)


def test_views_are_drawn_with_replacement_and_leave_a_pair():
    found = view_weights(np.array(PAIRS), 4000, 0)
    assert (found.sum(1) == VIEWS).all() and ((found > 0).sum(1) >= 2).all()
    np.testing.assert_allclose(found.mean(0), 1, atol=0.05)
    # Only 0-1 and 2-3 are compared: 0 and 2 alone would be no pair.
    apart = view_weights(np.array([[0, 1], [2, 3]]), 500, 0)
    assert (apart[:, 0] * apart[:, 1] + apart[:, 2] * apart[:, 3] > 0).all()


def test_intervals_over_four_views_are_short_and_over_three_there_are_none():
    """Views alike in a space of 5: the mean distance of two is that of two normal vectors."""
    truth = 2 * np.exp(gammaln(3) - gammaln(2.5))
    pairs = np.array(PAIRS)
    hits = 0
    for seed in range(300):
        view = np.random.default_rng(seed).normal(size=(VIEWS, 5))
        apart = np.linalg.norm(view[pairs[:, 0]] - view[pairs[:, 1]], axis=1)
        v = view_weights(pairs, 300, seed)
        w = v[:, pairs[:, 0]] * v[:, pairs[:, 1]]
        low, high = np.percentile(w @ apart / w.sum(1), [2.5, 97.5])
        hits += low <= truth <= high
    # A true coverage of .87 leaves this in 1 of 2,000 sets.
    assert VIEWS == FEWEST and 0.80 <= hits / 300 <= 0.94
    made, three = decisions(1.0, 1.0), [pair for pair in PAIRS if 3 not in pair]
    fixed, drawn = (
        robustness_draws(made, LEVEL_OF, three, WEIGHTS, views_seed=seed) for seed in (None, 0)
    )
    for name in MEASURES:
        assert drawn[name][0] == fixed[name][0]
        blank = np.isnan([filled(name, drawn[name])[f"{name}_{end}"] for end in ("low", "high")])
        assert (blank == (name != "tv_worst")).all()


def test_an_estimate_does_not_depend_on_what_is_drawn_anew():
    made = decisions(1.0, 1.0)
    fixed, drawn = (
        robustness_draws(made, LEVEL_OF, PAIRS, WEIGHTS, views_seed=seed) for seed in (None, 0)
    )
    for name in MEASURES:
        assert fixed[name][0] == drawn[name][0]
    assert drawn["tv"].std() > fixed["tv"].std()


def test_intervals_over_few_views_cover_other_views():
    # One view in ten moves decisions; fixed views cannot know of the ones that were not drawn.
    def ratio(seed: int, views: int, views_seed: int | None) -> np.ndarray:
        rng = np.random.default_rng(seed)
        strength = rng.exponential(1.0, size=(1, views, 1))
        logits = rng.normal(size=(60, 1, 5)) + strength * rng.normal(size=(60, views, 5))
        made = Decisions(softmax(logits, axis=-1), np.zeros((60, views)))
        pairs = [(a, b) for b in range(views) for a in range(b)]
        levels = np.arange(60) // 2
        weights = cluster_weights(levels, 200, seed)
        return robustness_draws(made, levels, pairs, weights, views_seed=views_seed)["ratio"]

    truth = np.mean([ratio(1000 + seed, 40, None)[0] for seed in range(10)])
    covered = {}
    for views_seed in (None, 0):
        ends = [np.percentile(ratio(seed, 12, views_seed)[1:], [2.5, 97.5]) for seed in range(60)]
        covered[views_seed] = np.mean([low <= truth <= high for low, high in ends])
    assert covered[None] < 0.75
    assert covered[0] > 0.85


def test_leaving_one_view_out_finds_the_one_that_decides():
    calm = decisions(1.0, 0.0)
    logits = np.log(calm.probs)
    logits[:, 2] += 3 * np.random.default_rng(0).normal(size=(STATES, ACTIONS))
    made = Decisions(softmax(logits, axis=-1), calm.values)
    found = without_each_view(Sums.of(made, LEVEL_OF, PAIRS))
    assert set(found) == set(range(VIEWS))
    assert found.pop(2) == pytest.approx(0, abs=1e-12)
    assert min(found.values()) > 0.3
    kept = [pair for pair in PAIRS if 1 not in pair]
    alone = robustness_draws(made, LEVEL_OF, kept, WEIGHTS)["ratio"][0]
    assert found[1] == pytest.approx(alone)
    assert np.isnan(list(without_each_view(Sums.of(made, LEVEL_OF, [(0, 1)])).values())).all()
