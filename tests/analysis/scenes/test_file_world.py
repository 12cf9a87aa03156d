"""A world in a file: what is read is what was written, and what is wrong is told in one line."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.scenes.cache import note_content
from analysis.scenes.file_world import open_world
from analysis.scenes.twin_sets import twin_set
from analysis.scenes.worlds import world_of
from checkpoints.console import UserError
from checkpoints.world.games import get_game
from tests.support.planted_world import VARIANTS, planted, write_world

WORLD = "planted-stack"


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    return planted(WORLD)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("worlds") / "world.npz", WORLD)


def test_frames_masks_and_factors_are_those_of_the_file(file: Path, arrays, tmp_path: Path):
    world = open_world(file, tmp_path)
    bank = world.bank(10**5)
    assert len(bank) == len(arrays["level"]) and world_of(WORLD) is world
    assert np.array_equal(world.render(bank.states, range(VARIANTS)), arrays["frames"])
    shown = np.maximum(arrays["own"], 0)
    assert np.array_equal(bank.observations, arrays["frames"][np.arange(len(bank)), shown])
    assert np.array_equal(world.masks(bank.states), arrays["mask"])
    assert np.array_equal(world.factors(bank.states)["bright"], arrays["factor/bright"])
    assert get_game(WORLD).image_shape == (84, 84, 4) and get_game(WORLD).num_actions == 5


def test_some_states_are_drawn_by_the_seed_and_at_most_so_many_of_a_level(file, arrays, tmp_path):
    world = open_world(file, tmp_path)
    bank = world.bank(20, 3, per_level=2)
    assert len(bank) == 20 and np.unique(bank.levels, return_counts=True)[1].max() <= 2
    assert bank.states[:] == world.bank(20, 3, per_level=2).states[:]
    assert bank.states[:] != world.bank(20, 4, per_level=2).states[:]
    assert np.array_equal(bank.levels, arrays["level"][world.rows(bank.states)])


def test_a_twin_set_reads_the_variants_asked_for_in_blocks(file: Path, arrays, tmp_path: Path):
    world = open_world(file, tmp_path)
    bank = world.bank(30, 1)
    twins = twin_set(WORLD, bank, (3, 0))
    blocks = list(twins.blocks(7))
    rows = world.rows(bank.states)
    assert [len(one.frames) for one in blocks] == [7, 7, 7, 7, 2]
    found = np.concatenate([one.frames for one in blocks])
    assert np.array_equal(found, arrays["frames"][rows][:, [3, 0]])


def test_a_file_is_unpacked_once(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    world = open_world(file, tmp_path)
    monkeypatch.setattr("analysis.scenes.file_world._unpack", lambda *_: pytest.fail("again"))
    assert open_world(file, tmp_path).digest == world.digest


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("damage", ["forged", "pipe", "folder"])
def test_what_is_no_longer_that_file_is_unpacked_anew(
    damage: str, place: int, file: Path, tmp_path: Path
):
    path = open_world(file, tmp_path).files[place]
    whole = path.read_bytes()
    path.unlink()
    if damage == "forged":
        np.save(path, np.zeros(3))
        note_content(path)
    else:
        os.mkfifo(path) if damage == "pipe" else path.mkdir()
    assert open_world(file, tmp_path).files[place].read_bytes() == whole


def test_in_blocks_of_states_smaller_than_the_file(file, arrays, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.scenes.world_format.PART", 7 * arrays["frames"][0].nbytes)
    world = open_world(file, tmp_path)
    assert np.array_equal(np.load(world.files[0]), arrays["frames"])
    assert np.array_equal(np.load(world.files[1]), arrays["mask"])


def _meta(**changes: Any) -> np.ndarray:
    usual = {"world": WORLD, "variants": [f"v{k}" for k in range(VARIANTS)], "actions": 5}
    return np.array(json.dumps(usual | changes))


def _same(arrays: dict[str, Any]) -> np.ndarray:
    frames = arrays["frames"].copy()
    frames[:, 4] = frames[:, 1]
    return frames


STATES = 144
FAULTS = {
    "floats": ("frames", lambda a: a["frames"][:4].astype(np.float32), "got float32 of shape"),
    "four axes": ("frames", lambda a: a["frames"][:, 0], "expected uint8 of shape .states, var"),
    "channels first": (
        "frames",
        lambda a: np.moveaxis(a["frames"], -1, 2),
        r"at most 64 channels, last, got uint8 .* move them with np.moveaxis",
    ),
    "one variant": ("frames", lambda a: a["frames"][:, :1], "a state drawn once has no twins"),
    "by columns": ("frames", lambda a: np.asfortranarray(a["frames"]), "got Fortran's"),
    "fewer frames": ("frames", lambda a: a["frames"][:-1], r"for each of 143 states, shape \(143,"),
    "identical variants": ("frames", _same, "the same frames in 'v1' and 'v4', in all 144 states"),
    "no frames": ("frames", lambda a: None, "lacking frames; add"),
    "no level": ("level", lambda a: None, "lacking level; add"),
    "one level": ("level", lambda a: np.zeros(STATES, int), "at least 2 levels, got one; int"),
    "levels of floats": ("level", lambda a: a["level"] / 2, "level: expected a level, a whole"),
    "own too large": ("own", lambda a: a["own"] + 1, r"or -1 for none of them, got 0 to 5"),
    "own too short": ("own", lambda a: a["own"][:5], r"own: expected a whole number for each"),
    "objects": ("own", lambda a: np.array([None] * STATES, object), "takes pickle to read"),
    "time below 0": ("time", lambda a: a["time"] - 1, "time: expected steps, 0 or more, got -1"),
    "mask empty": ("mask", lambda a: a["mask"] & False, "got an empty one, first of state 0"),
    "mask full": ("mask", lambda a: a["mask"] | True, "got a full one, first of state 0"),
    "mask too small": ("mask", lambda a: ~a["mask"], "vary only under the mask, got 6,992"),
    "mask of counts": ("mask", lambda a: a["mask"] * np.uint8(3), "mask: expected 0 and 1, got 3"),
    "mask of another size": ("mask", lambda a: a["mask"][:, 1:], "mask: expected true or false of"),
    "unknown key": ("extra", lambda a: np.zeros(3), "unknown array 'extra'; expected frames"),
    "factor too short": ("factor/x", lambda a: np.zeros(3), "factor/x: expected a number or class"),
    "factor infinite": ("factor/x", lambda a: np.full(STATES, np.inf), "thing, got infinity"),
    "factor reserved": ("factor/background", lambda a: np.zeros(STATES), "other than background"),
    "meta no text": ("meta", lambda a: np.zeros(3), "meta: expected one text of at most 65,536"),
    "meta no JSON": ("meta", lambda a: np.array("{"), "meta: expected JSON, but"),
    "meta unknown": ("meta", lambda a: _meta(more=1), "unknown field `more`"),
    "a game's name": ("meta", lambda a: _meta(world="starpilot"), "none of Procgen's games, such"),
    "a bad name": ("meta", lambda a: _meta(world="My World"), "got 'My World'"),
    "too few names": ("meta", lambda a: _meta(variants=["v"]), "each of the 5 variants of frames"),
    "equal names": ("meta", lambda a: _meta(variants=["v"] * 5), "variants of different names"),
    "one action": ("meta", lambda a: _meta(actions=1), "actions from 2 to 10,000, or 'contin"),
    "actions a word": ("meta", lambda a: _meta(actions="many"), "meta: Invalid enum value 'many'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_and_nothing_is_kept(fault: str, arrays, tmp_path: Path):
    name, change, message = FAULTS[fault]
    changed = {key: value for key, value in (arrays | {name: change(arrays)}).items()}
    path = tmp_path / "world.npz"
    np.savez(path, **{key: value for key, value in changed.items() if value is not None})
    with pytest.raises(UserError, match=message):
        open_world(path, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))


def test_what_is_no_archive_is_told(file: Path, tmp_path: Path):
    cut = tmp_path / "cut.npz"
    cut.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"a world in a complete .npz file, but .*cut.npz is trunc"):
        open_world(cut)
    with pytest.raises(UserError, match="expected a world, but there is none at"):
        open_world(tmp_path / "none.npz")


def test_states_of_others_are_refused(file: Path, tmp_path: Path):
    world = open_world(file, tmp_path)
    with pytest.raises(UserError, match="which are the rows of a file, got others"):
        world.own([b"12345678"])
    with pytest.raises(UserError, match="expected variants 0 to 4, got"):
        world.render(world.bank(4).states, [5])
