"""Twin sets: drawn once, believed only when whole, and read in blocks that fit into memory."""

import os
import tracemalloc

import numpy as np
import pytest

from analysis.scenes import twin_sets as twinset
from analysis.scenes.bank import Bank, StateList
from analysis.scenes.cache import note_content
from analysis.scenes.twin_sets import TwinSet, twin_set
from checkpoints.console import UserError
from checkpoints.world.states import for_drawing
from tests.support.planted_encoders import PlantedPolicy, World
from tests.support.played import play, renderer

BACKGROUNDS = (0, 3, 6)
COLUMNS = ("observations", "levels", "time", "actor")


@pytest.fixture(scope="module")
def bank() -> Bank:
    played = play("bigfish")
    actor = np.zeros(4, dtype=np.int64)
    levels, time = (x.astype(np.int64) for x in (played.levels, played.time))
    return Bank(StateList.of(played.states), played.observations, levels, time, actor)


@pytest.fixture
def drawn(bank, tmp_path, monkeypatch) -> TwinSet:
    # Procgen leaks when environments are destroyed: one renderer serves all tests.
    monkeypatch.setattr("checkpoints.world.renderer.Renderer", renderer)
    return twin_set("bigfish", bank, BACKGROUNDS, tmp_path)


def frames_of(twins: TwinSet, chunk: int = 3) -> np.ndarray:
    return np.concatenate([block.frames for block in twins.blocks(chunk)])


def refuse(*_: object) -> None:
    raise AssertionError("drawn again")


def test_frames_are_the_renderings(drawn, bank):
    assert (len(drawn), drawn.backgrounds) == (4, BACKGROUNDS)
    frames = frames_of(drawn)
    same = np.array_equal(frames, renderer("bigfish").render(bank.states, BACKGROUNDS))
    assert same
    assert frames.shape == (4, 3, 64, 64, 3)


def test_each_state_knows_the_background_it_was_met_on(drawn, bank):
    assert drawn.own.tolist() == [for_drawing(state, "bigfish").own for state in bank.states]


def test_blocks_are_consecutive_and_of_one_size_but_the_last(drawn):
    assert [block.states for block in drawn.blocks(3)] == [slice(0, 3), slice(3, 4)]
    assert [len(block.frames) for block in drawn.blocks()] == [4]
    assert np.array_equal(frames_of(drawn, 1), frames_of(drawn, 4))
    with pytest.raises(UserError, match="chunk: expected at least 1 state, got 0; 32 is usual"):
        next(drawn.blocks(0))


def test_what_was_drawn_is_found_again(drawn, bank, monkeypatch):
    monkeypatch.setattr("checkpoints.world.renderer.Renderer", refuse)
    again = twin_set("bigfish", bank, BACKGROUNDS, drawn.path.parent)
    assert again.path == drawn.path
    assert np.array_equal(frames_of(again), frames_of(drawn))


def test_other_states_or_backgrounds_are_another_set(drawn, bank):
    folder = drawn.path.parent
    columns = {name: getattr(bank, name)[:3] for name in COLUMNS}
    fewer = Bank(StateList.of(bank.states[:3]), **columns)
    paths = {
        drawn.path,
        twin_set("bigfish", bank, (3, 0, 6), folder).path,
        twin_set("bigfish", bank, (0, 3), folder).path,
        twin_set("bigfish", fewer, BACKGROUNDS, folder).path,
    }
    assert len(paths) == 4
    swapped = frames_of(twin_set("bigfish", bank, (3, 0, 6), folder))
    assert np.array_equal(swapped[:, [1, 0, 2]], frames_of(drawn))


