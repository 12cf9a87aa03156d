"""Arrays in place of policies: rows are the same states, and what does not fit is refused."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from analysis.scenes.arrays import EACH, are_arrays, arrays_settings, read_arrays
from checkpoints.console import UserError

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", X)
    np.savez("b.npz", X[:, :2] * 2)
    save_file({"layer": X}, "c.safetensors")
    save_file({"one": X, "two": X}, "policy.safetensors")
    np.save("levels.npy", np.arange(12) // 3)
    return tmp_path


def test_arrays_are_told_from_policies(folder):
    assert are_arrays(["a.npy", "b.npz", "c.safetensors"])
    assert not are_arrays(["starpilot/ppo/0", "policy.safetensors", "not-there.safetensors"])
    assert not are_arrays([])
    with pytest.raises(UserError, match=r"got both: a\.npy is an array and coinrun/ppo/0 is none"):
        are_arrays(["coinrun/ppo/0", "a.npy"])


@dataclass(frozen=True)
class OfArrays:
    levels: str = ""
    seed: int = 0


@dataclass(frozen=True)
class OfBoth(OfArrays):
    ids: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()


def test_a_command_of_both_takes_arrays_as_arrays(folder):
    found = arrays_settings(OfBoth("levels.npy", 3, ids=("a.npy",)), OfArrays)
    assert found == OfArrays("levels.npy", 3)
    assert arrays_settings(OfBoth(ids=("coinrun/ppo/0",), layers=("conv3",)), OfArrays) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (OfBoth(ids=("a.npy",), layers=("conv3",)), "--layers: expected policies, got arrays"),
        (OfBoth(ids=("a.npy",), policy=("p.py:f",)), "--policy: expected policies, got arrays"),
        (OfBoth("each", ids=("coinrun/ppo/0",)), "--levels: expected arrays, got policies"),
    ],
)
def test_a_setting_of_the_other_kind_is_refused(folder, settings, message):
    with pytest.raises(UserError, match=message):
        arrays_settings(settings, OfArrays)


def test_all_formats_are_read_with_their_levels(folder):
    found = read_arrays(["a.npy", "b.npz", "c.safetensors"], "levels.npy")
    assert found.states == 12
    np.testing.assert_array_equal(found.features["c.safetensors"], X)
    assert found.levels is not None and found.levels.tolist() == (np.arange(12) // 3).tolist()
    assert set(found.files) == {"a.npy", "b.npz", "c.safetensors", "levels"}
    assert len(set(found.files.values())) == 4
    assert read_arrays(["a.npy"], "").levels is None
    alone = read_arrays(["a.npy"], EACH)
    assert alone.levels is not None and len(set(alone.levels)) == 12
    assert alone.files["levels"] == EACH


def test_whole_numbers_and_text_labels_will_do(folder):
    np.save("a.npy", (X * 100).astype(np.uint8))
    np.save("levels.npy", np.repeat(["left", "right"], 6))
    found = read_arrays(["a.npy"], "levels.npy")
    assert found.features["a.npy"].dtype == np.float64
    assert found.levels is not None and found.levels[0] == "left"


def test_a_home_folder_is_understood(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert read_arrays(["~/a.npy"], "~/levels.npy").states == 12


BAD = {
    "unequal": (X[:5], r"got 12 in a\.npy, 5 in bad\.npy rows"),
    "three axes": (X[..., None], r"shape \(rows, features\).*\(12, 3, 1\); flatten what is one"),
    "one axis": (X[:, 0], r"shape \(rows, features\).*\(12,\); save it so"),
    "no features": (X[:, :0], r"none of them 0, got \(12, 0\)"),
    "constant": (np.ones((12, 3)), r"bad\.npy: expected rows that differ, got the same one 12"),
    "large": (X.astype(float) * 1e160, r"bad\.npy: expected features up to 1e150"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arrays_are_refused(folder, name):
    value, message = BAD[name]
    np.save("bad.npy", value)
    with pytest.raises(UserError, match=message):
        read_arrays(["a.npy", "bad.npy"], "")


def test_bad_choices_are_refused(folder):
    with pytest.raises(UserError, match="expected at least 2 arrays of the same states, got 1"):
        read_arrays(["a.npy"], "", least=2)
    with pytest.raises(UserError, match=r"expected each array once, got a\.npy, a\.npy"):
        read_arrays(["a.npy", "a.npy"], "")
    np.save("short.npy", np.arange(11))
    with pytest.raises(UserError, match=r"level of each of 12 rows, shape \(12,\), got \(11,\)"):
        read_arrays(["a.npy"], "short.npy")
    np.save("one.npy", np.zeros(12))
    with pytest.raises(UserError, match=r"one\.npy: expected at least 2 levels, got one"):
        read_arrays(["a.npy"], "one.npy")
    with pytest.raises(UserError, match="expected a file of levels, but there is none at gone"):
        read_arrays(["a.npy"], "gone.npy")
