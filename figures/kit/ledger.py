"""The ledger of claims: ``python -m figures.claims`` holds each against what was measured.

Claims are those of arXiv 2501.02481, in our words. Every number comes from a table; a test compares
the committed ledger with what the committed tables say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import EQUIVALENT, MARGIN
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.embedding.study import SCORES
from analysis.studies.looks.study import LOOKS
from analysis.studies.samples.peers import CONVERGENCE
from checkpoints.console import UserError
from checkpoints.policy.recipes import base_method
from figures.kit.claimed import CLAIMS, POOLINGS, PUBLISHED, Claim
from figures.kit.panels import panel_title
from figures.kit.rows import command_of, load_rows

LEVEL = 0.05
"""False discoveries tolerated within the family."""
SUPPORTED, AGAINST, OPEN = "supported", "not supported", "not decidable here"
NO_EFFECT = "no relevant effect"


CONTROLS = ("drac-twins", "drac")
"""Methods that make a policy invariant: to its training backgrounds, and to recolouring."""
HEADS = [
    *("claim", "decided by", "mutual", "PPO", "mutual to PPO", "detectable", "q"),
    *("runs (that see)", "verdict"),
]
SECOND = "TV between twins ÷ TV between states, a sample of its own"
CONVERGE = "Representations of the peers converge (its title)"
CANCEL = "Peers learn different spurious features, which distillation cancels"
PICTURE = "Other views of one frame stay together (its t-SNE picture)"
PICTURED = "bigfish"
"""The game of that picture."""
SPREAD = "spread within ÷ between states"


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
        return f"{OPEN}: q = {q:.2f}"
    return SUPPORTED if (estimate - null) * sign > 0 else AGAINST


def judged(one: Any, claim: Claim) -> str:
    """The verdict on a contrast: an effect, none that is relevant, or why neither can be said."""
    if np.isnan(one.effect):
        return f"{OPEN}: {one.verdict}"
    null = float(one.scale == "factor")
    found = verdict(one.effect, one.low, one.high, null, claim.sign, one.q)
    if found.startswith(OPEN) and one.p_equivalence < EQUIVALENT:
        found = f"{NO_EFFECT}: within a factor of {MARGIN:g}"
    if isinstance(one.hangs_on, str) and one.hangs_on:
        ends = written(one.without_low, np.nan, np.nan, factor=bool(null))
        other = written(one.without_high, np.nan, np.nan, factor=bool(null))
        found += f"; hangs on {one.hangs_on} ({ends} to {other} with one left out)"
    return found


def compared(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each claim about two methods at equal frames; below an ICC its other poolings.

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
        if claim.measure == "tv_unseen" and said == SUPPORTED:
            said += _taken_back(rows)
        yield {**label, **numbers(one, claim.sign), "verdict": said}
        if claim.measure == "icc_unseen":
            for measure, words in POOLINGS.items():
                other = _row(rows, claim._replace(measure=measure))
                if other is not None:
                    yield {
                        "claim": "",
                        "decided by": f"… {words}",
                        **numbers(other, claim.sign),
                        "verdict": agreement(one, other),
                    }


def _taken_back(rows: pd.DataFrame) -> str:
    """What other states do, if they, too, move decisions less: then it is no invariance."""
    states = _row(rows, Claim("", "", "tv_between", "buttons", -1))
    if states is None or not states.high < 1:
        return ""
    moved = written(states.effect, states.low, states.high, factor=True)
    return f", but other states move them less, too: {moved}; the next row decides"


def agreement(one: Any, other: Any) -> str:
    """Whether another pooling says the same as the declared one."""

    def side(row: Any) -> int:
        return int(np.sign(row.effect)) if row.low > 0 or row.high < 0 else 0

    return "says the same" if side(one) == side(other) else "says otherwise"


def second_sample(look: Any) -> dict[str, Any]:
    """Where the declared second sample stands: the last look that is tabled."""
    ends = look["factor"], look["low"], look["high"]
    return {
        "claim": f"Declared beforehand, on {look['game']}: less bound to the background",
        "decided by": SECOND,
        "mutual to PPO": written(*ends, factor=True),
        "runs (that see)": f"{look['pairs']} of {look['asked']} pairs "
        f"({look['sees_treatment']} and {look['sees_control']})",
        "verdict": f"look {look['look']}: {look['verdict']}",
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
        "q": "" if np.isnan(one.q) else f"{one.q:.2f}",
        "runs (that see)": (
            f"{one.runs_treatment} ({seeing('treatment')}) and "
            f"{one.runs_control} ({seeing('control')})"
        ),
    }


def written(value: float, low: float, high: float, *, factor: bool) -> str:
    """``× 0.54 [0.46, 0.65]`` or ``+0.06 [−0.02, 0.14]``; empty for NaN."""
    if np.isnan(value):
        return ""
    ends = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return (f"× {value:.2f}{ends}" if factor else f"{value:+.2f}{ends}").replace("-", "−")


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


def of_peers(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Peers beside policies of their method that were trained apart: CKA, and what backgrounds do.

    Args:
        rows: of the declared game and method, by measure.
    """
    there = {one.measure: one for one in rows.itertuples()}
    asked = (
        (CONVERGE, "CKA of the last layer, peers less policies trained apart", "cka", 1),
        (CANCEL, "correlation of how backgrounds move decisions, likewise", "shift", -1),
    )
    for says, words, measure, sign in asked:
        label = {"claim": says, "decided by": words}
        if measure not in there:
            yield {**label, "verdict": f"{OPEN}: not measured"}
            continue
        one, alike = there[measure], there["agreement"]
        ends = one.difference, one.difference_low, one.difference_high
        yield {
            **label,
            "mutual": f"{one.peers:.2f} less {one.apart:.2f}",
            "mutual to PPO": written(*ends, factor=False),
            "runs (that see)": f"{one.runs}",
            "verdict": f"{verdict(*ends, 0.0, sign, np.nan)}; peers take the same likeliest button "
            f"in {alike.peers:.0%} of states, policies trained apart in {alike.apart:.0%}",
        }


