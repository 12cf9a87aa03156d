"""Redraw figures from tables: ``python -m figures [NAME…]``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from checkpoints.console import UserError, one_of, run_command, say, watch
from checkpoints.doors.children import side_by_side
from checkpoints.doors.places import DRAWN, TABLES
from checkpoints.doors.writing import check_folder
from figures.kit.drawn import Drawer, show
from figures.kit.printing import Print, PrintStyle, formats_of

NAMES = tuple(sorted(path.stem for path in (Path(__file__).parent / "plots").glob("[a-z]*.py")))
"""Each has a file of its name."""
WHICH = f"figures to draw, of {', '.join(NAMES)}; none takes all whose tables are there"


@dataclass(frozen=True)
class Settings:
    """Draw figures from tables, each as PDF, PNG (200 dpi) and CSV of the rows it shows.

    Type is embedded in PDF and drawn as shapes in SVG.
    """

    names: Positional[Annotated[tuple[str, ...], arg(metavar="[NAME ...]", help=WHICH)]] = ()
    tables: Path = TABLES
    """folder of tables, such as results"""
    output: Path | None = None
    """folder to write into; of the shipped tables figures/out in a clone, else results/figures;
    of others TABLES/figures"""
    width: float | None = None
    """inches, exactly, such as 3.25 or 6.75; what has no room there is left out and named"""
    style: PrintStyle = "paper"
    """talk: half as large again; own: your matplotlibrc laid over paper's settings"""
    format: str = "pdf,png"
    """of pdf, png and svg, between commas"""
    overwrite: bool = False
    """replace files that exist"""

    @property
    def folder(self) -> Path:
        """Where figures are written to."""
        return self.output or (DRAWN if self.tables == TABLES else self.tables / "figures")


def main(settings: Settings) -> None:
    """Draw, save, and say what was drawn from how many rows, and what was not."""
    for name in settings.names:
        one_of("figure", name, NAMES)
    printed = Print(settings.width, settings.style, formats_of(settings.format))
    check_folder(settings.folder)
    named = settings.names
    drawer = Drawer(settings.tables, settings.folder, printed, settings.overwrite, bool(named))
    names = list(dict.fromkeys(named or NAMES))
    drawn = list(watch(side_by_side(drawer, names), "drawing", len(names)))
    show([line for one in drawn for line in one.lines])
    left = [line for one in drawn for line in one.left]
    for line in left:
        say(f"left out: {line}")
    if not any(one.lines for one in drawn):
        raise UserError(f"expected a figure to draw, got none; {left[-1]}")
    print(f"written to {settings.folder}")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures")
