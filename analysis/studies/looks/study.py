"""The declared rule at each look: what it says, what would have let it speak, what it waits for."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.columns import GAME, estimate, interval
from analysis.records.tables import Column, Schema
from analysis.stats.look_verdicts import DECIDES_NOTHING, EFFECT, GO_ON, INSENSITIVE, NOT_REACHED
from analysis.stats.looks import decide
from analysis.stats.welch import welch
from analysis.studies.looks.runs import Wanted, gate_of, pair_of, wanted_of
from checkpoints.console import show_tables
from checkpoints.runs.declaration import Declaration

There = Mapping[tuple[str, int], Any]
"""Run and its steps -> its row."""
POSITIVE_P = 0.05
LOOKS = Schema(
    "looks",
    (
        GAME,
        Column("name", "text", "of the declaration"),
        Column("look", "int", "which, from 1", low=1),
        Column("asked", "int", "pairs of runs that the look is at", low=2),
        Column("pairs", "int", "of these, those there in order of seed, without a gap", low=0),
        Column("effect", "float", "treatment / control; below 1: less bound", low=0),
        *interval(over="Welch's interval over runs, for this look alone", low=0),
        Column("p", "float", "two-sided", low=0, high=1),
        Column("effect_p", "float", "below which p decides for an effect", low=0, high=1),
        Column("p_equivalence", "float", "of a factor beyond the margin", low=0, high=1),
        Column("equivalence_p", "float", "below which that decides against one", low=0, high=1),
        Column("margin", "float", "factors from 1 / margin to margin are not relevant", low=1),
        *estimate(
            "positive",
            "positive control / control at its steps",
            over="Welch's interval over runs",
            low=0,
        ),
        Column("positive_p", "float", "two-sided", low=0, high=1),
        Column("sees_treatment", "int", "of the pairs: runs that see", low=0),
        Column("sees_control", "int", "of the pairs: runs that see", low=0),
        Column("sees_positive", "int", "positive controls that see", low=0),
        Column("verdict", "text", "what the rule says, or which runs it waits for or lacks"),
    ),
    key=("name", "look"),
    command="analysis.looks",
)


def look_rows(runs: pd.DataFrame, declaration: Declaration) -> list[dict[str, Any]]:
    """A row a look: those reached until the rule ends, and the next one, which says why it is not.

    What runs of later looks say never changes a row, since a look reads its own runs and the gate
    those of the first look.

    Args:
        runs: rows of ``analysis.studies.looks.runs.RUNS``.
        declaration: the rule.
    """
    there = {(one.run, one.step): one for one in runs.itertuples()}
    gate = dict.fromkeys(("positive", "positive_low", "positive_high", "positive_p"), np.nan)
    rows: list[dict[str, Any]] = []
    for at, asked in enumerate(declaration.looks):
        label = label_of(declaration, at, there)
        why_not = blocked(wanted_of(declaration, asked), declaration, there)
        if why_not:
            nothing = dict.fromkeys(("effect", "low", "high", "p", "p_equivalence"), np.nan)
            return [*rows, {**label, **gate, **nothing, "verdict": why_not}]
        if not rows:
            gate = told_apart(declaration, there)
        sensitive = gate["positive_p"] < POSITIVE_P and gate["positive"] < 1
        numbers, verdict = asked_of(declaration, asked, there)
        verdict = verdict if sensitive else INSENSITIVE
        rows.append({**label, **gate, **numbers, "verdict": verdict})
        if verdict != GO_ON:
            break
    return rows


def label_of(declaration: Declaration, at: int, there: There) -> dict[str, Any]:
    """What names a look, its pairs that are there up to the first gap, and how many see."""
    asked = declaration.looks[at]
    pairs = [pair_of(declaration, seed) for seed in declaration.seeds[:asked]]
    whole = list(takewhile(lambda pair: all(one.key in there for one in pair), pairs))
    names = {"game": declaration.game, "name": declaration.name, "look": at + 1, "asked": asked}
    bounds = {name: getattr(declaration, name)[at] for name in ("effect_p", "equivalence_p")}
    sees = {
        f"sees_{side}": sum(_sees(pair[place], there) for pair in whole)
        for place, side in enumerate(("treatment", "control"))
    }
    positive, _ = gate_of(declaration)
    sees["sees_positive"] = sum(one.key in there and _sees(one, there) for one in positive)
    return {**names, "pairs": len(whole), **bounds, "margin": declaration.margin, **sees}


def _sees(one: Wanted, there: There) -> bool:
    return bool(there[one.key].sees == "yes")


def blocked(wanted: Sequence[Wanted], declaration: Declaration, there: There) -> str:
    """Why a look is not asked: runs without a value, or the first that is missing; else nothing."""
    known = [one for one in wanted if one.key in there]
    without = [one for one in known if np.isnan(there[one.key].value)]
    if without:
        said = ", ".join(f"{one} is {there[one.key].verdict}" for one in without)
        return f"{DECIDES_NOTHING}: {said}"
    missing = next((one for one in wanted if one.key not in there), None)
    if missing is None:
        return ""
    pair = missing in pair_of(declaration, missing.run.seed)
    return f"{NOT_REACHED}: waits for {f'the pair of seed {missing.run.seed}' if pair else missing}"


def told_apart(declaration: Declaration, there: There) -> dict[str, float]:
    """The positive control against the control at its steps, of the first look's seeds."""
    ours, theirs = (values_of(side, there) for side in gate_of(declaration))
    found = welch(ours, theirs)
    ends = {"": found.estimate, "_low": found.low, "_high": found.high}
    factors = {f"positive{end}": float(np.exp(value)) for end, value in ends.items()}
    return {**factors, "positive_p": found.p}


