"""Where numbers come from: each table with its command, its hash and a way to it."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.tables import Schema, read_provenance
from checkpoints.console import UserError
from checkpoints.doors.reading import read_bytes
from checkpoints.doors.sheets import LARGEST
from figures.kit.rows import command_of, load_rows

PagePart = dict[str, Any]


@dataclass(frozen=True)
class PagePlaces:
    """Where tables and figures lie, and how the page finds them."""

    tables: Path
    figures: Path
    page: Path
    """the file that is written"""
    links: str = ""
    """address that stands before ``tables`` and ``figures`` in links; else they are relative"""

    def link(self, path: Path) -> str:
        """A link from the page to a file."""
        if self.links:
            return f"{self.links.rstrip('/')}/{path.as_posix()}"
        return Path(os.path.relpath(path, self.page.parent)).as_posix()

    def figure(self, name: str) -> str:
        """A link to a figure."""
        return self.link(self.figures / f"{name}.png")


def source(places: PagePlaces, schema: Schema) -> PagePart:
    """What stands beside numbers of a table: its command, hash, settings, and a link."""
    path = places.tables / f"{schema.name}.csv"
    content = read_bytes(path, limit=LARGEST, what="a table")
    made = read_provenance(path)
    left_out = ("policies", "worlds", "format", "schema")
    return {
        "table": schema.name,
        "command": command_of(schema),
        "sha256": hashlib.sha256(content).hexdigest()[:16],
        "rows": content.count(b"\n") - 2,
        "link": places.link(path),
        "settings": {name: value for name, value in made.items() if name not in left_out},
    }


def rows_of(rows: pd.DataFrame) -> PagePart:
    """Rows as columns' names and lists of cells; what is missing becomes null."""
    cells = rows.astype(object).where(rows.notna(), None)
    return {"columns": list(rows.columns), "rows": cells.to_numpy().tolist()}


def table_part(places: PagePlaces, schema: Schema, columns: Sequence[str]) -> PagePart:
    """The named columns of a table with their source, or what writes it where it is missing."""
    try:
        rows = load_rows(places.tables, schema)
    except UserError as error:
        return {"missing": str(error)}
    return {"source": source(places, schema), **rows_of(rows[list(columns)])}
