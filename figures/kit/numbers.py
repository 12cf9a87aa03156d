r"""Numbers that a paper quotes, each a LaTeX macro with its provenance in a comment."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.records.runs import SPREAD, Measure, runs_of, untrained_mean
from analysis.records.values import EMERGENCE, SAMPLES_PEERS, read_values
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.embedding.study import SCORES
from analysis.studies.looks.study import LOOKS
from checkpoints.console import UserError
from checkpoints.policy.ids import UNTRAINED
from figures.kit.claimed import BESIDE, CLAIMS, PUBLISHED
from figures.kit.contrasted import against_ppo, outcome, panels
from figures.kit.latex import escaped, interval, macro
from figures.kit.other_claims import runs_pictured
from figures.kit.plain import rounded
from figures.kit.readme_result import columns_of, lines_of, mean
from figures.kit.rows import load_rows
from figures.kit.second_sample import counted, has_effect, verdict

LEVEL = 95
"""Per cent of the intervals."""
ASKED = {
    *((one.measure, one.layer) for one in (*CLAIMS, *PUBLISHED)),
    *((one.measure, one.layer) for some in BESIDE.values() for one in some),
    *(("tv_between_unseen", "buttons"), ("tv_between", "decisions")),
}
"""(measure, layer) of what the ledger and the README say."""


OTHERS = (
    *("value_treatment", "value_control", "q", "p", "p_equivalence", "detectable"),
    *("detectable_low", "detectable_high", "without_low", "without_high"),
)
"""What a contrast says beside its effect."""


class Number(NamedTuple):
    """A macro."""

    name: str
    text: str
    """as LaTeX sets it"""
    source: str
    """table, row and column"""


def numbers(tables: Path) -> list[Number]:
    """Every number that the ledger and the README quote.

    Raises:
        UserError: a table is missing, or two numbers have one name.
    """
    found = [Number("intervalLevel", rf"\qty{{{LEVEL}}}{{\percent}}", "of all intervals")]
    contrasts = load_rows(tables, CONTRASTS)
    for row in contrasts.to_dict("records"):
        here = (row["measure"], row["layer"]) in ASKED
        if here and row["match"] in ("steps", "frames") and pd.notna(row["effect"]):
            found += _of_contrast(row)
    peers = load_rows(tables, SAMPLES_PEERS)
    for row in peers.to_dict("records"):
        found += _of_peers(row)
    found += of_looks(load_rows(tables, LOOKS))
    found += _of_methods(tables)
    found += _of_picture(tables, contrasts)
    names = [number.name for number in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{tables}: expected a name for each number, got twice: {twice[:3]}")
    return found


def _of_contrast(row: dict[str, Any]) -> Iterator[Number]:
    keys = ("game", "treatment", "control", "match", "steps_treatment", "measure", "layer")
    source = f"{CONTRASTS.name}.csv: " + " ".join(f"{key}={row[key]}" for key in keys)
    start = [row["game"], row["treatment"], row["control"], row["match"]]
    millions = f"{row['steps_treatment'] / 1e6:.1f}"
    start += [] if row["primary"] or millions == "2.1" else [f"at {millions} M"]
    start += [row["measure"], row["layer"]]
    width = row["high"] - row["low"]
    for column in ("effect", "low", "high"):
        if pd.notna(row[column]):
            text = rf"\num{{{rounded(row[column], width)}}}"
            yield Number(macro([*start, column]), text, f"{source}, {column}")
    ends = interval(row["low"], row["high"])
    if ends:
        text = rf"\num{{{rounded(row['effect'], width)}}} {ends}"
        yield Number(macro([*start, "interval"]), text, f"{source}, effect [low, high]")
    for column in OTHERS:
        if pd.notna(row[column]):
            text = rf"\num{{{rounded(row[column])}}}"
            yield Number(macro([*start, column]), text, f"{source}, {column}")
    for column in ("runs_treatment", "runs_control"):
        yield Number(macro([*start, column]), rf"\num{{{row[column]}}}", f"{source}, {column}")


def _of_peers(row: dict[str, Any]) -> Iterator[Number]:
    source = f"{SAMPLES_PEERS.name}.csv: game={row['game']} method={row['method']} "
    source += f"measure={row['measure']}"
    start = ["peers", row["game"], row["method"], row["measure"]]
    for side in ("peers", "apart"):
        text = rf"\num{{{rounded(row[f'value_{side}'])}}}"
        yield Number(macro([*start, side]), text, f"{source}, value_{side}")
    ends = row["difference_low"], row["difference_high"]
    text = rf"\num{{{rounded(row['difference'], ends[1] - ends[0])}}} {interval(*ends)}".strip()
    yield Number(macro([*start, "difference"]), text, f"{source}, difference [low, high]")


def of_looks(looks: pd.DataFrame) -> Iterator[Number]:
    """Where the second sample stands; the effect of an insensitive one has no macro."""
    row = counted(looks)
    source = f"{LOOKS.name}.csv: game={row['game']} look={row['look']}"
    for column in ("look", "pairs", "asked", "sees_treatment", "sees_control"):
        text = rf"\num{{{row[column]}}}"
        yield Number(macro(["second sample", column]), text, f"{source}, {column}")
    for start in ("", "positive_") if has_effect(row) else ("positive_",):
        low, high = row[f"{start}low"], row[f"{start}high"]
        middle = start.rstrip("_") or "effect"
        for column in (middle, f"{start}low", f"{start}high", f"{start}p"):
            if pd.notna(row[column]):
                width = math.nan if column.endswith("p") else high - low
                text = rf"\num{{{rounded(float(row[column]), width)}}}"
                yield Number(macro(["second sample", column]), text, f"{source}, {column}")
    yield Number("secondSampleVerdict", escaped(verdict(looks)), f"{source}, verdict")


def _of_methods(tables: Path) -> Iterator[Number]:
    """Means over runs, as in the README's table: of factors geometric."""
    rows, values = against_ppo(load_rows(tables, CONTRASTS)), read_values(tables)
    game, control = panels(rows)[0]
    here = rows[(rows["game"] == game) & (rows["control"] == control)]
    runs = [run for run in runs_of(values) if run.game == game]
    measures = list(columns_of(here).values())
    of = here[here["measure"] == outcome(here)]
    source = f"{EMERGENCE.name}.csv: game={game}"
    for line, some in lines_of(of[of["layer"] == "decisions"], runs):
        if len(some) < 2:
            continue
        words = f"{source} method={line.method} step={line.step}"
        start = [game, line.method, f"at {line.step / 1e6:.1f} M"]
        yield Number(macro([*start, "runs"]), rf"\num{{{len(some)}}}", f"{words}, runs")
        for measure in measures:
            value = mean(some, measure, line.step)
            yield from _mean([*start, "mean", *measure], value, words, measure)
    for measure in measures:
        value, words = untrained_mean(values, game, measure), f"{source} method={UNTRAINED}"
        yield from _mean([game, UNTRAINED, "mean", *measure], value, words, measure)


