"""Columns that many tables have: who was measured, and an estimate with its interval."""

from typing import Any

import numpy as np
from jaxtyping import Float

from analysis.records.tables import Column
from analysis.stats.clusters import Interval

GAME = Column("game", "text", "one of the 16")
POLICY = (
    GAME,
    Column("id", "text", "the policy"),
    Column("method", "text", "its training recipe"),
    Column("seed", "int", "of its training", low=0),
    Column("peer", "int", "which of its group", low=0),
    Column("step", "int", "environment steps of this peer", "steps", low=0),
)
"""As ``Subject.columns`` fills them."""
SIZE = (
    Column("states", "int", "states measured", low=2),
    Column("levels", "int", "levels they come from", low=2),
)
PERCENTILES = (2.5, 97.5)
"""Percentiles of an interval."""
OVER_LEVELS = "the bootstrap over levels"
OVER_BOTH = "the bootstrap over levels and backgrounds"
NORMAL = 1.96
"""Standard errors on each side of a normal estimate within its 95 % interval."""


def interval(
    lower: str = "low", upper: str = "high", *, over: str = OVER_LEVELS, **bounds: Any
) -> tuple[Column, Column]:
    """The columns of an interval's two ends.

    Args:
        lower: name of the lower end.
        upper: of the upper one.
        over: what the interval is taken over.
        bounds: ``unit``, ``low`` and ``high`` of the values, as a ``Column`` takes them.
    """
    return (
        Column(lower, "float", f"2.5 % point of {over}", **bounds),
        Column(upper, "float", f"97.5 % point of {over}", **bounds),
    )


def estimate(
    name: str, meaning: str, *, over: str = OVER_LEVELS, **bounds: Any
) -> tuple[Column, Column, Column]:
    """The columns ``name``, ``name_low`` and ``name_high``; see :func:`interval`."""
    ends = interval(f"{name}_low", f"{name}_high", over=over, **bounds)
    return Column(name, "float", meaning, **bounds), *ends


def ends_of(draws: Float[np.ndarray, " r *cell"]) -> Float[np.ndarray, " 2 *cell"]:
    """Both ends of the interval of draws whose first is the estimate and not counted."""
    return np.percentile(draws[1:], PERCENTILES, axis=0)


def filled(
    name: str, draws: Float[np.ndarray, " r"], low: str = "", high: str = ""
) -> dict[str, float]:
    """What fills the columns of an estimate: the first draw, and the ends of the others.

    Args:
        name: of the estimate's column.
        draws: the estimate, then its replicates.
        low: name of the lower end; ``name_low`` if none is given.
        high: of the upper end; ``name_high`` if none is given.
    """
    ends = ends_of(draws)
    return {
        name: float(draws[0]),
        low or f"{name}_low": float(ends[0]),
        high or f"{name}_high": float(ends[1]),
    }


def of_interval(name: str, found: Interval) -> dict[str, float]:
    """What fills the columns of an estimate whose interval is known already."""
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}
