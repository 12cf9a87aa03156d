"""Linear CKA: known answers, two roads, declared invariances, other people's code, bootstrap."""

import itertools

import numpy as np
import pytest

from analysis.cka import cka, cka_matrix
from analysis.hsic import cka_grams, linear_gram
from analysis.levels import LevelGram, Levels, cka_levels, hsic_levels
from analysis.moments import Moments
from analysis.stats import cluster_weights
from checkpoints.console import UserError

BOTH = pytest.mark.parametrize("biased", [False, True], ids=["unbiased", "biased"])


def by_moments(x, y, biased=False):
    moments = Moments([x.shape[1]], [y.shape[1]])
    moments.update([x], [y])
    return float(moments.cka(biased=biased)[0, 0])


def by_grams(x, y, biased=False):
    return float(cka_grams([linear_gram(x)], [linear_gram(y)], biased=biased)[0, 0])


def by_levels(x, y, size=1):
    """The estimate over tuples of distinct levels of ``size`` states each."""
    clusters = np.arange(len(x)) // size
    return float(cka_levels([x], [y], clusters, np.ones((1, clusters[-1] + 1), int))[0, 0, 0])


MEASURES = {
    "moments": by_moments,
    "grams": by_grams,
    "biased moments": lambda x, y: by_moments(x, y, biased=True),
    "biased grams": lambda x, y: by_grams(x, y, biased=True),
    "levels of one": by_levels,
    "levels of four": lambda x, y: by_levels(x, y, size=4),
}
MEASURE = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


