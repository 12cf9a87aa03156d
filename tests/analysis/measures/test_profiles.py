"""Kernels, ranks and neighbours as profiles: by hand, by other libraries, across levels."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors
from statsmodels.api import OLS

from analysis.measures.by_level import cka_levels
from analysis.measures.cka import cka
from analysis.measures.hsic import cka_grams, linear_gram
from analysis.measures.kernels import (
    angular_cka,
    deconfounded_cka,
    linear_cka,
    linear_profile,
    rbf_cka,
)
from analysis.measures.neighbours import mutual_neighbours, neighbour_profile
from analysis.measures.profiles import Pairs, all_resampled, level_centred, resampled
from analysis.measures.rsa import rsa
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.outliers import cka_without_top, top_norm
from checkpoints.console import UserError
from tests.support.cka_reference import features

X, Y = features()
Z = features(seed=1)[0]
LEVELS = np.random.default_rng(4).integers(0, 9, 40)
APART = LEVELS[:, None] != LEVELS[None, :]


# --- the centred profile ------------------------------------------------------------------------


def test_with_one_state_a_level_it_is_unbiased_cka():
    assert linear_cka(X, Y) == pytest.approx(cka(X, Y), rel=1e-12)


def test_it_is_what_additive_terms_do_not_explain():
    # The same residuals from a least-squares fit of K_ij = a_i + a_j + rest, by statsmodels.
    K, pairs = linear_gram(X), Pairs.of(LEVELS)
    design = np.zeros((len(pairs), 40))
    design[np.arange(len(pairs)), pairs.i] = design[np.arange(len(pairs)), pairs.j] = 1
    rest = OLS(K[pairs.i, pairs.j], design).fit().resid
    np.testing.assert_allclose(level_centred(K, pairs), rest, atol=1e-9)


def test_it_is_close_to_the_estimator_over_distinct_levels():
    for seed in range(5):
        x, y = features(seed=seed)
        other = cka_levels([x], [y], LEVELS, np.ones((1, 9), int))[0, 0, 0]
        # Nine levels only; the two leave out different triples.
        assert linear_cka(x, y, LEVELS) == pytest.approx(other, abs=0.03)


def test_clustered_states_do_not_pass_for_likeness():
    # Half of the variance lies between levels of unequal sizes; the truth is 1/2 (test_levels).
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        level = np.repeat(np.arange(50), np.r_[np.full(25, 2), np.full(25, 10)])
        s, e = (
            (rng.normal(size=(50, 32))[level] + rng.normal(size=(300, 32))) / np.sqrt(2)
            for _ in "se"
        )
        found.append((linear_cka(s, s + e, level), linear_cka(s, s + e)))
    by_level, by_state = np.mean(found, axis=0)
    assert by_level == pytest.approx(0.5, abs=4 * 0.017 / np.sqrt(40))
    assert by_state > 0.56


def test_intervals_are_those_of_the_bootstrap_over_levels():
    level = np.repeat(np.arange(30), 4)
    x, y = features(n=120)
    weights, pairs = cluster_weights(level, 400, 0), Pairs.of(level)
    p, q = (linear_profile(linear_gram(z), pairs) for z in (x, y))
    ours = np.percentile(resampled(p, q, pairs, weights), [2.5, 97.5])
    exact = np.percentile(cka_levels([x], [y], level, weights)[1:, 0, 0], [2.5, 97.5])
    np.testing.assert_allclose(ours, exact, atol=0.02)
    same = resampled(p, q, pairs, np.ones((1, 30), int))
    assert same == pytest.approx(p @ q, rel=1e-12)
    crossed = all_resampled(np.stack([p, q]), q[None], pairs, weights)
    np.testing.assert_array_equal(crossed[:, 0, 0], resampled(p, q, pairs, weights))
    np.testing.assert_allclose(crossed[:, 1, 0], 1, rtol=1e-12)


# --- other kernels ------------------------------------------------------------------------------


def rbf(x, levels=None):
    """Spelled out, with the median over pairs of different levels."""
    d = cdist(x, x)
    apart = ~np.eye(len(x), dtype=bool) if levels is None else APART
    return np.exp(-(d**2) / (2 * (0.5 * np.median(d[apart])) ** 2))


def test_rbf_equals_hsic_and_ckatorch():
    expected = cka_grams([rbf(X)], [rbf(Y)])[0, 0]
    assert rbf_cka(X, Y) == pytest.approx(expected, rel=1e-7)
    torch, oracle = pytest.importorskip("torch"), pytest.importorskip("ckatorch.hsic")
    K, L = (torch.tensor(rbf(z))[None] for z in (X, Y))
    hsic = [float(oracle.hsic1(a, b)) for a, b in ((K, L), (K, K), (L, L))]
    assert rbf_cka(X, Y) == pytest.approx(hsic[0] / np.sqrt(hsic[1] * hsic[2]), rel=1e-7)


def test_rbf_over_levels_takes_its_bandwidth_from_them():
    pairs = Pairs.of(LEVELS)
    p, q = (level_centred(rbf(z, LEVELS), pairs) for z in (X, Y))
    expected = p @ q / np.linalg.norm(p) / np.linalg.norm(q)
    assert rbf_cka(X, Y, LEVELS) == pytest.approx(expected, rel=1e-7)


def test_a_wide_kernel_is_linear():
    assert rbf_cka(X, Y, bandwidth=50.0) == pytest.approx(cka(X, Y), abs=1e-3)
    assert abs(rbf_cka(X, Y) - cka(X, Y)) > 0.01


def test_the_angle_of_cka():
    assert angular_cka(X, Y) == pytest.approx(np.arccos(cka(X, Y)), rel=1e-12)
    assert angular_cka(X, X) == pytest.approx(0, abs=1e-7)


def test_deconfounded_is_the_partial_correlation_of_ckas():
    xy, x0, y0 = cka(X, Y), cka(X, Z), cka(Y, Z)
    expected = (xy - x0 * y0) / np.sqrt((1 - x0**2) * (1 - y0**2))
    assert deconfounded_cka(X, Y, Z) == pytest.approx(expected, rel=1e-9)


def test_deconfounded_is_the_cka_of_residual_kernels():
    # Cui et al.: regress, entry by entry, each kernel on the inputs'; here without the diagonal.
    pairs = Pairs.of(np.arange(40))
    k, l, k0 = (level_centred(linear_gram(z), pairs) for z in (X, Y, Z))
    rest = [OLS(one, k0).fit().resid for one in (k, l)]
    assert deconfounded_cka(X, Y, Z) == pytest.approx(np.corrcoef(*rest)[0, 1], rel=1e-9)


def test_deconfounding_takes_off_what_the_input_has():
    inputs = np.random.default_rng(0).normal(size=(200, 30))
    rng = np.random.default_rng(1)
    # Two random layers of one input are alike, and in nothing but the input.
    x, y = (inputs @ rng.normal(size=(30, 300)) for _ in "xy")
    assert linear_cka(x, y) > 0.7
    assert abs(deconfounded_cka(x, y, inputs)) < 0.05
    own = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 300))
    assert deconfounded_cka(x + 2 * own, y + 2 * own, inputs) > 0.5


# --- ranks and neighbours -----------------------------------------------------------------------


def test_rsa_equals_scipy_and_rsatoolbox():
    assert rsa(X, Y) == pytest.approx(spearmanr(pdist(X), pdist(Y)).statistic, rel=1e-10)
    rdm, data = pytest.importorskip("rsatoolbox.rdm"), pytest.importorskip("rsatoolbox.data")
    rdms = [rdm.calc_rdm(data.Dataset(z), method="euclidean") for z in (X, Y)]
    value = rdm.compare(*rdms, method="spearman").item()
    assert rsa(X, Y) == pytest.approx(value, rel=1e-8)


def test_rsa_over_levels_leaves_out_their_pairs():
    keep = np.triu(APART)
    expected = spearmanr(cdist(X, X)[keep], cdist(Y, Y)[keep]).statistic
    assert rsa(X, Y, LEVELS) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("k", [1, 5, 38])
def test_neighbours_equal_sklearn_and_brute_force(k):
    near = [
        NearestNeighbors(n_neighbors=k).fit(z).kneighbors(return_distance=False) for z in (X, Y)
    ]
    expected = np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)])
    assert mutual_neighbours(X, Y, k) == pytest.approx(expected, abs=1e-12)


def test_neighbours_are_sought_on_other_levels():
    near = []
    for z in (X, Y):
        d = np.where(APART, cdist(z, z), np.inf)
        near.append(np.argsort(d, axis=1)[:, :4])
    expected = np.mean([len(set(a) & set(b)) / 4 for a, b in zip(*near, strict=True)])
    assert mutual_neighbours(X, Y, 4, LEVELS) == pytest.approx(expected, abs=1e-12)


def test_ties_share_the_room_and_do_not_read_as_likeness():
    # Half of the states are one point: which of them is near is not for the order to say.
    rng = np.random.default_rng(0)
    x, y = (
        np.where(rng.permutation(60)[:, None] < 30, 0.0, rng.normal(size=(60, 3))) for _ in "xy"
    )
    found = mutual_neighbours(x, y, 5)
    order = rng.permutation(60)
    assert mutual_neighbours(x[order], y[order], 5) == pytest.approx(found, abs=1e-9)
    profile = neighbour_profile(linear_gram(x), Pairs.of(np.arange(60), ordered=True), 5)
    assert len(set(np.round(profile[profile > 0], 9))) > 1
    assert mutual_neighbours(x, x, 5) == pytest.approx(1)


# --- outliers -----------------------------------------------------------------------------------


def test_two_far_states_make_two_layers_alike_and_the_curve_says_so():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 5))
    x[:2], y[:2] = 40, -40
    found = {share: cka for share, _, cka, _, _ in cka_without_top(x, y, np.arange(100))}
    assert found[0.0] > 0.9
    assert abs(found[0.02]) < 0.1
    assert set(top_norm(linear_gram(x), linear_gram(y))[:2]) == {0, 1}


def test_the_curve_is_the_cka_of_what_is_left():
    (_, n, all_of_them, low, high), (share, left, value, _, _) = cka_without_top(
        X, Y, LEVELS, (0.0, 0.25)
    )
    assert (n, share, left) == (40, 0.25, 30)
    assert all_of_them == pytest.approx(linear_cka(X, Y, LEVELS))
    assert low < all_of_them < high
    kept = np.sort(top_norm(linear_gram(X), linear_gram(Y))[10:])
    assert value == pytest.approx(linear_cka(X[kept], Y[kept], LEVELS[kept]))
    assert np.isnan(next(cka_without_top(X, 0 * Y, LEVELS, (0.0,)))[2])


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [linear_cka, rbf_cka, angular_cka, rsa, mutual_neighbours])
def test_layers_that_cannot_be_compared_are_refused(measure):
    with pytest.raises(UserError, match="x: expected a layer that varies between states, got a co"):
        measure(0 * X, Y)
    with pytest.raises(UserError, match="of the same states, got 30 and 40 rows"):
        measure(X, Y[:30])
    with pytest.raises(UserError, match="y: expected finite features"):
        measure(X, np.full_like(Y, np.inf))


@pytest.mark.parametrize("k", [0, 40])
def test_more_neighbours_than_states_are_refused(k):
    with pytest.raises(UserError, match=f"1 to 39 neighbours.*got {k}; ask for fewer"):
        mutual_neighbours(X, Y, k)


def test_too_few_or_too_large_levels_are_refused():
    with pytest.raises(UserError, match="expected states of at least 4 levels, got 3"):
        linear_cka(X, Y, np.arange(40) % 3)
    with pytest.raises(UserError, match="less than half of the 40 states, got one with 37"):
        linear_cka(X, Y, np.maximum(np.arange(40), 36))
    with pytest.raises(UserError, match="bandwidth: expected a positive part of the median, got 0"):
        rbf_cka(X, Y, bandwidth=0.0)
