"""The property table: every entry of every measure asserted, those that hold and those that do not.

Values come from the panel itself, the road that the command takes.
"""

import inspect
from itertools import permutations

import numpy as np
import pytest

from analysis.measures import alignment, kernels, neighbours, panel
from analysis.measures import rsa as rsa_module
from analysis.measures.alignment import Spectrum, procrustes, pwcca, svcca
from analysis.measures.chance import level_permutations
from analysis.measures.hsic import linear_gram
from analysis.measures.kernels import angular_cka, deconfounded_cka, linear_cka, rbf_cka
from analysis.measures.neighbours import mutual_neighbours, neighbour_profile
from analysis.measures.panel import (
    MEASURES,
    PROFILES,
    PolicyLayers,
    Prepared,
    Setup,
    alignments,
    profiles,
)
from analysis.measures.profiles import Pairs
from analysis.measures.rsa import rsa
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.compared import compare_pairs
from checkpoints.doors.arrays import ArrayLike
from checkpoints.policy.ids import parse_id
from tests.support.cka_reference import features

N, NEAR = 40, 5
INPUTS = np.random.default_rng(9).normal(size=(N, 7))
NAMES = [one.name for one in MEASURES]
EACH = pytest.mark.parametrize("measure", MEASURES, ids=NAMES)
FUNCTIONS = {
    "cka": linear_cka,
    "cka_deconfounded": lambda x, y: deconfounded_cka(x, y, INPUTS[: len(x)]),
    "cka_one_background": linear_cka,
    "cka_rbf": rbf_cka,
    "cka_angular": angular_cka,
    "rsa": rsa,
    "neighbours": lambda x, y: mutual_neighbours(x, y, NEAR),
    "procrustes": procrustes,
    "svcca": svcca,
    "pwcca": pwcca,
}


def look(*layers):
    names = tuple(f"layer{i}" for i in range(len(layers)))
    return PolicyLayers(names, layers, layers, np.zeros(len(layers[0]), dtype=np.int64))


A, B = (parse_id(f"leaper/ppo/{seed}/peer0/step1") for seed in range(2))


def compare(one, other, setup, *rest):
    (found,) = compare_pairs([(A, B)], {A: one, B: other}, setup, *rest)
    return found


def by_panel(name, x, y, inputs=INPUTS):
    setup = Setup.of(np.arange(len(x)), inputs[: len(x)], neighbours=NEAR)
    return float(compare(look(x), look(y), setup).values[name][0, 0])


def rotation(d, rng):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def stretch(d, rng):
    """Invertible, with a condition number of 30."""
    return rotation(d, rng) * np.geomspace(1, 30, d) @ rotation(d, rng)


CHANGES = {
    "rotation": lambda x, rng: x @ rotation(x.shape[1], rng),
    "units": lambda x, rng: x[:, rng.permutation(x.shape[1])],
    "scaling": lambda x, rng: 3.7 * x,
    "translation": lambda x, rng: x + 20 * rng.normal(size=x.shape[1]),
    "linear": lambda x, rng: x @ stretch(x.shape[1], rng),
}


def test_the_table_is_complete():
    assert set(FUNCTIONS) == set(NAMES) == {*panel.PROFILES, *panel.SPECTRA, "cka_angular"}
    booleans = {name for name, kind in panel.Similarity.__annotations__.items() if kind is bool}
    assert booleans == {*CHANGES, "symmetric", "unbiased"}


def test_every_function_of_two_layers_is_classified():
    found = set()
    for module in (alignment, kernels, neighbours, rsa_module):
        for name, one in inspect.getmembers(module, inspect.isfunction):
            takes = list(inspect.signature(one).parameters.values())[:2]
            two = [(p.name, p.annotation) for p in takes] == [(n, ArrayLike) for n in "xy"]
            if two and one.__module__ == module.__name__ and not name.startswith("_"):
                found.add(name)
    sources = " ".join(inspect.getsource(one) for one in FUNCTIONS.values())
    assert len(found) == 9
    assert {name for name in found if f"{name}(" not in sources} == set()


@EACH
@pytest.mark.parametrize("change", CHANGES)
def test_invariance(measure, change):
    x, y = features(N)
    before, moved = by_panel(measure.name, x, y), []
    for side in (0, 1):
        layers = [x, y]
        layers[side] = CHANGES[change](layers[side], np.random.default_rng(2))
        moved.append(abs(by_panel(measure.name, *layers) - before))
    if getattr(measure, change):
        assert max(moved) < 1e-6
    else:
        assert max(moved) > 0.005


@EACH
def test_symmetry(measure):
    x, y = features(N)
    apart = abs(by_panel(measure.name, x, y) - by_panel(measure.name, y, x))
    assert apart < 1e-7 if measure.symmetric else apart > 0.005


@EACH
def test_the_order_of_states_does_not_matter_on_both_sides_and_does_on_one(measure):
    x, y = features(N)
    order, before = np.random.default_rng(3).permutation(N), by_panel(measure.name, x, y)
    moved = by_panel(measure.name, x[order], y[order], INPUTS[order])
    assert moved == pytest.approx(before, abs=1e-6)
    assert abs(by_panel(measure.name, x[order], y) - before) > 0.02


@EACH
def test_a_layer_with_itself_and_the_range(measure):
    x, _ = features(N)
    # A float32 profile is of length 1 to 1e-7, and an angle is the root of that.
    assert by_panel(measure.name, x, x) == pytest.approx(measure.same, abs=2e-3)
    assert FUNCTIONS[measure.name](x, x) == pytest.approx(measure.same, abs=1e-6)
    rng = np.random.default_rng(0)
    few = [FUNCTIONS[measure.name](*rng.normal(size=(2, 12, 2))) for _ in range(100)]
    assert measure.low - 1e-9 <= min(few) and max(few) <= measure.high + 1e-9
    assert max(few) - min(few) > 0.2
    if measure.low < 0:
        assert min(few) < -0.1  # not clamped


