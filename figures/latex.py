"""Tables and quoted numbers for LaTeX: ``python -m figures.latex [TABLE…]``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from checkpoints.console import run_command, say
from checkpoints.doors.places import TABLES


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
    from figures.kit.typeset import typeset

    say(f"reading tables in {settings.tables}")
    some = settings.names, settings.rows, settings.columns
    written = list(typeset(settings.tables, *some, settings.output, overwrite=settings.overwrite))
    for path in written:
        print(path)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.latex")
