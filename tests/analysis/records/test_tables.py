"""Tables say what they hold, refuse what they do not, and survive a kill."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from analysis.records.tables import (
    Column,
    Schema,
    check_output,
    read_provenance,
    read_table,
    write_table,
)
from checkpoints.console import UserError

SCHEMA = Schema(
    "demo",
    (
        Column("policy", "text", "id of the policy"),
        Column("step", "int", "training step", "environment steps", low=0),
        Column("cka", "float", "linear CKA, unbiased", high=1),
        Column("seen", "bool", "background seen in training"),
    ),
    key=("policy", "step"),
)
SOURCE = {"seed": 3, "ids": ["bigfish/ppo/0"]}


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cka": [0.123456789, np.nan, -0.0, 1 + 1e-12],
            "step": [10, 9, 10, 0],
            "policy": ["b", "b", "NA", 'comma, "quote"'],
            "seen": [True, False, True, False],
        }
    )


def write(tmp_path, table=None, schema=SCHEMA, **kw):
    table = frame() if table is None else table
    return write_table(table, schema, tmp_path / "t.csv", provenance=SOURCE, **kw)


def test_bytes_are_known(tmp_path):
    assert write(tmp_path).read_text() == (
        '# {"format": 1, "ids": ["bigfish/ppo/0"], "schema": "demo", "seed": 3}\n'
        "policy,step,cka,seen\n"
        "NA,10,0,True\n"
        "b,9,,False\n"
        "b,10,0.123457,True\n"
        '"comma, ""quote""",0,1,False\n'
    )


def test_round_trip_keeps_kinds_and_order(tmp_path):
    back = read_table(write(tmp_path), SCHEMA)
    assert list(back.columns) == ["policy", "step", "cka", "seen"]
    assert back["policy"].tolist() == ["NA", "b", "b", 'comma, "quote"']
    assert back["step"].tolist() == [10, 9, 10, 0]
    assert back["step"].dtype == "int64"
    assert back["seen"].dtype == bool
    assert back["cka"].isna().sum() == 1
    assert read_provenance(tmp_path / "t.csv") == {**SOURCE, "schema": "demo", "format": 1}


def test_rows_in_any_order_give_the_same_bytes(tmp_path):
    first = write(tmp_path).read_bytes()
    again = write(tmp_path, frame().iloc[[2, 0, 3, 1]], overwrite=True).read_bytes()
    assert again == first


def test_written_again_after_reading_is_unchanged(tmp_path):
    first = write(tmp_path)
    before = first.read_bytes()
    assert write(tmp_path, read_table(first, SCHEMA), overwrite=True).read_bytes() == before


def test_an_empty_table_round_trips(tmp_path):
    back = read_table(write(tmp_path, frame().iloc[:0]), SCHEMA)
    assert back.shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"cka": [2.0, 0, 0, 0]},
            r"'cka' \(linear CKA, unbiased\).*in \[-inf, 1\], got 2.0 in row",
        ),
        ({"cka": [-np.inf, 0, 0, 0]}, "got '-inf', where a number such as"),
        ({"step": [-1, 9, 10, 0]}, r"in \[0, inf\], got -1"),
        ({"step": [1.0, 9, 10, 0]}, "expected int without gaps, got float64"),
        ({"seen": [1, 0, 1, 0]}, "expected bool without gaps, got int64"),
        ({"policy": ["a", "b", None, "d"]}, "column 'policy' .*expected text without gaps, got"),
        ({"cka": ["high", "low", "low", "low"]}, "column 'cka' .*expected float, got"),
        ({"step": [9, 9, 10, 0]}, "expected one row for each key .*'policy': 'b', 'step': 9"),
        ({"more": 1}, r"missing \[\], not declared \['more'\]"),
    ],
)
def test_a_frame_that_breaks_the_schema_is_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        write(tmp_path, frame().assign(**change))
    assert not os.listdir(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(UserError, match=r"missing \['seen'\], not declared \[\], 3 in all"):
        write(tmp_path, frame().drop(columns="seen"))


def test_a_column_given_twice_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"missing \[\], not declared \[\], 5 in all; rename or drop"
    ):
        write(tmp_path, pd.concat([frame(), frame()[["cka"]]], axis=1))


