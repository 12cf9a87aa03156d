"""The joint solver beside scikit-learn, one factor, penalty and fold at a time."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from checkpoints.console import UserError
from probes.readers.logistic import logistic, logistics
from probes.readers.solver import PENALTIES, Basis, ridge

SHAPES = {"more states": (150, 12), "more features": (60, 200)}
GRID = (1000.0, 100.0, 10.0, 1.0)


def data(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with a few strong directions, three numbers, and inner folds."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 4))
    x = hidden @ rng.normal(size=(4, d)) + rng.normal(size=(n, d)) * rng.uniform(0.1, 3, d) + 5
    y = hidden[:, :3] + 0.3 * rng.normal(size=(n, 3)) + 100
    return x, y, rng.integers(0, 4, n)


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def case(request):
    return data(*request.param)


def left_out(make, x, y, folds, loss) -> list[float]:
    """Mean loss of each penalty, fitting anew without each fold."""
    found = []
    for alpha in GRID:
        total = 0.0
        for fold in np.unique(folds):
            fit = make(alpha).fit(x[folds != fold], y[folds != fold])
            total += loss(fit, x[folds == fold], y[folds == fold])
        found.append(total / len(y))
    return found


# -- the basis -------------------------------------------------------------------------------


def test_the_basis_turns_standardised_features(case):
    x, _, _ = case
    basis, scaled = Basis.fit(x), StandardScaler().fit_transform(x)
    np.testing.assert_allclose(basis.z @ basis.z.T, scaled @ scaled.T, atol=1e-8)
    np.testing.assert_allclose(basis.z.T @ basis.z, np.diag(basis.lam), atol=1e-8)
    np.testing.assert_allclose(basis.transform(x), basis.z, atol=1e-8)
    assert basis.z.shape[1] == min(len(x) - 1, x.shape[1])
    w = np.random.default_rng(1).normal(size=(basis.z.shape[1], 2))
    by_features = (x - basis.mean) @ basis.coefficients(w)
    np.testing.assert_allclose(basis.z @ w, by_features, atol=1e-8)


def test_features_that_do_not_move_are_harmless():
    x = np.random.default_rng(0).normal(size=(30, 4))
    still = np.column_stack([x, np.full(30, 0.1), np.zeros(30)])
    assert Basis.fit(still).z.shape == (30, 4)
    np.testing.assert_allclose(np.abs(Basis.fit(still).z), np.abs(Basis.fit(x).z), atol=1e-10)
    dead = Basis.fit(np.ones((30, 3)))
    y = np.arange(30.0)[:, None]
    fit = ridge(dead, y, np.arange(30) % 3)
    np.testing.assert_allclose(fit.predict(dead.z), 14.5)


def test_a_layer_in_which_nothing_moves_predicts_the_mean_of_what_is_there():
    """No axis is left to turn; a factor that some states lack has a basis of its own."""
    y = np.random.default_rng(0).normal(size=(12, 2))
    y[:4, 1] = np.nan
    basis = Basis.fit(np.zeros((12, 3)))
    fit = ridge(basis, y, np.arange(12) % 3)
    new = basis.transform(np.zeros((2, 3)))
    assert new.shape == (2, 0) and basis.transform(np.zeros((0, 3))).shape == (0, 0)
    np.testing.assert_allclose(fit.predict(new), [np.nanmean(y, axis=0)] * 2)


def test_one_state_is_no_basis():
    with pytest.raises(UserError, match="at least 2 states to fit, got n_samples = 1"):
        Basis.fit(np.ones((1, 3)))


# -- numbers ---------------------------------------------------------------------------------


def test_ridge_is_scikit_learns(case):
    x, y, folds = case
    scaled = StandardScaler().fit_transform(x)

    def loss(fit, x, y):
        return ((fit.predict(x) - y) ** 2).sum(axis=0)

    errors = left_out(lambda alpha: Ridge(alpha=alpha), scaled, y, folds, loss)
    best = np.array(GRID)[np.argmin(errors, axis=0)]
    basis = Basis.fit(x)
    fit = ridge(basis, y, folds, GRID)
    np.testing.assert_array_equal(fit.penalties, best)
    other = Ridge(alpha=best).fit(scaled, y)
    np.testing.assert_allclose(fit.predict(basis.z), other.predict(scaled), atol=1e-8)


def test_missing_numbers_are_left_out(case):
    x, y, folds = case
    y = y.copy()
    y[::3, 0] = y[1::5, 2] = np.nan
    basis, scaled = Basis.fit(x), StandardScaler().fit_transform(x)
    fit = ridge(basis, y, folds, GRID)
    for column in range(3):
        here = ~np.isnan(y[:, column])
        other = Ridge(alpha=fit.penalties[column]).fit(scaled[here], y[here, column])
        np.testing.assert_allclose(
            fit.predict(basis.z)[:, column], other.predict(scaled), atol=1e-8
        )
    alone = ridge(basis, y[:, :1], folds, GRID)
    np.testing.assert_array_equal(fit.penalties[:1], alone.penalties)


def test_given_penalties_are_kept(case):
    x, y, _ = case
    basis = Basis.fit(x)
    fit = ridge(basis, y, None, np.array([1.0, 7.0, 50.0]))
    other = Ridge(alpha=[1.0, 7.0, 50.0]).fit(StandardScaler().fit_transform(x), y)
    expected = other.predict(StandardScaler().fit_transform(x))
    np.testing.assert_allclose(fit.predict(basis.z), expected, atol=1e-8)


# -- classes ---------------------------------------------------------------------------------


def classes(n: int, d: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two unbalanced factors of k classes, a tenth missing in the second."""
    x, _, folds = data(n, d, seed)
    rng = np.random.default_rng(seed)
    z = Basis.fit(x).z
    scores = z[:, : 2 * k].reshape(n, 2, k) / z.std(axis=0)[0] * 2 + rng.gumbel(size=(n, 2, k))
    labels = (scores + np.linspace(0, 1.5, k)).argmax(axis=2).astype(float)
    labels[rng.random(n) < 0.1, 1] = np.nan
    return x, labels, folds


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("k", [2, 3, 5])
def test_logistic_is_scikit_learns(shape, k):
    x, labels, folds = classes(*shape, k)
    basis, scaled = Basis.fit(x), StandardScaler().fit_transform(x)
    fit = logistic(basis, labels, k, folds, GRID)
    assert fit.converged.all()
    for column, alpha in enumerate(fit.penalties):
        here = ~np.isnan(labels[:, column])
        other = LogisticRegression(C=1 / alpha, class_weight="balanced", tol=1e-8, max_iter=5000)
        other.fit(scaled[here], labels[here, column])
        ours = fit.probabilities(basis.z)[:, column]
        np.testing.assert_allclose(ours.T, other.predict_proba(scaled), atol=2e-3)
        same = fit.predict(basis.z)[:, column] == other.predict(scaled)
        assert same.mean() > 0.99


