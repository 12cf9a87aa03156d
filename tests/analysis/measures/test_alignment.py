"""Procrustes, SVCCA and PWCCA: by hand, by other libraries, and what is refused."""

import json

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes, subspace_angles
from scipy.spatial import procrustes as scipy_procrustes
from sklearn.decomposition import PCA
from statsmodels.multivariate.cancorr import CanCorr

from analysis.measures import alignment
from analysis.measures.alignment import Spectrum, correlations, procrustes, pwcca, svcca
from analysis.measures.hsic import linear_gram
from checkpoints.console import UserError
from tests.support.cka_reference import features
from tests.support.similarity_reference import FILE, made_up

X, Y = features()
WIDE = np.random.default_rng(1).normal(size=(9, 200)) * np.geomspace(1, 0.01, 200)


def centred(x):
    return x - x.mean(axis=0)


def truncated(x, keep):
    """Scores of the first principal components that hold ``keep`` of the variance."""
    pca = PCA().fit(x)
    kept = int(np.searchsorted(np.cumsum(pca.explained_variance_ratio_), keep)) + 1
    return pca.transform(x)[:, :kept]


def canonical(x, y, keep):
    one, other = Spectrum.of(x, keep), Spectrum.of(y, keep)
    return correlations(one, other, one.U.T @ other.U)


# --- by hand ------------------------------------------------------------------------------------

H = np.array([[1, 1], [1, -1]])
H = np.kron(np.kron(H, H), H)[:, 1:].astype(float)  # seven centred, orthogonal columns


def test_orthogonal_columns_by_hand():
    # x = (a, b), y = (2b, c), all of length √8: XᵀY has one entry, 16; ‖X‖ = 4, ‖Y‖ = √40.
    x, y = H[:, :2], H[:, 1:3] * [2, 1]
    assert procrustes(x, y) == pytest.approx(16 / (4 * np.sqrt(40)), abs=1e-12)
    # Two canonical correlations: b with b at 1, a with c at 0.
    assert svcca(x, y) == pytest.approx(0.5, abs=1e-12)
    # x holds a and b in equal parts, y holds b twice as much as c.
    assert pwcca(x, y) == pytest.approx(1 / 2, abs=1e-12)
    assert pwcca(y, x) == pytest.approx(2 / 3, abs=1e-12)


def test_directions_of_little_variance_are_not_seen():
    # y differs from x in a direction that holds 1/401 of the variance.
    x, y = H[:, :2] * [20, 1], H[:, [0, 2]] * [20, 1]
    assert svcca(x, y) == pytest.approx(1, abs=1e-12)
    assert svcca(x, y, keep=1.0) == pytest.approx(0.5, abs=1e-12)


# --- other roads --------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "y"), [(X, Y), (X[:9], WIDE), (WIDE, WIDE[::-1])])
def test_procrustes_equals_scipy_twice(x, y):
    a, b = (np.pad(z, ((0, 0), (0, 200 - z.shape[1]))) for z in (x, y))
    assert procrustes(x, y) == pytest.approx(np.sqrt(1 - scipy_procrustes(a, b)[2]), abs=1e-10)
    a, b = (centred(z) / np.linalg.norm(centred(z)) for z in (a, b))
    turn, scale = orthogonal_procrustes(a, b)
    assert procrustes(x, y) == pytest.approx(scale, abs=1e-10)
    # 2 - 2 s is the squared distance that is left after the best rotation.
    assert np.linalg.norm(a @ turn - b) ** 2 == pytest.approx(2 - 2 * scale, abs=1e-10)


def test_both_roads_to_singular_values(monkeypatch):
    def values():
        return [f(*layers) for f in (procrustes, svcca, pwcca) for layers in ((X, Y), (Y, X))]

    exact, wide = values(), procrustes(X[:9], WIDE)
    monkeypatch.setattr(alignment, "_EXACT", 1)
    assert values() == pytest.approx(exact, abs=1e-7)
    assert procrustes(X[:9], WIDE) == pytest.approx(wide, abs=1e-7)


