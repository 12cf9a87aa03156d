"""Tables as other tools read them: digits by the interval, keys, and every committed one."""

import math
from shutil import which
from subprocess import run

import pandas as pd
import pytest

from analysis.records.tables import read_provenance
from checkpoints.console import UserError
from figures.kit.plain import intervals_of, key_of, read_plain, rounded, tables_in
from tests.support.tree import ROOT

TABLES = sorted((ROOT / "analysis" / "tables").glob("*.csv"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_plain_read_has_the_columns_and_every_row(path):
    frame = pd.read_csv(path, comment="#")
    lines = path.read_text().splitlines()
    assert list(frame) == lines[1].split(",")
    assert len(frame) == len(lines) - 2
    assert not any("#" in line for line in lines[1:]), "the rest of such a line would be lost"
    assert read_provenance(path)["schema"] == path.stem
    assert key_of([frame])


def test_duckdb_reads_the_same():
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed: pip install duckdb")
    for path in TABLES:
        found = duckdb.sql(f"select * from read_csv('{path}', comment='#', header=true)")
        frame = pd.read_csv(path, comment="#")
        assert found.columns == list(frame)
        assert found.shape[0] == len(frame)


@pytest.mark.skipif(which("Rscript") is None, reason="R is not installed")
def test_r_reads_the_same():
    (path,) = [one for one in TABLES if one.stem == "robustness"]
    program = f'x <- read.csv("{path}", comment.char="#"); cat(nrow(x), names(x))'
    said = run(["Rscript", "-e", program], capture_output=True, text=True, check=True).stdout
    frame = read_plain(path)
    assert said.split() == [str(len(frame)), *frame]


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (0.44321, 0.44, "0.44"),
        (0.0056123, 0.0093, "0.0056"),
        (1234.567, 200.0, "1235"),
        (-0.001, 0.5, "0.00"),
        (0.123456, math.nan, "0.123"),
        (16.7321, 0.0, "16.7"),
        (0.0, math.nan, "0"),
        (math.nan, 0.1, ""),
    ],
)
def test_numbers_keep_the_digits_that_their_interval_allows(value, width, text):
    assert rounded(value, width) == text


@pytest.mark.parametrize("width", [0.37, 1.0, 9.9, 0.012])
def test_rounding_moves_a_number_by_a_twentieth_of_its_interval_at_most(width):
    for value in (math.pi, -math.e, 0.123456):
        assert abs(float(rounded(value, width)) - value) <= width / 20 + 1e-12


def test_intervals_go_with_their_estimates():
    columns = ["a", "tv", "tv_low", "tv_high", "effect", "low", "high"]
    assert intervals_of(columns) == {"tv": ("tv_low", "tv_high"), "effect": ("low", "high")}


def test_a_threshold_may_name_a_row_and_an_estimate_never():
    rows = pd.DataFrame({"m": "x", "tau": [0.5, 1.5], "v": [0.1, 0.2], "low": 0.0, "high": 1.0})
    assert key_of([rows]) == ["m", "tau"]
    assert key_of([rows.drop(columns="tau")]) == []


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"expected a table at .*gone.csv, found no file"):
        read_plain(tmp_path / "gone.csv")
    for text, message in (
        ('a,b\n"1,2\n3,4,5\n', "bad.csv: expected CSV, but row 1 is none"),
        ("# {}\na,b\n1\n", "bad.csv: expected 2 cells a row, got 1 in row 1"),
        ("# {}\n", "bad.csv: expected a row of column names, got none"),
        ("a," * 600 + "\n", "bad.csv: expected 500 cells a row, got 601"),
        ("x,low,high\n1,a,2\n", "expected numbers in 'low', the end of an interval, got 'a'"),
        ("x,x_low,x_high\n1,0,True\n", "numbers in 'x_high', the end of an interval, got "),
    ):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(UserError, match=message):
            read_plain(tmp_path / "bad.csv")
    (tmp_path / "bad.csv").write_bytes(b"a\n\xff\n")
    with pytest.raises(UserError, match=r"a table in UTF-8, but .*bad.csv is not"):
        read_plain(tmp_path / "bad.csv")
    with pytest.raises(UserError, match=r"expected a folder with tables \(\*\.csv\), got"):
        list(tables_in(tmp_path / "nowhere"))
