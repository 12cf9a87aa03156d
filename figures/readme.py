"""The README's result, rebuilt from tables: ``python -m figures.readme``."""

from dataclasses import dataclass
from pathlib import Path

from checkpoints.console import run_command, say
from checkpoints.doors.places import TABLES
from checkpoints.doors.reading import MIB, read_text
from checkpoints.doors.writing import write_text


@dataclass(frozen=True)
class Settings:
    """Write the result section of the README from tables."""

    tables: Path = TABLES
    """folder with contrasts.csv, looks.csv, emergence.csv, and samples.csv and probes_steps.csv"""
    readme: Path = Path("README.md")
    """file whose section is replaced"""


def main(settings: Settings) -> None:
    """Rewrite the section; the file is replaced whole."""
    from figures.kit.readme_result import block, replaced

    say(f"reading tables in {settings.tables}")
    there = read_text(settings.readme, limit=MIB, what="a README")
    write_text(settings.readme, replaced(there, block(settings.tables), settings.readme))
    print(f"the result in {settings.readme} says what {settings.tables} holds")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.readme")
