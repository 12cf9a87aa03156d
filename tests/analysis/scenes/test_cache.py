"""Caches: believed by content, held to a size, never emptied of what is in use."""

import os
from pathlib import Path

import numpy as np
import pytest

from analysis.cka import Settings, main
from analysis.records.command import provenance_of
from analysis.scenes import cache
from analysis.scenes.cache import (
    Hold,
    digest_of,
    folder_of,
    holds,
    is_as_written,
    make_room,
    note_content,
)
from checkpoints.console import UserError
from tests.support.planted_world import write_policy, write_world


def entry(folder: Path, name: str, age: float) -> Path:
    path = folder / f"{name}.npy"
    path.write_bytes(name.encode() * 1000)
    note_content(path)
    os.utime(path, (10**9 - age, 10**9 - age))
    return path


def test_a_file_is_believed_by_its_content(tmp_path: Path):
    path = entry(tmp_path, "a", 0)
    assert is_as_written(path) and path.stat().st_mtime > 10**9
    path.write_bytes(b"b" * 1000)
    assert not is_as_written(path)
    assert not is_as_written(tmp_path / "none.npy")


@pytest.mark.parametrize("hurt", ["a.npy", "a.sha256"])
def test_what_never_ends_in_the_place_of_a_file_or_its_note_is_not_believed(
    hurt: str, tmp_path: Path
):
    path = entry(tmp_path, "a", 0)
    (tmp_path / hurt).unlink()
    os.mkfifo(tmp_path / hurt)
    assert not is_as_written(path)
    (tmp_path / hurt).unlink()
    (tmp_path / hurt).symlink_to("/dev/zero")
    assert not is_as_written(path)
    with pytest.raises(UserError, match=r"a file to be summed, but .* is a pipe or device"):
        digest_of(Path("/dev/zero"))


def test_an_array_is_known_by_its_form(tmp_path: Path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((3, 2), np.uint8))
    assert holds(path, "uint8", (3, 2)) and holds(path, "uint8", (None, 2))
    for kind, shape in (("int8", (3, 2)), ("uint8", (3,)), ("uint8", (2, 2)), ("uint8", (3, 2, 1))):
        assert not holds(path, kind, shape)
    for other in (np.zeros((3, 2), np.uint8, order="F"), np.array([[None] * 2] * 3)):
        np.save(path, other)
        assert not holds(path, "uint8", (3, 2))
    path.write_bytes(b"text")
    assert not holds(path, "uint8", (3, 2)) and not holds(tmp_path / "none", "uint8", (3, 2))


def test_the_longest_unused_makes_room_but_nothing_that_is_held(tmp_path: Path, capsys):
    old, older, oldest = (entry(tmp_path, name, age) for age, name in enumerate("abc"))
    held = Hold(oldest)
    make_room(tmp_path, 1000, most=2500)
    assert (old.exists(), older.exists(), oldest.exists()) == (False, False, True)
    assert "b.npy makes room in the cache" in capsys.readouterr().err
    del held
    make_room(tmp_path, 1000, most=1500)
    assert not list(tmp_path.iterdir())
    make_room(tmp_path / "none", 1000, most=1)


def test_nothing_goes_while_there_is_room_and_folders_count_whole(tmp_path: Path):
    bank = tmp_path / "bank"
    bank.mkdir()
    (bank / "states.npy").write_bytes(bytes(3000))
    make_room(tmp_path, 1000, most=4000)
    assert bank.exists()
    make_room(tmp_path, 1001, most=4000)
    assert not bank.exists()


def test_what_a_kill_left_goes_when_it_is_old(tmp_path: Path):
    for name, age in (("old.tmp", 7200), ("new.tmp", 0)):
        (tmp_path / name).mkdir()
        moment = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (moment, moment))
    make_room(tmp_path, 0)
    assert [one.name for one in tmp_path.iterdir()] == ["new.tmp"]


def test_a_variable_says_where_caches_lie(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("TWINSCOPE_CACHE", raising=False)
    assert folder_of("banks") == Path(".cache/banks")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TWINSCOPE_CACHE", "~/kept")
    assert folder_of("twins") == tmp_path / "kept" / "twins"


def test_a_flag_says_it_before_the_variable(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TWINSCOPE_CACHE", str(tmp_path / "named"))
    monkeypatch.setattr(cache, "_asked", "")
    Settings(cache=str(tmp_path / "asked")).check()
    assert folder_of("twins") == tmp_path / "asked" / "twins"
    Settings().check()
    assert folder_of("twins") == tmp_path / "named" / "twins"
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--cache: expected a folder, got .*file, which is"):
        main(Settings(cache=str(tmp_path / "file"), output=tmp_path / "out"))
    assert "cache" not in provenance_of(Settings(cache="x"))


def test_everything_that_a_command_makes_once_lies_where_it_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cache, "_asked", "")
    world, own = write_world(tmp_path / "world.npz"), write_policy(tmp_path)
    policies = (f"{own}:ignores", f"{own}:sees")
    main(Settings(policy=policies, world=str(world), cache="kept", states=40, replicates=20))
    assert {one.name for one in (tmp_path / "kept").iterdir()} == {"worlds"}
    assert not (tmp_path / ".cache").exists()


def test_a_variable_that_names_no_folder_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TWINSCOPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"TWINSCOPE_CACHE: expected a folder, got .*file, which"):
        folder_of("banks")
    monkeypatch.setenv("TWINSCOPE_CACHE", "")
    with pytest.raises(UserError, match="TWINSCOPE_CACHE: expected a path, got an empty text"):
        folder_of("banks")
