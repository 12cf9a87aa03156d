"""Concept erasure: the closed form, its guarantees, its cost, its limits."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from analysis.measures.leace import Covariance, Eraser, fit, nearest_mean, one_hot
from checkpoints.console import UserError

CLASSES = 4


def data(n: int = 200, d: int = 9, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features of very different sizes, whose means depend on the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    means = rng.normal(size=(CLASSES, d))
    mixed = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return means[labels] + mixed * np.logspace(0, -2, d) + 5, labels


def parts(x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance and cross-covariance with the classes."""
    centred, z = x - x.mean(0), one_hot(labels) - one_hot(labels).mean(0)
    return centred.T @ centred / len(x), centred.T @ z / len(x)


def gaps(x: np.ndarray, labels: np.ndarray) -> float:
    """Largest difference between a class mean and the mean."""
    means = np.stack([x[labels == one].mean(0) for one in np.unique(labels)])
    return float(np.abs(means - x.mean(0)).max())


def cost(x: np.ndarray, erased: np.ndarray, norm: np.ndarray | None = None) -> float:
    change = (erased - x) if norm is None else (erased - x) @ norm
    return float((change**2).sum(1).mean())


# --- the closed form, by other roads -------------------------------------------------------------


@pytest.mark.parametrize("singular", [False, True])
def test_the_formula_of_the_paper_word_for_word(singular):
    x, labels = data()
    if singular:
        x = np.hstack([x, x[:, :2] - 3 * x[:, 3:5], np.zeros((len(x), 1))])
    S, C = parts(x, labels)
    values, vectors = scipy.linalg.eigh(S)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    W = np.linalg.pinv(root, rcond=1e-6, hermitian=True)
    P = (W @ C) @ np.linalg.pinv(W @ C, rcond=1e-8)
    wanted = x - (x - x.mean(0)) @ (np.linalg.pinv(W, rcond=1e-8) @ P @ W).T
    np.testing.assert_allclose(fit(x, labels, 0.0).erase(x), wanted, atol=1e-6)


def test_the_least_squares_problem_solved_by_brute_force():
    """Min E‖A(x − μ)‖² subject to A C = C, row by row, from the equations of Lagrange."""
    x, labels = data(d=5)
    S, C = parts(x, labels)
    C, d = C[:, :-1], 5  # the last class follows from the others
    k = C.shape[1]
    system = np.block([[S, C], [C.T, np.zeros((k, k))]])
    A = np.stack([np.linalg.solve(system, np.r_[np.zeros(d), C[i]])[:d] for i in range(d)])
    np.testing.assert_allclose(fit(x, labels, 0.0).component(x), (x - x.mean(0)) @ A.T, atol=1e-9)


def test_one_feature_and_two_classes_by_hand():
    # Without other features there is nothing to keep: all of the variation goes.
    x, labels = np.array([[0.0], [2], [4], [6]]), np.array([0, 0, 1, 1])
    np.testing.assert_allclose(fit(x, labels, 0.0).erase(x), np.full((4, 1), 3.0))


def test_a_second_feature_is_kept_by_hand():
    # Feature 0 is the class alone, feature 1 is independent of it: only the first is erased.
    x = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    eraser = fit(x, np.array([0, 0, 1, 1]), 0.0)
    np.testing.assert_allclose(eraser.erase(x), x * [0, 1], atol=1e-12)
    assert (eraser.rank, eraser.correlations.tolist()) == (1, [pytest.approx(1)])


# --- what it guarantees ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(200, 9), (40, 120)], ids=["narrow", "wide"])
@pytest.mark.parametrize("shrinkage", [0.0, None, 0.3, 1.0])
def test_class_means_are_equal_on_the_frames_of_the_fit(shape, shrinkage):
    x, labels = data(*shape)
    eraser = fit(x, labels, shrinkage)
    assert gaps(x, labels) > 0.1
    assert gaps(eraser.erase(x), labels) < 1e-9
    assert eraser.rank == CLASSES - 1


