"""The README's result, rebuilt from tables: ``python -m figures.readme``.

No number of it is typed in: a test compares the README with what the committed tables say.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import Measure, Run, is_factor, runs_of, untrained_mean, untrained_values
from analysis.records.values import EMERGENCE
from checkpoints.console import UserError
from checkpoints.policy.recipes import is_strength
from figures import contrasts
from figures.kit.rows import load_rows
from figures.kit.style import panel_title, without_backgrounds

BEGIN, END = "<!-- result: python -m figures.readme -->", "<!-- end of result -->"
TV, RATIO = ("tv_between", "decisions"), ("ratio_unseen", "decisions")
COLUMNS: dict[str, Measure] = {
    "return, unseen levels": ("return", "episodes"),
    "TV between states": TV,
    "ICC, last layer": ("icc", "hidden"),
    "TV twins ÷ states": RATIO,
}
"""Heading -> what stands under it; the last is the outcome."""
ELSEWHERE = "÷ PPO elsewhere (one run where no interval stands): "
ONE_RUN = " (one run)"


def mean(runs: list[Run], measure: Measure, step: int) -> float:
    """Mean over the runs that were kept at a step, of factors geometric; NaN if one has none."""
    found = float(np.mean([run.at(measure, step)[0] for run in runs]))
    return float(np.exp(found)) if is_factor(measure) else found


def number(value: float) -> str:
    """Two digits behind the point."""
    return "–" if np.isnan(value) else f"{value:.2f}"


def effect(one: Any) -> str:
    """A factor with its interval over runs, or, of one run, what levels alone leave open."""
    if np.isnan(one.effect):
        return str(one.verdict)
    if np.isnan(one.low):
        return f"{one.effect:.2f}{ONE_RUN}"
    return f"{one.effect:.2f} [{one.low:.2f}, {one.high:.2f}]"


def idle(one: Any) -> str:
    """Said behind an effect where one side learned nothing."""
    nobody = min(one.learned_treatment, one.learned_control) == 0
    return " (nothing learned)" if nobody else ""


def written(cells: list[str]) -> str:
    """One line of a Markdown table."""
    return f"|{'|'.join(cells)}|"


def blank(values: pd.DataFrame, game: str, columns: list[Measure]) -> list[str]:
    """What untrained networks have in each column: where every measure starts from."""
    count = max(len(untrained_values(values, game, measure)) for measure in columns)
    means = [number(untrained_mean(values, game, measure)) for measure in columns]
    return ["untrained", str(count), *means, "", ""]


def table(rows: pd.DataFrame, runs: list[Run], values: pd.DataFrame) -> str:
    """Markdown: a line for each method and step of one panel, and one of untrained networks."""
    outcome = contrasts.outcome(rows)
    of = rows[rows["measure"] == outcome]
    columns = {**COLUMNS, "TV twins ÷ states": (outcome, "decisions")}
    lines = [line for line in contrasts.lines_of(of) if not is_strength(line.method)]
    longest = max(one.steps_treatment for one in of.itertuples() if one.match == "steps")
    head = ["method", "runs", *columns, "÷ PPO, equal steps", "equal frames"]
    out = [written(head), written(["---"] * len(head))]
    for line in lines:
        some = [run for run in runs if run.method == line.method and line.step in run.steps]
        cells = [line.label(longest), str(len(some))]
        cells += [number(mean(some, measure, line.step)) for measure in columns.values()]
        for match in ("steps", "frames"):
            mine = of[(of["treatment"] == line.method) & (of["match"] == match)]
            mine = mine[mine["steps_treatment"] == line.step]
            cells.append(effect(next(mine.itertuples())) if len(mine) else "")
        out.append(written(cells))
    game = str(rows["game"].iloc[0])
    return "\n".join([*out, written(blank(values, game, list(columns.values())))])


def verdict(rows: pd.DataFrame) -> str:
    """The declared contrast in a sentence; empty without it."""
    declared = list(rows[rows["primary"]].itertuples())
    if not declared:
        return ""
    one = declared[0]
    sides = f"{number(one.value_treatment)} ÷ {number(one.value_control)} = {effect(one)}"
    runs = f"{one.runs_treatment} and {one.runs_control} runs"
    if np.isnan(one.low):
        return f"**The declared contrast is not decided**: {sides}, {runs}."
    said = "is not decided"
    if one.high < 1 or one.low > 1:
        more = "less" if one.high < 1 else "more"
        said = f"says that mutual distillation makes decisions depend {more} on the background"
    able = f"a factor of {one.detectable:.2f} or {1 / one.detectable:.2f} could have been detected"
    return f"**The declared contrast {said}**: {sides}, {runs}; {able}.{alone(rows, one)}"


def alone(rows: pd.DataFrame, declared: Any) -> str:
    """What the outcome's two parts would have said by themselves."""
    same = rows[(rows["treatment"] == declared.treatment) & (rows["match"] == declared.match)]
    parts = {one.measure: effect(one) for one in same.itertuples()}
    if not {"tv_unseen", "tv_between"} <= set(parts):
        return ""
    twins, states = parts["tv_unseen"], parts["tv_between"]
    return f" TV between twins alone: {twins} times PPO's; between states: {states}."


def block(tables: Path) -> str:
    """The result section, without its marks."""
    rows = contrasts.against_ppo(tables)
    values = load_rows(tables, EMERGENCE)
    runs = list(runs_of(values))
    parts: list[str] = []
    for game, control in contrasts.panels(rows):
        here = rows[(rows["game"] == game) & (rows["control"] == control)]
        of = contrasts.of_outcome(rows, game, control)
        mine = [run for run in runs if run.game == game]
        kind = "unseen" if contrasts.outcome(here) == contrasts.UNSEEN else "all"
        title = panel_title(game, control)
        if not parts:
            parts += [f"{title[0].upper()}{title[1:]}, twins on {kind} backgrounds:"]
            parts += [table(here, mine, values), verdict(here)]
            continue
        said = [
            f"{without_backgrounds(one.treatment)} {effect(one).removesuffix(ONE_RUN)}{idle(one)}"
            for one in of[of["match"] == "steps"].itertuples()
            if not is_strength(one.treatment)
        ]
        parts.append(f"{title}, {kind}: {', '.join(said)}")
    head, others = parts[:3], parts[3:]
    text = "\n\n".join(part for part in head if part)
    return text + (f"\n\n{ELSEWHERE}{'; '.join(others)}." if others else "")


def replaced(text: str, section: str, where: Path) -> str:
    """The text with its marked section replaced; ``UserError`` without both marks, once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UserError(
            f"{where}: expected the lines {BEGIN!r} and {END!r}, once each and in this order; "
            "put them where the result belongs"
        )
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    return re.sub(pattern, lambda _: f"{BEGIN}\n{section}\n{END}", text, flags=re.DOTALL)
