"""The ledger of claims as the page shows it: numbers on an axis beside the words."""

from typing import Any

import pandas as pd

from analysis.records.runs import SPREAD
from analysis.records.values import SAMPLES_PEERS
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.embedding.study import SCORES
from analysis.studies.looks.study import LOOKS
from figures.browser.sources import PagePart, PagePlaces, rows_of, source
from figures.kit import ledger, other_claims
from figures.kit.claimed import BESIDE, CLAIMS, STANDS_IN, Claim
from figures.kit.rows import load_rows
from figures.kit.second_sample import counted, has_effect
from figures.plots import contrasts, embedding, looks
from figures.plots import peers as peers_figure

CELLS = (
    *("measure", "layer", "primary", "scale", "effect", "low", "high"),
    *("detectable", "q", "runs_treatment", "runs_control"),
)
"""Of a contrast that the page draws."""
BY_WORDS = {claim.words: claim for claim in CLAIMS} | {
    f"… {claim.words}": claim for some in BESIDE.values() for claim in some
}
"""What the ledger says decides a line -> the contrast that it means."""
PEERS = {other_claims.CONVERGE: ("cka", 1), other_claims.CANCEL: ("shift", -1)}
"""Claim about the peers of a run -> its measure, and the sign that is claimed."""


def claims(places: PagePlaces) -> PagePart:
    """Each claim of the paper: the ledger's words, the numbers behind them, and its controls.

    Raises:
        UserError: as ``figures.kit.ledger.ledger``.
    """
    title, said, controls = ledger.ledger(places.tables)
    rows = load_rows(places.tables, CONTRASTS)
    declared = next(rows[rows["primary"]].itertuples())
    asked = ("game", "treatment", "control", "match")
    pair = rows[(rows[list(asked)] == [getattr(declared, name) for name in asked]).all(axis=1)]
    peers = load_rows(places.tables, SAMPLES_PEERS)
    peers = peers[(peers["game"] == declared.game) & (peers["method"] == declared.treatment)]
    picture = {
        "source": source(places, SCORES),
        "figure": places.figure(f"{embedding.NAME}-{declared.game}"),
    }
    lines = []
    for line in said.to_dict("records"):
        more: PagePart = {"numbers": None}
        if line["claim"] in PEERS:
            more = {
                "numbers": _of_peers(peers, *PEERS[line["claim"]]),
                "source": source(places, SAMPLES_PEERS),
                "figure": places.figure(peers_figure.NAME),
            }
        elif line["decided by"].startswith(SPREAD):
            more |= picture if line["claim"] == other_claims.PICTURE else picture | {"figure": ""}
        elif line["decided by"] == ledger.SECOND:
            more = {
                "numbers": of_look(counted(load_rows(places.tables, LOOKS))),
                "source": source(places, LOOKS),
                "figure": places.figure(looks.NAME),
            }
        else:
            more["numbers"] = _of_methods(pair, BY_WORDS[line["decided by"]])
        lines.append(line | more | {"control": _control(controls, line["decided by"])})
    return {
        "title": title,
        "columns": list(said.columns),
        "lines": lines,
        "controls": rows_of(controls),
        "source": source(places, CONTRASTS),
        "figure": places.figure(contrasts.NAME),
    }


def _of_methods(pair: pd.DataFrame, claim: Claim) -> PagePart | None:
    """The numbers of a line about two methods."""
    some = pair[(pair["measure"] == claim.measure) & (pair["layer"] == claim.layer)]
    one: Any = next(some.itertuples(), None)
    if one is None:
        return None
    return {name: getattr(one, name) for name in CELLS} | {"sign": claim.sign}


def _of_peers(peers: pd.DataFrame, measure: str, sign: int) -> PagePart | None:
    """The numbers of a line about peers and policies that were trained apart."""
    one: Any = next(peers[peers["measure"] == measure].itertuples(), None)
    if one is None:
        return None
    ends = {"effect": one.difference, "low": one.difference_low, "high": one.difference_high}
    return {**ends, "scale": "difference", "sign": sign}


def of_look(look: Any) -> PagePart | None:
    """The numbers of the second sample, claimed to lie below 1; none if it is insensitive."""
    ends = {name: float(look[name]) for name in ("effect", "low", "high")}
    return {**ends, "scale": "factor", "sign": -1} if has_effect(look) else None


def _control(controls: pd.DataFrame, words: str) -> str:
    """What the measure's positive control says: methods that make a policy invariant, against PPO.

    Empty of a measure that has none.
    """
    heads = list(controls.columns)
    for measure, *cells in controls.itertuples(index=False, name=None):
        if STANDS_IN.get(measure, measure) == words:
            of = zip(heads[1::2], cells[::2], cells[1::2], strict=True)
            return "; ".join(f"{head} {effect}".rstrip() + f": {told}" for head, effect, told in of)
    return ""
