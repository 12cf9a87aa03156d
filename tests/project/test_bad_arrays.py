"""Arrays that do not fit, through every command of arrays: one line, exit 2, nothing written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.refused import ROWS, TWINS, X, refused, says, spoilt

ARRAY_COMMANDS: dict[str, tuple[str, ...]] = {
    "cka": ("a.npy",),
    "similarity": ("a.npy",),
    "invariance": (),
    "probes": ("--factor", "y.npy"),
}
"""Command of arrays -> what else it is given."""
ARRAYS: dict[str, tuple[str, Callable[[np.ndarray], Any], str]] = {
    "NaN": ("bad.npy", lambda x: spoilt(x, np.nan), "expected finite features, got NaN or inf"),
    "infinity": ("bad.npy", lambda x: spoilt(x, -np.inf), "expected finite features, got NaN or"),
    "too large": ("bad.npy", lambda x: x * 1e200, "expected features up to 1e150, got larger"),
    "objects": (
        "bad.npy",
        lambda x: x.astype(object),
        "bad.npy: expected numbers, got an array of",
    ),
    "objects in an archive": (
        "bad.npz",
        lambda x: {"x": x.astype(object)},
        "bad.npz: expected numbers, got an array of objects",
    ),
    "no key": ("bad.npz", lambda x: {}, "bad.npz: expected one array, got 0"),
    "another key": (
        "bad.npz",
        lambda x: {"x": x, "z": x},
        "expected one array, got 2 (['x', 'z'])",
    ),
    "text": ("bad.npy", lambda x: x.astype(str), "expected features as real numbers, got <U"),
    "complex": ("bad.npy", lambda x: x + 1j, "expected features as real numbers, got complex128"),
    "no rows": ("bad.npy", lambda x: x[:0], "none of them 0, got (0, "),
    "no features": ("bad.npy", lambda x: x[..., :0], "none of them 0, got (40, "),
    "one axis": (
        "bad.npy",
        lambda x: x[..., 0].reshape(-1),
        "bad.npy: expected an array of shape (",
    ),
    "an axis too many": ("bad.npy", lambda x: x[..., None], "flatten what is one state to a row"),
    "one row again and again": (
        "bad.npy",
        lambda x: x[:1].repeat(ROWS, 0),
        "expected rows that dif",
    ),
}
LABELS: dict[str, tuple[Any, str]] = {
    "one level": (np.zeros(ROWS), "bad.npy: expected at least 2 levels, got one"),
    "fewer levels than rows": (
        np.arange(ROWS - 1),
        "bad.npy: expected the level of each of 40 rows",
    ),
    "levels of NaN": (np.full(ROWS, np.nan), "bad.npy: expected finite levels, got NaN"),
    "levels of objects": (
        np.full(ROWS, None),
        "bad.npy: expected numbers, got an array of objects",
    ),
    "levels in two columns": (np.zeros((ROWS, 2)), "shape (40,), got (40, 2)"),
}
FACTORS: dict[str, tuple[Any, str]] = {
    "one number": (np.full(ROWS, 2.5), "factor: expected a factor that varies, got 2.5 in all 40"),
    "one class": (
        np.full(ROWS, "a"),
        "factor: expected a factor that varies, got 'a' in all 40 rows",
    ),
    "NaN": (spoilt(X, np.nan)[:, 2], "bad.npy: expected finite values of a factor, got NaN"),
    "too few": (
        np.arange(39.0),
        "bad.npy: expected the factor of each of 40 rows, shape (40,), got",
    ),
    "objects": (np.full(ROWS, None), "bad.npy: expected numbers, got an array of objects"),
    "a class of one row": (["a", *"b" * 39], "factor: expected members of class"),
}


def write(name: str, value: Any) -> None:
    if isinstance(value, dict):
        np.savez(name, **value)
    else:
        np.save(name, value)


@pytest.fixture
def sound(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", X)
    np.save("y.npy", X[:, 0])
    np.save("twins.npy", TWINS)


@pytest.mark.parametrize("command", ARRAY_COMMANDS)
@pytest.mark.parametrize("fault", ARRAYS)
def test_arrays(fault, command, sound, capsys, monkeypatch):
    name, change, message = ARRAYS[fault]
    write(name, change(TWINS if command == "invariance" else X))
    says(refused(capsys, monkeypatch, command, name, *ARRAY_COMMANDS[command]), message)


@pytest.mark.parametrize("command", ARRAY_COMMANDS)
def test_arrays_of_unequal_rows(command, sound, capsys, monkeypatch):
    x = TWINS if command == "invariance" else X
    write("one.npy", x)
    write("two.npy", x[:-1])
    more = [one for one in ARRAY_COMMANDS[command] if one != "a.npy"]
    found = refused(capsys, monkeypatch, command, "one.npy", "two.npy", *more)
    says(found, "row by row, got 40 in one.npy, 39 in two.npy rows")


@pytest.mark.parametrize("command", ARRAY_COMMANDS)
@pytest.mark.parametrize("fault", LABELS)
def test_levels_of_arrays(fault, command, sound, capsys, monkeypatch):
    value, message = LABELS[fault]
    write("bad.npy", value)
    first = "twins.npy" if command == "invariance" else "b.npy"
    write("b.npy", X + 1)
    given = (first, *ARRAY_COMMANDS[command], "--levels", "bad.npy")
    says(refused(capsys, monkeypatch, command, *given), message)


def test_renderings_of_one_variant(sound, capsys, monkeypatch):
    write("one.npy", TWINS[:, :1])
    found = refused(capsys, monkeypatch, "invariance", "one.npy")
    says(found, "one.npy: expected at least 2 states of at least 2 variants, got (40, 1, 6)")


@pytest.mark.parametrize("fault", FACTORS)
def test_factors_of_arrays(fault, sound, capsys, monkeypatch):
    value, message = FACTORS[fault]
    write("bad.npy", value)
    says(refused(capsys, monkeypatch, "probes", "a.npy", "--factor", "bad.npy"), message)
