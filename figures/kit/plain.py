"""Tables of any kind as other tools read them: values, intervals, digits that mean something."""

import math
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from checkpoints.console import UserError
from checkpoints.doors.reading import read_text, shown
from checkpoints.doors.sheets import LARGEST, parse_sheet

SIGNIFICANT = 3
"""Digits of a number that has no interval."""
OF_WIDTH = 2
"""Digits of an interval's width that are kept: the last one stands for at most a tenth of it."""


def read_plain(path: Path) -> pd.DataFrame:
    """A table, or the rows of a figure, as ``pd.read_csv(path, comment="#")`` has it.

    Raises:
        UserError: no such file, none that can be read as a table, or ends of intervals that are no
            numbers.
    """
    if not path.is_file():
        raise UserError(f"expected a table at {path}, found no file; name one that is there")
    text = read_text(path, limit=LARGEST, what="a table")
    said = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    parse_sheet(said, where=str(path))
    try:
        found = pd.read_csv(StringIO(text), comment="#")
    except ValueError as error:
        raise UserError(
            f"{path}: expected a table of comma-separated values, got: {error}; give another file"
        ) from error
    for name in {end for ends in intervals_of(list(found)).values() for end in ends}:
        if len(found) and found[name].dtype.kind not in "fi":
            raise UserError(
                f"{path}: expected numbers in {name!r}, the end of an interval, got "
                f"{shown(found[name].iloc[0])}; call a column of text otherwise"
            )
    return found


def intervals_of(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Column -> the columns with the ends of its interval.

    ``x`` goes with ``x_low`` and ``x_high``; ``low`` and ``high`` belong to the column before them.
    """
    names = list(columns)
    found = {
        name: (f"{name}_low", f"{name}_high")
        for name in names
        if f"{name}_low" in names and f"{name}_high" in names
    }
    if "low" in names and "high" in names and names.index("low"):
        found[names[names.index("low") - 1]] = ("low", "high")
    return found


def decimals(value: float, width: float = math.nan) -> int:
    """Places behind the point that mean something.

    Args:
        value: the number.
        width: of its interval; NaN or 0 where there is none.
    """
    scale, digits = (width, OF_WIDTH) if width > 0 else (abs(value), SIGNIFICANT)
    if not scale or not math.isfinite(scale):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(scale)))


def rounded(value: float, width: float = math.nan) -> str:
    """A number as a text, with the digits that mean something; empty for NaN."""
    if math.isnan(value):
        return ""
    text = f"{value:.{decimals(value, width)}f}"
    return text.removeprefix("-") if not float(text) else text


def key_of(frames: Sequence[pd.DataFrame]) -> list[str]:
    """The fewest columns, in their order, that name each row of every table.

    Numbers with digits behind the point are taken only where others do not do, and then those that
    have no interval: a threshold, say. Empty if no columns name the rows.
    """
    estimates = {
        name for one in intervals_of(list(frames[0])).items() for name in (one[0], *one[1])
    }
    possible = [name for name in frames[0] if name not in estimates]
    exact = [name for name in possible if not any(_is_measured(frame, name) for frame in frames)]
    for names in (exact, possible):
        for count in range(1, len(names) + 1):
            if not any(frame.duplicated(names[:count]).any() for frame in frames):
                return names[:count]
    return []


def _is_measured(frame: pd.DataFrame, name: str) -> bool:
    return name not in frame or pd.api.types.is_float_dtype(frame[name])


def tables_in(folder: Path) -> Iterator[Path]:
    """Every CSV of a folder, by name.

    Raises:
        UserError: no such folder, or none in it.
    """
    found = sorted(folder.glob("*.csv"))
    if not found:
        raise UserError(f"expected a folder with tables (*.csv), got {folder}; name another")
    yield from found
