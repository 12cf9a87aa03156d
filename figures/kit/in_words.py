"""What was found, in plain sentences: the README, the ledger and the page begin with these."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import EQUIVALENT, MARGIN, Measure

EXPLORATORY = (
    "The first sample is exploratory: seed 0 had been looked at when the contrast was declared, "
    "all seeds share four held-out backgrounds, and gradients were clipped in PPO alone."
)
"""What study.yaml's sample cannot be asked."""
UNSEEN: Measure = ("ratio_unseen", "buttons")
MOVES: tuple[Measure, Measure] = ("tv_unseen", "buttons"), ("tv_between_unseen", "buttons")
"""Decisions between twins, and between states."""
ANSWER: dict[Measure, str] = {
    MOVES[0]: "backgrounds that training never showed move decisions {} as far",
    MOVES[1]: "other states on these backgrounds move them {} as far",
    UNSEEN: "the first over the second, which alone would be invariance, is {}",
    ("effective_rank", "hidden"): "the last layer's effective rank is {}",
    ("icc_unseen", "hidden"): "its ICC differs by {}",
}
"""What is said of the pair of methods, in this order, with the effect in its place."""


def effect(one: Any) -> str:
    """A factor or a difference with its interval over runs; why there is none."""
    if np.isnan(one.effect):
        return str(one.verdict)
    return f"{one.effect:.2f} [{one.low:.2f}, {one.high:.2f}]"


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
    found = head + "; ".join(parts) + ". " + _together(there) if parts else ""
    return found + verdict(there.get(UNSEEN, declared), declared)


def _together(there: dict[Measure, Any]) -> str:
    """What it means that twins and states move decisions less; nothing where they do not."""
    both = [there.get(measure) for measure in MOVES]
    less = all(one is not None and one.high < 1 for one in both)
    return "Mutual policies answer less to everything, which is not invariance. " if less else ""


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
    words = f"**By this exploratory sample: {said}**; {able}"
    if isinstance(one.hangs_on, str) and one.hangs_on:
        ends = f"{one.without_low:.2f} to {one.without_high:.2f}"
        words += f", and it hangs on {one.hangs_on} ({ends} with one left out)"
    if (one.measure, one.layer) == (declared.measure, declared.layer):
        return f"{words}."
    return f"{words}. As declared, all 15 actions apart: × {effect(declared)}."
