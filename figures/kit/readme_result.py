"""The README's result, rebuilt from tables: ``python -m figures.readme``.

No number of it is typed in: a test compares the README with what the committed tables say.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.records.runs import (
    Measure,
    MeasuredRun,
    is_factor,
    runs_of,
    untrained_mean,
    untrained_values,
)
from analysis.records.values import read_values
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.looks.study import LOOKS
from checkpoints.console import UserError
from checkpoints.policy.recipes import is_strength
from figures.kit import contrasted
from figures.kit.in_words import answer, effect
from figures.kit.noted import seen
from figures.kit.panels import panel_title
from figures.kit.rows import load_rows
from figures.kit.second_sample import second_sample, would_change
from figures.kit.style import without_backgrounds

BEGIN, END = "<!-- result: python -m figures.readme -->", "<!-- end of result -->"
TV, RATIO = ("tv_between", "decisions"), ("ratio_unseen", "decisions")
COLUMNS: dict[str, Measure] = {
    "return, unseen levels": ("return", "episodes"),
    "TV between states": TV,
    "TV twins ÷ states": RATIO,
}
"""Heading -> what stands under it; the last is the outcome."""
ELSEWHERE = "÷ PPO elsewhere: "
SINGLE = "Single runs: "


def mean(runs: list[MeasuredRun], measure: Measure, step: int) -> float:
    """Mean over the runs that were kept at a step, of factors geometric; NaN if one has none."""
    found = float(np.mean([run.at(measure, step)[0] for run in runs]))
    return float(np.exp(found)) if is_factor(measure) else found


def number(value: float) -> str:
    """Two digits behind the point."""
    return "–" if np.isnan(value) else f"{value:.2f}"


def written(cells: list[str]) -> str:
    """One line of a Markdown table."""
    return f"|{'|'.join(cells)}|"


def blank(values: pd.DataFrame, game: str, columns: list[Measure]) -> list[str]:
    """What untrained networks have in each column: where every measure starts from."""
    counts = {len(untrained_values(values, game, measure)) for measure in columns} - {0}
    means = [number(untrained_mean(values, game, measure)) for measure in columns]
    return ["untrained", " or ".join(map(str, sorted(counts))), *means, "", ""]


def columns_of(rows: pd.DataFrame) -> dict[str, Measure]:
    """Heading -> measure of the README's table of one game and control."""
    return {**COLUMNS, "TV twins ÷ states": (contrasted.outcome(rows), "decisions")}


def lines_of(
    of: pd.DataFrame, runs: list[MeasuredRun]
) -> Iterator[tuple[contrasted.Line, list[MeasuredRun]]]:
    """Each method and step of contrasts of one measure, with its runs that were kept there."""
    for line in contrasted.lines_of(of):
        if not is_strength(line.method):
            mine = [run for run in runs if run.method == line.method and line.step in run.steps]
            yield line, mine


def table(
    rows: pd.DataFrame, runs: list[MeasuredRun], values: pd.DataFrame
) -> tuple[str, list[str]]:
    """Markdown: a line for each method and step of several runs; and what has a single one."""
    of, columns = contrasted.of_measure(rows, contrasted.outcome(rows)), columns_of(rows)
    longest = max(one.steps_treatment for one in of.itertuples() if one.match == "steps")
    head = ["method", "runs/that see", *columns, "÷ PPO, equal steps", "equal frames"]
    sees = seen(of)
    out, single = [written(head), written(["---"] * len(head))], []
    for line, some in lines_of(of, runs):
        if len(some) < 2:
            single += [line.label(longest)]
            continue
        seeing, _ = sees.get((line.method, line.step), (np.nan, 0))
        asked = "?" if np.isnan(seeing) else f"{seeing:.0f}"
        cells = [line.label(longest), f"{len(some)}/{asked}"]
        cells += [number(mean(some, measure, line.step)) for measure in columns.values()]
        for match in ("steps", "frames"):
            mine = of[(of["treatment"] == line.method) & (of["match"] == match)]
            mine = mine[mine["steps_treatment"] == line.step]
            there = len(mine) and np.isfinite(mine["effect"].iloc[0])
            cells.append(effect(next(mine.itertuples())) if there else "")
        out.append(written(cells))
    game = str(rows["game"].iloc[0])
    return "\n".join([*out, written(blank(values, game, list(columns.values())))]), single


def block(tables: Path) -> str:
    """The result section, without its marks."""
    rows = contrasted.against_ppo(load_rows(tables, CONTRASTS))
    values = read_values(tables)
    runs = list(runs_of(values))
    head: list[str] = []
    others = []
    for game, control in contrasted.panels(rows):
        here = rows[(rows["game"] == game) & (rows["control"] == control)]
        of = contrasted.of_outcome(rows, game, control)
        mine = [run for run in runs if run.game == game]
        kind = "unseen" if contrasted.outcome(here) == contrasted.UNSEEN else "all"
        title = panel_title(game, control)
        if not head:
            lines, single = table(here, mine, values)
            shown = f"twins on {kind} backgrounds, states on all, 15 actions apart:"
            head = [answer(here), f"{title[0].upper()}{title[1:]}; {shown}"]
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
        looks = load_rows(tables, LOOKS)
        head[1:1] = [second_sample(looks), would_change(looks)]
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
