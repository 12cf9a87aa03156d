"""Rows of contrasts: one method's runs versus another's, with something held equal."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.records.runs import BEGUN, NORMAL, RETURN, Measure, Run, is_factor, learned, runs_of
from analysis.records.tables import Column, Schema
from analysis.stats.two_groups import at_level, discoveries, welch
from checkpoints.console import UserError
from checkpoints.policy.recipes import base_method
from checkpoints.runs.study import Planned

CONTROL = "ppo"
MATCHES = ("steps", "frames", "return", "entropy")
"""At what both sides are held equal: environment steps of a policy, of all policies of the run
together, the return on unseen levels, or the entropy of decisions."""
WITHOUT = {"mutual": "mutual-alpha0"}
"""Method -> the same without what makes it one: two peers that never hear of each other."""
ENTROPY = ("entropy", "decisions")
UNSEEN, ALL = ("ratio_unseen", "decisions"), ("ratio", "decisions")
OF_ONESELF = ("cka_final", "cka_peer")
"""Measures that say of a policy what it resembles: nothing that two methods have in common."""
ONE_RUN = "one run on a side: no interval over runs"


class Primary(NamedTuple):
    """What was declared."""

    game: str = "starpilot"
    treatment: str = "mutual-bg9"
    control: str = "ppo-bg9"
    match: str = "frames"
    measure: Measure = UNSEEN
    steps: int = 2_097_152
    """of each mutual peer; PPO has twice as many"""
    seeds: int = 3


PRIMARY = Primary()
NAN = float("nan")

SCHEMA = Schema(
    "contrasts",
    (
        Column("game", "text", "one of the 16"),
        Column("treatment", "text", "method compared"),
        Column("control", "text", "with which, on the same training backgrounds"),
        Column("match", "text", "what is equal: steps, frames, return or entropy"),
        Column("measure", "text", "see python -m analysis.emergence --help, and probes.steps"),
        Column("layer", "text", "of the encoder, or what else the measure is about"),
        Column("primary", "bool", "the declared contrast"),
        Column("scale", "text", "factor: treatment / control; difference: treatment - control"),
        Column("steps_treatment", "int", "of each policy; 0 where a level is equal", "steps", 0),
        Column("steps_control", "int", "of each policy; 0 where a level is equal", "steps", 0),
        Column("level", "float", "return or entropy at which both are compared"),
        Column("value_treatment", "float", "mean over runs, of factors geometric"),
        Column("value_control", "float", "mean over runs, of factors geometric"),
        Column("effect", "float", "on the scale named"),
        Column("low", "float", "2.5 % point of Welch's interval over runs"),
        Column("high", "float", "97.5 % point"),
        Column("p", "float", "two-sided", low=0, high=1),
        Column("q", "float", "false-discovery rate among all secondary contrasts", low=0, high=1),
        Column("detectable", "float", "effect, up or down, found with probability .8"),
        Column("levels_low", "float", "2.5 % point were other levels drawn for these very runs"),
        Column("levels_high", "float", "97.5 % point; conservative"),
        Column("runs_treatment", "int", "behind the effect", low=0),
        Column("runs_control", "int", "behind the effect", low=0),
        Column("learned_treatment", "int", "of them, return above untrained's", low=0),
        Column("learned_control", "int", "of them, return above untrained's", low=0),
        Column("missing", "text", "runs of the study that are not there, or not so far"),
        Column("verdict", "text", "ok, or why there is no interval, or nothing"),
    ),
    key=("game", "treatment", "control", "match", "measure", "layer"),
)


class Side(NamedTuple):
    """What one method's runs say."""

    values: np.ndarray
    """(run,) of factors their logarithms"""
    error: float
    """over levels, of the mean"""
    learned: int
    missing: tuple[str, ...]
    why: str