def asked_of(declaration: Declaration, asked: int, there: There) -> tuple[dict[str, float], str]:
    """What the rule finds in so many pairs, and what it says."""
    pairs = [pair_of(declaration, seed) for seed in declaration.seeds[:asked]]
    ours, theirs = (values_of(side, there) for side in zip(*pairs, strict=True))
    found = welch(ours, theirs, np.log(declaration.margin))
    ends = {"effect": found.estimate, "low": found.low, "high": found.high}
    numbers = {name: float(np.exp(value)) for name, value in ends.items()}
    verdict = decide(ours, theirs, declaration).verdict
    if verdict == EFFECT:
        verdict = f"{EFFECT}: {'less' if found.estimate < 0 else 'more'} bound"
    return {**numbers, "p": found.p, "p_equivalence": found.p_equivalence}, verdict


def values_of(wanted: Sequence[Wanted], there: There) -> np.ndarray:
    """Logarithms, in the order of the runs."""
    return np.array([there[one.key].value for one in wanted])


def looks_of(runs: pd.DataFrame, declaration: Declaration) -> pd.DataFrame:
    """Rows of :func:`look_rows`; columns as of :data:`LOOKS`."""
    return pd.DataFrame(look_rows(runs, declaration), columns=list(LOOKS.names))


def show(runs: pd.DataFrame, looks: pd.DataFrame) -> None:
    """Print a line a run, then a line a look."""
    from rich.table import Table

    table = Table("run", "steps", "TV twins ÷ states", "over blind", "sees", "clipped")
    for one in runs.itertuples():
        ends = f"[{one.over_blind_low:.2f}, {one.over_blind_high:.2f}]"
        value = f"{np.exp(one.value):.2f}" if np.isfinite(one.value) else one.verdict
        blind = f"{one.over_blind:+.2f} {ends}"
        share = f"{one.clipped:.0%}" if np.isfinite(one.clipped) else "–"
        table.add_row(one.run, f"{one.step:,}", value, blind, one.sees, share)
    show_tables(table, keys=2)
    for one in looks.itertuples():
        print(f"look {one.look}, at {one.asked} pairs ({one.pairs} there): {one.verdict}")
        if np.isfinite(one.effect):
            gate = f"[{one.positive_low:.2f}, {one.positive_high:.2f}], p = {one.positive_p:.2g}"
            print(f"  positive control ÷ control × {one.positive:.2f} {gate}")
            ends = f"[{one.low:.2f}, {one.high:.2f}], p = {one.p:.2g}"
            if one.verdict != INSENSITIVE:
                print(f"  treatment ÷ control × {one.effect:.2f} {ends}")
