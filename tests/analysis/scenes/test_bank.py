"""State banks: what is in them, that a seed rebuilds them, and that a cache is never believed."""

import dataclasses
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from analysis.scenes import bank as banks
from analysis.scenes.bank import Bank, BankPlan, gather, load_or_gather
from analysis.scenes.cache import digest_of
from checkpoints.console import UserError
from checkpoints.world.environments import Levels
from checkpoints.world.games import GAMES
from checkpoints.world.states import read_state
from tests.support.played import renderer

PLAN = BankPlan("bigfish", levels=Levels(5, 30), num_states=60, thin=6, per_level=4, num_envs=6)


def stand_still(observations: np.ndarray) -> np.ndarray:
    return np.full(len(observations), 4)


def go_right(observations: np.ndarray) -> np.ndarray:
    return np.full(len(observations), 7)


def same(one: Bank, other: Bank) -> bool:
    """Whether two banks hold the same bytes: one bool, as a difference of states fills books."""
    names = ("observations", "levels", "time", "actor")
    return list(one.states) == list(other.states) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


@pytest.fixture(scope="module")
def bank() -> Bank:
    return gather(PLAN, {"still": stand_still, "right": go_right})


# -- what is in a bank -----------------------------------------------------------------------


def test_states_levels_and_times_belong_together(bank):
    assert len(bank) == len(bank.states) == 60
    for data, level, time in zip(bank.states, bank.levels, bank.time, strict=True):
        state = read_state(data)
        assert (state.current_level_seed, state.cur_time) == (level, time)
        assert 5 <= level < 35
    np.testing.assert_array_equal(renderer("bigfish").redraw(bank.states), bank.observations)


def test_no_level_gives_too_many_states_and_no_frame_comes_twice(bank):
    assert max(Counter(bank.levels.tolist()).values()) <= 4
    assert len({frame.tobytes() for frame in bank.observations}) == 60


def test_environments_are_shared_out_between_the_behaviours(bank):
    shares = np.bincount(bank.actor)
    assert len(shares) == 3
    assert shares.min() >= 10
    last_actions = np.array([read_state(state).action for state in bank.states])
    later = bank.time > 0
    assert set(last_actions[later & (bank.actor == 1)]) == {4}
    assert set(last_actions[later & (bank.actor == 2)]) == {7}
    assert len(set(last_actions[later & (bank.actor == 0)])) > 5


def test_states_of_one_environment_lie_apart(bank):
    places = [read_state(state).game_n for state in bank.states]
    assert set(places) == set(range(6))
    for place in range(6):
        mine = np.array(places) == place
        levels, time = bank.levels[mine], bank.time[mine]
        gaps = np.diff(time)[(np.diff(levels) == 0) & (np.diff(time) > 0)]
        assert len(gaps)
        # A frame may be missing in between: one that the bank already had.
        assert gaps.min() >= 6


@pytest.mark.parametrize("game", GAMES)
def test_every_game_and_mode_gives_a_bank(game):
    plan = dataclasses.replace(PLAN, game=game, mode="hard", num_states=12)
    found = gather(plan)
    assert len(found) == 12
    assert {read_state(state).distribution_mode for state in found.states} == {1}


# -- seeds -----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(bank):
    assert same(bank, gather(PLAN, {"still": stand_still, "right": go_right}))


def test_another_seed_gives_others(bank):
    other = gather(dataclasses.replace(PLAN, seed=1), {"still": stand_still, "right": go_right})
    assert not same(bank, other)


def test_another_mixture_gives_others(bank):
    assert not same(bank, gather(PLAN, {"still": stand_still}))


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"game": "bigfsh"}, "unknown game 'bigfsh'"),
        ({"num_states": 0}, "num_states: expected at least 1, got 0"),
        ({"thin": 0}, "thin: expected at least 1, got 0"),
        ({"seed": -1}, "seed: expected 0 to 2147483647, got -1"),
        ({"num_states": 121}, "at most 120 states from 30 levels with 4 each, got num_states 121"),
        ({"num_envs": 1}, "expected at least 2 environments.*got num_envs 1"),
    ],
)
def test_plans_that_cannot_be_met_are_refused(changes, expected):
    with pytest.raises(UserError, match=expected):
        gather(dataclasses.replace(PLAN, **changes), {"still": stand_still})


def test_a_bank_that_does_not_fill_gives_up(monkeypatch):
    monkeypatch.setattr(banks, "_PATIENCE", 3)
    plan = BankPlan(
        "maze", levels=Levels(0, 1), num_states=5000, per_level=5000, thin=1, num_envs=1
    )
    with pytest.raises(
        UserError, match=r"expected 5,000 different states, found .* no new one at 3"
    ):
        gather(plan)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (lambda seen: np.full(len(seen), 15), "policy 1: expected 3 whole numbers from 0 to 14"),
        (lambda seen: np.full(len(seen), -1), "policy 1: expected 3 whole numbers from 0 to 14"),
        (lambda seen: np.zeros(len(seen)), "got float64 of shape"),
        (lambda seen: np.zeros(2, int), r"got int64 of shape \(2,\)"),
    ],
)
def test_actions_that_procgen_does_not_know_are_refused(policy, expected):
    with pytest.raises(UserError, match=expected):
        gather(PLAN, {"wrong": policy})


# -- the cache -------------------------------------------------------------------------------


@pytest.fixture
def forbidden(monkeypatch):
    """Call it, and gathering fails from then on."""

    def gathered(plan, policies):
        raise AssertionError("gathered")

    return lambda: monkeypatch.setattr(banks, "gather", gathered)


