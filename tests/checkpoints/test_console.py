"""How a command ends when it is stopped."""

from dataclasses import dataclass
from typing import Any

import pytest
from rich.table import Table

from checkpoints.console import STOPPED, run_command, show_tables


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
