"""CSV as cells of text, with as many in each row as there are columns, and no more than fit."""

import csv
import io
from typing import NamedTuple

from checkpoints.console import UserError
from checkpoints.doors.reading import KIB, MIB, shown

LARGEST = 64 * MIB
"""Bytes of a file at most."""
WIDEST = 500
"""Columns at most."""
_HEAD = 64 * KIB


class CsvCells(NamedTuple):
    """What CSV holds."""

    names: list[str]
    rows: list[list[str]]


def parse_sheet(text: str, *, where: str) -> CsvCells:
    """The cells of CSV, as text.

    Args:
        text: of a length that is limited already, beginning with the names of the columns.
        where: names the file in messages.

    Raises:
        UserError: too many columns, a quote that does not end, a column that comes twice, or a row
            of another length.
    """
    if len(text.partition("\n")[0]) > _HEAD:
        raise UserError(
            f"{where}: expected names of columns, got a line of over {_HEAD:,} characters"
        )
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            rows.append(row)
            if len(row) != len(rows[0]) or len(row) > WIDEST:
                raise UserError(
                    f"{where}: expected {min(len(rows[0]), WIDEST)} cells a row, got {len(row)} in "
                    f"row {len(rows) - 1}; write it again"
                )
    except csv.Error as error:
        raise UserError(
            f"{where}: expected CSV, but row {len(rows)} is none: {error}; write it again"
        ) from error
    if not rows:
        raise UserError(f"{where}: expected a row of column names, got none; write it again")
    twice = sorted({name for name in rows[0] if rows[0].count(name) > 1})
    if twice:
        raise UserError(f"{where}: expected each column once, got {shown(twice)} more than once")
    return CsvCells(rows[0], rows[1:])
