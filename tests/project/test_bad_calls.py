"""What does not fit, through every function of ``twinscope``: one sentence that says what does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import twinscope
from checkpoints.console import UserError
from tests.support.refused import RNG, ROWS, TWINS, X, spoilt

Y = RNG.normal(size=(ROWS, 5))
P = np.full((ROWS, 4), 0.25)
TWO: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: getattr(twinscope, name)
        for name in ("cka", "rbf_cka", "angular_cka", "rsa", "mutual_neighbours", "procrustes")
    },
    **{name: getattr(twinscope, name) for name in ("svcca", "pwcca")},
    "cka_matrix": lambda x, y: twinscope.cka_matrix([x], [y]),
    "deconfounded_cka": lambda x, y: twinscope.deconfounded_cka(x, y, np.arange(ROWS)[:, None]),
}
SIDES: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "NaN": (
        lambda x: spoilt(x, np.nan),
        "expected finite features, got NaN or inf, first in row 3",
    ),
    "infinity": (lambda x: spoilt(x, np.inf), "expected finite features, got NaN or inf, first in"),
    "too large": (lambda x: x * 1e200, "expected features up to 1e150, got larger ones; scale"),
    "unequal rows": (lambda x: x[:-1], r"expected x and y of the same states, got (39|40) and "),
    "no rows": (
        lambda x: x[:0],
        r"none of them 0, got \(0, \d\)|same states, got (0|40) and|got 0;",
    ),
    "no features": (lambda x: x[:, :0], r"\(states, features\), none of them 0, got \(40, 0\)"),
    "one axis": (lambda x: x[:, 0], r"\(states, features\), none of them 0, got \(40,\); flat"),
    "three axes": (lambda x: x[..., None], r"none of them 0, got \(40, \d, 1\); flatten each"),
    "constant": (lambda x: np.ones_like(x), "expected (a layer that varies|layers that vary) betw"),
    "objects": (
        lambda x: x.astype(object),
        "expected an array of real numbers, got ndarray of obj",
    ),
    "text": (lambda x: x.astype(str), "expected an array of real numbers, got ndarray of <U"),
    "unequal lists": (lambda x: [*x.tolist()[1:], [1.0]], "got list that is none .* rows of one"),
    "nothing": (lambda x: None, "expected an array of real numbers, got NoneType of object"),
}


@pytest.mark.parametrize("function", TWO)
@pytest.mark.parametrize("fault", SIDES)
@pytest.mark.parametrize("side", ["x", "y"])
def test_functions_of_two_arrays(side, fault, function):
    change, message = SIDES[fault]
    pair = (change(X), Y) if side == "x" else (X, change(Y))
    with pytest.raises(UserError, match=message) as told:
        TWO[function](*pair)
    assert "\n" not in str(told.value)


LOGITS = spoilt(P, -3.0)
ONE: dict[str, tuple[Callable[[], Any], str]] = {
    "icc, one variant": (
        lambda: twinscope.icc(TWINS[:, :1]),
        r"2 or more backgrounds, features\), got \(40, 1, 6\); fl",
    ),
    "icc, NaN": (lambda: twinscope.icc(spoilt(TWINS, np.nan)), "finite features, got NaN or inf"),
    "icc, too large": (lambda: twinscope.icc(TWINS * 1e200), "expected features up to 1e150, got"),
    "icc, one level": (lambda: twinscope.icc(TWINS, np.zeros(ROWS)), "of at least 2 levels, got 1"),
    "icc, fewer levels": (lambda: twinscope.icc(TWINS, np.arange(3)), "got 3 labels for 40 states"),
    "icc, levels of nothing": (
        lambda: twinscope.icc(TWINS, [None] * ROWS),
        r"levels: expected one number or text a row, got list of object with shape \(40,\)",
    ),
    "icc, levels of NaN": (
        lambda: twinscope.icc(TWINS, np.full(ROWS, np.nan)),
        "levels: expected a label in every row, got NaN; leave",
    ),
    "icc, levels in columns": (
        lambda: twinscope.icc(TWINS, np.zeros((ROWS, 2))),
        r"levels: expected one number or text a row, .* with shape \(40, 2\)",
    ),
    "rsa, levels in columns": (
        lambda: twinscope.rsa(X, Y, np.zeros((ROWS, 2))),
        r"levels: expected one number or text a row, .* with shape \(40, 2\)",
    ),
    "rank, NaN": (lambda: twinscope.effective_rank(spoilt(X, np.nan)), "x: expected finite featu"),
    "rank, one axis": (lambda: twinscope.effective_rank(X[0]), r"none of them 0, got \(6,\)"),
    "tv, NaN": (lambda: twinscope.tv(P, spoilt(P, np.nan)), "q: expected probabilities, which add"),
    "tv, logits": (
        lambda: twinscope.tv(LOGITS, P),
        "p: expected probabilities, .* softmax of logi",
    ),
    "tv, unequal rows": (lambda: twinscope.tv(P, P[:-1]), r"same states, got shapes \(40, 4\) and"),
    "tv, no rows": (lambda: twinscope.tv(P[:0], P[:0]), r"p: expected probab.* shape \(0, 4\)"),
    "read, floats": (
        lambda: twinscope.read(blank(), np.zeros((2, 64, 64, 3))),
        r"numpy array of uint8 \(n, 64, 64, 3\), .* got ndarray of float64 with shape",
    ),
    "read, channels first": (
        lambda: twinscope.read(blank(), np.zeros((2, 3, 64, 64), np.uint8)),
        r"colours last, got ndarray of uint8 with shape \(2, 3, 64, 64\); convert",
    ),
    "read, another size": (
        lambda: twinscope.read(blank(), np.zeros((2, 84, 84, 3), np.uint8)),
        r"expected frames as .* with shape \(2, 84, 84, 3\); convert them first",
    ),
    "read, no such layer": (
        lambda: twinscope.read(blank(), np.zeros((2, 64, 64, 3), np.uint8), ["hiden"]),
        "unknown layer of nature 'hiden'; expected one of: .*Did you mean 'hidden'",
    ),
    "world, no file": (lambda: twinscope.world(Path("no.npz")), "a world, but there is none at no"),
    "load, no such policy": (lambda: twinscope.load(["starpilot/none/0"]), "starpilot/none/0"),
}


def blank() -> Any:
    from checkpoints.policy.encoders import Policy

    torch.manual_seed(0)
    return Policy("nature", 24).eval()


@pytest.mark.parametrize("fault", ONE)
def test_other_functions(fault):
    call, message = ONE[fault]
    with pytest.raises(UserError, match=message) as told:
        call()
    assert "\n" not in str(told.value)


PROBED: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"x": spoilt(X, np.nan)}, "expected finite features, got NaN or inf in 1 of 40 states"),
    "too large": ({"x": X * 1e200}, "features: expected features up to 1e150, got larger ones"),
    "no features": ({"x": X[:, :0]}, r"none of them 0, got \(40, 0\); flatten"),
    "one value": ({"values": np.ones(ROWS)}, "that varies, got 1.0 in all 40 rows; take other"),
    "one text": (
        {"values": ["a"] * ROWS},
        "factor that varies, got 'a' in all 40 rows; take other",
    ),
    "infinite": ({"values": spoilt(X, np.inf)[:, 2]}, "factor: expected finite values or NaN, got"),
    "unequal rows": ({"values": np.arange(39.0)}, "of the same states, got 40 and 39 rows"),
    "columns": ({"values": X}, r"factor: expected one number or text .* shape \(40, 6\); give a v"),
    "nothing": ({"values": None}, r"factor: expected one number or text a row, got NoneType of ob"),
    "complex": ({"values": X[:, 0] + 1j}, "factor: expected one number or text .* of complex128"),
    "one level": ({"levels": np.zeros(ROWS)}, "expected at least 5 levels, one a fold, got 1"),
    "no replicates": ({"replicates": 0}, "replicates: expected at least 1, got 0; 1000"),
}


@pytest.mark.parametrize("fault", PROBED)
def test_the_probe(fault):
    changed, message = PROBED[fault]
    given = {"x": X, "values": X[:, 0], "levels": np.arange(ROWS) // 2, **changed}
    with pytest.raises(UserError, match=message) as told:
        twinscope.probe(**given)
    assert "\n" not in str(told.value)
