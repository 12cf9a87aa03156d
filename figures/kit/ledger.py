"""The ledger of claims: ``python -m figures.claims`` holds each against what was measured.

Claims are those of arXiv 2501.02481, in our words. Every number comes from a table; a test compares
the committed ledger with what the committed tables say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.values import SAMPLES_PEERS
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.embedding.study import SCORES
from analysis.studies.looks.study import LOOKS
from analysis.studies.samples.peers import PAIRS
from analysis.studies.training.curves import SCHEMA as CURVES
from checkpoints.console import UserError
from checkpoints.policy.recipes import base_method
from figures.kit.claimed import BESIDE, CLAIMS, PUBLISHED, Claim
from figures.kit.in_words import answer
from figures.kit.other_claims import ON_ITS_GAME, PICTURED, of_peers, picture
from figures.kit.panels import panel_title
from figures.kit.rows import command_of, load_rows
from figures.kit.second_sample import counted, has_effect, second_sample, would_change
from figures.kit.second_sample import verdict as verdict_of_looks
from figures.kit.verdicts import OPEN, SUPPORTED, judged, written

CONTROLS = ("drac-twins", "drac")
"""Methods that make a policy invariant: to its training backgrounds, and to recolouring."""
HEADS = [
    *("claim", "decided by", "mutual", "PPO", "mutual to PPO", "detectable", "q"),
    *("runs (that see)", "verdict"),
]
SECOND = "TV between twins ÷ TV between states, a sample of its own"


def compared(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each claim about two methods at equal frames; below it the same measured otherwise.

    Args:
        rows: contrasts of the two declared methods at equal frames.
    """
    for claim in CLAIMS:
        one = _row(rows, claim)
        label = {"claim": claim.says, "decided by": claim.words}
        if one is None:
            yield {**label, "verdict": f"{OPEN}: not measured"}
            continue
        said = judged(one, claim)
        if claim.measure == "tv_unseen" and said.startswith(SUPPORTED):
            said += _taken_back(rows)
        yield {**label, **numbers(one, claim.sign), "verdict": said}
        for beside in BESIDE.get(claim.measure, ()):
            other = _row(rows, beside)
            if other is not None and np.isfinite(other.effect):
                yield {
                    "claim": "",
                    "decided by": f"… {beside.words}",
                    **numbers(other, beside.sign),
                    "verdict": agreement(one, other, claim.sign * beside.sign),
                }


def _taken_back(rows: pd.DataFrame) -> str:
    """What other states do, if they, too, move decisions less: then it is no invariance."""
    states = _row(rows, Claim("", "", "tv_between_unseen", "buttons", -1))
    if states is None or not states.high < 1:
        return ""
    moved = written(states.effect, states.low, states.high, factor=True)
    return f", but other states on them move decisions less, too: {moved}; the next row decides"


def agreement(one: Any, other: Any, sign: int) -> str:
    """Whether a difference measured otherwise says the same; ``sign`` -1: it is claimed to fall."""

    def side(row: Any) -> int:
        return int(np.sign(row.effect)) if row.low > 0 or row.high < 0 else 0

    return "says the same" if side(one) == sign * side(other) else "says otherwise"


def of_looks(looks: pd.DataFrame) -> dict[str, Any]:
    """Where the declared second sample stands; no effect of one that is insensitive."""
    look = counted(looks)
    ends = look["effect"], look["low"], look["high"]
    return {
        "claim": f"Declared beforehand, on {look['game']}: less bound to the background",
        "decided by": SECOND,
        "mutual to PPO": written(*ends, factor=True) if has_effect(look) else "",
        "runs (that see)": f"{look['pairs']} of {look['asked']} pairs "
        f"({look['sees_treatment']} and {look['sees_control']})",
        "verdict": f"look {look['look']}: {verdict_of_looks(looks)}",
    }


def _row(rows: pd.DataFrame, claim: Claim) -> Any:
    here = (rows["measure"] == claim.measure) & (rows["layer"] == claim.layer)
    return next(rows[here].itertuples(), None)


