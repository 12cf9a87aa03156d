"""Reading rows for a figure: another table, a missing column, no row, names that look missing."""

from pathlib import Path

import numpy as np
import pytest

from analysis.records.tables import Column, Schema
from checkpoints.console import UserError
from figures.kit.rows import load_rows

SCHEMA = Schema(
    "cka",
    (Column("method", "text", "its training recipe"), Column("low", "float", "end")),
    key=("method",),
    command="analysis.cka",
)


def write(folder: Path, name: str, columns: str, row: str = "") -> None:
    head = f'# {{"schema": "{name}", "format": 1}}'
    (folder / "cka.csv").write_text("\n".join((head, columns, row)))


def test_another_table_is_refused(tmp_path: Path):
    write(tmp_path, "twins", "method,low", "ppo,1")
    with pytest.raises(UserError, match="expected a 'cka' table of format 1, got 'twins'"):
        load_rows(tmp_path, SCHEMA)


def test_missing_column_is_named(tmp_path: Path):
    write(tmp_path, "cka", "method", "ppo")
    again = "low missing; write the table again with: python -m analysis.cka --overwrite"
    with pytest.raises(UserError, match=again):
        load_rows(tmp_path, SCHEMA)


def test_empty_table_is_refused(tmp_path: Path):
    write(tmp_path, "cka", "method,low")
    with pytest.raises(UserError, match="at least one row, got none"):
        load_rows(tmp_path, SCHEMA)


def test_columns_that_nobody_declared_are_left_out(tmp_path: Path):
    write(tmp_path, "cka", "low,more,method", "1,2,ppo")
    assert list(load_rows(tmp_path, SCHEMA)) == ["method", "low"]


def test_names_that_look_missing_are_kept(tmp_path: Path):
    write(tmp_path, "cka", "method,low", "none,")
    row = load_rows(tmp_path, SCHEMA).iloc[0]
    assert row["method"] == "none"
    assert np.isnan(row["low"])