def test_sets_lie_in_the_cache_that_the_variable_names(bank, tmp_path, monkeypatch):
    monkeypatch.setattr("checkpoints.world.renderer.Renderer", renderer)
    monkeypatch.setenv("TWINSCOPE_CACHE", str(tmp_path))
    assert twin_set("bigfish", bank, BACKGROUNDS).path.parent == tmp_path / "twins"


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "other", "forged", "flipped", "no note", "pipe", "folder"]
)
def test_a_damaged_file_is_drawn_again(drawn, bank, damage):
    whole = frames_of(drawn)
    data = drawn.path.read_bytes()
    if damage == "other":
        np.save(drawn.path, whole[:2])
    elif damage == "forged":
        np.save(drawn.path, whole[:2])
        note_content(drawn.path)
    elif damage == "pipe":
        drawn.path.unlink()
        os.mkfifo(drawn.path)
    elif damage == "folder":
        drawn.path.unlink()
        drawn.path.mkdir()
    elif damage == "flipped":
        drawn.path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "no note":
        drawn.path.with_suffix(".sha256").unlink()
    else:
        drawn.path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    again = twin_set("bigfish", bank, BACKGROUNDS, drawn.path.parent)
    assert np.array_equal(frames_of(again), whole)


def test_a_full_disk_under_the_map_is_a_message(bank, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("checkpoints.world.renderer.Renderer", renderer)
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(UserError, match=r"expected to write .*No space left on device"):
        twin_set("bigfish", bank, BACKGROUNDS, tmp_path / "twins")
    assert not list((tmp_path / "twins").iterdir())


def test_a_kill_leaves_no_half_set(bank, tmp_path, monkeypatch):
    class Dies:
        def __init__(self, game: str) -> None:
            self.game = game

        def stream(self, *arguments: object):
            yield from renderer(self.game).stream(bank.states[:2], BACKGROUNDS)
            raise KeyboardInterrupt

    monkeypatch.setattr(twinset, "FRAMES", 2)
    monkeypatch.setattr("checkpoints.world.renderer.Renderer", Dies)
    with pytest.raises(KeyboardInterrupt):
        twin_set("bigfish", bank, BACKGROUNDS, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("backgrounds", "message"),
    [
        ((0,), r"bigfish: expected at least 2 different backgrounds, got \[0\]"),
        ((), r"at least 2 different backgrounds, got \[\]; .*chaser has only one"),
        ((0, 3, 0), r"at least 2 different backgrounds, got \[0, 3, 0\]"),
        ((0, 7), "bigfish: expected a background from 0 to 6, got 7"),
    ],
)
def test_wrong_backgrounds_are_refused_before_anything_is_drawn(
    bank, tmp_path, monkeypatch, backgrounds, message
):
    monkeypatch.setattr("checkpoints.world.renderer.Renderer", refuse)
    with pytest.raises(UserError, match=message):
        twin_set("bigfish", bank, backgrounds, tmp_path)


def test_readings_are_those_of_the_frames_whatever_the_chunk(tmp_path):
    world = World(levels=10)
    twins, policy = world.twins(tmp_path), PlantedPolicy(world, 0.5)
    parts = list(twins.readings(policy, chunk=7))
    assert [states.start for states, _ in parts] == [0, 7, 14, 21, 28]
    found = np.concatenate([reading.layers["hidden"] for _, reading in parts])
    np.testing.assert_allclose(found, world.features(0.5), atol=1e-6)
    ((_, whole),) = twins.readings(policy)
    assert whole.log_probs.shape == (30, 4, 15) and whole.values.shape == (30, 4)
    assert np.exp(whole.log_probs).sum(axis=-1) == pytest.approx(np.ones((30, 4)), abs=1e-5)
    ((_, decisions),) = twins.readings(policy, [])
    assert decisions.layers == {}


def test_blocks_hold_one_block_in_memory(tmp_path):
    twins = World(levels=40, per_level=8).twins(tmp_path)
    one_block = 16 * 4 * 64 * 64 * 3
    tracemalloc.start()
    for block in twins.blocks(16):
        del block
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * one_block < twins.path.stat().st_size / 5