@pytest.mark.parametrize("keep", [0.8, 0.99, 1.0])
def test_correlations_equal_scipy_and_statsmodels(keep):
    rho, weights = canonical(X, Y, keep)
    a, b = truncated(X, keep - 1e-12), truncated(Y, keep - 1e-12)
    np.testing.assert_allclose(rho, np.cos(subspace_angles(a, b))[::-1], atol=1e-9)
    np.testing.assert_allclose(rho, CanCorr(a, b).cancorr, atol=1e-9)
    np.testing.assert_allclose(weights.T @ weights, np.eye(len(rho)), atol=1e-10)


def test_svcca_and_pwcca_equal_repsim():
    expected, (x, y) = json.loads(FILE.read_text()), made_up()
    assert svcca(x, y, keep=1.0) == pytest.approx(expected["cca"], abs=1e-10)
    # Its PWCCA averages both orders.
    both = (pwcca(x, y, keep=1.0) + pwcca(y, x, keep=1.0)) / 2
    assert both == pytest.approx(expected["pwcca_both_ways"], abs=1e-10)


@pytest.mark.parametrize("keep", [0.9, 1.0])
def test_pwcca_by_its_definition(keep):
    # Equation 3 of the paper, with canonical variates by whitening in place of angles.
    x, y = centred(X), centred(Y)
    a, b = truncated(x, keep - 1e-12), truncated(y, keep - 1e-12)
    white_a, white_b = (z / np.linalg.norm(z, axis=0) for z in (a, b))
    A, rho, _ = np.linalg.svd(white_a.T @ white_b, full_matrices=False)
    weights = [sum(abs(h @ x[:, j]) for j in range(x.shape[1])) for h in (white_a @ A).T]
    assert pwcca(X, Y, keep) == pytest.approx(np.average(rho, weights=weights), abs=1e-10)


def test_without_truncation_cca_does_not_see_an_invertible_map():
    turn = np.random.default_rng(0).normal(size=(9, 9))
    assert svcca(X @ turn, Y, keep=1.0) == pytest.approx(svcca(X, Y, keep=1.0), abs=1e-9)
    assert abs(svcca(X @ turn, Y, keep=0.9) - svcca(X, Y, keep=0.9)) > 0.01


def test_a_spectrum_is_the_layer_again():
    for x in (X, WIDE, X.astype(np.float32)):
        s = Spectrum.of(x, keep=1.0)
        np.testing.assert_allclose(s.U @ s.loadings, centred(x), atol=1e-5)
        np.testing.assert_allclose(s.U.T @ s.U, np.eye(len(s.S)), atol=1e-6)
        np.testing.assert_allclose(s.S, np.linalg.svd(centred(x))[1][: len(s.S)], rtol=1e-5)
    assert len(Spectrum.of(WIDE).S) == 8  # nine states about their mean
    given = Spectrum.of(WIDE, gram=linear_gram(WIDE))
    np.testing.assert_allclose(given.S, Spectrum.of(WIDE).S, rtol=1e-9)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [procrustes, svcca, pwcca])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y[1:], "of the same states, got 40 and 39 rows"),
        (X, np.full((40, 3), 0.1), "y: expected a layer that varies between states, got a const"),
        (np.where(X > 2, np.nan, X), Y, "x: expected finite features, got NaN or inf"),
        (X, Y.reshape(40, 3, 2), r"y: expected features of shape \(states, features\)"),
    ],
)
def test_layers_that_cannot_be_compared_are_refused(measure, x, y, message):
    with pytest.raises(UserError, match=message):
        measure(x, y)


@pytest.mark.parametrize("measure", [svcca, pwcca])
def test_a_degenerate_covariance_is_refused(measure):
    with pytest.raises(UserError, match="expected fewer directions than states, got 8 and 8 of 9"):
        measure(WIDE, WIDE[::-1], 1.0)
    with pytest.raises(UserError, match=r"keep: expected a share of variance in \(0, 1\], got 99"):
        measure(X, Y, 99.0)
