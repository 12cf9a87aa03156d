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


OF_THEIR_TABLE = ("difference_low", "difference_high", "without_low", "without_high")
"""Ends whose name, as ``low`` and ``high`` do, leaves open of what they are."""


def over_otherwise(schemas: Iterable[Schema]) -> dict[str, set[str]]:
    """Name of an interval's end -> what it is taken over, where that is two things or more."""
    over = defaultdict(set)
    for schema in schemas:
        for column in schema.columns:
            if column.name.endswith(("_low", "_high")) and column.name not in OF_THEIR_TABLE:
                over[column.name].add(column.meaning)
    return {name: found for name, found in over.items() if len(found) > 1}


def test_intervals_of_one_name_are_over_the_same():
    assert over_otherwise(SCHEMAS.values()) == {}
    one, two = (Column("icc_low", "float", f"2.5 % point over {what}") for what in ("a", "b"))
    schemas = [Schema(name, (end,), key=("icc_low",)) for name, end in (("a", one), ("b", two))]
    assert over_otherwise(schemas) == {"icc_low": {one.meaning, two.meaning}}


def test_a_name_is_one_thing_in_every_table():
    assert meant_otherwise(SCHEMAS.values()) == {}


def test_two_things_of_one_name_would_be_seen():
    text, number = (Column("factor", kind, "") for kind in ("text", "float"))
    schemas = (Schema(name, (one,), key=("factor",)) for name, one in (("a", text), ("b", number)))
    assert meant_otherwise(schemas) == {"factor": {("text", ""), ("number", "")}}
