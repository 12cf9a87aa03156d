"""The one writer: whole or not at all, two at once, kept files, leftovers, full disks."""

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from checkpoints.console import MachineTrouble, UserError
from checkpoints.doors import writing
from checkpoints.doors.writing import atomic, check_folder, write_text
from tests.support.patience import PATIENCE


def test_each_writer_has_a_name_of_its_own(tmp_path: Path):
    path = tmp_path / "table.csv"
    with atomic(path) as one, atomic(path) as other:
        assert one != other and one.parent == other.parent == tmp_path
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one" and os.listdir(tmp_path) == ["table.csv"]


def test_of_two_that_must_not_replace_the_second_is_refused(tmp_path: Path):
    path = tmp_path / "table.csv"
    with pytest.raises(UserError, match=r"table.csv exists and is kept; give --overwrite"):
        with atomic(path, keep=True) as late:
            late.write_text("late")
            write_text(path, "early", keep=True)
    assert path.read_text() == "early" and os.listdir(tmp_path) == ["table.csv"]
    write_text(path, "later")
    assert path.read_text() == "later"


def test_without_hard_links_the_second_is_refused_as_well(tmp_path: Path, monkeypatch):
    def none(*_: object, **__: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", none)
    write_text(tmp_path / "a", "early", keep=True)
    with pytest.raises(UserError, match="a exists and is kept; give --overwrite to replace it"):
        write_text(tmp_path / "a", "late", keep=True)
    assert (tmp_path / "a").read_text() == "early"


def attempt(path: Path, start, results) -> None:
    start.wait()
    try:
        for _ in range(20):
            write_text(path / "shared", str(os.getpid()) * 1000)
        write_text(path / "first", str(os.getpid()), keep=True)
        results.put("wrote")
    except UserError as error:
        results.put("kept" if "is kept" in str(error) else str(error))


def test_four_processes_at_once_leave_one_whole_file(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    workers = [context.Process(target=attempt, args=(tmp_path, start, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    start.set()
    found = sorted(results.get(timeout=PATIENCE) for _ in workers)
    for worker in workers:
        worker.join()
    assert found == ["kept", "kept", "kept", "wrote"]
    content = (tmp_path / "shared").read_text()
    assert content == content[: len(content) // 1000] * 1000
    assert sorted(os.listdir(tmp_path)) == ["first", "shared"]


def test_old_leftovers_go_and_new_ones_stay(tmp_path: Path, monkeypatch):
    for name in (".t[1].csv.1-0.tmp", ".t[1].csv.2-0.tmp", ".other.1-0.tmp"):
        (tmp_path / name).touch()
    os.utime(tmp_path / ".t[1].csv.1-0.tmp", (0, 0))
    os.utime(tmp_path / ".other.1-0.tmp", (0, 0))
    write_text(tmp_path / "t[1].csv", "x")
    assert sorted(os.listdir(tmp_path)) == [".other.1-0.tmp", ".t[1].csv.2-0.tmp", "t[1].csv"]


def test_names_too_long_are_a_message(tmp_path: Path):
    with pytest.raises(MachineTrouble, match=r"expected to write .*File name too long"):
        write_text(tmp_path / ("x" * 300), "x")
    write_text(tmp_path / ("x" * 240), "x")


def test_text_that_is_no_utf8_is_written_escaped(tmp_path: Path):
    write_text(tmp_path / "a", "\udcff")
    assert (tmp_path / "a").read_bytes() == b"\\udcff"


def test_folders_are_tried_and_not_made(tmp_path: Path):
    check_folder(tmp_path / "a" / "b")
    assert not os.listdir(tmp_path)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "zero\0"):
        with pytest.raises(UserError, match="expected a folder that can be written, but"):
            check_folder(folder)


def test_a_full_folder_is_seen_before_the_work(tmp_path: Path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"can be written.*No space left on device"):
        check_folder(tmp_path)


def test_threads_share_no_name(tmp_path: Path):
    threads = [threading.Thread(target=write_text, args=(tmp_path / "a", "x")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.listdir(tmp_path) == ["a"] and next(writing._COUNT) >= 8