@EACH
def test_independent_layers_read_zero_where_it_says_so(measure):
    rng = np.random.default_rng(0)
    found = np.array([FUNCTIONS[measure.name](*rng.normal(size=(2, N, 10))) for _ in range(100)])
    zero = np.pi / 2 if measure.kind == "angle" else 0.0
    error = found.std() / np.sqrt(len(found))
    # Four standard errors: a false alarm in 16,000 runs of other seeds.
    if measure.unbiased:
        assert abs(found.mean() - zero) < 4 * error < 0.05
    else:
        assert found.mean() - zero > 20 * error


@EACH
def test_the_panel_and_the_function_are_one(measure):
    x, y = features(N)
    expected = FUNCTIONS[measure.name](x, y)
    assert by_panel(measure.name, x, y) == pytest.approx(expected, abs=2e-7)


def test_one_background_is_read_from_the_other_pictures():
    x, y = features(N)
    sides = [
        PolicyLayers(("a",), [own], [plain], np.zeros(N, int)) for own, plain in ((x, y), (y, y))
    ]
    found = compare(*sides, Setup.of(np.arange(N), INPUTS)).values
    assert found["cka"][0, 0] == pytest.approx(linear_cka(x, y), abs=1e-6)
    assert found["cka_one_background"][0, 0] == pytest.approx(1, abs=1e-6)


def test_the_angle_is_a_metric():
    layers = [z for seed in range(4) for z in features(12, 3, 2, seed)]
    layers += [np.hstack(layers[:2]), np.hstack(layers[2:4])]
    d = np.array([[angular_cka(x, y) for y in layers] for x in layers])
    assert all(d[i, k] <= d[i, j] + d[j, k] + 1e-9 for i, j, k in permutations(range(10), 3))
    # The same is false of 1 - CKA, because the kernel of two layers side by side is between theirs.
    c = 1 - np.cos(d)
    assert any(c[i, k] > c[i, j] + c[j, k] + 1e-9 for i, j, k in permutations(range(10), 3))


def test_dead_layers_read_nan_and_leave_the_others():
    x, y = features(N)
    levels = np.repeat(np.arange(10), 4)
    setup = Setup.of(levels, INPUTS, neighbours=NEAR)
    weights, moves = cluster_weights(levels, 20, 0), level_permutations(levels, 20, 0)
    found = compare(look(x, 0 * x), look(y, y), setup, weights, moves)
    chance = [getattr(one, part) for one in found.chance.values() for part in ("p", "p_max")]
    for grid in (*found.values.values(), *found.draws.values(), *chance):
        assert np.isfinite(grid[..., 0, :]).all() and np.isnan(grid[..., 1, :]).all()
    assert len(found.values) == len(MEASURES) and len(found.chance) == len(PROFILES)


def test_more_directions_than_states_read_nan_in_cca_only():
    x, y = np.random.default_rng(0).normal(size=(2, N, 60))
    found = compare(look(x), look(y), Setup.of(np.arange(N), INPUTS, neighbours=NEAR)).values
    assert {name for name, grid in found.items() if np.isnan(grid).any()} == {"svcca", "pwcca"}


def test_matched_layers_alone_are_aligned_where_only_they_are_asked_for():
    x, y = (Spectrum.of(one) for one in features(N))
    every, some = alignments([x, y], [y, x]), alignments([x, y], [y, x], matched=True)
    for name, cells in some.items():
        np.testing.assert_array_equal(np.diagonal(cells), np.diagonal(every[name]))
        assert np.isnan(cells[[0, 1], [1, 0]]).all() and np.isfinite(every[name]).all()


def test_constant_pixels_explain_nothing():
    x, y = features(N)
    found = compare(look(x), look(y), Setup.of(np.arange(N), np.ones((N, 2, 2)))).values
    np.testing.assert_allclose(found["cka"], found["cka_deconfounded"], atol=1e-6)


def test_packing_loses_nothing():
    x, _ = features(N)
    one = Prepared(look(x))
    np.testing.assert_array_equal(one.gram(0), linear_gram(x))
    assert one.gram(0, plain=True) is not one.gram(0)


def test_pairs_that_are_near_nowhere_are_left_out_and_say_nothing():
    x, y = features(N)
    setup = Setup.of(np.arange(N), INPUTS, neighbours=NEAR)
    pairs, rows = profiles({"x": Prepared(look(x)), "y": Prepared(look(y))}, "neighbours", setup)
    assert N * NEAR <= len(pairs) <= 2 * N * NEAR
    every = Pairs.of(np.arange(N), ordered=True)
    whole = neighbour_profile(linear_gram(x), every, NEAR)
    np.testing.assert_allclose(pairs.square(rows["x"][0]), every.square(whole), atol=1e-7)


def test_pairs_are_those_of_different_levels():
    pairs = Pairs.of(np.array(["b", "a", "b", "c", "d"]))
    assert len(pairs) == 9 and not ((pairs.i == 0) & (pairs.j == 2)).any()
    assert len(Pairs.of(np.arange(5), ordered=True)) == 20
    for ordered in (False, True):
        two = Pairs.of(np.array([0, 0, 1, 2, 3]), ordered=ordered)
        square = two.square(np.arange(len(two), dtype=float))
        np.testing.assert_array_equal(square[two.i, two.j], np.arange(len(two)))
        assert np.array_equal(square, square.T) is not ordered
