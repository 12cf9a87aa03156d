"""The README's result, rebuilt from tables: ``python -m figures.readme``.

No number of it is typed in: a test compares the README with what the committed tables say.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import (
    EQUIVALENT,
    MARGIN,
    Measure,
    Run,
    is_factor,
    runs_of,
    untrained_mean,
    untrained_values,
)
from analysis.records.values import read_values
from analysis.studies.looks.study import LOOKS
from checkpoints.console import UserError
from checkpoints.policy.recipes import is_strength
from figures import contrasts
from figures.kit.panels import panel_title
from figures.kit.rows import load_rows
from figures.kit.style import without_backgrounds

BEGIN, END = "<!-- result: python -m figures.readme -->", "<!-- end of result -->"
TV, RATIO = ("tv_between", "decisions"), ("ratio_unseen", "decisions")
UNSEEN: Measure = ("ratio_unseen", "buttons")
COLUMNS: dict[str, Measure] = {
    "return, unseen levels": ("return", "episodes"),
    "TV between states": TV,
    "ICC, last layer": ("icc", "hidden"),
    "TV twins ÷ states": RATIO,
}
"""Heading -> what stands under it; the last is the outcome."""
ELSEWHERE = "÷ PPO elsewhere, two runs a side or more: "
SINGLE = "Single runs, points in the figure: "
ANSWER: dict[Measure, str] = {
    ("tv_unseen", "buttons"): "backgrounds that training never showed move decisions {} as far",
    ("tv_between", "buttons"): "other states move them {} as far",
    UNSEEN: "the first over the second, which alone would be invariance, is {}",
    ("effective_rank", "hidden"): "the last layer's effective rank is {}",
    ("icc_unseen", "hidden"): "its ICC differs by {}",
}
"""What is said of the pair of methods, in this order, with the effect in its place."""


def mean(runs: list[Run], measure: Measure, step: int) -> float:
    """Mean over the runs that were kept at a step, of factors geometric; NaN if one has none."""
    found = float(np.mean([run.at(measure, step)[0] for run in runs]))
    return float(np.exp(found)) if is_factor(measure) else found


def number(value: float) -> str:
    """Two digits behind the point."""
    return "–" if np.isnan(value) else f"{value:.2f}"


def effect(one: Any) -> str:
    """A factor or a difference with its interval over runs."""
    if np.isnan(one.effect):
        return str(one.verdict)
    return f"{one.effect:.2f} [{one.low:.2f}, {one.high:.2f}]"


def written(cells: list[str]) -> str:
    """One line of a Markdown table."""
    return f"|{'|'.join(cells)}|"


def blank(values: pd.DataFrame, game: str, columns: list[Measure]) -> list[str]:
    """What untrained networks have in each column: where every measure starts from."""
    count = max(len(untrained_values(values, game, measure)) for measure in columns)
    means = [number(untrained_mean(values, game, measure)) for measure in columns]
    return ["untrained", str(count), *means, "", ""]


def columns_of(rows: pd.DataFrame) -> dict[str, Measure]:
    """Heading -> measure of the README's table of one game and control."""
    return {**COLUMNS, "TV twins ÷ states": (contrasts.outcome(rows), "decisions")}


def lines_of(of: pd.DataFrame, runs: list[Run]) -> Iterator[tuple[contrasts.Line, list[Run]]]:
    """Each method and step of contrasts of one measure, with its runs that were kept there."""
    for line in contrasts.lines_of(of):
        if not is_strength(line.method):
            mine = [run for run in runs if run.method == line.method and line.step in run.steps]
            yield line, mine


def table(rows: pd.DataFrame, runs: list[Run], values: pd.DataFrame) -> tuple[str, list[str]]:
    """Markdown: a line for each method and step of several runs; and what has a single one."""
    of, columns = contrasts.of_measure(rows, contrasts.outcome(rows)), columns_of(rows)
    longest = max(one.steps_treatment for one in of.itertuples() if one.match == "steps")
    head = ["method", "runs", *columns, "÷ PPO, equal steps", "equal frames"]
    out, single = [written(head), written(["---"] * len(head))], []
    for line, some in lines_of(of, runs):
        if len(some) < 2:
            single += [line.label(longest)]
            continue
        cells = [line.label(longest), str(len(some))]
        cells += [number(mean(some, measure, line.step)) for measure in columns.values()]
        for match in ("steps", "frames"):
            mine = of[(of["treatment"] == line.method) & (of["match"] == match)]
            mine = mine[mine["steps_treatment"] == line.step]
            there = len(mine) and np.isfinite(mine["effect"].iloc[0])
            cells.append(effect(next(mine.itertuples())) if there else "")
        out.append(written(cells))
    game = str(rows["game"].iloc[0])
    return "\n".join([*out, written(blank(values, game, list(columns.values())))]), single


