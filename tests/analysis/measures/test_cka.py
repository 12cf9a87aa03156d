"""Linear CKA: known answers, declared invariances, and what is refused."""

import numpy as np
import pytest

from analysis.measures.cka import cka, cka_matrix
from checkpoints.console import UserError
from tests.support.cka_reference import by_grams, by_levels, by_moments, features

BOTH = pytest.mark.parametrize("biased", [False, True], ids=["unbiased", "biased"])


MEASURES = {
    "moments": by_moments,
    "grams": by_grams,
    "biased moments": lambda x, y: by_moments(x, y, biased=True),
    "biased grams": lambda x, y: by_grams(x, y, biased=True),
    "levels of one": by_levels,
    "levels of four": lambda x, y: by_levels(x, y, size=4),
}
MEASURE = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


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
