"""Files are opened only where they are files, within limits; JSON and CSV become typed or words."""

import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.doors.reading import check_file, convert, parse_json, read_bytes, read_text, shown
from checkpoints.doors.sheets import parse_sheet
from tests.support.hostile_files import VALUES, changed_bytes, changed_json

INPUTS = 500


class Kind(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    steps: int
    parts: list[float]


SOUND = {"name": "a", "steps": 3, "parts": [0.5, float("nan")]}


def test_json_becomes_the_type_or_words():
    rng, refused = np.random.default_rng(0), 0
    for place in range(INPUTS):
        text = json.dumps(changed_json(SOUND, rng))
        if place % 3 == 0:
            text = changed_bytes(text.encode(), rng, head=len(text)).decode("utf-8", "replace")
        try:
            found = parse_json(text, Kind, where="file")
        except UserError as error:
            refused += 1
            assert str(error).startswith("file: ") and len(str(error)) < 400
            continue
        assert isinstance(found.name, str) and type(found.steps) is int
        assert all(type(part) is float for part in found.parts)
    assert 0.5 * INPUTS < refused < INPUTS


@pytest.mark.parametrize(
    "text", ["[" * 10**6, "1" * 5000, "", "{", "nan", '{"name": 1}'], ids=shown
)
def test_json_that_breaks_parsers_is_refused(text: str):
    with pytest.raises(UserError, match=r"^x: "):
        parse_json(text, Kind, where="x")


def test_half_a_pair_of_surrogates_is_refused_where_it_names_a_field():
    for values in ({"\ud800": 1}, SOUND | {"\ud800": 1}):
        with pytest.raises(UserError, match=r"^x: expected text in Unicode, got half of a pair"):
            convert(values, Kind, where="x")
        with pytest.raises(UserError, match=r"^x: expected text in Unicode, got half of a pair"):
            parse_json(json.dumps(values), Kind, where="x")


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for place, message in (
        (tmp_path / "pipe", "is a pipe or device; name a regular file"),
        (Path("/dev/zero"), "is a pipe or device; name a regular file"),
        (tmp_path, "is a folder; name a regular file"),
        (tmp_path / "none", "a thing, but there is none at"),
        (tmp_path / "none" / "x\0", "a thing at .*null"),
        (tmp_path / ("x" * 300), "a thing at .*File name too long"),
    ):
        with pytest.raises(UserError, match=message):
            check_file(place, limit=10, what="a thing")


def test_sizes_and_encodings_are_held_to(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"\xff" * 11)
    with pytest.raises(UserError, match=r"a thing of at most 10 bytes, but .* has 11"):
        read_bytes(path, limit=10, what="a thing")
    assert read_bytes(path, limit=11, what="a thing") == b"\xff" * 11
    with pytest.raises(UserError, match=r"a thing in UTF-8, but .*invalid start byte at byte 0"):
        read_text(path, limit=11, what="a thing")


def test_values_are_quoted_short():
    assert shown("a") == "'a'"
    for value in (*VALUES, list(range(10**5)), {k: k for k in range(10**5)}, 10**5000):
        assert len(shown(value)) < 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1\n", "2 cells a row, got 1 in row 1"),
        ("a,b\n1,2\n1,2,3\n", "2 cells a row, got 3 in row 2"),
        ('a,b\n"1,2\n', "row 1 is none: unexpected end of data"),
        ("a,a\n1,2\n", r"each column once, got \['a'\]"),
        ("", "a row of column names, got none"),
        ("a," * 600 + "\n", "500 cells a row, got 601"),
        ("a," * 10**6, "a line of over 65,536 characters"),
        ("a\n" + "x" * 200_000, "field larger than field limit"),
    ],
    ids=shown,
)
def test_csv_that_is_none_is_refused(text: str, message: str):
    with pytest.raises(UserError, match=message):
        parse_sheet(text, where="t.csv")


def test_csv_is_read_as_it_stands():
    sheet = parse_sheet('a,b\n"x,""y""",\n', where="t.csv")
    assert sheet == (["a", "b"], [['x,"y"', ""]])
