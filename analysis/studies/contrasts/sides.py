"""The two sides of a contrast: what one method's runs say where something is held equal."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.records.runs import NORMAL, RETURN, Measure, Run, is_factor, learned
from analysis.records.values import OK
from analysis.stats.two_groups import at_level, welch

ONE_RUN = "one run on a side: no interval over runs"


class Side(NamedTuple):
    """What one method's runs say."""

    values: np.ndarray
    """(run,) of factors their logarithms"""
    error: float
    """over levels, of the mean"""
    learned: int
    missing: tuple[str, ...]
    why: str


def at_step(
    runs: Sequence[Run], measure: Measure, step: int, wanted: Sequence[str], rows: pd.DataFrame
) -> Side:
    """One side at equal steps; ``wanted``: ids of the runs that there should be."""
    there = [run for run in runs if step in run.steps]
    cells = [run.at(measure, step) for run in there]
    values = np.array([cell[0] for cell in cells])
    missing = sorted(set(wanted) - {run.name for run in there})
    why = next((cell[2] for cell in cells if not np.isfinite(cell[0])), OK)
    error = float(np.mean([cell[1] for cell in cells])) if cells else np.nan
    count = sum(learned(run, step, rows) for run in there)
    return Side(values, error, count, tuple(missing), why if there else "no run")


def at_marker(
    runs: Sequence[Run], measure: Measure, marker: Measure, level: float, rows: pd.DataFrame
) -> Side:
    """One side where each run's return or entropy passes a level."""
    values = []
    for run in runs:
        steps, way = np.array(run.steps, float), run.values_at_steps(marker)
        rising = marker == RETURN
        values.append(at_level(steps, way, run.values_at_steps(measure), level, rising=rising))
    count = sum(learned(run, run.steps[-1], rows) for run in runs)
    found = np.array(values)
    away = tuple(run.name for run, v in zip(runs, found, strict=True) if not np.isfinite(v))
    return Side(found[np.isfinite(found)], np.nan, count, away, "level not passed" if away else OK)


def common_level(runs: Sequence[Run], marker: Measure) -> float:
    """The furthest level that every run passed, on its monotone way; NaN where one has none."""
    from sklearn.isotonic import isotonic_regression

    ends = []
    for run in runs:
        way = run.values_at_steps(marker)
        if np.isnan(way).all():
            return np.nan
        known = way[np.isfinite(way)]
        ends.append(isotonic_regression(known, increasing=marker == RETURN)[-1])
    if not ends:
        return np.nan
    return float(min(ends) if marker == RETURN else max(ends))


def compare(treatment: Side, control: Side, measure: Measure) -> dict[str, Any]:
    """The numbers of a row."""
    out: dict[str, Any] = {"scale": "factor" if is_factor(measure) else "difference"}
    for name, side in (("treatment", treatment), ("control", control)):
        out |= {f"runs_{name}": len(side.values), f"learned_{name}": side.learned}
    empty = (
        "value_treatment",
        "value_control",
        "effect",
        "low",
        "high",
        "p",
        "detectable",
        "levels_low",
        "levels_high",
    )
    out |= dict.fromkeys(empty, np.nan)
    whys = [side.why for side in (treatment, control) if side.why != OK]
    sides = treatment.values, control.values
    out |= {"missing": " ".join(treatment.missing + control.missing)}
    known = all(len(side) and np.isfinite(side).all() for side in sides)
    if not known:
        return out | {"verdict": whys[0] if whys else "no run"}
    found = welch(*sides)
    spread = NORMAL * np.hypot(treatment.error, control.error)
    levels = {"levels_low": found.estimate - spread, "levels_high": found.estimate + spread}
    verdict = whys[0] if whys else OK if np.isfinite(found.low) else ONE_RUN
    out |= {
        "value_treatment": sides[0].mean(),
        "value_control": sides[1].mean(),
        **levels,
        "effect": found.estimate,
        **found._asdict(),
        "verdict": verdict,
    }
    del out["estimate"]
    if is_factor(measure):
        for name in set(empty) - {"p"}:
            out[name] = float(np.exp(out[name]))
    return out