def test_a_float_key_is_compared_as_written(tmp_path):
    schema = Schema("x", (Column("x", "float", "place"),), key=("x",))
    with pytest.raises(UserError, match="expected one row for each key"):
        write(tmp_path, pd.DataFrame({"x": [1.0, 1.0000001]}), schema)
    with pytest.raises(UserError, match="a missing value is NaN and no key"):
        write(tmp_path, pd.DataFrame({"x": [1.0, np.nan]}), schema)


@pytest.mark.parametrize("key", [(), ("other",)])
def test_a_schema_needs_a_key_among_its_columns(key):
    with pytest.raises(UserError, match="expected distinct columns and a key among them"):
        Schema("x", (Column("x", "float", "place"),), key=key)


def test_an_existing_table_is_kept_unless_told_otherwise(tmp_path):
    path = write(tmp_path)
    before = path.read_bytes()
    with pytest.raises(UserError, match="give --overwrite to replace it, or another --output"):
        write(tmp_path, frame().iloc[:1])
    assert path.read_bytes() == before
    assert len(read_table(write(tmp_path, frame().iloc[:1], overwrite=True), SCHEMA)) == 1


def test_a_folder_is_no_output(tmp_path):
    with pytest.raises(UserError, match=r"got the folder .* add a file name"):
        check_output(tmp_path, overwrite=True)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_table_and_no_half_one(tmp_path, monkeypatch, moment):
    path = write(tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, moment, full)
    with pytest.raises(UserError, match=r"expected to write .*No space left on device\. Free room"):
        write(tmp_path, frame().iloc[:1], overwrite=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["t.csv"]


def test_a_kill_while_writing_leaves_no_half_table(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    assert not os.listdir(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"expected a folder that can be written, but .* is none"):
        write(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(UserError, match=r"expected a folder .*Permission denied"):
        write(folder)


def test_missing_folders_are_made_and_the_mode_follows_the_umask(tmp_path):
    path = write(tmp_path / "a" / "b")
    (tmp_path / "plain").write_text("")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("provenance", "message"),
    [
        ({"schema": "mine"}, r"\['schema'\] are filled in here"),
        ({"loss": float("nan")}, "expected JSON values"),
        ({"ids": {1}}, "expected JSON values"),
    ],
)
def test_provenance_must_be_json(tmp_path, provenance, message):
    with pytest.raises(UserError, match=message):
        write_table(frame(), SCHEMA, tmp_path / "t.csv", provenance=provenance)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="expected a table, but there is none at"):
        read_table(tmp_path / "none.csv", SCHEMA)


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "", "# hello\n", "# 3\n", '# {"seed": 1}\n', "# " + "[" * 10**5]
)
def test_a_foreign_file_is_refused(tmp_path, text):
    path = tmp_path / "foreign.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="give a table written by one of this project's commands"):
        read_table(path, SCHEMA)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "binary.csv"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UserError, match="expected a table in UTF-8"):
        read_table(path, SCHEMA)


@pytest.mark.parametrize("change", [{"schema": "other"}, {"format": 2}])
def test_another_table_or_format_is_refused(tmp_path, change):
    path = write(tmp_path)
    _, rest = path.read_text().split("\n", 1)
    path.write_text(f"# {json.dumps({**read_provenance(path), **change})}\n{rest}")
    with pytest.raises(UserError, match="expected a 'demo' table of format 1, got"):
        read_table(path, SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cka", "similarity", r"missing \['cka'\], not declared \['similarity'\]"),
        ("0.123457", "much", "row 3, column 'cka': expected float, got 'much'"),
        ("0.123457", "1.5", r"in \[-inf, 1\], got 1.5 in row 3"),
        ("0.123457,True", "0.123457,yes", "column 'seen': expected bool, got 'yes'"),
        ("b,9,", "b,9.5,", "column 'step': expected int, got '9.5'"),
        ("b,9,", "b,10,", "expected one row for each key"),
    ],
)
def test_an_edited_table_is_refused(tmp_path, old, new, message):
    path = write(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        read_table(path, SCHEMA)
