"""Ranges: one place, the same for the command line, for Python and for files; shown in --help."""

import dataclasses
import math
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import numpy as np
import pytest

from checkpoints.console import UserError, path_of, run_command
from checkpoints.doors.numbers import Seed, Within, check_numbers, ranges_of, real, whole
from checkpoints.doors.reading import shown

COMMANDS = (
    *("checkpoints.train", "checkpoints.queue", "checkpoints.convert"),
    *("analysis.cka", "analysis.embedding", "analysis.emergence", "analysis.erasure"),
    *("analysis.invariance", "analysis.returns", "analysis.robustness", "analysis.saliency"),
    *("analysis.similarity", "analysis.twins", "probes.__main__", "probes.steps"),
    "probes.variation",
)
WRONG = ("nan", "-1e300", "1" * 20, "1" * 5000, "x", "", "1_0_0_0_0_0_0_0_0_0_0_0_0_0", "0x1", "٣x")
NEEDED = {
    "checkpoints.train": ["coinrun/ppo/0"],
    "checkpoints.queue": ["study.yaml"],
    "checkpoints.convert": [
        *("a.pt", "coinrun/ppo/0", "--mode", "easy"),
        *("--levels", "1", "--steps", "1"),
    ],
}


@dataclass(frozen=True)
class Made:
    """Some settings."""

    count: Annotated[int, whole(1, 10)] = 3
    """how many"""
    hours: Annotated[float, real(0, above=True)] = math.inf
    """how long"""
    places: tuple[Annotated[int, whole(0, 61)], ...] = ()
    """where"""
    seed: Seed = 0
    """of what is drawn"""
    name: str = "x"
    """not a number"""


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("count", 0, "count: expected a whole number from 1 to 10, got 0"),
        ("count", 11, "from 1 to 10, got 11"),
        ("count", 1.5, "from 1 to 10, got 1.5"),
        ("count", True, "from 1 to 10, got True"),
        ("count", "3", "from 1 to 10, got '3'"),
        ("count", None, "from 1 to 10, got None"),
        ("count", 10**5000, "from 1 to 10, got a int too long to print"),
        ("hours", 0.0, "hours: expected a number above 0, inf among them, got 0.0"),
        ("hours", math.nan, "inf among them, got nan"),
        ("hours", 10**400, "inf among them, got "),
        ("places", (0, 62), "places: expected a whole number from 0 to 61, got 62"),
        ("seed", 2**31, "seed: expected a whole number from 0 to 2,147,483,647, got 2147483648"),
    ],
    ids=shown,
)
def test_numbers_out_of_range_are_named(name: str, value: Any, message: str):
    made = Made()
    object.__setattr__(made, name, value)  # past the checks of types that only tests make
    with pytest.raises(UserError, match=message):
        check_numbers(made)


def test_numbers_in_range_pass_whatever_holds_them():
    made = Made()
    for name, value in (("count", np.int64(10)), ("hours", 1), ("hours", np.float32(0.5))):
        object.__setattr__(made, name, value)
        check_numbers(made)
    with pytest.raises(UserError, match=r"^--count: expected a whole number from 1 to 10, got -1"):
        object.__setattr__(made, "count", -1)
        check_numbers(made, flags=True)


def called(command: str, *arguments: str, monkeypatch) -> int:
    """The exit code of a command whose work is left out."""
    module: Any = import_module(command)
    monkeypatch.setattr(sys, "argv", [command, *arguments])
    default = Made() if command == __name__ else None
    try:
        run_command(lambda settings: None, module.Settings, name=command, default=default)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def flags(command: str) -> dict[str, Within]:
    """Flag -> range, of a command's own numbers."""
    settings: Any = import_module(command).Settings
    found = {}
    for one in dataclasses.fields(settings):
        if one.name in ranges_of(settings):
            found[f"--{one.name.replace('_', '-')}"] = ranges_of(settings)[one.name]
    return found


def accepted(within: Within, text: str) -> bool:
    """Whether a text is a number in range: 20 digits are one of hours."""
    try:
        within.parse(text)
    except ValueError:
        return False
    return math.isinf(within.high)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_numbers_end_the_command_in_words(command: str, monkeypatch, capsys):
    needed = NEEDED.get(command, [])
    assert called(command, *needed, monkeypatch=monkeypatch) == 0
    for flag, within in flags(command).items():
        below = str(int(within.low) - 1) if math.isfinite(within.low) else "nan"
        above = str(int(within.high) + 1) if math.isfinite(within.high) else "nan"
        for wrong in (below, above, *WRONG[:: 3 - len(flag) % 2]):
            given = [*needed, f"{flag}={wrong}"]
            code = 0 if accepted(within, wrong) else 2
            assert called(command, *given, monkeypatch=monkeypatch) == code, given
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err + printed.out
        words = " ".join((printed.out + printed.err).replace("│", " ").split())
        assert f"Error parsing {flag}: " in words


def test_every_number_of_every_command_has_a_range():
    for command in COMMANDS:
        settings: Any = import_module(command).Settings
        for one in dataclasses.fields(settings):
            if type(one.default) in (int, float):
                assert one.name in ranges_of(settings), (command, one.name)


def test_the_range_is_in_the_help(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "--help"])
    with pytest.raises(SystemExit):
        run_command(lambda settings: None, Made, name="x")
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--count INT from 1 to 10 how many" in printed
    assert "--hours FLOAT above 0, inf among them how long" in printed


def test_paths_are_read_by_one_rule(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/a") == tmp_path / "a" and str(path_of("a/~b")) == "a/~b"
    for text, message in (
        ("", "expected a path, got an empty text"),
        ("  ", "expected a path, got an empty text"),
        ("\udcff", "expected a path in UTF-8"),
        ("a\0b", "with a zero byte"),
        ("~nobody-of-this-name/x", "expected a path, got"),
    ):
        with pytest.raises(UserError, match=message):
            path_of(text)
