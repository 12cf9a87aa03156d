"""Cross-fitted probes of planted features: leaks, transfer, memory, chance."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checkpoints.console import UserError
from probes.readers.controls import control_scores, plain_score, random_by_level, selectivity
from probes.readers.crossfit import Task, crossfit
from tests.support.probe_world import LEVELS, N, World

EVERY = np.ones(N, dtype=bool)


def scores(world: World, layer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(2, tasks): score and transfer."""
    held = crossfit(layer[0], world.tasks, world.folds, layer[1])
    assert held.transferred is not None
    return np.array(
        [
            [plain_score(task, one[:, i], EVERY) for i, task in enumerate(world.tasks)]
            for one in (held.predicted, held.transferred)
        ]
    )


# -- planted truth ---------------------------------------------------------------------------


def test_an_invariant_layer_transfers_and_leaks_nothing():
    world = World()
    score, transfer = scores(world, world.layer(task=1, leak=0))
    # R² = 1 / (1 + .09) = .917; the leak at chance, 1/3, within three standard errors.
    assert abs(score[0] - 0.917) < 0.03
    assert abs(transfer[0] - score[0]) < 0.03
    assert abs(score[1] - 1 / 3) < 3 * np.sqrt(2 / 9 / N)
    assert score[2] > 0.85


def test_a_leak_is_seen_and_costs_transfer_a_little():
    world = World()
    score, transfer = scores(world, world.layer(task=1, leak=2))
    assert score[1] > 0.98
    assert score[0] > 0.88
    assert 0.4 < transfer[0] < score[0]


def test_a_background_in_the_way_of_the_task_ruins_transfer_only():
    world = World()
    score, transfer = scores(world, world.layer(task=1, leak=0, mix=2))
    assert score[0] > 0.88
    assert transfer[0] < 0


def test_shuffled_labels_sit_at_chance():
    """1,000 predictions of fair coins: a false alarm in 1 of 1,000 runs (each side)."""
    hits = 0
    for seed in range(5):
        world = World(seed)
        label = world.rng.permutation(np.arange(N) % 2).astype(float)
        x, _ = world.layer(task=1, leak=1)
        # One state a level is counted: the states of a level share a fold, not a label.
        held = crossfit(x, [Task("coin", label, 2), Task("noise", label)], world.folds)
        hits += int((held.predicted[::2, 0] == label[::2]).sum())
        assert plain_score(Task("noise", label), held.predicted[:, 1], EVERY) < 0.03
    low, high = binom.ppf([0.001, 0.999], 1000, 0.5)
    assert low <= hits <= high


# -- a second road ---------------------------------------------------------------------------


def test_cross_fitting_is_scikit_learns():
    world = World()
    x, other = world.layer(task=0.3, leak=1)
    grid = (1000.0, 100.0, 10.0, 1.0)
    held = crossfit(x, world.tasks, world.folds, other, grid)
    assert held.converged.all()
    for fold in range(5):
        a, b = world.folds != fold, world.folds == fold
        cv = list(LeaveOneGroupOut().split(x[a], groups=world.folds[a]))
        search = RidgeCV(grid, cv=cv, scoring="neg_mean_squared_error")
        pipe = make_pipeline(StandardScaler(), search).fit(x[a], world.truth[a])
        assert held.penalties[fold, 0] == search.alpha_
        np.testing.assert_allclose(held.predicted[b, 0], pipe.predict(x[b]), atol=1e-8)
        np.testing.assert_allclose(held.transferred[b, 0], pipe.predict(other[b]), atol=1e-8)
        alpha = held.penalties[fold, 1]
        fit = LogisticRegression(C=1 / alpha, class_weight="balanced", tol=1e-8, max_iter=2000)
        pipe = make_pipeline(StandardScaler(), fit).fit(x[a], world.first[a])
        assert (held.predicted[b, 1] == pipe.predict(x[b])).mean() > 0.98
    np.testing.assert_allclose(held.penalty, np.prod(held.penalties, axis=0) ** 0.2)


def test_a_state_never_fits_its_own_prediction():
    world = World()
    x, _ = world.layer(task=1, leak=0)
    tasks = [Task("truth", world.truth)]
    before = crossfit(x, tasks, world.folds).predicted[:, 0]
    mine = world.folds == 2
    changed = np.where(mine, 100.0, world.truth)
    after = crossfit(x, [Task("truth", changed)], world.folds).predicted[:, 0]
    np.testing.assert_array_equal(before[mine], after[mine])
    assert np.abs(before[~mine] - after[~mine]).max() > 1


def test_two_folds_leave_none_to_choose_in():
    with pytest.raises(UserError, match="expected at least 3 folds, 2 of them to choose in, got 2"):
        crossfit(np.zeros((4, 2)), [Task("x", np.arange(4.0))], np.arange(4) % 2)


# -- controls --------------------------------------------------------------------------------


def test_random_values_are_the_factors_own_one_a_level():
    levels = np.repeat(np.arange(30), 4)
    values = np.where(np.arange(120) % 5 == 0, np.nan, np.arange(120) % 7)
    drawn = random_by_level(values, levels, np.random.default_rng(0))
    assert (np.isnan(drawn) == np.isnan(values)).all()
    for level in range(30):
        assert len(np.unique(drawn[(levels == level) & ~np.isnan(drawn)])) == 1
    assert set(drawn[~np.isnan(drawn)]) <= set(range(7))
    assert len(np.unique(drawn[~np.isnan(drawn)])) > 4


def test_the_control_sees_memory_of_levels():
    world = World()
    names = world.rng.normal(size=(LEVELS, 60))[world.levels]
    memory = names + 0.1 * world.rng.normal(size=names.shape)
    penalties = np.array([1.0, 1.0])
    tasks = [Task("number", world.truth), Task("class", world.first.astype(float), 3)]
    knows = control_scores(memory, tasks, world.levels, penalties)
    blind = control_scores(world.noise[0], tasks, world.levels, np.array([1e4, 1e4]))
    assert (knows > [0.4, 0.6]).all()
    assert (np.abs(blind - [0, 1 / 3]) < 0.12).all()
    again = control_scores(memory, tasks, world.levels, penalties)
    np.testing.assert_array_equal(knows, again)


def test_a_control_that_tests_one_number_has_no_score():
    """One state is tested: no draw has another number beside it; of six some have."""
    rng = np.random.default_rng(0)
    for states, defined in ((5, False), (30, True)):
        levels, x = np.arange(states), rng.normal(size=(states, 3))
        task = Task("rare", (levels < 2) * 1.0)
        found = control_scores(x, [task], levels, np.ones(1), draws=20)
        assert np.isfinite(found[0]) == defined
        assert not defined or found[0] > -10


def test_selectivity():
    assert selectivity(0.9, 0.6, 0.5) == pytest.approx(0.3)
    assert selectivity(0.4, -2.0, 0.0) == pytest.approx(0.4)
