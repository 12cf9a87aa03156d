"""Public functions of arrays give one answer for whatever holds the same numbers, or refuse it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

import twinscope
from analysis.measures.by_level import cka_levels
from analysis.measures.icc import measure
from analysis.measures.kernels import angular_cka, deconfounded_cka, linear_cka, rbf_cka
from analysis.measures.mask_scores import mask_scores
from analysis.stats.clusters import cluster_interval
from analysis.stats.few_runs import improvement, profile
from checkpoints.console import UserError

RNG = np.random.default_rng(0)
SHAPES = {"tall": (60, 6), "wide": (10, 60)}
TWO_SIDED: dict[str, Callable[..., Any]] = {
    name: getattr(twinscope, name)
    for name in ("cka", "rbf_cka", "angular_cka", "rsa", "procrustes")
}
TWO_SIDED["mutual_neighbours"] = lambda x, y: twinscope.mutual_neighbours(x, y, k=3)
TWO_SIDED["linear_cka"] = linear_cka
TWO_SIDED["deconfounded_cka"] = lambda x, y: deconfounded_cka(x, y, np.arange(len(x))[:, None])
TWO_SIDED["cka_matrix"] = lambda x, y: twinscope.cka_matrix([x], [y])
TWO_SIDED["cka_levels"] = lambda x, y: cka_levels(
    [x], [y], range(len(x)), np.ones((1, len(x)), int)
)
TALL_ONLY = {name: getattr(twinscope, name) for name in ("svcca", "pwcca")}
MAKE: dict[str, Callable[[np.ndarray], Any]] = {
    "list": np.ndarray.tolist,
    "frame": pd.DataFrame,
    "tensor": torch.tensor,
    "gradient": lambda x: torch.tensor(x, requires_grad=True),
    "half": lambda x: x.astype(np.float16),
    "bfloat16": lambda x: torch.tensor(x).bfloat16(),
}


def check(function: Callable[..., Any], shape: tuple[int, int], kind: str) -> None:
    x, y = RNG.normal(size=shape), RNG.normal(size=shape)
    # Of float16 and bfloat16 3 and 2 digits are left; total variation sums up to 60 of them.
    atol = {"half": 2e-2, "bfloat16": 2e-1}.get(kind, 1e-12)
    found = np.asarray(function(MAKE[kind](x), MAKE[kind](y)))
    assert found.size and np.isfinite(found).all()  # NaN would equal NaN below
    np.testing.assert_allclose(found, function(x, y), atol=atol)


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", TWO_SIDED)
def test_the_same_numbers_give_the_same_answer(name, shape, kind):
    check(TWO_SIDED[name], SHAPES[shape], kind)


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("name", TALL_ONLY)
def test_so_do_canonical_correlations(name, kind):
    check(TALL_ONLY[name], SHAPES["tall"], kind)


@pytest.mark.parametrize("kind", [kind for kind in MAKE if kind != "frame"])
def test_so_does_the_icc(kind):
    x = RNG.normal(size=(20, 1, 5)) + RNG.normal(size=(20, 3, 5)) / 2
    found = measure(MAKE[kind](x), replicates=20).icc
    np.testing.assert_allclose(found, measure(x, replicates=20).icc, atol=2e-2)


@pytest.mark.parametrize("name", [*TWO_SIDED, *TALL_ONLY])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (csr_array(np.eye(12)), "expected an array of real numbers, got csr_array of object"),
        (np.eye(12) + 1j, "expected an array of real numbers, got ndarray of complex128"),
        (pd.DataFrame(np.full((12, 12), "a")), "of real numbers, got DataFrame of object"),
    ],
)
def test_what_holds_no_numbers_is_refused_in_one_sentence(name, bad, message):
    function = {**TWO_SIDED, **TALL_ONLY}[name]
    good = RNG.normal(size=(12, 12))
    for pair in ((good, bad), (bad, good)) if not isinstance(bad, csr_array) else ((good, bad),):
        with pytest.raises(UserError, match=message):
            function(*pair)


@pytest.mark.parametrize("function", [linear_cka, rbf_cka, angular_cka])
def test_a_layer_that_fires_in_one_state_is_refused(function):
    x, y = np.eye(60, 1) * 5, RNG.normal(size=(60, 8))
    with pytest.raises(UserError, match="x: expected a layer that tells pairs of states apart"):
        function(x, y)
    with pytest.raises(UserError, match="y: expected a layer that tells pairs of states apart"):
        function(y, x)


@pytest.mark.parametrize("shape", [(60, 20), (60, 4, 5, 2), (60, 4, 0)])
def test_the_icc_says_which_shape_it_takes(shape):
    with pytest.raises(UserError, match=r"x: expected .* 2 or more backgrounds, features\), got"):
        measure(np.zeros(shape), replicates=20)


@pytest.mark.parametrize("kind", MAKE)
def test_so_does_total_variation(kind):
    p, q = (RNG.dirichlet(np.ones(6), size=20) for _ in range(2))
    found = twinscope.tv(MAKE[kind](p), MAKE[kind](q))
    atol = {"half": 2e-3, "bfloat16": 2e-2}.get(kind, 1e-12)
    np.testing.assert_allclose(found, np.abs(p - q).sum(1) / 2, atol=atol)


def test_decisions_of_other_actions_are_refused():
    with pytest.raises(UserError, match=r"same actions, got shapes \(3, 15\) and \(3, 14\)"):
        twinscope.tv(np.ones((3, 15)), np.ones((3, 14)))
    assert twinscope.tv([0.5, 0.5], [1, 0]) == 0.5


def test_a_mean_of_half_precision_lies_in_its_interval():
    values = (100 + (np.arange(4000) % 10 == 0) * 0.25).astype(np.float16)
    found = cluster_interval(values, np.arange(4000))
    assert found.estimate == pytest.approx(100.025)
    assert found.low <= found.estimate <= found.high


def test_a_mask_from_a_picture_is_refused():
    mask = np.zeros((1, 8, 8), np.uint8)
    mask[0, :3] = 255
    with pytest.raises(UserError, match=r"mask: expected True on the background .* got uint8"):
        mask_scores(np.ones((1, 8, 8)), mask)


def test_scores_do_not_wrap_nor_spread_over_other_games():
    low, high = np.array([[1], [2]], np.uint8), np.array([[3], [4]], np.uint8)
    assert (improvement(low, high), improvement(high, low)) == (0.0, 1.0)
    with pytest.raises(UserError, match=r"of the same games, got \(5, 3\) and \(3, 1\)"):
        improvement(RNG.normal(size=(5, 3)), RNG.normal(size=(3, 1)))
    assert np.isnan(profile(np.full((2, 1), np.nan), np.array([0.0]))).all()