def at_step(runs: Sequence[Run], measure: Measure, step: int, wanted: Sequence[str],
            rows: pd.DataFrame) -> Side:  # fmt: skip
    """One side at equal steps; ``wanted``: ids of the runs that there should be."""
    there = [run for run in runs if step in run.steps]
    cells = [run.at(measure, step) for run in there]
    values = np.array([cell[0] for cell in cells])
    missing = sorted(set(wanted) - {run.name for run in there})
    why = next((cell[2] for cell in cells if not np.isfinite(cell[0])), "ok")
    error = float(np.mean([cell[1] for cell in cells])) if cells else np.nan
    count = sum(learned(run, step, rows) for run in there)
    return Side(values, error, count, tuple(missing), why if there else "no run")


def at_marker(runs: Sequence[Run], measure: Measure, marker: Measure, level: float,
              rows: pd.DataFrame) -> Side:  # fmt: skip
    """One side where each run's return or entropy passes a level."""
    values = []
    for run in runs:
        steps, way = np.array(run.steps, float), run.track(marker)
        rising = marker == RETURN
        values.append(at_level(steps, way, run.track(measure), level, rising=rising))
    count = sum(learned(run, run.steps[-1], rows) for run in runs)
    found = np.array(values)
    away = tuple(run.name for run, v in zip(runs, found, strict=True) if not np.isfinite(v))
    return Side(
        found[np.isfinite(found)], np.nan, count, away, "level not passed" if away else "ok"
    )


def common_level(runs: Sequence[Run], marker: Measure) -> float:
    """The furthest level that every run passed, on its monotone way; NaN where one has none."""
    from sklearn.isotonic import isotonic_regression

    ends = []
    for run in runs:
        way = run.track(marker)
        if np.isnan(way).all():
            return NAN
        known = way[np.isfinite(way)]
        ends.append(isotonic_regression(known, increasing=marker == RETURN)[-1])
    if not ends:
        return NAN
    return float(min(ends) if marker == RETURN else max(ends))


def compare(treatment: Side, control: Side, measure: Measure) -> dict[str, Any]:
    """The numbers of a row."""
    out: dict[str, Any] = {"scale": "factor" if is_factor(measure) else "difference"}
    for name, side in (("treatment", treatment), ("control", control)):
        out |= {f"runs_{name}": len(side.values), f"learned_{name}": side.learned}
    empty = ("value_treatment", "value_control", "effect", "low", "high", "p", "detectable",
             "levels_low", "levels_high")  # fmt: skip
    out |= dict.fromkeys(empty, np.nan)
    whys = [side.why for side in (treatment, control) if side.why != "ok"]
    sides = treatment.values, control.values
    out |= {"missing": " ".join(treatment.missing + control.missing)}
    known = all(len(side) and np.isfinite(side).all() for side in sides)
    if not known:
        return out | {"verdict": whys[0] if whys else "no run"}
    found = welch(*sides)
    spread = NORMAL * np.hypot(treatment.error, control.error)
    levels = {"levels_low": found.estimate - spread, "levels_high": found.estimate + spread}
    verdict = whys[0] if whys else "ok" if np.isfinite(found.low) else ONE_RUN
    out |= {"value_treatment": sides[0].mean(), "value_control": sides[1].mean(), **levels,
            "effect": found.estimate, **found._asdict(), "verdict": verdict}  # fmt: skip
    del out["estimate"]
    if is_factor(measure):
        for name in set(empty) - {"p"}:
            out[name] = float(np.exp(out[name]))
    return out


