"""How a command works: check what is asked, measure, write, then print, then say where it lies.

Shared settings are inherited with their help. Whatever decides a table stands in its provenance,
because all settings do but those that say where things lie.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.tables import Schema, check_output, write_table
from checkpoints.doors.numbers import check_numbers

PLACES = frozenset(
    {
        *("ids", "root", "tables", "study", "output", "list"),
        *("levels", "factor", "world", "cache", "parts"),
    }
)
"""Settings that say where things are looked up and put, wherever they are texts or paths: a number
of the same name decides. What lies there stands in the provenance by itself."""
WORK = frozenset({"overwrite", "workers"})
"""Settings of how the work is done: they decide no number."""
Frames = Sequence[pd.DataFrame]


@dataclass(frozen=True)
class Output:
    """Settings of every command that writes tables."""

    output: Path = Path("results")
    """folder that receives the tables"""
    overwrite: bool = False
    """replace tables that exist"""

    def check(self) -> None:
        """Raise ``UserError`` on a number out of the range that stands beside its setting."""
        check_numbers(self, flags=True)


def provenance_of(settings: Output, **more: Any) -> dict[str, Any]:
    """Every setting that decides numbers, and ``more`` that does and is no setting."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    kept = {
        name: value
        for name, value in values.items()
        if name not in WORK and not (name in PLACES and _is_place(value))
    }
    return {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()} | more


def _is_place(value: object) -> bool:
    return value is None or isinstance(value, str | Path | tuple)


def table_path(settings: Output, schema: Schema) -> Path:
    """Where a table goes."""
    return settings.output / f"{schema.name}.csv"


def check_outputs(settings: Output, schemas: Sequence[Schema], files: Sequence[str] = ()) -> None:
    """Check the settings, and that nothing stands where results go: before any work.

    Args:
        settings: of the command.
        schemas: of the tables that it writes.
        files: other files that it writes, relative to the output folder.
    """
    settings.check()
    for path in [
        *(table_path(settings, one) for one in schemas),
        *(settings.output / name for name in files),
    ]:
        check_output(path, overwrite=settings.overwrite)


def finish(
    settings: Output,
    schemas: Sequence[Schema],
    frames: Frames,
    show: Callable[[], None],
    **provenance: Any,
) -> None:
    """Write every table, then print what they say, then where they lie.

    Args:
        settings: of the command; those that decide numbers go into the provenance.
        schemas: of the tables.
        frames: their rows, in the same order.
        show: prints tables a person can read.
        provenance: what decides numbers beside the settings.
    """
    found = provenance_of(settings, **provenance)
    paths = [
        write_table(
            frame,
            schema,
            table_path(settings, schema),
            provenance=found,
            overwrite=settings.overwrite,
        )
        for frame, schema in zip(frames, schemas, strict=True)
    ]
    show()
    for path in paths:
        print(path)
