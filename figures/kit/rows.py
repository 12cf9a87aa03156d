"""Reading tables for figures."""

from pathlib import Path

import pandas as pd

from analysis.records.tables import read_table
from analysis.studies.schemas import schema_of
from checkpoints.console import UserError


def load_rows(tables: Path, name: str, columns: tuple[str, ...], command: str) -> pd.DataFrame:
    """The named ``columns`` of ``tables/NAME.csv``, typed and checked; missing floats are NaN.

    A figure asks for the columns it shows and no more.

    Args:
        tables: folder of tables.
        name: the table, which is also what its first line must call itself.
        columns: what the figure needs.
        command: what writes this table, for the error message.

    Raises:
        UserError: no such table, another table, a column missing, a cell of another kind or out of
            its range, or no row.
    """
    path = tables / f"{name}.csv"
    if not path.exists():
        raise UserError(f"expected a table at {path}, found no file; write it with: {command}")
    rows = read_table(path, schema_of(name), columns)
    if rows.empty:
        raise UserError(
            f"{path}: expected at least one row, got none: what it compares was not "
            f"among the policies; name more of them, or all, to: {command}"
        )
    return rows
