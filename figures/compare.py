"""Which cells of two folders of tables differ: ``python -m figures.compare A B``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from checkpoints.console import UserError, run_command


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
    import pandas as pd

    from figures.kit.comparing import moved, summary
    from figures.kit.plain import read_plain

    lines: list[dict[str, Any]] = []
    for one, other in pairs(settings.a, settings.b):
        a, b = read_plain(one), read_plain(other)
        cells = moved(a, b, one.name)
        lines.append(summary(one.stem, len(a), cells))
        some = cells.head(settings.show)
        for cell in some.itertuples():
            far = "" if pd.isna(cell.widths) else f" ({cell.widths:.2g} widths)"
            print(f"{one.stem}: {cell.row}: {cell.column} {cell.a} -> {cell.b}{far}")
        if len(cells) > len(some):
            print(f"{one.stem}: … {len(cells) - len(some):,} more; --show lists them")
    differ = [line for line in lines if line["alone"] or line["texts"] or line["numbers"]]
    for line in differ:
        far = "" if pd.isna(line["widths"]) else f", at most {line['widths']:.2g} widths"
        print(
            f"{line['table']}: {line['alone']} rows alone, {line['texts']} texts, "
            f"{line['numbers']} numbers ({line['without interval']} without an interval){far}"
        )
    print(f"{len(lines)} tables compared, {len(differ)} differ")
    if any(li["alone"] or li["texts"] or li["widths"] > settings.widths for li in differ):
        raise SystemExit(1)


def pairs(a: Path, b: Path) -> list[tuple[Path, Path]]:
    """Tables that go together; ``UserError`` if only one folder has one."""
    from figures.kit.plain import tables_in

    if a.is_file() and b.is_file():
        return [(a, b)]
    left = {path.name: path for path in tables_in(a)}
    right = {path.name: path for path in tables_in(b)}
    alone = sorted(set(left) ^ set(right))
    if alone:
        raise UserError(
            f"expected the same tables in {a} and {b}, got only in one: {', '.join(alone)}; "
            "name two tables, or folders that hold the same"
        )
    return [(left[name], right[name]) for name in left]


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.compare")
