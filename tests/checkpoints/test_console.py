"""How a command ends when it is stopped, and when nobody reads what it prints."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checkpoints.console import STOPPED, run_command
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
    _, told = process.communicate(timeout=240)
    assert process.returncode == (2 if "--nope" in arguments else 0)
    assert "Traceback" not in told and "Broken" not in told


@pytest.mark.parametrize("stderr", [False, True])
def test_work_goes_on_when_its_reader_is_gone(stderr: bool, tmp_path: Path):
    written = tmp_path / "written"
    process = without_reader("-c", WORKS.replace("NAME", repr(str(written))), stderr=stderr)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 0 and written.read_text() == "whole"
    assert stderr or told.splitlines() == ["working: 3 to do", "more", "more", "more"]


def test_streams_that_were_closed_are_no_fault(tmp_path: Path):
    written = tmp_path / "written"
    script = WORKS.replace("NAME", repr(str(written)))
    shell = ['exec "$0" "$@" >&- 2>&-', sys.executable, "-c", script]
    assert subprocess.run(["/bin/sh", "-c", *shell], cwd=ROOT, timeout=240).returncode == 0
    assert written.read_text() == "whole"


@pytest.mark.parametrize("arguments", [("twinscope",), ("analysis.cka", "--help")])
def test_a_full_disk_behind_the_output_is_one_line(arguments: tuple[str, ...]):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=240
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: [Errno 28] No space left on device")
    assert done.stderr.count("\n") == 1