def spread_of(scores: pd.DataFrame, game: str) -> tuple[float, dict[str, int]]:
    """How far recoloured views of a frame lie apart in the layer itself, and runs of each method.

    Returns:
        The mean over runs of mutual ÷ that of PPO, NaN where one has no run; method -> runs.
    """
    some = scores[(scores["panel"] == "random-conv") & (scores["map"] == "layer")]
    some = some[(some["measure"] == SPREAD) & (some["game"] == game)]
    parts = [str(name).split("/") for name in some["id"]]
    some = some.assign(method=[one[1] for one in parts], seed=[one[2] for one in parts])
    runs = {
        method: some[some["method"] == method].groupby("seed")["value"].mean()
        for method in ("mutual", "ppo")
    }
    means = {method: float(of.mean()) if len(of) else np.nan for method, of in runs.items()}
    return means["mutual"] / means["ppo"], {method: len(of) for method, of in runs.items()}


def picture(scores: pd.DataFrame, game: str, claim: str = PICTURE) -> dict[str, Any]:
    """The row of the picture: mutual ÷ PPO, or that there is no policy to draw it of."""
    label = {"claim": claim, "decided by": f"{SPREAD}, last layer"}
    value, runs = spread_of(scores, game)
    said = verdict(value, np.nan, np.nan, 1, -1, np.nan)
    if np.isnan(value):
        return {**label, "verdict": f"{said}: {SCORES.name}.csv lacks mutual or PPO on {game}"}
    return {
        **label,
        "mutual to PPO": written(value, np.nan, np.nan, factor=True),
        "runs (that see)": " and ".join(map(str, runs.values())),
        "verdict": said,
    }


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
    peers, scores = load_rows(tables, CONVERGENCE), load_rows(tables, SCORES)
    game = str(declared.game)
    here = rows[(rows["game"] == game) & (rows["control"] == declared.control)]
    pair = here[(here["treatment"] == declared.treatment) & (here["match"] == declared.match)]
    looks = load_rows(tables, LOOKS)
    found = [
        second_sample(looks.iloc[-1]),
        *compared(pair),
        *of_peers(peers[(peers["game"] == game) & (peers["method"] == declared.treatment)]),
        picture(scores, game),
        *([picture(scores, PICTURED, f"… on {PICTURED}, the game it shows")] * (game != PICTURED)),
    ]
    controls = controlled(here[here["match"] == "steps"])
    title = panel_title(game, str(declared.control))
    return title, pd.DataFrame(found, columns=HEADS).fillna(""), pd.DataFrame(controls).fillna("")
