"""One name, one thing: what is called alike in two tables is of one kind and in one unit."""

from collections import defaultdict
from collections.abc import Iterable

from analysis.records.tables import Column, Schema
from tests.support.toy_rows import SCHEMAS

IN_THE_UNIT_OF_THEIR_VALUE = ("low", "high", "difference", "difference_low", "difference_high")
KINDS = {"int": "number", "float": "number"}


def meant_otherwise(schemas: Iterable[Schema]) -> dict[str, set[tuple[str, str]]]:
    """Name of a column -> its kinds and units, where there are two or more."""
    meant = defaultdict(set)
    for schema in schemas:
        for column in schema.columns:
            unit = "" if column.name in IN_THE_UNIT_OF_THEIR_VALUE else column.unit
            meant[column.name].add((KINDS.get(column.kind, column.kind), unit))
    return {name: found for name, found in meant.items() if len(found) > 1}


def test_a_name_is_one_thing_in_every_table():
    assert meant_otherwise(SCHEMAS.values()) == {}


def test_two_things_of_one_name_would_be_seen():
    text, number = (Column("factor", kind, "") for kind in ("text", "float"))
    schemas = (Schema(name, (one,), key=("factor",)) for name, one in (("a", text), ("b", number)))
    assert meant_otherwise(schemas) == {"factor": {("text", ""), ("number", "")}}