def answer(rows: pd.DataFrame) -> str:
    """What was found, in plain sentences; empty without the declared contrast.

    Args:
        rows: contrasts of one game and control.
    """
    declared = next(rows[rows["primary"]].itertuples(), None)
    if declared is None:
        return ""
    same = rows[(rows["treatment"] == declared.treatment) & (rows["match"] == declared.match)]
    there = {(one.measure, one.layer): one for one in same.itertuples()}
    parts = []
    for measure, words in ANSWER.items():
        one = there.get(measure)
        if one is not None and np.isfinite(one.effect):
            sign = "+" if one.scale == "difference" and one.effect > 0 else ""
            said = f"× {effect(one)}" if one.scale == "factor" else f"{sign}{effect(one)}"
            parts.append(words.format(said.replace("-", "−")))
    head = (
        f"{declared.runs_treatment} runs of mutual distillation against {declared.runs_control} of "
        f"PPO with as many frames: "
    )
    found = head + "; ".join(parts) + ". " if parts else ""
    return found + verdict(there.get(UNSEEN, declared), declared)


def verdict(one: Any, declared: Any) -> str:
    """Whether the outcome is decided, and what was declared beforehand."""
    if np.isnan(one.effect):
        return f"**Not decided**: {one.verdict}."
    said = "not decided"
    if one.high < 1 or one.low > 1:
        more = "less" if one.high < 1 else "more"
        said = f"mutual distillation makes decisions hang {more} on the background"
    elif one.p_equivalence < EQUIVALENT:
        said = f"no relevant effect, within a factor of {MARGIN:g}"
    able = f"a factor of {one.detectable:.2f} or {1 / one.detectable:.2f} could have been detected"
    words = f"**By this sample: {said}**; {able}"
    if isinstance(one.hangs_on, str) and one.hangs_on:
        ends = f"{one.without_low:.2f} to {one.without_high:.2f}"
        words += f", and it hangs on {one.hangs_on} ({ends} with one left out)"
    if (one.measure, one.layer) == (declared.measure, declared.layer):
        return f"{words}."
    return f"{words}. As declared, all 15 actions apart: × {effect(declared)}."


def block(tables: Path) -> str:
    """The result section, without its marks."""
    rows = contrasts.against_ppo(tables)
    values = read_values(tables)
    runs = list(runs_of(values))
    head: list[str] = []
    others = []
    for game, control in contrasts.panels(rows):
        here = rows[(rows["game"] == game) & (rows["control"] == control)]
        of = contrasts.of_outcome(rows, game, control)
        mine = [run for run in runs if run.game == game]
        kind = "unseen" if contrasts.outcome(here) == contrasts.UNSEEN else "all"
        title = panel_title(game, control)
        if not head:
            lines, single = table(here, mine, values)
            head = [answer(here), f"{title[0].upper()}{title[1:]}, twins on {kind} backgrounds:"]
            head += [lines, f"{SINGLE}{', '.join(single)}." if single else ""]
            continue
        said = [
            f"{without_backgrounds(one.treatment)} {effect(one)}"
            for one in of[of["match"] == "steps"].itertuples()
            if not is_strength(one.treatment) and np.isfinite(one.effect)
        ]
        if said:
            others.append(f"{title}, {kind}: {', '.join(said)}")
    if head:
        head.insert(1, second_sample(load_rows(tables, LOOKS)))
    text = "\n\n".join(part for part in head if part)
    return text + (f"\n\n{ELSEWHERE}{'; '.join(others)}." if others else "")


def second_sample(looks: pd.DataFrame) -> str:
    """Where the declared second sample stands, in a sentence."""
    last = looks.iloc[-1]
    said = f"**The second sample** ({last['pairs']} of {last['asked']} pairs of runs at look "
    said += f"{last['look']}): {last['verdict']}"
    if np.isfinite(last["factor"]):
        said += f"; × {last['factor']:.2f} [{last['low']:.2f}, {last['high']:.2f}]"
    return f"{said}."


def replaced(text: str, section: str, where: Path) -> str:
    """The text with its marked section replaced; ``UserError`` without both marks, once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UserError(
            f"{where}: expected the lines {BEGIN!r} and {END!r}, once each and in this order; "
            "put them where the result belongs"
        )
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    return re.sub(pattern, lambda _: f"{BEGIN}\n{section}\n{END}", text, flags=re.DOTALL)
