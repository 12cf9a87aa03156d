"""Reading tables for figures."""

from pathlib import Path

import pandas as pd

from analysis.records.tables import Schema, read_provenance
from checkpoints.console import UserError


def command_of(schema: Schema) -> str:
    """What a user types to have a table written."""
    return f"python -m {schema.command}"


def load_rows(tables: Path, schema: Schema) -> pd.DataFrame:
    """The declared columns of ``tables/NAME.csv``, rows as they stand; empty cells are NaN.

    Values are not checked: a figure shows what is there.

    Args:
        tables: folder of tables.
        schema: as the study that writes the table declares it.

    Raises:
        UserError: no such table, another table, a column missing, or no row.
    """
    path, command = tables / f"{schema.name}.csv", command_of(schema)
    if not path.exists():
        raise UserError(f"expected a table at {path}, found no file; write it with: {command}")
    found = read_provenance(path)["schema"]
    if found != schema.name:
        raise UserError(
            f"{path}: expected the table {schema.name!r}, got {found!r}; rerun {command}"
        )
    rows = pd.read_csv(path, skiprows=1, keep_default_na=False, na_values=[""])
    missing = [column for column in schema.names if column not in rows]
    if missing:
        raise UserError(
            f"{path}: expected the columns {', '.join(schema.names)}; {', '.join(missing)} "
            f"missing; write the table again with: {command} --overwrite"
        )
    if rows.empty:
        raise UserError(
            f"{path}: expected at least one row, got none: what it compares was not "
            f"among the policies; name more of them, or all, to: {command}"
        )
    return rows[list(schema.names)]
