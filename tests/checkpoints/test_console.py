"""How a command ends when it is stopped."""

from dataclasses import dataclass
from typing import Any

import pytest

from checkpoints.console import STOPPED, run_command


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
