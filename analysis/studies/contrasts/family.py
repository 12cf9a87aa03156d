"""The family of tests of one game and pair, and the one of them that is about peers alone."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import Measure
from analysis.records.values import OK
from analysis.stats.discoveries import discoveries
from analysis.stats.one_group import Mean, p_of

FAMILY: tuple[Measure, ...] = (
    ("tv_unseen", "buttons"),
    ("ratio_unseen", "buttons"),
    ("icc_unseen", "hidden"),
    ("probe_background", "hidden"),
    ("effective_rank", "hidden"),
    ("level_information", "hidden"),
    ("dead_share", "hidden"),
    ("return_played", "episodes"),
)
"""What the ledger asks. Of one game and pair, at equal frames, these are one family of tests, and
with them whether the treatment's peers converge; all else is exploratory and has no q, and no
measure stands here twice in another coat."""
APART, LAST = "apart", "last"
"""Of a row about peers: what their likeness is held against, and the layer."""


def peers_row(one: Any) -> dict[str, Any]:
    """Whether the peers of a method converge: their CKA less that of its policies trained apart.

    Args:
        one: row of :data:`analysis.records.values.SAMPLES_PEERS`.
    """
    ends = Mean(one.difference, one.difference_low, one.difference_high)
    named = {"game": one.game, "treatment": one.method, "control": one.method, "match": APART}
    return {
        **named,
        **{"measure": one.measure, "layer": LAST, "primary": False, "scale": "difference"},
        **{"steps_treatment": 0, "steps_control": 0, "missing": "", "hangs_on": ""},
        **{"value_treatment": one.value_peers, "value_control": one.value_apart},
        **{"effect": ends.estimate, "low": ends.low, "high": ends.high, "p": p_of(ends, one.runs)},
        **{"runs_treatment": one.runs, "runs_control": one.runs},
        "verdict": OK if np.isfinite(ends.low) else "fewer than three runs",
    }


def false_discovery_rates(table: pd.DataFrame) -> pd.Series:
    """The q of each row, within its game and pair; NaN for what no family holds."""
    found = pd.Series(np.nan, index=table.index)
    keys = zip(table["measure"], table["layer"], strict=True)
    asked = np.array([key in FAMILY for key in keys])
    some = table[asked & (table["match"] == "frames") & ~table["primary"].astype(bool)]
    apart = table[table["match"] == APART]
    for (game, treatment, _), pair in some.groupby(["game", "treatment", "control"]):
        peers = apart[(apart["game"] == game) & (apart["treatment"] == treatment)]
        both = pd.concat([pair["p"], peers["p"]])
        found[both.index] = discoveries(both.to_numpy(float))
    return found
