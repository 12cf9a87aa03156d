"""How a command ends when it is stopped, and when nobody reads what it prints."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from checkpoints.console import STOPPED, run_command, show_tables, watch
from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

WORKS = """
import sys
from dataclasses import dataclass
from pathlib import Path
from checkpoints.console import run_command, say, watch

@dataclass(frozen=True)
class Settings:
    '''Nothing to set.'''

def main(settings):
    for step in watch(range(3), "working"):
        print("a result", flush=True)
        say("more")
    Path(NAME).write_text("whole")
    print("the last line")

run_command(main, Settings, name="command")
"""
"""A command that writes a file after it has printed to both streams."""


@dataclass(frozen=True)
class Settings:
    """Nothing to set."""


def interrupted(settings: Any) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_says_what_is_lost_and_ends_with_130(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["command"])
    with pytest.raises(SystemExit) as ended:
        run_command(interrupted, Settings, name="command")
    assert ended.value.code == 130
    assert capsys.readouterr().err == f"\n{STOPPED}\n"
    assert "training goes on" in STOPPED and "a measurement begins anew" in STOPPED


def without_reader(*arguments: str, stderr: bool = False) -> subprocess.Popen[str]:
    """A process whose output goes into a pipe that is closed already."""
    read, write = os.pipe()
    os.close(read)
    both = subprocess.STDOUT if stderr else subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=write, stderr=both, text=True
    )
    os.close(write)
    return process


@pytest.mark.parametrize(
    "arguments", [("twinscope", "--help"), ("analysis.cka", "--help"), ("analysis.cka", "--nope")]
)
def test_help_without_a_reader_says_nothing_of_it(arguments: tuple[str, ...]):
    process = without_reader("-m", *arguments)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == (2 if "--nope" in arguments else 0)
    assert "Traceback" not in told and "Broken" not in told


@pytest.mark.parametrize("stderr", [False, True])
def test_work_goes_on_when_its_reader_is_gone(stderr: bool, tmp_path: Path):
    written = tmp_path / "written"
    process = without_reader("-c", WORKS.replace("NAME", repr(str(written))), stderr=stderr)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and written.read_text() == "whole"
    assert stderr or told.splitlines() == ["working: 3 to do", "more", "more", "more"]


def test_streams_that_were_closed_are_no_fault(tmp_path: Path):
    written = tmp_path / "written"
    script = WORKS.replace("NAME", repr(str(written)))
    shell = ['exec "$0" "$@" >&- 2>&-', sys.executable, "-c", script]
    assert subprocess.run(["/bin/sh", "-c", *shell], cwd=ROOT, timeout=PATIENCE).returncode == 0
    assert written.read_text() == "whole"


@pytest.mark.parametrize("arguments", [("twinscope",), ("analysis.cka", "--help")])
def test_a_full_disk_behind_the_output_is_one_line(arguments: tuple[str, ...]):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: [Errno 28] No space left on device")
    assert done.stderr.count("\n") == 1


def test_progress_is_said_between_items_and_not_sooner_than_asked(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 4.0, 12.0, 15.0])
    monkeypatch.setattr("checkpoints.console.time.monotonic", lambda: next(clock))
    assert list(watch("abcd", "working")) == list("abcd")
    assert capsys.readouterr().err == "working: 4 to do\nworking: 2 of 4, 0:00:12 left\n"


# -- tables ----------------------------------------------------------------------------------


def table_of(columns: int) -> Table:
    table = Table("policy", *(f"layer {n}" for n in range(columns)), title="a title", caption="end")
    for name in ("mutual/0", "ppo/0"):
        table.add_row(name, *(f"{name} at {n}" for n in range(columns)))
    return table


def shown(monkeypatch, capsys, table: Table, columns: str | None, **more: Any) -> str:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    show_tables(table, **more)
    return str(capsys.readouterr().out)


def test_a_wide_table_is_folded_at_the_width_and_loses_no_cell(monkeypatch, capsys):
    printed = shown(monkeypatch, capsys, table_of(12), "80")
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 80
    for name in ("mutual/0", "ppo/0"):
        assert all(f"{name} at {n} " in printed for n in range(12))
        parts = printed.count("┏")
        assert parts > 1
        assert sum(line.startswith(f"│ {name} ") for line in lines) == parts
    assert printed.count("a title") == printed.count("end") == 1
    assert lines[0].strip() == "a title" and lines[-1].strip() == "end"


def test_every_part_repeats_what_names_a_row(monkeypatch, capsys):
    table = table_of(12)
    printed = shown(monkeypatch, capsys, table, "80", keys=2)
    heads = [line for line in printed.splitlines() if line.startswith("┃")]
    assert len(heads) > 1 and all(line.startswith("┃ policy   ┃ layer 0") for line in heads)


def test_a_table_that_fits_is_printed_as_it_is(monkeypatch, capsys):
    assert shown(monkeypatch, capsys, table_of(2), "80").count("┏") == 1


def test_in_a_pipe_every_row_is_one_line(monkeypatch, capsys):
    printed = shown(monkeypatch, capsys, table_of(30), None)
    assert printed.count("┏") == 1
    (row,) = [line for line in printed.splitlines() if line.startswith("│ ppo/0 ")]
    assert all(f"ppo/0 at {n} " in row for n in range(30))


def test_a_name_longer_than_the_width_is_broken_and_not_cut(monkeypatch, capsys):
    table = Table("claim", "verdict")
    table.add_row("a long claim " * 10, "a long verdict " * 10)
    printed = shown(monkeypatch, capsys, table, "60")
    assert max(map(len, printed.splitlines())) <= 60
    assert printed.count("claim") == 1 + 10 and printed.count("verdict") == 1 + 10


@pytest.mark.parametrize("no_wrap", [False, True])
def test_an_id_is_neither_broken_nor_cut(monkeypatch, capsys, no_wrap):
    name = "starpilot/mutual-bg9/0/peer0/step2097152"
    table = Table()
    table.add_column("policy", no_wrap=no_wrap)
    for column in "abcdefgh":
        table.add_column(column * 10)
    table.add_row(name, *("value",) * 8)
    printed = shown(monkeypatch, capsys, table, "60")
    assert printed.count(f"│ {name} │") == printed.count("┏") > 1
