"""The two sides of a contrast: what one method's runs say where something is held equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analysis.records.runs import MARGIN, RETURNS, Measure, MeasuredRun, is_factor
from analysis.records.values import OK
from analysis.stats.at_level import at_level
from analysis.stats.welch import NOTHING, Effect, welch

ONE_RUN = "one run on a side: nothing over runs"
UNKNOWN = float("nan")
ACTIONS = "decisions"
"""What stands in the place of a layer where single actions are kept apart."""


@dataclass(frozen=True)
class Beside:
    """What is known of policies beside their values."""

    sees: Mapping[str, bool] = field(default_factory=dict)
    """policy -> whether it earns more than its own mix of actions played blind"""
    without: Mapping[str, Mapping[str, Mapping[int, float]]] = field(default_factory=dict)
    """measure -> policy -> background left out -> its value on all other unseen ones"""


class Side(NamedTuple):
    """What one method's runs say."""

    values: np.ndarray
    """(run,) of factors their logarithms"""
    seeing: float
    """runs all of whose policies see; NaN where it was not measured of each"""
    missing: tuple[str, ...]
    why: str
    without: Mapping[int, np.ndarray]
    """background left out -> values as above, for those that each run was measured without"""


def at_step(
    runs: Sequence[MeasuredRun], measure: Measure, step: int, wanted: Sequence[str], beside: Beside
) -> Side:
    """One side at equal steps; ``wanted``: ids of the runs that there should be."""
    there = [run for run in runs if step in run.steps]
    cells = [run.at(measure, step) for run in there]
    values = np.array([value for value, _ in cells])
    missing = sorted(set(wanted) - {run.name for run in there})
    why = next((why for value, why in cells if not np.isfinite(value)), OK)
    groups = [run.policies(step) for run in there]
    seeing = UNKNOWN
    if all(policy in beside.sees for group in groups for policy in group):
        seeing = float(sum(all(beside.sees[policy] for policy in group) for group in groups))
    without = left_out(groups, beside, measure)
    return Side(values, seeing, tuple(missing), why if there else "no run", without)


def left_out(
    groups: Sequence[Sequence[str]], beside: Beside, measure: Measure
) -> dict[int, np.ndarray]:
    """Background -> (run,) the measure without it, the mean over the run's policies, as in a side.

    Only backgrounds that every policy was measured without: none where runs drew their own, and
    none of single actions.
    """
    known = {} if measure[1] == ACTIONS else beside.without.get(measure[0], {})
    tables = [[known.get(policy, {}) for policy in group] for group in groups]
    if not tables:
        return {}
    common = set.intersection(*(set(one) for group in tables for one in group))
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.log if is_factor(measure) else np.asarray
        return {
            b: np.array([np.mean([scaled(one[b]) for one in group]) for group in tables])
            for b in sorted(common)
        }


def at_marker(runs: Sequence[MeasuredRun], measure: Measure, marker: Measure, level: float) -> Side:
    """One side where each run's return or entropy passes a level."""
    values = []
    for run in runs:
        steps, way = np.array(run.steps, float), run.values_at_steps(marker)
        rising = marker == RETURNS
        values.append(at_level(steps, way, run.values_at_steps(measure), level, rising=rising))
    found = np.array(values)
    away = tuple(run.name for run, v in zip(runs, found, strict=True) if not np.isfinite(v))
    why = "level not passed" if away else OK
    return Side(found[np.isfinite(found)], UNKNOWN, away, why, {})


def common_level(runs: Sequence[MeasuredRun], marker: Measure) -> float:
    """The furthest level that every run passed, on its monotone way; NaN where one has none."""
    from sklearn.isotonic import isotonic_regression

    ends = []
    for run in runs:
        way = run.values_at_steps(marker)
        if np.isnan(way).all():
            return np.nan
        known = way[np.isfinite(way)]
        ends.append(isotonic_regression(known, increasing=marker == RETURNS)[-1])
    if not ends:
        return np.nan
    return float(min(ends) if marker == RETURNS else max(ends))


def compare(treatment: Side, control: Side, measure: Measure) -> dict[str, Any]:
    """The numbers of a row; no effect without two runs a side, for a single one says none."""
    factor = is_factor(measure)
    out: dict[str, Any] = {"scale": "factor" if factor else "difference"}
    for name, side in (("treatment", treatment), ("control", control)):
        out |= {f"runs_{name}": len(side.values), f"sees_{name}": side.seeing}
        known = len(side.values) > 0 and bool(np.isfinite(side.values).all())
        out[f"value_{name}"] = _said(side.values.mean(), factor) if known else np.nan
    whys = [side.why for side in (treatment, control) if side.why != OK]
    out |= {"missing": " ".join(treatment.missing + control.missing)}
    sides = treatment.values, control.values
    found, verdict = NOTHING, whys[0] if whys else OK
    if not np.isfinite([out["value_treatment"], out["value_control"]]).all():
        verdict = whys[0] if whys else "no run"
    elif min(map(len, sides)) < 2:
        verdict = whys[0] if whys else ONE_RUN
    else:
        found = welch(*sides, np.log(MARGIN) if factor else np.nan)
    effects = ("estimate", "low", "high", "detectable", "detectable_low", "detectable_high")
    out |= {name: _said(getattr(found, name), factor) for name in effects}
    out |= {"p": found.p, "p_equivalence": found.p_equivalence, "verdict": verdict}
    out["effect"] = out.pop("estimate")
    return out | _hanging(treatment, control, found, factor)


def _said(value: float, factor: bool) -> float:
    """Logarithms of factors as factors."""
    return float(np.exp(value)) if factor else float(value)


def _hanging(treatment: Side, control: Side, found: Effect, factor: bool) -> dict[str, Any]:
    """The range of the effect over leaving one background out, and those that it hangs on.

    It hangs on a background without which it moves by more than its standard error over runs.
    """
    nothing = {"without_low": np.nan, "without_high": np.nan, "hangs_on": ""}
    both = sorted(set(treatment.without) & set(control.without))
    if not both or np.isnan(found.estimate):
        return nothing
    moved = {b: float(np.mean(treatment.without[b]) - np.mean(control.without[b])) for b in both}
    if not np.isfinite(list(moved.values())).all():
        return nothing
    far = {b for b, value in moved.items() if abs(value - found.estimate) > found.error}
    hangs = [f"background {b}" for b in moved if b in far]
    low, high = (_said(end(moved.values()), factor) for end in (min, max))
    return {"without_low": low, "without_high": high, "hangs_on": ", ".join(hangs)}
