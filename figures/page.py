"""The page: ``python -m figures.page`` writes one file that opens from disk."""

from dataclasses import dataclass
from pathlib import Path

from analysis.records.tables import check_output
from checkpoints.console import UserError, run_command, say
from checkpoints.doors.places import DRAWN, POLICIES, TABLES
from checkpoints.doors.writing import write_text


@dataclass(frozen=True)
class Settings:
    """Write one HTML file with shipped policies running in it, and what the tables say.

    It makes no request: it works from disk and from any place that serves files. A part whose
    table is missing says what writes it.
    """

    tables: Path = TABLES
    """folder of tables"""
    figures: Path = DRAWN
    """folder of figures that the page links to"""
    zoo: Path = POLICIES
    """folder of policies"""
    policies: tuple[str, ...] = ()
    """ids of policies to carry; of each game and method the first run's last if none is given"""
    links: str = ""
    """address that stands before paths in links, such as that of a repository; else relative"""
    output: Path = Path("results/page.html")
    """file to write, NAME.html"""
    overwrite: bool = False
    """replace it if it exists"""


def main(settings: Settings) -> None:
    """Gather, fill the slots, write, and say how large it is."""
    from figures.browser.gather import page

    if settings.output.suffix.lower() not in (".html", ".htm"):
        raise UserError(
            f"output: expected a name that ends in .html, got {settings.output}; browsers show "
            f"others as text: --output {settings.output}.html"
        )
    check_output(settings.output, overwrite=settings.overwrite)
    say(f"gathering tables of {settings.tables} and policies of {settings.zoo}")
    text = page(
        tables=settings.tables,
        figures=settings.figures,
        zoo=settings.zoo,
        ids=settings.policies,
        links=settings.links,
        output=settings.output,
    )
    write_text(settings.output, text, keep=not settings.overwrite)
    print(f"{settings.output} ({len(text.encode()) / 1e6:.1f} MB): open it in a browser")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.page")
