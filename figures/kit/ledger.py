"""The ledger of claims: ``python -m figures.claims`` holds each against what was measured.

Claims are those of arXiv 2501.02481, in our words. Every number comes from a table; a test compares
the committed ledger with what the committed tables say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.embedding.study import SCORES
from analysis.studies.training.gap import SCHEMA as GAPS
from checkpoints.console import UserError
from checkpoints.policy.recipes import base_method
from figures.kit.rows import command_of, load_rows
from figures.kit.style import in_layer_order, panel_title

LAST, BELOW = "last layer", "last convolution"
LEVEL = 0.05
"""False discoveries tolerated among all secondary comparisons."""
SUPPORTED, AGAINST, OPEN = "supported", "not supported", "not decidable here"


class Claim(NamedTuple):
    """A claim about two methods, and the measure that decides it."""

    says: str
    words: str
    measure: str
    layer: str
    """of the table, or :data:`LAST` or :data:`BELOW` of the encoder"""
    sign: int
    """1: mutual distillation is claimed to have more of it than PPO; -1: less"""


CLAIMS = (
    Claim(
        "Mutual distillation makes policies robust to what is irrelevant",
        "TV of decisions between twins, unseen backgrounds",
        "tv_unseen",
        "decisions",
        -1,
    ),
    Claim(
        "… and not only because they decide less",
        "TV twins, unseen backgrounds ÷ TV between states",
        "ratio_unseen",
        "decisions",
        -1,
    ),
    Claim("Invariant representations emerge", f"ICC, {LAST}", "icc", LAST, 1),
    Claim("", f"ICC, {BELOW}", "icc", BELOW, 1),
    Claim(
        "… from which the irrelevant is gone",
        f"background probe, {LAST}",
        "probe_background",
        LAST,
        -1,
    ),
    Claim("Generalisation improves", "return on unseen levels", "return", "episodes", 1),
    Claim("", "train − unseen return", "gap", "episodes", -1),
)
"""In the order of the abstract; an empty first cell goes on with the claim above it."""
OF_BEHAVIOUR = ("return", "gap")
"""Measures in which a policy that was made invariant need not differ from PPO."""
CONTROLS = ("drac-twins", "drac")
"""Methods that make a policy invariant: to its training backgrounds, and to recolouring."""
THEOREM = "More robust policies generalise better"
PICTURE = "Other views of one frame stay together (its t-SNE picture)"
SPREAD = "spread within ÷ between states"
MATCHES = ("steps", "frames")


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


def layer_of(claim: Claim, rows: pd.DataFrame) -> str:
    """The layer that a claim means, by the name that the rows have."""
    if claim.layer not in (LAST, BELOW):
        return claim.layer
    layers = in_layer_order(rows.loc[rows["measure"] == claim.measure, "layer"])
    return layers[max(len(layers) - (1 if claim.layer == LAST else 2), 0)] if layers else ""


def compared(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each claim about two methods, at equal steps and at equal frames.

    Args:
        rows: contrasts of the two declared methods.
    """
    for claim in CLAIMS:
        layer = layer_of(claim, rows)
        for match in MATCHES:
            some = rows[(rows["match"] == match) & (rows["measure"] == claim.measure)]
            one = next(some[some["layer"] == layer].itertuples(), None)
            label = {
                "claim": claim.says if match == MATCHES[0] else "",
                "decided by": claim.words,
                "equal": match,
            }
            if one is None:
                yield {**label, "verdict": verdict(np.nan, np.nan, np.nan, 0, claim.sign, np.nan)}
                continue
            null = float(one.scale == "factor")
            q = np.nan if one.primary else one.q
            found = verdict(one.effect, one.low, one.high, null, claim.sign, q)
            label["equal"] += ", declared" if one.primary else ""
            yield {
                **label,
                "mutual to PPO": written(one.effect, one.low, one.high, factor=bool(null)),
                "detectable": written(
                    one.detectable**claim.sign if null else one.detectable * claim.sign,
                    *(np.nan, np.nan),
                    factor=bool(null),
                ),
                "runs": f"{one.runs_treatment} and {one.runs_control}",
                "verdict": found,
            }


def written(value: float, low: float, high: float, *, factor: bool) -> str:
    """``× 0.54 [0.46, 0.65]`` or ``+0.06 [−0.02, 0.14]``; empty for NaN."""
    if np.isnan(value):
        return ""
    ends = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return (f"× {value:.2f}{ends}" if factor else f"{value:+.2f}{ends}").replace("-", "−")


