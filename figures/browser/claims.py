"""The ledger of claims as the page shows it: numbers on an axis beside the words."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from figures import contrasts, embedding, gap
from figures.browser.sources import Part, Places, source
from figures.kit import ledger
from figures.kit.rows import load_rows
from figures.kit.style import without_backgrounds

CONTRASTS = (*contrasts.COLUMNS, "scale", "q", "detectable")
"""Columns of contrasts that the page reads."""


def claims(places: Places) -> Part:
    """Each claim of the paper: numbers, verdict, and whether its measure sees invariance.

    Raises:
        UserError: as ``figures.kit.ledger.ledger``.
    """
    title, said, controls = ledger.ledger(places.tables)
    rows = load_rows(places.tables, contrasts.NAME, CONTRASTS, contrasts.COMMAND)
    declared = next(rows[rows["primary"]].itertuples())
    here = rows[(rows["game"] == declared.game) & (rows["control"] == declared.control)]
    lines = [dict(line) for line in said.to_dict("records")]
    pair = here[here["treatment"] == declared.treatment]
    for line, numbers in zip(lines, _numbers(pair), strict=False):
        line["numbers"] = numbers
    for line in lines:
        line.setdefault("numbers", None)
    game = str(declared.game)
    for line, part in zip(lines[-2:], _others(places, game), strict=True):
        line |= part
    return {
        "title": title,
        "lines": lines,
        "controls": list(_controls(here, controls)),
        "source": source(places, contrasts.NAME, contrasts.COMMAND),
        "figure": places.figure(contrasts.NAME),
    }


def _numbers(pair: pd.DataFrame) -> Iterator[Part | None]:
    """The numbers of each line of the ledger about two methods, in its order."""
    for claim in ledger.CLAIMS:
        layer = ledger.layer_of(claim, pair)
        for match in ledger.MATCHES:
            some = pair[(pair["match"] == match) & (pair["measure"] == claim.measure)]
            one = next(some[some["layer"] == layer].itertuples(), None)
            yield None if one is None else _cells(one, claim)


def _cells(one: Any, claim: ledger.Claim) -> Part:
    names = ("effect", "low", "high", "detectable", "scale", "q", "primary", "measure", "layer")
    cells = {name: getattr(one, name) for name in names}
    return {**cells, "sign": claim.sign, "runs": [one.runs_treatment, one.runs_control]}


def _others(places: Places, game: str) -> Iterator[Part]:
    """Sources of the two claims that other tables decide: the theorem, then the picture."""
    gaps = load_rows(places.tables, gap.TABLE, gap.COLUMNS, gap.COMMAND)
    some = gaps[(gaps["game"] == game) & (gaps["measure"] == "tv") & (gaps["between"] == "last")]
    one = next(some.itertuples(), None)
    numbers = None
    if one is not None:
        ends = {"effect": one.rho, "low": one.low, "high": one.high}
        numbers = {**ends, "scale": "correlation", "sign": 1, "runs": [one.runs]}
    yield {
        "numbers": numbers,
        "source": source(places, gap.TABLE, gap.COMMAND),
        "figure": places.figure(gap.NAME),
    }
    yield {
        "source": source(places, "embedding_scores", embedding.COMMAND),
        "figure": places.figure(f"{embedding.NAME}-{game}"),
    }


def _controls(here: pd.DataFrame, said: pd.DataFrame) -> Iterator[Part]:
    """Each measure of a claim, with the policies made invariant that it should tell apart."""
    by_words = {claim.words: claim for claim in ledger.CLAIMS}
    here = here[here["match"] == "steps"]
    for line in said.to_dict("records"):
        claim = by_words[line["measure"]]
        told = {}
        for method in ledger.CONTROLS:
            some = here[[without_backgrounds(name) == method for name in here["treatment"]]]
            layer = ledger.layer_of(claim, some)
            found = some[(some["measure"] == claim.measure) & (some["layer"] == layer)]
            one = next(found.itertuples(), None)
            told[method] = {"said": line[f"{method} told apart"]}
            if one is not None:
                ends = {"low": one.levels_low, "high": one.levels_high, "scale": one.scale}
                told[method] |= {"effect": one.effect, **ends}
        yield {"words": claim.words, "measure": claim.measure, "told": told}
