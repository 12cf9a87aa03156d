"""The declared rule at each look: what it says, what would have let it speak, what it waits for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.columns import GAME, interval
from analysis.records.tables import Column, Schema
from analysis.stats.looks import EFFECT, GO_ON, NOT_REACHED, decide
from analysis.stats.welch import welch
from analysis.studies.looks.runs import by_seed, leading
from checkpoints.console import show_tables
from checkpoints.runs.declaration import Declaration

INSENSITIVE = "insensitive: its positive control is not told from the control"
POSITIVE_P = 0.05
LOOKS = Schema(
    "looks",
    (
        GAME,
        Column("name", "text", "of the declaration"),
        Column("look", "int", "which, from 1", low=1),
        Column("asked", "int", "pairs of runs that the look is at", low=2),
        Column("pairs", "int", "pairs there, in order of seed and without a gap", low=0),
        Column("factor", "float", "treatment / control; below 1: less bound", low=0),
        *interval(over="Welch's interval over runs, for this look alone", low=0),
        Column("p", "float", "two-sided", low=0, high=1),
        Column("effect_p", "float", "below which p decides for an effect", low=0, high=1),
        Column("p_equivalence", "float", "of a factor beyond the margin", low=0, high=1),
        Column("equivalence_p", "float", "below which that decides against one", low=0, high=1),
        Column("positive", "float", "positive control / control at its steps", low=0),
        Column("positive_p", "float", "two-sided", low=0, high=1),
        Column("sees_treatment", "int", "runs that see", low=0),
        Column("sees_control", "int", "runs that see", low=0),
        Column("verdict", "text", "what the rule says; not reached, and which run it waits for"),
    ),
    key=("name", "look"),
    command="analysis.looks",
)


def look_rows(runs: pd.DataFrame, declaration: Declaration) -> list[dict[str, Any]]:
    """A row a look: those reached until one decides, and the next one, which waits.

    Args:
        runs: rows of ``analysis.studies.looks.runs.RUNS``.
        declaration: the rule.
    """
    treatment = by_seed(runs, declaration.treatment, declaration.treatment_steps)
    control = by_seed(runs, declaration.control, declaration.control_steps)
    seeds = leading(declaration.seeds, treatment, control)
    ours, theirs = (np.array([side[seed] for seed in seeds]) for side in (treatment, control))
    positive = told_apart(runs, declaration)
    rows: list[dict[str, Any]] = []
    for at, asked in enumerate(declaration.looks):
        label = {"game": declaration.game, "name": declaration.name, "look": at + 1}
        label |= {"asked": asked, "pairs": len(seeds), **positive}
        label |= {"effect_p": declaration.effect_p[at]}
        label |= {"equivalence_p": declaration.equivalence_p[at]}
        label |= seeing(runs, declaration, seeds[:asked])
        if len(seeds) < asked or np.isnan(positive["positive_p"]):
            missing = waiting(declaration, seeds, asked)
            nothing = dict.fromkeys(("factor", "low", "high", "p", "p_equivalence"), np.nan)
            return [*rows, {**label, **nothing, "verdict": f"{NOT_REACHED}: waits for {missing}"}]
        look = decide(ours[:asked], theirs[:asked], declaration)
        found = welch(ours[:asked], theirs[:asked], np.log(declaration.margin))
        tests = {"p": found.p, "p_equivalence": found.p_equivalence}
        factors = {"factor": found.estimate, "low": found.low, "high": found.high}
        label |= tests | {name: float(np.exp(value)) for name, value in factors.items()}
        verdict = look.verdict
        if not positive["positive_p"] < POSITIVE_P or positive["positive"] >= 1:
            verdict = INSENSITIVE
        elif verdict == EFFECT:
            verdict = f"{EFFECT}: {'less' if found.estimate < 0 else 'more'} bound"
        rows.append({**label, "verdict": verdict})
        if look.verdict != GO_ON:
            break
    return rows


def told_apart(runs: pd.DataFrame, declaration: Declaration) -> dict[str, float]:
    """The positive control against the control at its steps, over runs; NaN until there."""
    steps = declaration.positive_steps
    methods = declaration.positive, declaration.control
    sides = [by_seed(runs, method, steps) for method in methods]
    ours, theirs = (np.array(list(side.values()), dtype=float) for side in sides)
    nothing = {"positive": np.nan, "positive_p": np.nan}
    if len(ours) < declaration.positive_runs or len(theirs) < declaration.looks[0]:
        return nothing
    found = welch(ours, theirs)
    return {"positive": float(np.exp(found.estimate)), "positive_p": found.p}


def seeing(runs: pd.DataFrame, declaration: Declaration, seeds: Sequence[int]) -> dict[str, int]:
    """How many runs of each side see."""
    found = {}
    for side, steps in (
        ("treatment", declaration.treatment_steps),
        ("control", declaration.control_steps),
    ):
        method = getattr(declaration, side)
        here = runs[(runs["method"] == method) & (runs["steps"] == steps)]
        found[f"sees_{side}"] = int((here["seed"].isin(seeds) & (here["sees"] == "yes")).sum())
    return found


def waiting(declaration: Declaration, seeds: Sequence[int], asked: int) -> str:
    """What a look waits for: the first pair that is not whole, or the positive controls."""
    if len(seeds) < asked:
        return f"the pair of seed {declaration.first_seed + len(seeds)}"
    return f"{declaration.positive_runs} runs of {declaration.positive}"


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
        table.add_row(one.run, f"{one.steps:,}", value, blind, one.sees, share)
    show_tables(table, keys=2)
    for one in looks.itertuples():
        print(f"look {one.look}, at {one.asked} pairs ({one.pairs} there): {one.verdict}")
        if np.isfinite(one.factor):
            print(f"  × {one.factor:.2f} [{one.low:.2f}, {one.high:.2f}], p = {one.p:.2g}")
