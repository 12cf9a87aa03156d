"""Files of LaTeX from a folder of tables: a tabular for each, and the numbers that are quoted."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from checkpoints.console import UserError, one_of, say
from checkpoints.doors.writing import check_folder, write_text
from figures.kit.latex import tabular
from figures.kit.numbers import as_latex, numbers, short_names
from figures.kit.plain import intervals_of, read_plain, tables_in
from figures.kit.rows import MissingTable

LONG = 100
"""Rows of a table that is set without being asked for."""


def typeset(
    tables: Path, names: Sequence[str], rows: str, columns: str, output: Path, *, overwrite: bool
) -> Iterator[Path]:
    """Write ``TABLE.tex`` of each table, then ``numbers.tex`` if what it comes from is there.

    Args:
        tables: folder of tables.
        names: those to set; all that are short if none is given.
        rows: those to keep, as ``chosen`` takes them.
        columns: those to keep.
        output: folder to write into.
        overwrite: replace files that exist.
    """
    paths = {path.stem: path for path in tables_in(tables)}
    for name in names:
        one_of("table", name, paths)
    check_folder(output)
    for name in names or paths:
        frame = chosen(read_plain(paths[name]), rows, columns)
        if not names and len(frame) > LONG:
            say(f"left out: {name} has {len(frame):,} rows; name it, with --rows")
            continue
        path = output / f"{name}.tex"
        caption = f"{name} ({paths[name].name})"
        write_text(path, tabular(frame, caption, f"tab:{name}"), keep=not overwrite)
        yield path
    try:
        found = numbers(tables)
        text = as_latex(found, short_names(tables, found))
        path = output / "numbers.tex"
        write_text(path, text, keep=not overwrite)
        yield path
    except MissingTable as error:
        say(f"left out: numbers.tex: {error}")


def chosen(frame: pd.DataFrame, rows: str, columns: str) -> pd.DataFrame:
    """The rows and columns asked for, between commas; all where nothing is.

    Raises:
        UserError: a column that is not there, or no row left.
    """
    for part in filter(None, rows.split(",")):
        name, _, value = part.partition("=")
        one_of("column", name, list(frame))
        frame = frame[frame[name].astype(str) == value]
        if frame.empty:
            raise UserError(f"expected rows with {part}, got none; see the column {name}")
    names = [name.strip() for name in columns.split(",") if name.strip()]
    for name in names:
        one_of("column", name, list(frame))
    pairs = intervals_of(list(frame))
    wanted = {one for name in names for one in (name, *pairs.get(name, ()))}
    return frame[[name for name in frame if name in wanted]] if names else frame