def family(runs: Sequence[Run], planned: Sequence[Planned], rows: pd.DataFrame
           ) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Rows of one game and one set of training backgrounds: every method against PPO.

    Those of :data:`WITHOUT` are at equal steps held against their own control, too.
    """
    methods = {method: [run for run in runs if run.method == method]
               for method in dict.fromkeys(run.method for run in runs)}  # fmt: skip
    control = next((name for name in methods if base_method(name) == CONTROL), None)
    if control is None:
        return
    measures = sorted({(str(m), str(layer)) for run in runs if base_method(run.method) == CONTROL
                       for m, layer in run.rows[["measure", "layer"]].to_numpy()
                       if m not in OF_ONESELF})  # fmt: skip
    longest = {name: max(run.steps[-1] for run in some) for name, some in methods.items()}
    by_base = {base_method(name): name for name in methods}
    for name in methods:
        # What has only begun says nothing yet, and would be compared where nobody decides.
        if name == control or longest[name] < BEGUN * longest[control]:
            continue
        asked = [(control, match) for match in MATCHES]
        without = by_base.get(WITHOUT.get(base_method(name), ""))
        if without and longest[without] >= BEGUN * longest[control]:
            asked.append((without, "steps"))
        for other, match in asked:
            pair = Pair(name, other, methods[name], methods[other], match)
            for measure in measures:
                found = pair.row(measure, planned, rows)
                if found:
                    yield found


class Pair(NamedTuple):
    """A method, what it is compared with, and what is held equal."""

    treatment: str
    control: str
    treated: list[Run]
    controls: list[Run]
    match: str

    def steps(self) -> tuple[int, int] | None:
        """The last steps at which frames, or else steps, are equal; None where there are none."""
        times = self.treated[0].peers if self.match == "frames" else 1
        if self.match == "frames" and times == 1:
            return None
        ours = {step for run in self.treated for step in run.steps}
        theirs = {step for run in self.controls for step in run.steps}
        both = [step for step in ours if step * times in theirs]
        return (max(both), max(both) * times) if both else None

    def whole(self) -> tuple[list[Run], list[Run]]:
        """The runs of both sides that reached the last step at which steps are equal."""
        last = self.steps()
        if last is None:
            return [], []
        ours, theirs = ([run for run in side if last[0] in run.steps]
                        for side in (self.treated, self.controls))  # fmt: skip
        return ours, theirs

    def row(
        self, measure: Measure, planned: Sequence[Planned], rows: pd.DataFrame
    ) -> dict[str, Any] | None:
        """One row of the table without its q; None where there is nothing to hold equal."""
        game, declared = self.treated[0].game, False
        place: dict[str, Any] = {"steps_treatment": 0, "steps_control": 0, "level": NAN}
        if self.match in ("steps", "frames"):
            steps = self.steps()
            if steps is None:
                return None
            place |= {"steps_treatment": steps[0], "steps_control": steps[1]}
            wanted = [
                wanted_ids(planned, game, method, step)
                for method, step in zip((self.treatment, self.control), steps, strict=True)
            ]
            treatment = at_step(self.treated, measure, steps[0], wanted[0], rows)
            control = at_step(self.controls, measure, steps[1], wanted[1], rows)
            asked = Primary(game, self.treatment, self.control, self.match, measure, steps[0])
            declared = asked == PRIMARY
        else:
            marker = RETURN if self.match == "return" else ENTROPY
            treated, controls = self.whole()
            level = common_level(treated + controls, marker)
            if measure == marker or np.isnan(level):
                return None
            place |= {"level": level}
            treatment = at_marker(treated, measure, marker, level, rows)
            control = at_marker(controls, measure, marker, level, rows)
        label = {"game": game, "treatment": self.treatment, "control": self.control}
        label |= {"match": self.match, "measure": measure[0], "layer": measure[1]}
        return {**label, "primary": declared, **place, **compare(treatment, control, measure)}


def wanted_ids(planned: Sequence[Planned], game: str, method: str, step: int) -> list[str]:
    """Ids of the study's runs of a method that should reach a step."""
    return [str(one.id) for one in planned
            if (one.id.game, one.id.method) == (game, method) and one.steps >= step]  # fmt: skip


def contrast_rows(rows: pd.DataFrame, planned: Sequence[Planned]) -> pd.DataFrame:
    """Every contrast that the values allow, q values included; columns as in :data:`SCHEMA`."""
    runs = list(runs_of(rows))
    keys = dict.fromkeys((run.game, run.backgrounds) for run in runs)
    found = [
        row
        for key in keys
        for row in family([r for r in runs if (r.game, r.backgrounds) == key], planned, rows)
    ]
    if not found:
        raise UserError(
            f"expected runs of {CONTROL} and of another method on the same backgrounds, got "
            f"{', '.join(run.name for run in runs) or 'none'}; measure them with: "
            "python -m analysis.emergence"
        )
    table = pd.DataFrame(found)
    secondary = np.where(table["primary"], np.nan, table["p"].to_numpy(float))
    return table.assign(q=discoveries(secondary))[list(SCHEMA.names)]
