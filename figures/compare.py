"""Which cells of two folders of tables differ: ``python -m figures.compare A B``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from checkpoints.console import run_command, say


@dataclass(frozen=True)
class Settings:
    """Compare tables cell by cell, such as committed ones with those of another processor.

    A number is judged by its interval: one that moved by 0.1 widths says the same. Ends with exit
    code 1 if a row or a text differs or a number moved by more than --widths; never for numbers
    without an interval, which are counted.
    """

    a: Positional[Annotated[Path, arg(metavar="A")]]
    """table, or folder of tables; its intervals are the measure"""
    b: Positional[Annotated[Path, arg(metavar="B")]]
    """what is held against it"""
    widths: float = 0.1
    """widths of an interval that a number may move"""
    show: int = 10
    """cells to list a table, those that moved furthest"""


def main(settings: Settings) -> None:
    """Compare, print a line a table, and end with 1 if they do not say the same."""
    from figures.kit.comparing import compare, say_what_differs

    say(f"comparing {settings.a} with {settings.b}")
    lines = compare(settings.a, settings.b, settings.show)
    say_what_differs(lines)
    if any(li["alone"] or li["texts"] or li["widths"] > settings.widths for li in lines):
        raise SystemExit(1)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.compare")