@pytest.mark.parametrize("d", [1, 12])
def test_the_likeliest_class_is_decided_under_the_strongest_penalty_too(d):
    # There every start is near enough in nats; which class is likeliest hangs on the last digits.
    x, labels, folds = classes(400, 12, 4)
    basis, label = Basis.fit(x[:, :d]), labels[:, :1]
    fit = logistic(basis, label, 4, folds, PENALTIES[:1])
    other = LogisticRegression(
        C=1 / PENALTIES[0], class_weight="balanced", solver="newton-cg", tol=1e-12
    ).fit(basis.z, label[:, 0])
    assert (fit.predict(basis.z)[:, 0] == other.predict(basis.z)).mean() > 0.99


@pytest.mark.parametrize("balanced", [True, False])
def test_the_penalty_is_that_of_the_whole_grid(balanced):
    x, labels, folds = classes(150, 12, 3)
    x, label, folds = x[:, :], labels[:, 0], folds
    scaled, weight = StandardScaler().fit_transform(x), np.ones(3)
    if balanced:
        weight = 1 / np.bincount(label.astype(int))

    def loss(fit, x, y):
        log_p = fit.predict_log_proba(x)[np.arange(len(y)), y.astype(int)]
        return -(weight[y.astype(int)] * log_p).sum()

    def make(alpha):
        kind = "balanced" if balanced else None
        return LogisticRegression(C=1 / alpha, class_weight=kind, max_iter=2000, tol=1e-6)

    best = GRID[int(np.argmin(left_out(make, scaled, label, folds, loss)))]
    fit = logistic(Basis.fit(x), label[:, None], 3, folds, GRID, balanced=balanced)
    assert fit.penalties[0] == best


def test_together_is_one_by_one():
    x, labels, folds = classes(150, 12, 3)
    basis = Basis.fit(x)
    both = logistic(basis, labels, 3, folds)
    for column in range(2):
        alone = logistic(basis, labels[:, [column]], 3, folds)
        assert alone.penalties[0] == both.penalties[column]
        np.testing.assert_allclose(
            alone.probabilities(basis.z)[:, 0], both.probabilities(basis.z)[:, column], atol=1e-3
        )


def test_groups_of_other_numbers_of_classes_do_not_mix():
    x, three, folds = classes(150, 12, 3)
    _, two, _ = classes(150, 12, 2)
    basis = Basis.fit(x)
    for (labels, k), fit in zip(
        [(three, 3), (two, 2)], logistics(basis, [(three, 3), (two, 2)], folds, GRID), strict=True
    ):
        alone = logistic(basis, labels, k, folds, GRID)
        np.testing.assert_array_equal(fit.penalties, alone.penalties)
        np.testing.assert_allclose(
            fit.probabilities(basis.z), alone.probabilities(basis.z), atol=1e-3
        )
    given = logistics(basis, [(three, 3), (two, 2)], None, np.array([1.0, 2.0, 3.0, 4.0]))
    assert [fit.penalties.tolist() for fit in given] == [[1.0, 2.0], [3.0, 4.0]]


def test_a_class_that_one_fold_holds_alone_is_survived():
    x, labels, folds = classes(150, 12, 3)
    label = np.where(folds == 1, 2.0, labels[:, :1].T[0] % 2)[:, None]
    fit = logistic(Basis.fit(x), label, 3, folds)
    assert fit.converged.all()
    assert np.isfinite(fit.weights).all()


def test_too_few_steps_are_reported(monkeypatch):
    x, labels, _ = classes(60, 200, 3)
    monkeypatch.setattr("probes.readers.logistic.ITERATIONS", 2)
    fit = logistic(Basis.fit(x), labels, 3, None, np.array([0.01, 1e7]))
    assert fit.converged.tolist() == [False, True]
    assert fit.iterations == 2


def test_penalties_fall():
    assert len(PENALTIES) == 20
    assert np.diff(PENALTIES).max() < 0