def _mean(parts: list[str], value: float, words: str, measure: Measure) -> Iterator[Number]:
    if pd.notna(value):
        said = f"{words} measure={measure[0]} layer={measure[1]}, mean over runs"
        yield Number(macro(parts), rf"\num{{{value:.2f}}}", said)


def _of_picture(tables: Path, contrasts: pd.DataFrame) -> Iterator[Number]:
    """The runs behind what stands for the paper's t-SNE picture in the ledger."""
    declared = next(contrasts[contrasts["primary"]].itertuples(), None)
    if declared is None:
        return
    source = f"{SCORES.name}.csv: game={declared.game} panel=random-conv map=layer"
    for method, count in runs_pictured(load_rows(tables, SCORES), declared.game).items():
        name = macro([declared.game, "picture runs", method])
        said = f"{source} measure={SPREAD}: runs of {method}"
        yield Number(name, rf"\num{{{count}}}", said)


def as_latex(found: list[Number], short: dict[str, str]) -> str:
    r"""The file ``numbers.tex``: the provenance of each macro stands over it.

    Args:
        found: the macros.
        short: further names, as :func:`short_names` gives them.
    """
    lines = ["% Written by python -m figures.latex; needs siunitx 3. Do not edit.", ""]
    for number in found:
        lines += [f"% {number.source}", rf"\newcommand{{\{number.name}}}{{{number.text}}}"]
    lines += ["", "% the declared contrast by short names"]
    lines += [rf"\newcommand{{\{name}}}{{\{full}}}" for name, full in short.items()]
    return "\n".join(lines) + "\n"


def short_names(tables: Path, found: list[Number]) -> dict[str, str]:
    r"""``\declared…`` -> the macro of the declared contrast that it stands for.

    A paper need not say at every number which methods were declared.

    Args:
        tables: folder of tables.
        found: what :func:`numbers` found in it.
    """
    rows = load_rows(tables, CONTRASTS)
    declared = next(rows[rows["primary"]].itertuples(), None)
    if declared is None:
        return {}
    start = macro([declared.game, declared.treatment, declared.control, declared.match])
    names = [number.name for number in found]
    return {f"declared{name[len(start) :]}": name for name in names if name.startswith(start)}
