"""Cells of a table: how a value is written, and which texts are a value of a kind."""

import math
import re
from collections.abc import Callable
from typing import Any, Literal

CellKind = Literal["text", "int", "float", "bool"]
DIGITS = 6  # significant digits of a float: far finer than any interval, and few to diff
LONGEST = 500
"""Characters of a text."""
_INT = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def _format_float(value: float) -> str:
    # Adding zero turns -0.0 into 0.0, which would otherwise make a diff out of nothing.
    return "" if math.isnan(value) else format(float(value) + 0.0, f".{DIGITS}g")


FORMAT: dict[CellKind, Callable[[Any], str]] = {
    "text": str,
    "int": lambda value: str(int(value)),
    "float": _format_float,
    "bool": lambda value: str(bool(value)),
}
"""Kind -> from a value to its cell."""


def _text(cell: str) -> str:
    # Figures set texts as they stand; a dollar would begin a formula.
    if len(cell) > LONGEST or "$" in cell or not (cell.isprintable() or not cell):
        raise ValueError
    return cell


def _int(cell: str) -> int:
    if not _INT.fullmatch(cell):
        raise ValueError
    return int(cell)


def _float(cell: str) -> float:
    if cell and not _FLOAT.fullmatch(cell):
        raise ValueError
    return float(cell) if cell else math.nan


PARSE: dict[CellKind, Callable[[str], Any]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": {"True": True, "False": False}.__getitem__,
}
"""Kind -> from a cell to its value; ``ValueError`` or ``KeyError`` for any other text."""
EXPECTED: dict[CellKind, str] = {
    "text": f"a text of at most {LONGEST} printable characters without $",
    "int": "a whole number of at most 18 digits",
    "float": "a number such as 0.5 or 1e-3, or nothing",
    "bool": "True or False",
}
"""Kind -> in words."""
DTYPE: dict[CellKind, str] = {"text": "str", "int": "int64", "float": "float64", "bool": "bool"}
