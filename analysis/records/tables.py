"""Tidy tables with declared columns: what one step writes, the next one reads and trusts.

A table is a CSV whose first line is ``# {json}``, its provenance. Everything is checked *as it
will be written*: a value is rounded to :data:`DIGITS` significant digits first, so that a
correlation of ``1 + 2e-16`` is a 1 and not an error, and so that what was checked is what is read.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.cells import DTYPE, EXPECTED, PARSE, CellKind
from analysis.records.cells import FORMAT as FORMAT_CELL
from checkpoints.console import UserError, one_of
from checkpoints.doors.reading import parse_json, read_text, shown
from checkpoints.doors.sheets import LARGEST, parse_sheet
from checkpoints.doors.writing import check_folder, kept, write_text

FORMAT = 1


@dataclass(frozen=True)
class Column:
    """One declared column.

    Args:
        name: as it stands in the file.
        kind: ``text``, ``int``, ``float`` or ``bool``. Only a ``float`` may be missing: NaN, an
            empty cell, says *not defined here*. Infinite values are never accepted.
        meaning: one phrase for a reader.
        unit: empty for a pure number.
        low, high: closed bounds of the possible values, ``None`` where there is none.
    """

    name: str
    kind: CellKind
    meaning: str
    unit: str = ""
    low: int | float | None = None
    high: int | float | None = None


@dataclass(frozen=True)
class Schema:
    """The columns of a table in their order, and the ``key``: the columns that name a row."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    command: str = ""
    """what writes the table, as ``analysis.cka``: the workflow, figures and messages read it"""

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names) or not self.key or not set(self.key) <= set(names):
            raise UserError(
                f"schema {self.name!r}: expected distinct columns and a key among them, got "
                f"columns {list(names)} and key {list(self.key)}; correct the declaration"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in their order."""
        return tuple(column.name for column in self.columns)


def write_table(
    frame: pd.DataFrame,
    schema: Schema,
    path: str | Path,
    *,
    provenance: dict[str, Any],
    overwrite: bool = False,
) -> Path:
    """Check ``frame`` against ``schema`` and write it, whole or not at all.

    Args:
        frame: exactly the declared columns, in any order; rows in any order.
        schema: what the columns mean; rows are sorted by its key.
        path: the file; missing folders are made.
        provenance: JSON values that say where the numbers come from (ids, settings, seed,
            versions). ``schema`` and ``format`` are added to it.
        overwrite: replace an existing file.

    Returns:
        The path written. The same rows and provenance give the same bytes.

    Raises:
        UserError: the frame breaks the schema, the file exists, or the folder cannot be written.
    """
    path = Path(path)
    check_output(path, overwrite=overwrite)
    cells = _as_text(_exactly(frame, schema, str(path)), schema, str(path))
    text = _header(schema, provenance) + cells.to_csv(index=False, lineterminator="\n")
    write_text(path, text, keep=not overwrite)
    return path


def read_table(
    path: str | Path, schema: Schema, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a table back with its kinds, in the schema's column order.

    Args:
        path: of the table.
        schema: which table it must be.
        columns: those that are needed, in the order wanted; others then need not be there. All if
            none are given.

    Raises:
        UserError: there is no such file, it is no table of this schema, or its columns, kinds,
            ranges or key are broken (the message names the column and the first bad value).
    """
    path = Path(path)
    first, _, text = read_text(path, limit=LARGEST, what="a table").partition("\n")
    found = _provenance(first, path)
    if (found["schema"], found["format"]) != (schema.name, FORMAT):
        raise UserError(
            f"{path}: expected a {schema.name!r} table of format {FORMAT}, got "
            f"{shown(found['schema'])} of format {shown(found['format'])}; give another file, or "
            "write it again"
        )
    sheet = parse_sheet(text, where=str(path))
    cells = pd.DataFrame(sheet.rows, columns=sheet.names, dtype=str)
    if columns is None:
        cells = _exactly(cells, schema, str(path))
    else:
        for name in columns:
            one_of(f"column of {schema.name!r}", name, schema.names)
        missing = [name for name in columns if name not in sheet.names]
        if missing:
            raise UserError(
                f"{path}: expected the columns {', '.join(columns)}; {', '.join(missing)} missing; "
                f"write the table again with: python -m {schema.command} --overwrite"
            )
        cells = cells[list(columns)]
    frame = _parsed(cells, schema, str(path))
    _check_values(frame, schema, str(path))
    return frame


def read_provenance(path: str | Path) -> dict[str, Any]:
    """The first line of a table: its provenance, with ``schema`` and ``format``."""
    path = Path(path)
    text = read_text(path, limit=LARGEST, what="a table")
    return _provenance(text.partition("\n")[0], path)


def _provenance(line: str, path: Path) -> dict[str, Any]:
    try:
        if not line.startswith("# "):
            raise UserError("no # before it")
        found: dict[str, Any] = parse_json(line[2:], dict[str, Any], where=str(path))
        if not {"schema", "format"} <= set(found):
            raise UserError("no schema and format in it")
    except UserError as error:
        raise UserError(
            f"{path}: expected a table that starts with '# {{provenance}}', got {line[:60]!r}; "
            f"give a table written by one of this project's commands"
        ) from error
    return found


def check_output(path: str | Path, *, overwrite: bool) -> None:
    """Refuse a path that is taken. Commands call it first, before hours of work."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"expected a file to write, got the folder {path}; add a file name")
    if os.path.lexists(path) and not overwrite:
        raise kept(path)
    check_folder(path.parent)


def _exactly(frame: pd.DataFrame, schema: Schema, where: str) -> pd.DataFrame:
    """The frame with its columns in declared order; an error unless they are the declared ones."""
    given = list(frame.columns)
    missing = [name for name in schema.names if name not in given]
    extra = [name for name in given if name not in schema.names]
    if missing or extra or len(given) != len(schema.names):
        raise UserError(
            f"{where}: expected the columns {list(schema.names)} of {schema.name!r}; missing "
            f"{missing}, not declared {extra}, {len(given)} in all; rename or drop them, or "
            f"write the table again"
        )
    return frame[list(schema.names)]


def _is_kind(values: pd.Series, kind: str) -> bool:
    if kind == "text":
        return all(isinstance(value, str) for value in values)
    if kind == "bool":
        return pd.api.types.is_bool_dtype(values) and not values.isna().any()
    if kind == "int":
        return pd.api.types.is_integer_dtype(values) and not values.isna().any()
    return pd.api.types.is_float_dtype(values) or pd.api.types.is_integer_dtype(values)


def _as_text(frame: pd.DataFrame, schema: Schema, where: str) -> pd.DataFrame:
    """Every cell as it will stand in the file, in its order, after all checks on what it says."""
    for column in schema.columns:
        values = frame[column.name]
        if len(values) and not _is_kind(values, column.kind):
            raise UserError(
                f"{where}: column {column.name!r} ({column.meaning}): expected {column.kind}"
                f"{'' if column.kind == 'float' else ' without gaps'}, got {values.dtype} such as "
                f"{values.tolist()[:3]}; convert it before writing"
            )
    cells = pd.DataFrame(
        {c.name: [FORMAT_CELL[c.kind](value) for value in frame[c.name]] for c in schema.columns},
        dtype=str,
    )
    typed = _parsed(cells, schema, where)
    _check_values(typed, schema, where)
    # The order of the typed frame: step 9 stands before step 10.
    return cells.loc[typed.sort_values(list(schema.key)).index]


def _there(frame: pd.DataFrame, schema: Schema) -> list[Column]:
    return [column for column in schema.columns if column.name in frame]


def _parsed(cells: pd.DataFrame, schema: Schema, where: str) -> pd.DataFrame:
    """The cells' values; columns stand as they stood."""
    typed = {}
    for column in _there(cells, schema):
        parse, values = PARSE[column.kind], []
        for row, cell in enumerate(cells[column.name]):
            try:
                values.append(parse(cell))
            except (ValueError, KeyError) as error:
                raise UserError(
                    f"{where}: row {row + 1}, column {column.name!r}: expected {column.kind}, got "
                    f"{shown(cell)}, where {EXPECTED[column.kind]} must stand; correct the cell or "
                    "write the table again"
                ) from error
        typed[column.name] = pd.Series(values, dtype=DTYPE[column.kind])
    return pd.DataFrame(typed)[list(cells.columns)]


def _check_values(frame: pd.DataFrame, schema: Schema, where: str) -> None:
    for column in _there(frame, schema):
        if column.kind in ("text", "bool"):
            continue
        values = frame[column.name]
        low = float("-inf") if column.low is None else column.low
        high = float("inf") if column.high is None else column.high
        bad = values.isin([float("inf"), float("-inf")]) | (values < low) | (values > high)
        if column.name in schema.key:
            bad |= values.isna()
        if bad.any():
            raise UserError(
                f"{where}: column {column.name!r} ({column.meaning}): expected finite values "
                f"{column.unit} in [{low:g}, {high:g}], got {values[bad].iloc[0]} in row "
                f"{int(bad.to_numpy().argmax()) + 1} ({int(bad.sum())} such rows); look for what "
                f"made it, a missing value is NaN and no key"
            )
    if not set(schema.key) <= set(frame):
        return
    twice = frame.duplicated(list(schema.key))
    if twice.any():
        first = frame.loc[twice, list(schema.key)].iloc[0].to_dict()
        raise UserError(
            f"{where}: expected one row for each key {list(schema.key)}, got a second one for "
            f"{first}; aggregate the rows or add a column to the key"
        )


def _header(schema: Schema, provenance: dict[str, Any]) -> str:
    reserved = {"schema", "format"} & set(provenance)
    if reserved:
        raise UserError(f"provenance: {sorted(reserved)} are filled in here; leave them out")
    line = {"schema": schema.name, "format": FORMAT, **provenance}
    try:
        return f"# {json.dumps(line, sort_keys=True, allow_nan=False)}\n"
    except (TypeError, ValueError) as error:
        raise UserError(
            f"provenance: expected JSON values (text, finite numbers, lists, dicts), got: {error}; "
            f"convert them before writing"
        ) from error
