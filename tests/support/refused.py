"""What a command says that refuses its input, and inputs to refuse."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints.console import run_command

RNG = np.random.default_rng(0)
ROWS = 40
X, TWINS = RNG.normal(size=(ROWS, 6)), RNG.normal(size=(ROWS, 3, 6))


def refused(capsys: Any, monkeypatch: Any, command: str, *arguments: str) -> str:
    """The one line that a command ends with, as a user would see it; nothing is written."""
    module = import_module("probes.__main__" if command == "probes" else f"analysis.{command}")
    monkeypatch.setattr(sys, "argv", [command, *arguments])
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as ended:
        run_command(module.main, module.Settings, name=command)
    told = capsys.readouterr()
    assert ended.value.code == 2 and told.out == "", told
    *course, last = told.err.splitlines()
    assert last.startswith("error: ") and not [one for one in course if "rror" in one], told.err
    assert sorted(Path().rglob("*")) == before
    return last.removeprefix("error: ")


def says(found: str, *parts: str) -> None:
    """Fail unless a line has all of these in it."""
    missing = [part for part in parts if part not in found]
    assert not missing, f"{found!r} lacks {missing}"


def spoilt(x: np.ndarray, value: float) -> np.ndarray:
    """A copy with one place spoilt, in row 3."""
    x = x.copy()
    x[3, ..., 2] = value
    return x