def controlled(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each measure of :data:`CLAIMS`: does it tell policies made invariant from PPO?

    Args:
        rows: contrasts at equal steps with the declared control.
    """
    for claim in CLAIMS:
        if claim.measure in OF_BEHAVIOUR:
            continue
        cells = {"measure": claim.words}
        for method in CONTROLS:
            some = rows[[base_method(name) == method for name in rows["treatment"]]]
            here = (some["measure"] == claim.measure) & (some["layer"] == layer_of(claim, some))
            one = next(some[here].itertuples(), None)
            cells |= {f"{method} to PPO": "not measured", f"{method} told apart": ""}
            if one is not None and not np.isnan(one.effect):
                ends = one.levels_low, one.levels_high
                cells[f"{method} to PPO"] = written(one.effect, *ends, factor=one.scale == "factor")
                null = float(one.scale == "factor")
                apart = verdict(one.effect, *ends, null, claim.sign, np.nan)
                cells[f"{method} told apart"] = "yes" if apart == SUPPORTED else "no"
        yield cells


def theorem(gaps: pd.DataFrame, game: str) -> dict[str, Any]:
    """The rank correlation between total variation and the gap, over runs of one game."""
    some = gaps[(gaps["game"] == game) & (gaps["measure"] == "tv") & (gaps["between"] == "last")]
    label = {
        "claim": THEOREM,
        "decided by": "rank correlation of TV and train − unseen return",
        "equal": "game",
    }
    one = next(some.itertuples(), None)
    if one is None:
        return {**label, "verdict": verdict(np.nan, np.nan, np.nan, 0, 1, np.nan)}
    return {
        **label,
        "mutual to PPO": f"ρ {written(one.rho, one.low, one.high, factor=False)}",
        "runs": str(one.runs),
        "verdict": verdict(one.rho, one.low, one.high, 0.0, 1, np.nan),
    }


def picture(scores: pd.DataFrame, game: str) -> dict[str, Any]:
    """How far recoloured views of a frame lie apart in the layer itself, mutual ÷ PPO."""
    some = scores[(scores["panel"] == "random-conv") & (scores["map"] == "layer")]
    some = some[(some["measure"] == SPREAD) & (some["game"] == game)]
    parts = [str(name).split("/") for name in some["id"]]
    some = some.assign(method=[one[1] for one in parts], seed=[one[2] for one in parts])
    runs = {
        method: some[some["method"] == method].groupby("seed")["value"].mean()
        for method in ("mutual", "ppo")
    }
    label = {"claim": PICTURE, "decided by": f"{SPREAD}, {LAST}", "equal": "steps"}
    if not all(map(len, runs.values())):
        return {**label, "verdict": verdict(np.nan, np.nan, np.nan, 1, -1, np.nan)}
    mutual, ppo = (float(of.mean()) for of in runs.values())
    return {
        **label,
        "mutual to PPO": written(mutual / ppo, np.nan, np.nan, factor=True),
        "runs": " and ".join(str(len(of)) for of in runs.values()),
        "verdict": verdict(mutual / ppo, np.nan, np.nan, 1, -1, np.nan),
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
    gaps = load_rows(tables, GAPS)
    scores = load_rows(tables, SCORES)
    game = str(declared.game)
    here = rows[(rows["game"] == game) & (rows["control"] == declared.control)]
    pair = here[here["treatment"] == declared.treatment]
    found = [*compared(pair), theorem(gaps, game), picture(scores, game)]
    controls = controlled(here[here["match"] == "steps"])
    title = panel_title(game, str(declared.control))
    return title, pd.DataFrame(found).fillna(""), pd.DataFrame(controls).fillna("")


def table(rows: pd.DataFrame) -> list[str]:
    """Lines of a Markdown table."""
    lines = [rows.columns, ["---"] * rows.shape[1], *rows.itertuples(index=False, name=None)]
    return [f"|{'|'.join(line)}|" for line in lines]


def markdown(title: str, claims: pd.DataFrame, controls: pd.DataFrame) -> str:
    """The ledger as a file."""
    lines = [
        "# The claims of arXiv 2501.02481, held against what was measured",
        "",
        f"Mutual distillation and PPO on {title}: factor or difference with its 95 % interval over "
        f"runs, and what could have been detected with probability .8. *{SUPPORTED}* and "
        f"*{AGAINST}* need an interval on one side of no effect and, but for the declared "
        f"contrast, a false-discovery rate of at most {LEVEL:g}. Rewritten by "
        "`python -m figures.claims`.",
        "",
        *table(claims),
        "",
        "## Would these measures see invariance?",
        "",
        "PPO trained to decide alike on twins (drac-twins) or recoloured views (drac) of a state, "
        "against PPO at equal steps. Intervals are over levels alone, for these very runs. A "
        "measure that does not tell drac-twins from PPO decides nothing above.",
        "",
        *table(controls),
    ]
    return "\n".join(lines) + "\n"
