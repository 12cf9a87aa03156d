"""Tables and quoted numbers for LaTeX: ``python -m figures.latex [TABLE…]``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from checkpoints.console import UserError, one_of, run_command, say
from checkpoints.doors.shipped import TABLES
from checkpoints.doors.writing import check_folder, write_text

if TYPE_CHECKING:
    import pandas as pd

LONG = 100
"""Rows of a table that is set without being asked for."""


@dataclass(frozen=True)
class Settings:
    """Write TABLE.tex (booktabs, siunitx, intervals beside their estimates), and numbers.tex.

    numbers.tex has a macro for each number that the ledger and the README take from contrasts, each
    with its table, row and column in a comment. A column that is the same in all rows moves into
    the caption. Numbers keep the digits that their interval allows. Without a TABLE, all that have
    at most 100 rows are written.
    """

    names: Positional[Annotated[tuple[str, ...], arg(metavar="[TABLE ...]")]] = ()
    """tables to set, such as contrasts"""
    tables: Path = TABLES
    """folder of tables, such as results"""
    output: Path = Path("results/paper")
    """folder to write into"""
    rows: str = ""
    """those to keep, such as game=starpilot,layer=hidden"""
    columns: str = ""
    """those to keep, between commas; their intervals come along"""
    overwrite: bool = False
    """replace files that exist"""


def main(settings: Settings) -> None:
    """Write the tables, then the numbers if what they come from is there."""
    from figures.kit.latex import tabular
    from figures.kit.numbers import as_latex, numbers, short_names
    from figures.kit.plain import read_plain, tables_in
    from figures.kit.rows import MissingTable

    paths = {path.stem: path for path in tables_in(settings.tables)}
    for name in settings.names:
        one_of("table", name, paths)
    check_folder(settings.output)
    written = []
    for name in settings.names or paths:
        frame = read_plain(paths[name])
        if settings.rows or settings.columns:
            frame = chosen(frame, settings)
        if not settings.names and len(frame) > LONG:
            say(f"left out: {name} has {len(frame):,} rows; name it, with --rows")
            continue
        path = settings.output / f"{name}.tex"
        caption = f"{name} ({paths[name].name})"
        write_text(path, tabular(frame, caption, f"tab:{name}"), keep=not settings.overwrite)
        written.append(path)
    try:
        found = numbers(settings.tables)
        text = as_latex(found, short_names(settings.tables, found))
        path = settings.output / "numbers.tex"
        write_text(path, text, keep=not settings.overwrite)
        written.append(path)
    except MissingTable as error:
        say(f"left out: numbers.tex: {error}")
    for path in written:
        print(path)


def chosen(frame: "pd.DataFrame", settings: Settings) -> "pd.DataFrame":
    """The rows and columns asked for.

    Raises:
        UserError: a column that is not there, or no row left.
    """
    from figures.kit.plain import intervals_of

    for part in filter(None, settings.rows.split(",")):
        name, _, value = part.partition("=")
        one_of("column", name, list(frame))
        frame = frame[frame[name].astype(str) == value]
        if frame.empty:
            raise UserError(f"expected rows with {part}, got none; see the column {name}")
    names = [name.strip() for name in settings.columns.split(",") if name.strip()]
    for name in names:
        one_of("column", name, list(frame))
    pairs = intervals_of(list(frame))
    wanted = {one for name in names for one in (name, *pairs.get(name, ()))}
    return frame[[name for name in frame if name in wanted]] if names else frame


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.latex")
