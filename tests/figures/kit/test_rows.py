"""Reading rows for a figure: another table, a missing column, no row, names that look missing."""

from pathlib import Path

import numpy as np
import pytest

from checkpoints.console import UserError
from figures.kit.rows import load_rows
from tests.support import toy_tables


def test_another_table_is_refused(tmp_path: Path):
    toy_tables.write([{"game": "coinrun"}], tmp_path, "twins")
    (tmp_path / "twins.csv").rename(tmp_path / "cka.csv")
    with pytest.raises(UserError, match="expected a 'cka' table of format 1, got 'twins'"):
        load_rows(tmp_path, "cka", ("game",), "python -m analysis.cka")


def test_missing_column_is_named(tmp_path: Path):
    toy_tables.write([{"game": "coinrun"}], tmp_path, "cka")
    with pytest.raises(UserError, match="cka missing; write the table again"):
        load_rows(tmp_path, "cka", ("game", "cka"), "python -m analysis.cka")


def test_empty_table_is_refused(tmp_path: Path):
    (tmp_path / "cka.csv").write_text('# {"schema": "cka", "format": 1}\ngame,cka\n')
    with pytest.raises(UserError, match="at least one row, got none"):
        load_rows(tmp_path, "cka", ("game", "cka"), "python -m analysis.cka")


def test_names_that_look_missing_are_kept(tmp_path: Path):
    toy_tables.write([{"method": "none", "low": None}], tmp_path, "invariance")
    command = "python -m analysis.invariance"
    row = load_rows(tmp_path, "invariance", ("method", "low"), command).iloc[0]
    assert row["method"] == "none"
    assert np.isnan(row["low"])
