"""Reading rows for a figure: another table, a missing column, no row, names that look missing."""

from pathlib import Path

import numpy as np
import pytest

from checkpoints.console import UserError
from figures.kit.rows import load_rows


def write(folder: Path, name: str, columns: str, row: str = "") -> None:
    head = f'# {{"schema": "{name}", "format": 1}}'
    (folder / "cka.csv").write_text("\n".join((head, columns, row)))


def test_another_table_is_refused(tmp_path: Path):
    write(tmp_path, "twins", "game", "coinrun")
    with pytest.raises(UserError, match="expected the table 'cka', got 'twins'"):
        load_rows(tmp_path, "cka", ("game",), "python -m analysis.cka")


def test_missing_column_is_named(tmp_path: Path):
    write(tmp_path, "cka", "game", "coinrun")
    with pytest.raises(UserError, match="cka missing; write the table again"):
        load_rows(tmp_path, "cka", ("game", "cka"), "python -m analysis.cka")


def test_empty_table_is_refused(tmp_path: Path):
    write(tmp_path, "cka", "game,cka")
    with pytest.raises(UserError, match="at least one row, got none"):
        load_rows(tmp_path, "cka", ("game", "cka"), "python -m analysis.cka")


def test_names_that_look_missing_are_kept(tmp_path: Path):
    write(tmp_path, "cka", "method,low", "none,")
    row = load_rows(tmp_path, "cka", ("method", "low"), "python -m analysis.cka").iloc[0]
    assert row["method"] == "none"
    assert np.isnan(row["low"])
