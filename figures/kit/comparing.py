"""How far two tables of the same kind lie apart, cell by cell, in widths of their intervals."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from checkpoints.console import UserError
from figures.kit.plain import intervals_of, key_of, read_plain, tables_in

ROWS, TEXT, NUMBER = "row", "text", "number"
COLUMNS = ("what", "row", "column", "a", "b", "widths")


def moved(a: pd.DataFrame, b: pd.DataFrame, where: str = "table") -> pd.DataFrame:
    """Every cell that differs, and every row that only one of them has.

    Args:
        a: a table, as :func:`figures.kit.plain.read_plain` has it.
        b: another of the same columns.
        where: their name, for messages.

    Returns:
        Columns ``what`` (row, text or number), ``row`` (its key), ``column``, ``a``, ``b``, and
        ``widths``: how far the number moved in widths of the interval in ``a``; NaN where it has
        none. What moved furthest stands first.

    Raises:
        UserError: other columns, or no columns that name a row.
    """
    if list(a) != list(b):
        apart = sorted(set(a) ^ set(b)) or "their order"
        raise UserError(f"{where}: expected the same columns in both, got a difference: {apart}")
    key = key_of([a, b])
    if not key and (len(a) or len(b)):
        raise UserError(f"{where}: expected columns that name each row, found none: rows repeat")
    if not key:
        return pd.DataFrame(columns=COLUMNS)
    left, right = a.set_index(key), b.set_index(key)
    found = [_alone(one, "a") for one in left.index.difference(right.index)]
    found += [_alone(one, "b") for one in right.index.difference(left.index)]
    both = left.index.intersection(right.index)
    left, right = left.loc[both], right.loc[both]
    for column in left:
        found += _cells(left, right, str(column))
    frame = pd.DataFrame(found, columns=COLUMNS)
    return frame.sort_values("widths", ascending=False, na_position="first", ignore_index=True)


def _alone(row: Any, side: str) -> dict[str, Any]:
    said = {"what": ROWS, "row": named(row), "column": "", "a": "", "b": "", "widths": np.nan}
    return said | {side: "there"}


def named(row: Any) -> str:
    """The key of a row, as a text."""
    return " ".join(map(str, row)) if isinstance(row, tuple) else str(row)


def _cells(left: pd.DataFrame, right: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    one, other = left[column], right[column]
    numbers = all(pd.api.types.is_numeric_dtype(side) for side in (one, other))
    numbers &= not any(pd.api.types.is_bool_dtype(side) for side in (one, other))
    apart = ~((one == other) | (one.isna() & other.isna()))
    if not apart.any():
        return []
    widths = pd.Series(np.nan, index=left.index)
    if numbers:
        widths = (one - other).abs() / widths_of(left, column)
    return [
        {
            **{"what": NUMBER if numbers else TEXT, "row": named(row), "column": column},
            **{"a": one.loc[row], "b": other.loc[row], "widths": float(widths.loc[row])},
        }
        for row in left.index[apart]
    ]


def widths_of(frame: pd.DataFrame, column: str) -> pd.Series:
    """Width of the interval that a column, or one of its ends, belongs to; NaN without one."""
    for name, ends in intervals_of(list(frame)).items():
        if column in (name, *ends):
            width = frame[ends[1]] - frame[ends[0]]
            return width.where(width > 0)
    return pd.Series(np.nan, index=frame.index)


def summary(name: str, rows: int, cells: pd.DataFrame) -> dict[str, Any]:
    """One line on a table: what moved, and what moved furthest.

    Args:
        name: of the table.
        rows: that it has.
        cells: as :func:`moved` returns them.
    """
    numbers = cells[cells["what"] == NUMBER]
    ranked = numbers.dropna(subset="widths")
    far = ranked.iloc[0] if len(ranked) else None
    return {
        **{"table": name, "rows": rows},
        "alone": int((cells["what"] == ROWS).sum()),
        "texts": int((cells["what"] == TEXT).sum()),
        "numbers": len(numbers),
        "without interval": int(numbers["widths"].isna().sum()),
        "widths": np.nan if far is None else float(far["widths"]),
        "where": "" if far is None else f"{far['row']} {far['column']}",
    }


def pairs(a: Path, b: Path) -> list[tuple[Path, Path]]:
    """Tables that go together; ``UserError`` if only one folder has one."""
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


def compare(a: Path, b: Path, show: int) -> list[dict[str, Any]]:
    """Print of each table what moved furthest; returns a :func:`summary` a table."""
    lines: list[dict[str, Any]] = []
    for one, other in pairs(a, b):
        left, right = read_plain(one), read_plain(other)
        cells = moved(left, right, one.name)
        lines.append(summary(one.stem, len(left), cells))
        some = cells.head(show)
        for cell in some.itertuples():
            far = "" if pd.isna(cell.widths) else f" ({cell.widths:.2g} widths)"
            print(f"{one.stem}: {cell.row}: {cell.column} {cell.a} -> {cell.b}{far}")
        if len(cells) > len(some):
            print(f"{one.stem}: … {len(cells) - len(some):,} more; --show lists them")
    return lines


def say_what_differs(lines: list[dict[str, Any]]) -> None:
    """Print a line for each table of :func:`compare` that differs, then how many do."""
    differ = [line for line in lines if line["alone"] or line["texts"] or line["numbers"]]
    for line in differ:
        far = "" if pd.isna(line["widths"]) else f", at most {line['widths']:.2g} widths"
        print(
            f"{line['table']}: {line['alone']} rows alone, {line['texts']} texts, "
            f"{line['numbers']} numbers ({line['without interval']} without an interval){far}"
        )
    print(f"{len(lines)} tables compared, {len(differ)} differ")
