"""Reading tables for figures."""

from pathlib import Path

import pandas as pd

from analysis.records.tables import Schema, read_table
from analysis.records.values import latest, value_tables
from checkpoints.console import UserError


class MissingTable(UserError):
    """A table or picture that no command has written yet, or a table without a row."""


def command_of(schema: Schema) -> str:
    """What a user types to have a table written."""
    return f"python -m {schema.command}"


def load_rows(tables: Path, schema: Schema) -> pd.DataFrame:
    """The rows of ``tables/NAME.csv``, typed and checked; missing floats are NaN.

    Args:
        tables: folder of tables.
        schema: as the study that writes the table declares it.

    Raises:
        MissingTable: no such table, or no row in it.
        UserError: another table, a column missing, or a cell of another kind or out of its range.
    """
    path, command = tables / f"{schema.name}.csv", command_of(schema)
    if not path.exists():
        raise MissingTable(f"expected a table at {path}, found no file; write it with: {command}")
    rows = read_table(path, schema, schema.names)
    if rows.empty:
        raise MissingTable(
            f"{path}: expected at least one row, got none: what it compares was not "
            f"among the policies; name more of them, or all, to: {command}"
        )
    return rows


def load_values(tables: Path, schema: Schema) -> pd.DataFrame:
    """What all tables of values say of policies, as :func:`analysis.records.values.read_values`.

    Args:
        tables: folder of tables.
        schema: of the one that must be there.

    Raises:
        MissingTable: no such table, or no row in it.
    """
    return latest(
        load_rows(tables, one) if one is schema else read_table(path, one)
        for path, one in value_tables(tables).items()
    )
