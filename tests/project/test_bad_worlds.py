"""Worlds and policies that do not fit, through every command that takes one.

Each ends in one line and exit code 2, and nothing is written.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.planted_world import planted, write_policy, write_world
from tests.support.refused import refused, says

WORLD = "planted-small"
WORLD_COMMANDS = (
    *("cka", "similarity", "invariance", "robustness", "erasure", "saliency", "embedding"),
    *("probes", "twins"),
)
FEW = planted(WORLD, levels=5, per_level=2)
STATES = len(FEW["level"])


def same_variants() -> np.ndarray:
    frames = FEW["frames"].copy()
    frames[:, 4] = frames[:, 1]
    return frames


WORLDS: dict[str, tuple[str, Any, str]] = {
    "floats": (
        "frames",
        FEW["frames"].astype(np.float32),
        "got float32 of shape (10, 5, 64, 64, 3)",
    ),
    "channels first": ("frames", np.moveaxis(FEW["frames"], -1, 2), "np.moveaxis(frames, 2, -1)"),
    "one variant": ("frames", FEW["frames"][:, :1], "a state drawn once has no twins"),
    "identical variants": (
        "frames",
        same_variants(),
        "the same frames in 'v1' and 'v4', in all 10",
    ),
    "objects": ("own", np.full(STATES, None), "'own': expected numbers, got an array of objects"),
    "a missing key": ("level", None, "lacking level; add what is missing"),
    "an unknown key": ("masks", np.zeros(3), "unknown array 'masks'; expected frames, level, own,"),
    "unequal lengths": (
        "own",
        FEW["own"][:-1],
        "own: expected a whole number for each of 10 states",
    ),
    "one level": ("level", np.zeros(STATES, int), "level: expected at least 2 levels, got one"),
    "an empty mask": ("mask", FEW["mask"] & False, "got an empty one, first of state 0"),
    "a full mask": ("mask", FEW["mask"] | True, "got a full one, first of state 0"),
    "NaN in every value of a factor": (
        "factor/none",
        np.full(STATES, np.nan),
        "factor/none: expected a value in some state, got NaN in all 10",
    ),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Worlds, each with one fault, and policies of the sound one."""
    folder = tmp_path_factory.mktemp("doors")
    write_policy(folder, WORLD)
    for fault, (key, value, _) in WORLDS.items():
        write_world(folder / f"{fault}.npz", WORLD, **{**FEW, key: value})
    write_world(folder / "sound.npz", WORLD, **FEW)
    return folder


@pytest.mark.parametrize("command", WORLD_COMMANDS)
@pytest.mark.parametrize("fault", WORLDS)
def test_worlds(fault, command, files, capsys, monkeypatch):
    given = ["--world", f"{files}/{fault}.npz", "--cache", f"{files}/cache"]
    if command != "twins":
        given += ["--policy", f"{files}/looks.py:sees"]
    says(refused(capsys, monkeypatch, command, *given), f"{fault}.npz: ", WORLDS[fault][-1])
    assert not list((files / "cache").rglob("*.np*"))


# --- policies ---

POLICIES = """
import torch
from looks import Looks, SHAPE
from checkpoints.policy.adapters import Adapted

def made(network=None, layers=("conv", "hidden"), shape=SHAPE, **given):
    network = network or Looks(28, 28)
    return Adapted(network, layers, id="planted-small/mine/0", image_shape=shape, **given)

def nan_weights():
    network = Looks(28, 28)
    with torch.no_grad():
        network.conv.weight[0, 0, 0, 0] = float("nan")
    return made(network)

def nan_features():
    network = Looks(28, 28)
    network.side = torch.nn.Linear(12, 3)
    with torch.no_grad():
        network.side.weight[1] = float("inf")
    def forward(frames):
        logits, values = network(frames)
        network.side(logits[:, :12])
        return logits, values
    return made(network, ("conv", "side"), forward=forward)

def no_such_layer():
    return made(layers=("conv", "hiden"))

def floats():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64 * 64 * 3, 18))
    def forward(frames):
        out = network(frames)
        return out[:, :17], out[:, 17]
    return made(network, ("1",), forward=forward)

def channels_first():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 8, 8), torch.nn.Flatten())
    def forward(frames):
        out = network(frames / 255)
        return out[:, :17], out[:, 17]
    return made(network, ("0",), forward=forward)

def another_size():
    return made(shape=(84, 84, 3))
"""
POLICY_COMMANDS = [name for name in WORLD_COMMANDS if name != "twins"]
FAULTY = {
    "nan_weights": "Looks: expected finite logits and values, got NaN or infinity; load other",
    "nan_features": "Looks: expected finite output of layer 'side', got NaN or infinity; load",
    "no_such_layer": "unknown submodule of Looks 'hiden'; expected one of: conv, hidden, pi, v.",
    "floats": "frames of shape (64, 64, 3), rows first, got RuntimeError: ",
    "channels_first": "frames of shape (64, 64, 3), rows first, got RuntimeError: ",
    "another_size": "whose frames are (64, 64, 3) and whose actions are 17, got one of (84, 84, 3)",
}


@pytest.mark.parametrize("command", POLICY_COMMANDS)
@pytest.mark.parametrize("fault", FAULTY)
def test_policies(fault, command, files, capsys, monkeypatch):
    (files / "mine.py").write_text(POLICIES)
    given = ["--world", f"{files}/sound.npz", "--cache", f"{files}/cache"]
    given += ["--policy", f"{files}/mine.py:{fault}"]
    says(refused(capsys, monkeypatch, command, *given), f"mine.py:{fault}: ", FAULTY[fault])


LAYERED = ("cka", "similarity", "erasure", "probes")


@pytest.mark.parametrize("command", LAYERED)
def test_a_layer_that_no_policy_has(command, files, capsys, monkeypatch):
    given = ["--world", f"{files}/sound.npz", "--cache", f"{files}/cache", "--layers", "hiden"]
    given += ["--policy", f"{files}/looks.py:sees"]
    found = refused(capsys, monkeypatch, command, *given)
    says(found, "'hiden'; expected one of: conv, hidden. Did you mean 'hidden'?")
