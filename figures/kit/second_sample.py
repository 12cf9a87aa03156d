"""The declared second sample in words: one telling for README, ledger, page and LaTeX."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.stats.look_verdicts import (
    EFFECT,
    GO_ON,
    INSENSITIVE,
    NO_EFFECT,
    NOT_DECIDED,
    NOT_REACHED,
)
from figures.kit.verdicts import written

NEW = "a new sample, declared beforehand, "
CHANGES = {
    INSENSITIVE: f"{NEW}whose positive control is told apart and whose runs see",
    NOT_DECIDED: f"{NEW}of more runs",
    EFFECT: f"{NEW}that finds otherwise",
    NO_EFFECT: f"{NEW}that finds otherwise",
}
"""Verdict at which the rule has ended -> what would change the answer."""


def counted(looks: pd.DataFrame) -> Any:
    """The look whose numbers stand: the last that was reached, else the one that is waited for."""
    reached = looks[np.isfinite(looks["effect"])]
    return (reached if len(reached) else looks).iloc[-1]


def is_insensitive(look: Any) -> bool:
    """Whether the look's positive control was not told from its control."""
    return bool(look["verdict"] == INSENSITIVE)


def has_effect(look: Any) -> bool:
    """Whether the factor of a look may be told: it was reached, and could have seen one."""
    return bool(np.isfinite(look["effect"])) and not is_insensitive(look)


def verdict(looks: pd.DataFrame) -> str:
    """What the rule said at the look that counts, of whom it says nothing, and what is waited for.

    Args:
        looks: :data:`analysis.studies.looks.study.LOOKS`.
    """
    look, last = counted(looks), looks.iloc[-1]
    said = str(look["verdict"])
    if is_insensitive(look):
        ends = look["positive"], look["positive_low"], look["positive_high"]
        said += f" ({written(*ends, factor=True)}, p = {look['positive_p']:.2g}), so that it "
        said += "decides nothing"
    elif said.startswith((EFFECT, NO_EFFECT)):
        runs = 2 * look["pairs"]
        blind = runs - look["sees_treatment"] - look["sees_control"]
        said += f"; but {blind} of {runs} runs do not see: of them it says nothing" if blind else ""
    if last["look"] != look["look"]:
        there = f"{last['pairs']} of {last['asked']} pairs"
        said += f"; look {last['look']} ({there}): {last['verdict']}"
    return said


def second_sample(looks: pd.DataFrame) -> str:
    """Where the declared second sample stands, in a sentence."""
    look = counted(looks)
    said = f"**The second sample**, {look['game']} ({look['pairs']} of {look['asked']} pairs of "
    said += f"runs at look {look['look']}; {look['sees_treatment']} and {look['sees_control']} see)"
    if has_effect(look):
        said += f", {written(look['effect'], look['low'], look['high'], factor=True)}"
    return f"{said}: {verdict(looks)}."


def would_change(looks: pd.DataFrame) -> str:
    """What would change the answer, in a sentence: a look to come, or a sample after this one."""
    last = looks.iloc[-1]
    said, margin = str(last["verdict"]), last["margin"]
    what = next((words for start, words in CHANGES.items() if said.startswith(start)), "")
    if said.startswith((NOT_REACHED, GO_ON)):
        what = f"on {last['game']}, where each run holds out its own backgrounds, a factor on one "
        what += f"side of 1 at a look, or one shown within {margin:g}"
    return f"**What would change this**: {what or NEW + 'whose runs can all be measured'}."