def test_no_linear_reader_beats_chance_afterwards():
    x, labels = data()
    eraser, reader = fit(x, labels), LogisticRegression(C=1e6, max_iter=5000)
    assert reader.fit(x, labels).score(x, labels) > 0.5
    clean = eraser.erase(x)
    reader.fit(clean, labels)
    loss = log_loss(labels, reader.predict_proba(clean))
    assert loss == pytest.approx(np.log(CLASSES), abs=1e-6)
    assert np.abs(reader.predict_proba(clean) - 1 / CLASSES).max() < 1e-3


def test_a_square_may_still_be_read():
    """The guarantee is of linear readers: equal means say nothing of equal spreads."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    x = rng.normal(size=(400, 3)) * np.where(labels, 3, 1)[:, None]
    clean = fit(x, labels).erase(x)
    assert LogisticRegression().fit(clean**2, labels).score(clean**2, labels) > 0.8


def test_idempotent():
    for shape in ((200, 9), (40, 120)):
        x, labels = data(*shape)
        eraser = fit(x, labels)
        clean = eraser.erase(x)
        np.testing.assert_allclose(eraser.erase(clean), clean, atol=1e-8)
        np.testing.assert_allclose(eraser.readers.T @ eraser.moves, np.eye(3), atol=1e-9)


# --- how little it changes ------------------------------------------------------------------------


def test_no_other_map_that_erases_changes_less_in_any_norm():
    x, labels = data()
    _, C = parts(x, labels)
    leace = fit(x, labels, 0.0).erase(x)
    rng = np.random.default_rng(1)
    centred, into = x - x.mean(0), C @ np.linalg.pinv(C)
    others = [centred @ into.T]  # the orthogonal projection: differences of means
    for size in (1e-3, 0.1, 1):  # A = C C⁺ + R (I − C C⁺) keeps A C = C for every R
        free = size * rng.normal(size=into.shape) @ (np.eye(len(into)) - into)
        others.append(centred @ (into + free).T)
    for norm in (None, rng.normal(size=(9, 9)), np.diag(np.logspace(-3, 3, 9))):
        least = cost(x, leace, norm)
        for taken in others:
            assert gaps(x - taken, labels) < 1e-9
            assert least < cost(x, x - taken, norm)


def test_full_shrinkage_is_the_orthogonal_projection():
    for shape in ((200, 9), (40, 120)):
        x, labels = data(*shape)
        _, C = parts(x, labels)
        taken = (x - x.mean(0)) @ (C @ np.linalg.pinv(C)).T
        np.testing.assert_allclose(fit(x, labels, 1.0).component(x), taken, atol=1e-9)


def test_without_shrinkage_a_wide_layer_is_learned_by_heart():
    """Each frame then loses exactly its class mean, whatever else it may hold."""
    x, labels = data(40, 120)
    means = np.stack([x[labels == one].mean(0) for one in range(CLASSES)])
    taken = fit(x, labels, 0.0).component(x)
    np.testing.assert_allclose(taken, means[labels] - x.mean(0), atol=1e-6)


# --- two roads for two shapes, and declared invariances -------------------------------------------


@pytest.mark.parametrize("shrinkage", [0.0, 0.2])
def test_the_wide_road_equals_the_narrow_one(shrinkage):
    x, labels = data(40, 30)
    padded = np.hstack([x, np.zeros((40, 30))])
    # The mean variance is over twice the features, of which half have none.
    equal = 2 * shrinkage / (1 + shrinkage)
    wide = fit(padded, labels, equal).erase(padded)
    np.testing.assert_allclose(wide[:, :30], fit(x, labels, shrinkage).erase(x), atol=1e-7)
    assert not wide[:, 30:].any()


@pytest.mark.parametrize("shape", [(200, 9), (40, 120), (30, 30)])
def test_shrinkage_is_that_of_scikit_learn(shape):
    x, _ = data(*shape)
    assert Covariance(x).shrinkage == pytest.approx(ledoit_wolf_shrinkage(x), rel=1e-9)


def test_moved_and_rotated_features_are_erased_alike():
    x, labels = data()
    rng = np.random.default_rng(2)
    turn, shift = np.linalg.qr(rng.normal(size=(9, 9)))[0], rng.normal(size=9)
    for shrinkage in (0.0, None):
        moved = fit(3 * x @ turn + shift, labels, shrinkage).erase(3 * x @ turn + shift)
        wanted = 3 * fit(x, labels, shrinkage).erase(x) @ turn + shift
        np.testing.assert_allclose(moved, wanted, atol=1e-8)


def test_a_general_linear_map_leaves_leace_alone_and_not_the_shrunk_map():
    x, labels = data(d=4)
    map_ = np.random.default_rng(3).normal(size=(4, 4))
    same = [
        np.allclose(fit(x @ map_, labels, s).erase(x @ map_), fit(x, labels, s).erase(x) @ map_)
        for s in (0.0, 0.3)
    ]
    assert same == [True, False]


def test_names_and_order_of_classes_do_not_matter():
    x, labels = data()
    renamed = np.array([7, 3, 11, 5])[labels]
    np.testing.assert_allclose(fit(x, renamed).erase(x), fit(x, labels).erase(x), atol=1e-9)
    order = np.random.default_rng(4).permutation(len(x))
    np.testing.assert_allclose(
        fit(x[order], labels[order]).erase(x), fit(x, labels).erase(x), atol=1e-9
    )


# --- labels that are not there --------------------------------------------------------------------


def test_labels_that_features_do_not_follow_are_not_erased():
    x, _ = data(200)
    for labels in (np.zeros(200, dtype=int), np.arange(200) % 2):
        features = np.repeat(x[::2], 2, axis=0)  # each frame once in each class
        eraser = fit(features, labels)
        assert eraser.rank == 0
        assert np.array_equal(eraser.erase(features), features)


def test_rounding_errors_are_no_background():
    """Two float32 runs of one batch may differ in the last digit; that is not to be amplified."""
    x = np.repeat(data(100)[0], 2, axis=0)
    labels = np.tile([0, 1], 100)
    noisy = (x * (1 + 1e-7 * labels[:, None])).astype(np.float32)
    assert fit(noisy, labels).rank == 0


# --- reading --------------------------------------------------------------------------------------


def test_the_nearest_mean_agrees_with_a_linear_discriminant():
    rng, labels = np.random.default_rng(5), np.arange(400) % CLASSES
    means, mix = rng.normal(size=(CLASSES, 6)), rng.normal(size=(6, 6))
    x, new = means[labels] + rng.normal(size=(2, 400, 6)) @ mix
    judge = LinearDiscriminantAnalysis().fit(x, labels)
    found = nearest_mean(fit(x, labels, 0.0), x, labels, new)
    assert (found == judge.predict(new)).mean() > 0.99
    assert (found == labels).mean() > 0.5


def test_a_reader_of_nothing_names_the_first_class():
    nothing = Eraser(np.zeros(2), np.zeros((2, 0)), np.zeros((2, 0)), np.zeros(0))
    found = nearest_mean(nothing, np.ones((4, 2)), np.array([3, 3, 8, 8]), np.ones((5, 2)))
    assert found.tolist() == [3] * 5


@pytest.mark.parametrize(("n", "d"), [(40, 3), (12, 30)])
def test_of_a_constant_layer_nothing_is_read_or_erased(n: int, d: int):
    x = np.full((n, d), 0.1, dtype=np.float32)  # whose mean is not 0.1 to the last digit
    covariance, labels = Covariance(x), np.arange(n) % CLASSES
    eraser = covariance.eraser(one_hot(labels))
    assert eraser.rank == 0 and covariance.shrinkage == 1
    assert np.array_equal(eraser.erase(x), x)
    assert set(nearest_mean(eraser, x, labels, x)) == {0}


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "shrinkage", "message"),
    [
        (np.zeros((1, 3)), None, "at least 2 frames of finite features"),
        (np.full((4, 3), np.nan), None, "at least 2 frames of finite features"),
        (np.eye(4), 1.5, "shrinkage: expected 0 to 1, got 1.5"),
    ],
)
def test_what_cannot_be_fitted_is_refused(x, shrinkage, message):
    with pytest.raises(UserError, match=message):
        Covariance(x, shrinkage)