def numbers(one: Any, sign: int) -> dict[str, str]:
    """The cells of one contrast."""
    factor = one.scale == "factor"
    able = [one.detectable, one.detectable_low, one.detectable_high]
    able = [value**sign if factor else value * sign for value in able]

    def seeing(side: str) -> str:
        count = getattr(one, f"sees_{side}")
        return "?" if np.isnan(count) else f"{count:.0f}"

    return {
        "mutual": f"{one.value_treatment:.2f}",
        "PPO": f"{one.value_control:.2f}",
        "mutual to PPO": written(one.effect, one.low, one.high, factor=factor),
        "detectable": written(able[0], *sorted(able[1:]), factor=factor),
        "q": "" if np.isnan(one.q) else f"{one.q:.3f}",
        "runs (that see)": (
            f"{one.runs_treatment} ({seeing('treatment')}) and "
            f"{one.runs_control} ({seeing('control')})"
        ),
    }


def controlled(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each published measure: does it tell policies made invariant from PPO, over runs?

    Args:
        rows: contrasts at equal steps with the declared control.
    """
    for claim in PUBLISHED:
        cells = {"measure": claim.words}
        for method in CONTROLS:
            some = rows[[base_method(name) == method for name in rows["treatment"]]]
            one = _row(some, claim)
            cells |= {f"{method} to PPO": "", f"{method} told apart": "not measured"}
            if one is None:
                continue
            apart = judged(one, claim)
            cells[f"{method} to PPO"] = written(
                one.effect, one.low, one.high, factor=one.scale == "factor"
            )
            cells[f"{method} told apart"] = "yes" if apart == SUPPORTED else apart
        yield cells


def in_short(tables: Path) -> list[str]:
    """What was found, where the second sample stands, and what would change the answer."""
    rows, looks = load_rows(tables, CONTRASTS), load_rows(tables, LOOKS)
    declared = rows[rows["primary"]]
    same = (rows[["game", "control"]] == declared[["game", "control"]].iloc[0]).all(axis=1)
    return [answer(rows[same]), second_sample(looks), would_change(looks)]


def ledger(tables: Path) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Where the declared methods were compared, the ledger, and its controls.

    Raises:
        UserError: a table is missing, or has no row of the declared contrast.
    """
    rows = load_rows(tables, CONTRASTS)
    declared = next(rows[rows["primary"]].itertuples(), None)
    if declared is None:
        raise UserError(
            f"{tables / CONTRASTS.name}.csv: expected a row of the declared contrast, got none; "
            f"measure its runs, then: {command_of(CONTRASTS)}"
        )
    peers, scores = load_rows(tables, SAMPLES_PEERS), load_rows(tables, SCORES)
    pairs, curves = load_rows(tables, PAIRS), load_rows(tables, CURVES)
    game = str(declared.game)
    here = rows[(rows["game"] == game) & (rows["control"] == declared.control)]
    pair = here[(here["treatment"] == declared.treatment) & (here["match"] == declared.match)]
    apart = rows[(rows["treatment"] == declared.treatment) & (rows["match"] == "apart")]
    apart = apart[apart["game"] == game]
    looks = load_rows(tables, LOOKS)
    found = [
        of_looks(looks),
        *compared(pair),
        *of_peers(
            peers[(peers["game"] == game) & (peers["method"] == declared.treatment)],
            pairs[pairs["game"] == game],
            str(declared.control),
            float(apart["q"].iloc[0]) if len(apart) else np.nan,
        ),
        picture(scores, curves, game),
        *([picture(scores, curves, PICTURED, ON_ITS_GAME)] * (game != PICTURED)),
    ]
    controls = controlled(here[here["match"] == "steps"])
    title = panel_title(game, str(declared.control))
    return title, pd.DataFrame(found, columns=HEADS).fillna(""), pd.DataFrame(controls).fillna("")
