"""What the command says it has drawn."""

from checkpoints.console import show_tables
from figures.kit.printing import Print
from figures.kit.style import Drawing


class Report:
    """A line a figure: its rows, its size and its files."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []

    def add(self, drawing: Drawing, printed: Print) -> None:
        """Take up a figure that is saved."""
        width, height = drawing.figure.get_size_inches()
        files = ",".join((*printed.formats, "csv"))
        size = f"{width:.2f} x {height:.2f}"
        self.lines.append((drawing.name, f"{len(drawing.rows):,}", size, files))

    def show(self) -> None:
        """Print it; nothing without a figure."""
        from rich.table import Table

        table = Table("figure", "rows", "inches", "files")
        for line in self.lines:
            table.add_row(*line)
        if self.lines:
            show_tables(table)
