"""The log of a run, ``progress.csv``: what training wrote about each iteration and peer."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from checkpoints.console import UserError
from checkpoints.doors.reading import read_text, shown
from checkpoints.doors.sheets import LARGEST, parse_sheet

MEASURED = (
    *("train_return", "train_episodes", "unseen_return", "unseen_error", "unseen_episodes"),
    "clipped",
)
"""Columns that tables are made of; those that a run does not log are NaN throughout."""
_PLACES = {"step": 10**12, "peer": 63}
_NUMBER = re.compile(
    r"|nan|[+-]?(inf|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,4})?)", re.IGNORECASE
)


def read_log(path: Path) -> pd.DataFrame:
    """The columns ``step`` and ``peer``, whole numbers, and :data:`MEASURED`, floats.

    Raises:
        UserError: no log there, or one with a cell that is no number, or a step or peer that
            cannot be.
    """
    text = read_text(path, limit=LARGEST, what="the log of a run")
    sheet = parse_sheet(text, where=str(path))
    cells = dict(zip(sheet.names, zip(*sheet.rows, strict=True), strict=True)) if sheet.rows else {}
    found: dict[str, np.ndarray] = {}
    for name in (*_PLACES, *MEASURED):
        if name not in cells and name in _PLACES:
            raise UserError(f"{path}: expected rows with a {name}, got {shown(sheet.names)}")
        column = cells.get(name, ("nan",) * len(sheet.rows))
        for row, cell in enumerate(column, 1):
            fits = (
                (cell.isascii() and cell.isdigit()) if name in _PLACES else _NUMBER.fullmatch(cell)
            )
            if not fits or (name in _PLACES and not 0 <= int(cell[:20]) <= _PLACES[name]):
                raise UserError(
                    f"{path}: row {row}, column {name!r}: expected a number, got {shown(cell)}; "
                    "copy the log again"
                )
        kind = np.int64 if name in _PLACES else np.float64
        found[name] = np.array([float(cell or "nan") for cell in column]).astype(kind)
    return pd.DataFrame(found)
