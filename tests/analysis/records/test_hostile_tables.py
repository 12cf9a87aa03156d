"""Tables that somebody damaged or forged: read whole and typed, or refused in words."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from analysis.records.tables import read_provenance, read_table
from checkpoints.console import UserError
from tests.support.hostile_files import VALUES, changed_bytes
from tests.support.toy_rows import SCHEMAS
from tests.support.tree import ROOT

INPUTS = 1000
CELLS = (
    "",
    "nan",
    "inf",
    "-inf",
    "abc",
    "1,5",
    "1_000",
    "٣",
    "9" * 30,
    '"',
    "$\\frac$",
    "x" * 9999,
)
CELLS += ("True", "1e999", "-1", "0x1", "\u202e", "a\nb", "=1+1", " 1")
TABLE = "invariance"


def changed(text: str, rng: np.random.Generator) -> bytes:
    """The text of a table with one thing changed."""
    lines = text.split("\n")
    how = rng.integers(6)
    if how == 0:
        return changed_bytes(text.encode(), rng, head=len(text) - 10)
    place = int(rng.integers(2, len(lines) - 1))
    cells = lines[place].split(",")
    if how == 1:
        cells[rng.integers(len(cells))] = CELLS[rng.integers(len(CELLS))]
    elif how == 2:
        cells = cells[: rng.integers(len(cells))] if rng.random() < 0.5 else [*cells, "1"]
    elif how == 3:
        lines[0] = "# " + json.dumps(VALUES[rng.integers(len(VALUES))])
    elif how == 4:
        names = lines[1].split(",")
        names[rng.integers(len(names))] = CELLS[rng.integers(len(CELLS))]
        lines[1] = ",".join(names)
    else:
        lines.append(lines[place])
    lines[place] = ",".join(cells)
    return "\n".join(lines).encode()


def test_changed_tables_are_refused_or_sound(tmp_path: Path):
    sound = (ROOT / f"analysis/tables/{TABLE}.csv").read_text()
    sound = "\n".join(sound.split("\n")[:12]) + "\n"
    path, rng, refused, schema = tmp_path / "t.csv", np.random.default_rng(0), 0, SCHEMAS[TABLE]
    path.write_text(sound)
    read_table(path, schema)
    for _ in range(INPUTS):
        path.write_bytes(changed(sound, rng))
        try:
            frame = read_table(path, schema)
        except UserError:
            refused += 1
            continue
        assert list(frame.columns) == list(schema.names) and len(frame) <= 10
        for column in schema.columns:
            kinds = {"int": "i", "float": "f", "bool": "b", "text": "OUT"}
            assert getattr(frame[column.name].dtype, "kind", "U") in kinds[column.kind]
    assert 0.6 * INPUTS < refused < INPUTS, refused


SHIPPED = sorted((ROOT / "analysis" / "tables").glob("*.csv"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_table_is_read(path: Path):
    read_table(path, SCHEMAS[path.stem])


def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for place, message in ((tmp_path / "pipe", "a pipe or device"), (tmp_path, "is a folder")):
        with pytest.raises(UserError, match=message):
            read_provenance(place)
    with pytest.raises(UserError, match="/dev/zero is a pipe or device"):
        read_provenance("/dev/zero")
    wide = tmp_path / "wide.csv"
    head = '# {"schema": "invariance", "format": 1}\n'
    wide.write_text(head + "a," * 10_000_000 + "\n")
    with pytest.raises(UserError, match="a line of over 65,536 characters"):
        read_table(wide, SCHEMAS[TABLE])
    with open(wide, "wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(UserError, match="a table of at most 67,108,864 bytes"):
        read_table(wide, SCHEMAS[TABLE])
