"""What an interval says of a claim, and how a number is written beside it."""

from typing import Any

import numpy as np

from analysis.records.runs import EQUIVALENT, MARGIN
from analysis.stats.look_verdicts import NO_EFFECT
from figures.kit.claimed import Claim

LEVEL = 0.05
"""False discoveries tolerated within the family."""
SUPPORTED, AGAINST, OPEN = "supported", "not supported", "not decidable here"


def verdict(estimate: float, low: float, high: float, null: float, sign: int, q: float) -> str:
    """Supported, not supported, or why it cannot be decided here.

    Args:
        estimate: an effect, a factor or a correlation.
        low: lower end of its 95 % interval over runs; NaN where runs do not allow one.
        high: upper end.
        null: its value if there is nothing.
        sign: of ``estimate - null`` as claimed.
        q: false-discovery rate; NaN for what was declared or stands alone.
    """
    if np.isnan(estimate):
        return f"{OPEN}: not measured"
    if np.isnan(low):
        return f"{OPEN}: too few runs"
    if low <= null <= high:
        return f"{OPEN}: the interval holds {null:g}"
    if q > LEVEL:
        return f"{OPEN}: q = {q:.3f}"
    return SUPPORTED if (estimate - null) * sign > 0 else AGAINST


def judged(one: Any, claim: Claim) -> str:
    """The verdict on a contrast: an effect, none that is relevant, or why neither can be said."""
    if np.isnan(one.effect):
        return f"{OPEN}: {one.verdict}"
    for side in ("treatment", "control"):
        seeing, runs = getattr(one, f"sees_{side}"), getattr(one, f"runs_{side}")
        if seeing < runs:
            return f"{OPEN}: {seeing:.0f} of {runs} runs of {getattr(one, side)} see"
    null = float(one.scale == "factor")
    found = verdict(one.effect, one.low, one.high, null, claim.sign, one.q)
    if found.startswith(OPEN) and one.p_equivalence < EQUIVALENT:
        found = f"{NO_EFFECT}: within a factor of {MARGIN:g}"
    if isinstance(one.hangs_on, str) and one.hangs_on:
        ends = written(one.without_low, np.nan, np.nan, factor=bool(null))
        other = written(one.without_high, np.nan, np.nan, factor=bool(null))
        found += f"; hangs on {one.hangs_on} ({ends} to {other} with one left out)"
    return found


def written(value: float, low: float, high: float, *, factor: bool) -> str:
    """``× 0.54 [0.46, 0.65]`` or ``+0.06 [−0.02, 0.14]``; empty for NaN."""
    if np.isnan(value):
        return ""
    ends = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return (f"× {value:.2f}{ends}" if factor else f"{value:+.2f}{ends}").replace("-", "−")
