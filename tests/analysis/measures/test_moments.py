"""Two roads to CKA, the stream, the definition, and other people's code: all one number."""

import numpy as np
import pytest

from analysis.measures.cka import cka, cka_matrix
from analysis.measures.hsic import cka_grams, linear_gram
from analysis.measures.moments import Moments
from checkpoints.console import UserError
from tests.support.cka_reference import by_grams, by_levels, by_moments, features, tuples_hsic

BOTH = pytest.mark.parametrize("biased", [False, True], ids=["unbiased", "biased"])
GOOD = features()[0]


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
    monkeypatch.setattr(f"analysis.measures.cka.{other}", None)
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


def test_float32_products_keep_eight_digits():
    x, y = (f.astype(np.float32) + np.float32(1e3) for f in features(5000, 40, 30))
    fast = Moments([40], [30], dtype=np.float32)
    fast.update([x], [y])
    for biased in (False, True):
        exact = by_moments(x, y, biased)
        assert fast.cka(biased=biased)[0, 0] == pytest.approx(exact, abs=1e-7)
        assert fast.cka(biased=biased)[0, 0] != exact


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_that_fires_in_one_of_many_states_is_refused(dtype):
    x = np.zeros((20_000, 3), np.float32)
    x[123, 1] = 3.3
    moments = Moments([3], [3], dtype=dtype)
    moments.update([x], [x])
    with pytest.raises(UserError, match="constant, dead or nearly so"):
        moments.cka()


def test_the_definition_over_distinct_states():
    x, y = features(n=7)
    K, L = linear_gram(x), linear_gram(y)
    each = np.arange(7)
    expected = tuples_hsic(K, L, each) / np.sqrt(tuples_hsic(K, K, each) * tuples_hsic(L, L, each))
    for road in (by_moments, by_grams, by_levels):
        assert road(x, y) == pytest.approx(expected, rel=1e-10)


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
