"""Tables that readers drop, as the page's own code reads them: exact cells, or one sentence."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from figures.browser.beside import needs
from tests.support.node import ask, needs_node
from tests.support.tree import ROOT

pytestmark = needs_node
SCRIPT = Path(__file__).with_name("read_table.mjs")
TABLES = ROOT / "analysis" / "tables"
HEAD = '# {"schema": "looks", "format": 1}'
COLUMNS = "game,name,look,effect,low,high,verdict"


def read(text: str, folder: Path) -> dict[str, Any]:
    """What the page says of a table."""
    return ask(SCRIPT, {"text": text, "needs": needs()}, folder)


@pytest.mark.parametrize("name", sorted(needs()))
def test_every_table_that_the_page_draws_is_read_as_pandas_reads_it(name, tmp_path):
    found = read((TABLES / f"{name}.csv").read_text(), tmp_path)
    assert found["schema"] == name
    rows = pd.read_csv(TABLES / f"{name}.csv", skiprows=1, keep_default_na=False, dtype=str)
    ours = pd.DataFrame(found["rows"], columns=found["columns"])
    assert list(ours) == list(rows)
    for column, kind in needs()[name].items():
        if kind == "text":
            assert list(ours[column]) == list(rows[column])
        elif kind != "bool":
            numbers = [None if cell == "" else float(cell) for cell in rows[column]]
            assert (
                found["rows"]
                and [row[list(ours).index(column)] for row in found["rows"]] == numbers
            )


def test_hostile_cells_come_back_as_the_text_they_are(tmp_path):
    evil = ['<img src=x onerror="hit()">', "=cmd|'/c calc'!A1", "a\nb,c", "__proto__", "0x10", "‮"]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in evil]
    lines = [f"{cell},constructor,1,0.5,,,ok" for cell in quoted]
    found = read("\n".join([HEAD, COLUMNS, *lines]) + "\n", tmp_path)
    assert [row[0] for row in found["rows"]] == evil
    assert found["rows"][0][1:] == ["constructor", 1, 0.5, None, None, "ok"]


@pytest.mark.parametrize("schema", ["constructor", "__proto__", "toString", "<b>x</b>"])
def test_a_name_that_every_object_has_is_no_table_of_this_page(schema, tmp_path):
    found = read(f'# {{"schema": "{schema}"}}\na,b\n1,2\n', tmp_path)
    assert (found["schema"], found["rows"]) == (schema, [["1", "2"]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is no table of this project"),
        ("a,b\n1,2\n", "it is no table of this project: its first line is not"),
        ("# {not json}\na\n1\n", "it is no table of this project"),
        ("# null\na\n1\n", "it is no table of this project"),
        (f"{HEAD}\n", "its rows are cut short"),
        (f"{HEAD}\n{COLUMNS}\ncoinrun,second,1\n", "its rows are cut short"),
        (f'{HEAD}\n{COLUMNS}\n"coinrun,second,1,1,1,1,ok\n', "its rows are cut short"),
        (f"{HEAD}\ngame,name\na,b\n", "lacks the column “look” that a table of “looks” has"),
        (f"{HEAD}\n{COLUMNS}\na,b,1,Infinity,,,ok\n", "row 1, “effect”: it holds “Infinity”, no"),
        (f"{HEAD}\n{COLUMNS}\na,b,1,1,<b>,,ok\n", "row 1, “low”: it holds “<b>”, no number"),
        (f"{HEAD}\n{COLUMNS}\n" + "a,b,1,1,,,ok\n" * 100_001, "it has 100,001 rows; this page"),
    ],
)
def test_a_table_that_cannot_be_drawn_is_refused_in_a_sentence(text, said, tmp_path):
    found = read(text, tmp_path)
    assert found["kind"] == "Refused"
    assert said in found["refused"]
