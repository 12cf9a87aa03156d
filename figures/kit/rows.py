"""Reading tables for figures."""

from pathlib import Path

import pandas as pd

from analysis.records.tables import read_provenance
from checkpoints.console import UserError


def load_rows(tables: Path, name: str, columns: tuple[str, ...], command: str) -> pd.DataFrame:
    """The named ``columns`` of ``tables/NAME.csv``, rows as they stand; empty cells are NaN.

    A figure asks for the columns it shows and no more. The full schema stands with the measure,
    which a figure cannot import: it loads torch.

    Args:
        tables: folder of tables.
        name: the table, which is also what its first line must call itself.
        columns: what the figure needs.
        command: what writes this table, for the error message.

    Raises:
        UserError: no such table, another table, a column missing, or no row.
    """
    path = tables / f"{name}.csv"
    if not path.exists():
        raise UserError(f"expected a table at {path}, found no file; write it with: {command}")
    found = read_provenance(path)["schema"]
    if found != name:
        raise UserError(f"{path}: expected the table {name!r}, got {found!r}; rerun {command}")
    rows = pd.read_csv(path, skiprows=1, keep_default_na=False, na_values=[""])
    missing = [column for column in columns if column not in rows]
    if missing:
        raise UserError(
            f"{path}: expected the columns {', '.join(columns)}; {', '.join(missing)} missing; "
            f"write the table again with: {command} --overwrite"
        )
    if rows.empty:
        raise UserError(
            f"{path}: expected at least one row, got none: what it compares was not "
            f"among the policies; name more of them, or all, to: {command}"
        )
    return rows[list(columns)]