def features(n=40, dx=9, dy=6, seed=0):
    """Two layers that share half of what they say."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 4))
    x = shared @ rng.normal(size=(4, dx)) + rng.normal(size=(n, dx))
    return x, shared @ rng.normal(size=(4, dy)) + rng.normal(size=(n, dy))


def rotation(d, rng):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


# --- known answers -----------------------------------------------------------------------------


@MEASURE
def test_a_rotated_scaled_and_moved_layer_is_the_same(measure):
    x, _ = features()
    rng = np.random.default_rng(1)
    y = 0.3 * x @ rotation(9, rng) + rng.normal(size=9)
    assert measure(x, y) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("road", [by_moments, by_grams, lambda x, y, biased: by_levels(x, y)])
def test_four_states_by_hand(road):
    # x = (1, -1, 0, 0), y = (1, 1, -1, -1). HSIC(X,Y) = [-2 + (-2)(-4)/6 - 2]/4 = -2/3,
    # HSIC(X,X) = [2 + 4/6 - 2]/4 = 1/6, HSIC(Y,Y) = [12 + 16/6 - 4]/4 = 8/3: CKA = -1, unclamped.
    x, y = np.array([[1.0], [-1], [0], [0]]), np.array([[1.0], [1], [-1], [-1]])
    assert road(x, y, biased=False) == pytest.approx(-1, abs=1e-14)


@pytest.mark.parametrize("road", [by_moments, by_grams])
def test_orthogonal_blocks_by_hand(road):
    # Columns of a Hadamard matrix, of which two sides of two share one. Biased: 8²/(2 · 8²).
    # Unbiased: [32 + 256/42 - 64/6] / [96 + 256/42 - 64/6] = .3.
    H = np.array([[1, 1], [1, -1]])
    H = np.kron(np.kron(H, H), H)[:, 1:4]
    x, y = H[:, :2], H[:, 1:]
    assert road(x, y, biased=True) == pytest.approx(0.5, abs=1e-14)
    assert road(x, y, biased=False) == pytest.approx(0.3, abs=1e-14)


@BOTH
@pytest.mark.parametrize("road", [by_moments, by_grams])
def test_symmetry(road, biased):
    x, y = features()
    assert road(x, y, biased) == pytest.approx(road(y, x, biased), rel=1e-12)


def test_independent_layers_read_zero_unbiased_and_high_biased():
    rng = np.random.default_rng(0)
    found = np.array(
        [
            [by_grams(x, y, biased) for biased in (False, True)]
            for x, y in rng.normal(size=(200, 2, 60, 20))
        ]
    )
    mean, error = found.mean(axis=0), found.std(axis=0) / np.sqrt(200)
    assert abs(mean[0]) < 4 * error[0] < 0.02
    assert mean[1] > 0.2


@BOTH
def test_never_clamped_and_yet_bounded(biased):
    rng = np.random.default_rng(0)
    found = [by_grams(*rng.normal(size=(2, n, 1)), biased) for n in (4, 5, 6) for _ in range(200)]
    assert min(found) < -0.9 or biased
    assert -1 - 1e-9 < min(found) < max(found) < 1 + 1e-9


# --- declared invariances, and declared sensitivities -------------------------------------------

CHANGES = {
    "rotation": (True, lambda x, rng: x @ rotation(x.shape[1], rng)),
    "reflection of one feature": (True, lambda x, rng: x * np.r_[-1, np.ones(x.shape[1] - 1)]),
    "order of features": (True, lambda x, rng: x[:, rng.permutation(x.shape[1])]),
    "scaling": (True, lambda x, rng: -3.7 * x),
    "translation": (True, lambda x, rng: x + 50 * rng.normal(size=x.shape[1])),
    "every feature twice": (True, lambda x, rng: np.hstack([x, x])),
    "a dead feature": (True, lambda x, rng: np.hstack([x, np.full((len(x), 1), 0.1)])),
    "general linear map": (False, lambda x, rng: x @ rng.normal(size=(x.shape[1],) * 2)),
    "scaling of one feature": (False, lambda x, rng: x * np.r_[4, np.ones(x.shape[1] - 1)]),
    "one feature twice": (False, lambda x, rng: np.hstack([x, 3 * x[:, :1]])),
    "nonlinearity": (False, lambda x, rng: np.maximum(x, 0)),
    "scaling of states": (False, lambda x, rng: x * rng.uniform(0.2, 5, size=(len(x), 1))),
    "order of states on one side": (False, lambda x, rng: x[rng.permutation(len(x))]),
}


@MEASURE
@pytest.mark.parametrize(("invariant", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_invariance(measure, invariant, change):
    x, y = features()
    before, after = measure(x, y), measure(change(x, np.random.default_rng(2)), y)
    if invariant:
        assert after == pytest.approx(before, rel=1e-10)
    else:
        assert abs(after - before) > 0.01


@pytest.mark.parametrize("measure", [v for k, v in MEASURES.items() if k != "levels of four"])
def test_the_order_of_states_on_both_sides_does_not_matter(measure):
    x, y = features()
    order = np.random.default_rng(3).permutation(len(x))
    assert measure(x[order], y[order]) == pytest.approx(measure(x, y), rel=1e-11)


# --- two roads, and the definition --------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("shape", [(40, 9, 6), (12, 30, 50), (4, 1, 2), (500, 64, 3)])
def test_both_roads_agree(shape, biased):
    x, y = features(*shape)
    assert by_moments(x, y, biased) == pytest.approx(by_grams(x, y, biased), rel=1e-10, abs=1e-12)


@BOTH
def test_every_pair_of_layers_is_what_it_is_alone(biased):
    layers = [features(50, 5, 70, seed=s) for s in range(3)]
    xs, ys = [x for x, _ in layers], [y for _, y in layers]
    alone = [[by_grams(x, y, biased) for y in ys[:2]] for x in xs]
    moments = Moments([5, 5, 5], [70, 70])
    moments.update(xs, ys[:2])
    grams = cka_grams([linear_gram(x) for x in xs], [linear_gram(y) for y in ys[:2]], biased=biased)
    for found in (moments.cka(biased=biased), grams, cka_matrix(xs, ys[:2], biased=biased)):
        np.testing.assert_allclose(found, alone, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("shape", "road"), [((40, 9, 6), "moments"), ((12, 30, 50), "grams")])
def test_the_cheaper_road_is_taken(shape, road, monkeypatch):
    other = {"moments": "cka_grams", "grams": "Moments"}[road]
    monkeypatch.setattr(f"analysis.cka.{other}", None)
    x, y = features(*shape)
    assert cka(x, y) == pytest.approx(by_grams(x, y), rel=1e-10)


def batched(x, y, batch):
    moments = Moments([x.shape[1]], [y.shape[1]])
    for start in range(0, len(x), batch):
        moments.update([x[start : start + batch]], [y[start : start + batch]])
    return moments.cka()[0, 0], moments.cka(biased=True)[0, 0]


@pytest.mark.parametrize("batch", [1, 7, 64, 1500])
def test_the_batch_size_does_not_change_one_bit(batch):
    x, y = features(n=2500)
    assert batched(x, y, batch) == batched(x, y, 2500)


def test_the_order_of_the_stream_does_not_matter():
    x, y = features(n=2500)
    x += np.linspace(0, 20, 2500)[:, None]  # the first batch, and so the pilot, is far off
    order = np.random.default_rng(0).permutation(2500)
    np.testing.assert_allclose(
        batched(x[order], y[order], 64), batched(x[::-1], y[::-1], 64), rtol=1e-10
    )


def test_minibatch_averages_would_fail_this():
    x, y = features(n=2500)
    halves = [by_moments(x[i::50], y[i::50]) for i in range(50)]
    assert abs(np.mean(halves) - by_moments(x, y)) > 1e-3


def test_reading_does_not_disturb_the_stream():
    x, y = features(n=300)
    moments = Moments([9], [6])
    moments.update([x[:100]], [y[:100]])
    np.testing.assert_allclose(moments.cka()[0, 0], by_grams(x[:100], y[:100]), rtol=1e-10)
    moments.update([x[100:]], [y[100:]])
    np.testing.assert_allclose(moments.cka()[0, 0], by_grams(x, y), rtol=1e-10)


@BOTH
@pytest.mark.parametrize("road", [by_moments, by_grams])
def test_large_means_in_float32_cost_no_digits(road, biased):
    x, y = (f.astype(np.float32) + np.float32(1e3) for f in features(n=2000))
    # The reference centres the same float32 numbers in float64.
    reference = by_grams(*(f.astype(np.float64) - f.mean(0, np.float64) for f in (x, y)), biased)
    assert road(x, y, biased) == pytest.approx(reference, rel=1e-10)


def tuples_hsic(K, L, level):
    """HSIC as a U-statistic: the mean over tuples of states from distinct levels, spelled out."""

    def mean(size, kernel):
        tuples = itertools.permutations(range(len(level)), size)
        found = [kernel(*t) for t in tuples if len({level[i] for i in t}) == size]
        return np.mean(found)

    pairs = mean(2, lambda i, j: K[i, j] * L[i, j])
    triples = mean(3, lambda i, j, q: K[i, j] * L[i, q])
    return pairs - 2 * triples + mean(4, lambda i, j, q, r: K[i, j] * L[q, r])


def test_the_definition_over_distinct_states():
    x, y = features(n=7)
    K, L = linear_gram(x), linear_gram(y)
    each = np.arange(7)
    expected = tuples_hsic(K, L, each) / np.sqrt(tuples_hsic(K, K, each) * tuples_hsic(L, L, each))
    for road in (by_moments, by_grams, by_levels):
        assert road(x, y) == pytest.approx(expected, rel=1e-10)


def test_the_definition_over_draws_of_distinct_levels():
    # Six levels of one or two states; the replicates, spelled out, hold a copy of a state for
    # each time its level was drawn. Labels are neither sorted nor numbers.
    clusters = np.array(["d", "a", "c", "a", "b", "f", "e", "c"])
    weights = np.array([[1, 2, 1, 0, 2, 0], [0, 1, 1, 3, 0, 1]])
    x, y = features(n=8)
    K, L = linear_gram(x), linear_gram(y)
    levels = Levels(clusters, weights)
    found = hsic_levels(LevelGram(K, levels), LevelGram(L, levels))
    level = np.unique(clusters, return_inverse=True)[1]
    for r, w in enumerate([np.ones(6, int), *weights]):
        drawn = np.repeat(np.arange(8), w[level])
        expected = tuples_hsic(K[np.ix_(drawn, drawn)], L[np.ix_(drawn, drawn)], level[drawn])
        assert found[r] == pytest.approx(expected, rel=1e-10)


# --- other people's code ------------------------------------------------------------------------


@BOTH
def test_equal_to_ckatorch(biased):
    torch, oracle = pytest.importorskip("torch"), pytest.importorskip("ckatorch.core")
    x, y = features()
    value = oracle.cka_base(torch.tensor(x), torch.tensor(y), unbiased=not biased)
    assert cka(x, y, biased=biased) == pytest.approx(float(value), rel=1e-10)


def test_equal_to_pytorch_cka_where_it_does_not_clamp():
    torch, oracle = pytest.importorskip("torch"), pytest.importorskip("cka")
    x, y = features()
    xs, ys = [x, x[:, :3]], [y, y[:, :2], y[:, 1:]]
    value = oracle.cka_from_features(
        [torch.tensor(x) for x in xs], [torch.tensor(y) for y in ys]
    ).numpy()
    assert ((value > 0) & (value < 1)).all()
    np.testing.assert_allclose(cka_matrix(xs, ys), value, rtol=1e-10)


def test_equal_to_rsatoolbox():
    rdm, data = pytest.importorskip("rsatoolbox.rdm"), pytest.importorskip("rsatoolbox.data")
    x, y = features()
    rdms = [rdm.calc_rdm(data.Dataset(f), method="euclidean") for f in (x, y)]
    value = rdm.compare(*rdms, method="cosine_cov")  # whitened: an independent derivation
    assert cka(x, y, biased=True) == pytest.approx(float(value.item()), rel=1e-8)


# --- the bootstrap over levels ------------------------------------------------------------------

G, M, D = 50, 6, 32


def planted(rng, clusters):
    """Layers x = s and y = s + e, half of whose variance lies between levels.

    In the population Σxx = Σxy = I and Σyy = 2I, so CKA = ‖I‖² / (‖I‖ ‖2I‖) = ½.
    """

    def half_between():
        within = rng.normal(size=(len(clusters), D))
        return (rng.normal(size=(clusters.max() + 1, D))[clusters] + within) / np.sqrt(2)

    s, e = half_between(), half_between()
    return s, s + e


def coverage(by_level, trials=60):
    """Share of 95 % intervals that hold the planted ½, and the mean estimate."""
    level = np.repeat(np.arange(G), M)
    clusters = level if by_level else np.arange(G * M)
    hits, estimates = 0, []
    for seed in range(trials):
        x, y = planted(np.random.default_rng(seed), level)
        draws = cka_levels([x], [y], clusters, cluster_weights(clusters, 200, seed))[:, 0, 0]
        low, high = np.quantile(draws[1:], [0.025, 0.975])
        hits += low <= 0.5 <= high
        estimates.append(draws[0])
    return hits / trials, np.mean(estimates)


def test_intervals_over_levels_cover_the_planted_truth():
    # A true coverage of .95 falls below .85 in 60 trials once in 1,300 tries.
    share, estimate = coverage(by_level=True)
    assert share >= 0.85
    assert estimate == pytest.approx(0.5, abs=0.01)


def test_states_taken_as_independent_do_not_so_the_check_can_fail():
    # HSIC₁ over states of 50 levels is itself biased, as HSIC₀ is with 50 states.
    share, estimate = coverage(by_level=False)
    assert share < 0.3
    assert estimate > 0.55


def test_a_naive_bootstrap_is_centred_on_the_biased_value():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 50))
    naive = [by_grams(x[i], y[i]) for i in rng.integers(100, size=(200, 100))]
    ours = cka_levels([x], [y], np.arange(100), cluster_weights(np.arange(100), 200, 0))[:, 0, 0]
    estimate, biased = by_grams(x, y), by_grams(x, y, biased=True)
    assert abs(np.mean(ours[1:]) - estimate) < 0.02
    assert abs(np.mean(naive) - biased) < abs(np.mean(naive) - estimate)


def test_all_pairs_share_their_draws():
    x, y = features(n=60)
    clusters = np.arange(60) // 2
    weights = cluster_weights(clusters, 20, 0)
    both = cka_levels([x, y], [y, x[:, :4]], clusters, weights)
    assert both.shape == (21, 2, 2)
    alone = cka_levels([x], [x[:, :4]], clusters, weights)
    np.testing.assert_allclose(both[:, 0, 1], alone[:, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(both[:, 1, 0], 1, rtol=1e-12)


# --- what is refused ----------------------------------------------------------------------------

GOOD = features()[0]


def with_one(value, n=40):
    bad = GOOD[:n].copy()
    bad[7, 2] = value
    return bad


@pytest.mark.parametrize("road", [cka, by_moments, by_grams])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (GOOD[:3], GOOD[:3], "expected at least 4 states, got 3"),
        (GOOD, with_one(np.nan), "expected finite features, got NaN or inf, first in row 7 of 40"),
        (with_one(np.inf), GOOD, "x.*expected finite features, got NaN or inf"),
        (GOOD, np.full((40, 3), 0.1), r"y: .*got HSIC\(X, X\) <= 0 in layer \[0\].*constant, dead"),
        (np.zeros((40, 5), np.float32), GOOD, r"x: expected layers that vary between states"),
        (3.3 * np.eye(40)[:, 5:6], GOOD, r"constant, dead or nearly so"),
    ],
)
def test_layers_that_cannot_be_compared_are_refused(road, x, y, message):
    with pytest.raises(UserError, match=message):
        road(x, y)


@pytest.mark.parametrize("road", [cka, by_grams])
def test_unequal_states_are_refused(road):
    with pytest.raises(UserError, match="of the same states, got 40 and 39 rows; compute both"):
        road(GOOD, GOOD[1:])


def test_images_must_be_flattened():
    with pytest.raises(UserError, match=r"y, layer 0: .*got \(40, 3, 3\); flatten each state"):
        cka(GOOD, GOOD.reshape(40, 3, 3))


def test_no_layers_are_refused():
    with pytest.raises(UserError, match="expected layers on both sides, got 1 and 0"):
        cka_matrix([GOOD], [])


def test_a_dead_layer_may_read_nan_and_leaves_the_others():
    for n in (40, 5):  # both roads
        found = cka_matrix([GOOD[:n], 0 * GOOD[:n]], [GOOD[:n]], undefined="nan")
        np.testing.assert_allclose(found, [[1], [np.nan]], rtol=1e-12)


@pytest.mark.parametrize(
    ("xs", "ys", "message"),
    [
        ([GOOD], [GOOD, GOOD], r"expected layers of \[9, 9\] features, the first 1 of them x"),
        ([GOOD], [GOOD[:, :5]], r"got 1 of x and \[9, 5\]; give every batch from the same layers"),
        ([GOOD], [GOOD[1:]], r"expected every layer on the same states, got \[40, 39\] rows"),
    ],
)
def test_a_stream_of_other_layers_is_refused(xs, ys, message):
    with pytest.raises(UserError, match=message):
        Moments([9], [9]).update(xs, ys)


@pytest.mark.parametrize(
    ("clusters", "weights", "message"),
    [
        (np.arange(40), np.ones((5, 39), int), r"expected shape \(replicates, 40 levels\), got"),
        (np.arange(39), np.ones((5, 39), int), "got 39 labels for 40 states; pass features and"),
        (np.arange(40) % 3, np.ones((5, 3), int), "expected at least 4 different levels in every"),
    ],
)
def test_levels_that_do_not_fit_are_refused(clusters, weights, message):
    with pytest.raises(UserError, match=message):
        cka_levels([GOOD], [GOOD], clusters, weights)


def test_a_layer_that_fires_in_one_level_only_is_refused():
    clusters = np.arange(40) // 4
    x = GOOD * (clusters == 3)[:, None]
    assert np.isfinite(cka(x, GOOD))
    with pytest.raises(UserError, match="constant, dead or nearly so"):
        cka_levels([x], [GOOD], clusters, np.ones((1, 10), int))
