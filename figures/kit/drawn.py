"""The figures of one name: drawn, saved, and what is said of them. Loads no plotting by itself."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from checkpoints.console import show_tables
from figures.kit.printing import Print

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figures.kit.style import Draw, Drawing


class SavedFigure(NamedTuple):
    """A figure that is saved."""

    figure: str
    rows: str
    inches: str
    files: str


class Drawn(NamedTuple):
    """What became of one name."""

    lines: list[SavedFigure]
    left: list[str]
    """what was not drawn, and why"""


@dataclass(frozen=True)
class Drawer:
    """Draws by name; a copy of it may do so in another process."""

    tables: Path
    output: Path
    printed: Print
    overwrite: bool = False
    """replace files that exist"""
    strict: bool = False
    """a table that is missing is an error"""

    def __call__(self, name: str) -> Drawn:
        """Draw and save the figures of ``name``.

        Raises:
            UserError: a figure exists and is not to be replaced; ``strict``, a missing table.
        """
        from figures.kit.rows import MissingTable
        from figures.kit.saving import fit, save

        drawn = Drawn([], [])
        try:
            with self.printed.settings():
                drawings = list(draw_of(name)(self.tables))
        except MissingTable as error:
            if self.strict:
                raise
            return Drawn([], [f"{name}: {error}"])
        for drawing in drawings:
            tight = fit(drawing.figure, self.printed)
            if tight:
                where = f"no room at {self.printed.width:g} in"
                drawn.left.append(f"{drawing.name}: {where}: {tight[0]}")
                continue
            save(drawing, self.output, self.printed, overwrite=self.overwrite)
            drawn.lines.append(_line(drawing, self.printed))
        return drawn


def draw_of(name: str) -> "Draw":
    """What draws the figures of a name: each has a file of that name."""
    draw: Draw = import_module(f"figures.plots.{name}").draw
    return draw


def _line(drawing: "Drawing", printed: Print) -> SavedFigure:
    width, height = drawing.figure.get_size_inches()
    files = ",".join((*printed.formats, "csv"))
    return SavedFigure(drawing.name, f"{len(drawing.rows):,}", f"{width:.2f} x {height:.2f}", files)


def show(lines: "Sequence[SavedFigure]") -> None:
    """Print a table of what is saved; nothing without a figure."""
    from rich.table import Table

    table = Table(*SavedFigure._fields)
    for line in lines:
        table.add_row(*line)
    if lines:
        show_tables(table)
