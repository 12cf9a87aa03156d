"""What contrasts say: the answer to the declared question in words, and a table of the others."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import EQUIVALENT, MARGIN
from analysis.records.values import OK
from analysis.studies.contrasts.rows import ALL, PRIMARY, UNSEEN
from analysis.studies.contrasts.sides import ONE_RUN
from checkpoints.console import show_tables
from checkpoints.policy.recipes import is_distilled


def answer(row: Any) -> str:
    """The declared contrast, or one like it, in a sentence or two."""
    label = f"{row.treatment} against {row.control}, equal {row.match}"
    if row.match in ("steps", "frames"):
        label += f" ({row.steps_treatment:,.0f} and {row.steps_control:,.0f} steps a policy)"
    runs = f"{row.runs_treatment} and {row.runs_control} runs"
    if np.isnan(row.effect):
        return f"Not decided. {label}: {row.verdict}, {runs}"
    sides = f"{row.value_treatment:.2f} ÷ {row.value_control:.2f} = {row.effect:.2f}"
    verdict = "Not decided."
    if row.high < 1:
        verdict = f"Yes, {row.treatment} depends less on the background."
    elif row.low > 1:
        verdict = f"No, {row.treatment} depends more on the background."
    elif row.p_equivalence < EQUIVALENT:
        verdict = f"No relevant effect: within a factor of {MARGIN:g}, up or down."
    numbers = f"{sides} [{row.low:.2f}, {row.high:.2f}], p = {row.p:.2g}, {runs}"
    seen = f"a factor of {row.detectable:.2f} or {1 / row.detectable:.2f} could have been detected"
    hanging = ""
    if row.hangs_on:
        hanging = (
            f"; hangs on {row.hangs_on}: {row.without_low:.2f} to "
            f"{row.without_high:.2f} with one left out"
        )
    return f"{verdict} {label}: {numbers}; {seen}{hanging}"


def outcome(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows about decisions: on unseen backgrounds where there are such, else on all."""

    def of(measure: tuple[str, str]) -> pd.DataFrame:
        return rows[(rows["measure"] == measure[0]) & (rows["layer"] == measure[1])]

    keys = ["game", "treatment", "match"]
    unseen, every = of(UNSEEN), of(ALL)
    there = set(
        unseen.loc[unseen["value_treatment"].notna(), keys].itertuples(index=False, name=None)
    )
    instead = [key not in there for key in every[keys].itertuples(index=False, name=None)]
    kept = unseen[[key in there for key in unseen[keys].itertuples(index=False, name=None)]]
    return pd.concat([kept, every[instead]])


def show(rows: pd.DataFrame, game: str) -> None:
    """Print the answer of one game, then every method beside PPO, then the primary pair."""
    here = rows[rows["game"] == game]
    shown = outcome(here)
    first = here[here["primary"]]
    asked = shown[shown["treatment"].map(is_distilled) & (shown["match"] == "frames")]
    print(f"{game}: is mutual distillation more background-invariant than PPO?")
    if len(first):
        print(f"  declared in advance: {answer(next(first.itertuples()))}")
    for one in asked[~asked["primary"]].itertuples():
        print(f"  {answer(one)}")
    title = "TV of decisions, twins ÷ states: treatment ÷ control; below 1: less background"
    heads = ("equal", "twins", "has", "control's", "factor", "q", "detectable", "runs", "see")
    table = _table(title, ("treatment", "control", *heads))
    for pair, some in shown.groupby(["treatment", "control"], sort=False):
        for at, one in enumerate(some.itertuples()):
            table.add_row(*(pair if at == 0 else ("", "")), *_cells(one))
        table.add_section()
    others = _table(
        "Other measures, the methods of the declared contrast",
        ("measure", "layer", *heads[2:4], "effect", *heads[5:8]),
    )
    pair = here[(here["treatment"] == PRIMARY.treatment) & (here["match"] == PRIMARY.match)]
    for one in pair.itertuples():
        others.add_row(one.measure, one.layer, *_cells(one)[2:8])
    show_tables(table, keys=3)
    for note in filter(None, map(_note, shown.itertuples())):
        print(f"  {note}")
    if len(pair):
        show_tables(others, keys=2)


def _table(title: str, heads: tuple[str, ...]) -> Any:
    """A table whose cells stay on one line."""
    from rich.table import Table

    table = Table(title=title)
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table


def _cells(one: Any) -> list[str]:
    def number(value: float, form: str = ".2f") -> str:
        return "–" if np.isnan(value) else format(value, form)

    effect = number(one.effect)
    if not np.isnan(one.low):
        effect += f" [{one.low:.2f}, {one.high:.2f}]"
    return [
        one.match + ", declared" * one.primary,
        "unseen" if one.measure == UNSEEN[0] else "all",
        number(one.value_treatment),
        number(one.value_control),
        effect,
        number(one.q, ".2g"),
        number(one.detectable),
        f"{one.runs_treatment}, {one.runs_control}",
        f"{number(one.sees_treatment, '.0f')}, {number(one.sees_control, '.0f')}",
    ]


def _note(one: Any) -> str:
    """What a row's numbers leave unsaid: runs that there should be, or why there is no effect."""
    why = "" if one.verdict in (OK, ONE_RUN) else str(one.verdict)
    missing = f"missing: {one.missing.replace(f'{one.game}/', '')}" if one.missing else ""
    said = "; ".join(filter(None, (why, missing)))
    return said and f"{one.treatment} and {one.control}, equal {one.match}: {said}"