def test_a_bank_is_gathered_once_and_only_then_said(bank, tmp_path, forbidden, capsys):
    policies = {"still": stand_still, "right": go_right}
    assert same(load_or_gather(PLAN, policies, tmp_path), bank)
    said = f"{PLAN.game}: gathering {PLAN.num_states:,} states\n"
    assert capsys.readouterr().err == said
    forbidden()
    again = load_or_gather(PLAN, policies, tmp_path)
    assert same(again, bank)
    assert not capsys.readouterr().err
    assert again.observations.flags.writeable
    assert len(list(tmp_path.iterdir())) == 1


def test_writing_into_a_bank_leaves_its_file_alone(tmp_path):
    first = load_or_gather(PLAN, folder=tmp_path)
    first.observations[:] = 0
    assert load_or_gather(PLAN, folder=tmp_path).observations.any()


def test_whatever_decides_a_bank_names_it(tmp_path, forbidden):
    load_or_gather(PLAN, {"still": stand_still}, tmp_path)
    forbidden()
    load_or_gather(PLAN, {"still": go_right}, tmp_path)  # found by its name alone
    for change in ({"seed": 1}, {"levels": Levels(5, 31)}, {"mode": "hard"}, {"thin": 7}):
        with pytest.raises(AssertionError, match="gathered"):
            load_or_gather(dataclasses.replace(PLAN, **change), {"still": stand_still}, tmp_path)
    for policies in ({}, {"other": stand_still}, {"still": stand_still, "other": stand_still}):
        with pytest.raises(AssertionError, match="gathered"):
            load_or_gather(PLAN, policies, tmp_path)


@pytest.mark.parametrize("name", [*banks._ARRAYS, "manifest"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "nested", "pipe", "folder"])
def test_a_damaged_cache_is_gathered_again(name, damage, cached, monkeypatch):
    fresh, folder = cached
    (path,) = folder.glob(f"*/{name}.*")
    whole = path.read_bytes()
    hurt = {"cut": whole[:-5], "flipped": whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:]}
    hurt["nested"] = b"[" * 100_000
    path.unlink()
    if damage in hurt:
        path.write_bytes(hurt[damage])
    elif damage != "missing":
        os.mkfifo(path) if damage == "pipe" else path.mkdir()
    assert gathered_again(fresh, folder, monkeypatch)
    assert path.read_bytes() == whole


def gathered_again(fresh: Bank, folder: Path, monkeypatch) -> bool:
    """Whether what lies in the folder is not believed; what comes is a bank either way."""
    times = []
    monkeypatch.setattr(banks, "gather", lambda plan, policies: times.append(1) or fresh)
    assert same(load_or_gather(PLAN, folder=folder), fresh)
    return times == [1]


@pytest.mark.parametrize("place", ["pipe", "file", "link"])
def test_whatever_stands_in_the_place_of_a_bank_gives_way(place, cached, monkeypatch):
    fresh, folder = cached
    (path,) = folder.iterdir()
    shutil.rmtree(path)
    if place == "link":
        path.symlink_to(folder / "nowhere")
    else:
        os.mkfifo(path) if place == "pipe" else path.write_text("x")
    assert gathered_again(fresh, folder, monkeypatch)
    assert path.is_dir() and not path.is_symlink()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("observations", lambda value: value.astype(np.float64)),
        ("observations", lambda value: value[:, :32]),
        ("observations", lambda value: np.asfortranarray(value)),
        ("levels", lambda value: value.astype(object)),
        ("time", lambda value: value[:-1]),
        ("actor", lambda value: value.astype(np.int32)),
        ("offsets", lambda value: value[::-1]),
        ("offsets", lambda value: value + 1),
        ("states", lambda value: value[:-1]),
    ],
)
def test_a_bank_that_was_forged_with_its_notes_is_gathered_again(name, change, cached, monkeypatch):
    fresh, folder = cached
    assert not gathered_again(fresh, folder, monkeypatch)
    (path,) = folder.glob(f"*/{name}.npy")
    np.save(path, change(np.load(path)), allow_pickle=True)
    manifest = json.loads((path.parent / "manifest.json").read_text())
    manifest["files"][name] = digest_of(path)
    (path.parent / "manifest.json").write_text(json.dumps(manifest))
    assert gathered_again(fresh, folder, monkeypatch)


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    folder = tmp_path_factory.mktemp("banks")
    load_or_gather(PLAN, folder=folder)
    return gather(PLAN), folder


def test_a_kill_while_writing_leaves_nothing_to_believe(tmp_path, monkeypatch):
    def killed(*arguments, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(banks.json, "dumps", lambda *a, **k: killed() if "indent" in k else "{}")
        with pytest.raises(KeyboardInterrupt):
            load_or_gather(PLAN, folder=tmp_path)
    assert not list(tmp_path.rglob("manifest.json"))
    assert same(load_or_gather(PLAN, folder=tmp_path), gather(PLAN))


def test_a_cache_says_what_it_holds(cached):
    _, folder = cached
    (path,) = folder.glob("*/manifest.json")
    settings = json.loads(path.read_text())["settings"]
    assert settings["plan"]["game"] == "bigfish"
    assert settings["plan"]["levels"] == {"start": 5, "count": 30}
    for array in path.parent.glob("*.npy"):
        np.load(array, allow_pickle=False)


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="expected a folder to keep state banks in"):
        load_or_gather(PLAN, folder=tmp_path / "file")
