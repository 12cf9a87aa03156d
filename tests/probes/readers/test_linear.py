"""The estimators: scikit-learn's checks, known truth, what they are blind to and what not."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from checkpoints.console import UserError
from probes.readers.linear import LinearProbe, LinearProbeClassifier
from probes.readers.solver import Basis, ridge


@parametrize_with_checks([LinearProbe(), LinearProbeClassifier()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def planted(n: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Twenty features, and a number that is linear in them but for noise of known variance."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20))
    w = rng.normal(size=20)
    return x, x @ w / np.linalg.norm(w) + noise * rng.normal(size=n)


def test_the_planted_share_of_variance_is_found():
    x, y = planted(4000, noise=0.5)
    found = cross_val_score(LinearProbe(), x, y, cv=5).mean()
    # 1 / (1 + .25) = .8; the standard error of R² over 4,000 states is about .006.
    assert abs(found - 0.8) < 0.02


def test_nothing_is_found_where_nothing_is():
    x, y = planted(500, noise=0.5)
    shuffled = np.random.default_rng(1).permutation(y)
    probe = LinearProbe().fit(x, shuffled)
    assert probe.penalty_ >= 1e3
    assert cross_val_score(LinearProbe(), x, shuffled, cv=5).mean() < 0.02
    labels = np.random.default_rng(2).integers(0, 3, 500)
    # Three standard errors of an accuracy of 1/3 over 500 states: false alarm in 1 of 700 seeds.
    accuracy = cross_val_score(LinearProbeClassifier(), x, labels, cv=5).mean()
    assert accuracy < 1 / 3 + 3 * np.sqrt(2 / 9 / 500)


def test_outputs_are_fitted_each_by_itself():
    x, y = planted(300, noise=0.5)
    ys = np.stack([y, np.random.default_rng(1).permutation(y)], axis=1)
    both, first = LinearProbe().fit(x, ys), LinearProbe().fit(x, y)
    assert both.coef_.shape == (2, 20)
    assert both.penalty_[0] == first.penalty_ < both.penalty_[1]
    np.testing.assert_allclose(both.predict(x)[:, 0], first.predict(x))


def test_units_of_features_do_not_matter_without_a_floor():
    x, y = planted(300, noise=0.5)
    other = x * np.geomspace(1e-3, 1e3, 20) + np.arange(20)
    for kind, target in ((LinearProbe, y), (LinearProbeClassifier, y > 0.5)):
        found, again = (kind(floor=0).fit(f, target).predict(f) for f in (x, other))
        np.testing.assert_allclose(found, again, atol=1e-4)
    found, again = (LinearProbe().fit(f, y).predict(f) for f in (x, other))
    assert np.abs(found - again).max() > 0.1


def test_the_unit_of_all_features_does_not_matter():
    x, y = planted(300, noise=0.5)
    found, again = (LinearProbe().fit(f, y).predict(f) for f in (x, 1e6 * x + 3))
    np.testing.assert_allclose(found, again, atol=1e-6)


def test_a_unit_that_hardly_ever_fires_ruins_nothing():
    x, y = planted(400, noise=0.5)
    x[:, 7] = 0
    x[3, 7] = 1e-3  # fitted
    unseen, answer = planted(400, noise=0.5)
    unseen[:, 7] = 0
    unseen[5, 7] = 1.0
    strict, floored = (LinearProbe(floor=f).fit(x, y).score(unseen, answer) for f in (0, 0.1))
    assert strict < 0 < 0.5 < floored


def test_a_rotation_does_matter_because_features_are_standardised():
    x, y = planted(60, noise=0.5)
    x = x * np.geomspace(1, 30, 20)
    turned = x @ np.linalg.qr(np.random.default_rng(1).normal(size=(20, 20)))[0]
    found, other = (LinearProbe().fit(f, y).predict(f) for f in (x, turned))
    assert np.abs(found - other).max() > 0.01
    folds = np.arange(60) % 5
    bases = [Basis.fit(f, standardise=False) for f in (x, turned)]
    plain = [ridge(b, y[:, None], folds).predict(b.z) for b in bases]
    np.testing.assert_allclose(*plain, atol=1e-8)
    scaled = Basis.fit(x * np.geomspace(1, 9, 20), standardise=False)
    assert np.abs(ridge(scaled, y[:, None], folds).predict(scaled.z) - plain[0]).max() > 0.01


def test_groups_decide_the_penalty():
    # Each level has a number of its own, and features that name the level: memory pays where
    # states of one level are on both sides, and only there.
    rng = np.random.default_rng(0)
    levels = np.repeat(np.arange(40), 8)
    x = rng.normal(size=(40, 100))[levels] + 0.1 * rng.normal(size=(320, 100))
    y = rng.normal(size=40)[levels]
    by_state, by_level = LinearProbe().fit(x, y), LinearProbe().fit(x, y, groups=levels)
    assert by_state.penalty_ < by_level.penalty_
    splits = GroupKFold(5).split(x, groups=levels)
    scores = [LinearProbe().fit(x[a], y[a], groups=levels[a]).score(x[b], y[b]) for a, b in splits]
    assert np.mean(scores) < 0.1


def test_score_of_classes_is_balanced():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    labels = np.where(rng.random(400) < 0.05, "rare", "common")
    probe = LinearProbeClassifier().fit(x, labels)
    assert probe.converged_
    assert abs(probe.score(x, labels) - 0.5) < 0.2
    assert (probe.predict(x) == labels).mean() < 0.9


@pytest.mark.parametrize(
    ("probe", "groups", "message"),
    [
        (LinearProbe(folds=7), np.arange(40) // 8, "at least 7 levels, one a fold, got 5"),
        (LinearProbe(), np.zeros(40), "at least 5 levels, one a fold, got 1"),
        (LinearProbe(), np.zeros(3), r"one group for each of 40 states, got \(3,\)"),
        (LinearProbe(penalties=(0.0, 1.0)), None, "penalties: expected numbers above 0"),
        (LinearProbe(penalties=()), None, r"penalties: expected numbers above 0, got \[\]"),
    ],
)
def test_messages(probe, groups, message):
    x, y = planted(40, noise=0.5)
    with pytest.raises(UserError, match=message):
        probe.fit(x, y, groups=groups)


def test_one_class_is_refused():
    with pytest.raises(UserError, match="at least 2 classes, got 1 class: 'a'"):
        LinearProbeClassifier().fit(np.eye(9), ["a"] * 9)
