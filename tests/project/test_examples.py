"""The shipped worlds are what they say; where their simulators are, exporters prove it anew."""

import gc
import sys
from importlib import import_module, util
from pathlib import Path

import numpy as np
import pytest

from analysis.policies.subjects import Subject
from analysis.scenes.file_world import open_world
from tests.support.disk import full_after
from tests.support.tree import ROOT

EXAMPLES = ROOT / "examples"
WORLDS = {
    "crafter_grass": ("crafter", "crafter-grass", (64, 64, 3), 17, "crafter"),
    "atari_palette": ("atari", "atari-maze", (210, 160, 3), 9, "ale_py"),
    "mujoco_floor": ("mujoco", "mujoco-floor", (64, 64, 3), 0, "mujoco"),
}
"""Exporter -> its network, its world, the world's pictures and actions, and what it needs."""


@pytest.fixture(params=WORLDS)
def exporter(request) -> str:
    return request.param


def test_shipped_twins_differ_under_the_mask_alone(exporter: str, tmp_path: Path):
    _, name, shape, actions, _ = WORLDS[exporter]
    # Opening checks every pixel against the mask.
    world = open_world(EXAMPLES / f"{exporter}.npz", tmp_path)
    assert (world.name, world.image_shape, world.num_actions) == (name, shape, actions)
    bank = world.bank(10**4)
    assert len(bank) >= 48 and len(np.unique(bank.levels)) >= 16
    frames, mask = world.render(bank.states, range(6)), world.masks(bank.states)
    varies = (frames != frames[:, :1]).any(axis=(1, 4))
    assert varies.sum() > 0.9 * mask.sum() and len(world.factors(bank.states)) >= 2


def test_its_network_is_a_policy_of_it(exporter: str, tmp_path: Path):
    network, name, *_ = WORLDS[exporter]
    open_world(EXAMPLES / f"{exporter}.npz", tmp_path)
    subject = Subject.made_by(f"{EXAMPLES / 'networks.py'}:{network}")
    assert subject.id.game == name and subject.trained_backgrounds == tuple(range(6))


def test_shipped_worlds_are_small():
    sizes = [(EXAMPLES / f"{exporter}.npz").stat().st_size for exporter in WORLDS]
    assert max(sizes) < 10**6 and sum(sizes) < 1.6e6


class Fake:
    """A scene of one number, with a fault."""

    def __init__(self, fault: str = "") -> None:
        self.fault, self.at, self.drawn = fault, 0, 0

    def step(self, action: int) -> bool:
        self.at += action + (self.drawn if self.fault == "moves" else 0)
        return True

    def save(self) -> int:
        return self.at

    def restore(self, state: int) -> None:
        self.at = state

    def draw(self, variant: int) -> np.ndarray:
        self.drawn += 1
        frame = np.full((4, 4, 3), self.at % 256, dtype=np.uint8)
        frame[:2] = 40 * variant + (self.drawn if self.fault == "noise" else 0)
        return frame

    def mask(self) -> np.ndarray:
        mask = np.zeros((4, 4), dtype=bool)
        mask[: 1 if self.fault == "mask" else 2] = True
        return mask


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("noise", "variant 2 drawn twice differs"),
        ("moves", "after variant 1 was drawn, the world went another way"),
        ("mask", "4 pixels outside of the mask vary"),
    ],
)
def test_what_are_no_twins_is_refused(fault: str, message: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    export = import_module("export")
    frames, mask = export.prove(Fake(), 3, [1, 2])
    assert frames.shape == (3, 4, 4, 3) and mask.sum() == 8
    with pytest.raises(SystemExit, match=message):
        export.prove(Fake(fault), 3, [1, 2])


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    export, path = import_module("export"), tmp_path / "world.npz"
    path.write_text("the old one")
    frames = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)
    with full_after(1000), pytest.raises(SystemExit, match=r"to write .*File too large"):
        export._save(path, frames=frames)
    gc.collect()  # a zip file left open would now print how its closing failed
    assert not capsys.readouterr().err
    assert path.read_text() == "the old one" and list(tmp_path.iterdir()) == [path]


def test_the_proof_anew(exporter: str, monkeypatch: pytest.MonkeyPatch):
    needed = WORLDS[exporter][-1]
    if util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: examples/{exporter}.requirements.txt has it")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    module, export = import_module(exporter), import_module("export")
    scene = {"crafter_grass": "Crafter", "atari_palette": "Atari", "mujoco_floor": "Walker"}
    one = getattr(module, scene[exporter])()
    one.reset(3)
    actions = [np.zeros(4)] * 5 if exporter == "mujoco_floor" else [1] * 5
    frames, _ = export.prove(one, 6, actions)
    assert len(frames) == 6
    sys.modules.pop(exporter)
