"""The study as the page shows it: every number with its interval, its runs and where it stands."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from checkpoints.console import UserError
from checkpoints.policy.recipes import narrowed_to
from figures import cka_map, contrasts, emergence, gap, invariance
from figures.browser.sources import Part, Places, rows_of, source, table_part
from figures.kit import ledger
from figures.kit.rows import load_rows
from figures.kit.style import METHOD_COLOURS, in_method_order, method_colours, without_backgrounds

PLAIN = {"ppo": "PPO", "mutual": "mutual distillation"}
"""Methods that the sentence names in words."""
RANK = "effective_rank"
TRAINING = (
    *("return", "gap", "icc", "ratio", "ratio_unseen", "tv", "tv_unseen", "tv_between"),
    *("entropy", "probe_task", "probe_background", "cka_peer", "cka_final", "saliency", RANK),
)
"""Measures over training that the page carries."""
VALUES = ("game", "id", "method", "seed", "peer", "step", "measure", "layer")
VALUES = (*VALUES, "value", "low", "high", "verdict")
CONTRASTS = (
    *contrasts.COLUMNS,
    *("scale", "q", "detectable"),
)
CKA = (
    *("game", "id_x", "id_y", "pair", "rendering", "layer_x", "layer_y", "states", "levels"),
    *("cka", "low", "high", "agreement"),
)


def study(places: Places) -> Part:
    """All parts; one whose table is missing says what writes it."""
    return {
        "answer": _or_missing(answer, places),
        "contrasts": _contrasts(places),
        "training": training(places),
        "cka": table_part(places, cka_map.TABLE, CKA, cka_map.COMMAND),
        "ledger": _or_missing(claims, places),
    }


def methods_of(part: Part) -> dict[str, dict[str, str]]:
    """Method -> its colour, for every method that any table of the study names."""
    names: set[str] = set()
    for table, columns in (
        ("contrasts", ("treatment", "control")),
        ("training", ("method",)),
    ):
        found = part[table]
        for column in columns:
            if "columns" in found:
                place = found["columns"].index(column)
                names |= {str(row[place]) for row in found["rows"]}
    names |= set(METHOD_COLOURS)
    colours = method_colours(names)
    order = in_method_order({without_backgrounds(name) for name in names})
    return {
        name: {
            "colour": colours[name],
            "family": without_backgrounds(name),
            "narrowed": narrowed_to(name) or "",
            "place": order.index(without_backgrounds(name)),
        }
        for name in sorted(names)
    }


def _or_missing(make: Callable[[Places], Part], places: Places) -> Part:
    try:
        return make(places)
    except UserError as error:
        return {"missing": str(error)}


def _contrasts(places: Places) -> Part:
    part = table_part(places, contrasts.NAME, CONTRASTS, contrasts.COMMAND)
    if "rows" in part:
        match = part["columns"].index("match")
        part["rows"] = [row for row in part["rows"] if row[match] in ledger.MATCHES]
        part["figure"] = places.figure(contrasts.NAME)
    return part


# -- the answer ------------------------------------------------------------------------------


def answer(places: Places) -> Part:
    """The declared contrast in a sentence that needs no table.

    Raises:
        UserError: no table, or no declared contrast in it.
    """
    rows = load_rows(places.tables, contrasts.NAME, CONTRASTS, contrasts.COMMAND)
    one = next(rows[rows["primary"]].itertuples(), None)
    if one is None:
        raise UserError(
            f"{places.tables / contrasts.NAME}.csv: expected a row of the declared contrast, got "
            f"none; measure its runs, then: {contrasts.COMMAND}"
        )
    return {
        "sentence": sentence(one),
        "detail": detail(one),
        "verdict": verdict(one),
        "source": source(places, contrasts.NAME, contrasts.COMMAND),
        "figure": places.figure(contrasts.NAME),
    }


def verdict(one: Any) -> str:
    """``less``, ``more`` or ``open``: what the interval over runs allows to say."""
    if one.high < 1:
        return "less"
    return "more" if one.low > 1 else "open"


def sentence(one: Any) -> str:
    """What is known, in plain words."""
    new, old = (PLAIN.get(m, m) for m in map(without_backgrounds, (one.treatment, one.control)))
    name = new[0].upper() + new[1:]
    found = verdict(one)
    if np.isnan(one.effect):
        return f"Whether {new} makes decisions depend less on the wallpaper is not measured yet."
    if found == "open":
        return (
            f"It is not decided whether {new} makes decisions depend less on the wallpaper than "
            f"{old} does."
        )
    return f"{name} makes decisions depend {found} on the wallpaper than {old} does."


def detail(one: Any) -> str:
    """The numbers behind the sentence."""
    count = narrowed_to(one.treatment)
    on = f"On {one.game}" + (f", trained on {count} of its backgrounds" if count else "")
    if np.isnan(one.effect):
        return f"{on}: {one.verdict}."
    said = f"{on}, dependence on unseen backgrounds was {one.effect:.2f} times that of the control"
    runs = f"{one.runs_treatment} and {one.runs_control} runs"
    if np.isnan(one.low):
        return f"{said} ({runs}: too few for an interval)."
    said += f" (95 % interval {one.low:.2f} to {one.high:.2f}, {runs})."
    small, large = sorted((one.detectable, 1 / one.detectable))
    return (
        f"{said} A factor below {small:.2f} or above {large:.2f} would have been detected with "
        "probability .8."
    )


# -- training --------------------------------------------------------------------------------


def training(places: Places) -> Part:
    """Every measure at every kept step: of decisions and layers, probes, and rank."""
    part = table_part(places, emergence.NAME, emergence.COLUMNS, emergence.COMMAND)
    if "missing" in part:
        return part
    rows = load_rows(places.tables, emergence.NAME, VALUES, emergence.COMMAND)
    sources, found = [part["source"]], [rows]
    for table, command, load in (
        (emergence.PROBES, emergence.PROBES_COMMAND, _probes),
        (invariance.NAME, invariance.COMMAND, _ranks),
    ):
        try:
            found.append(load(places))
            sources.append(source(places, table, command))
        except UserError:
            continue  # the part stands without it, and names the tables that it has
    together = pd.concat(found, ignore_index=True)
    together = together[together["measure"].isin(TRAINING)]
    figure = places.figure(emergence.NAME)
    return {"sources": sources, "figure": figure, **rows_of(together[list(VALUES)])}


def _probes(places: Places) -> pd.DataFrame:
    return load_rows(places.tables, emergence.PROBES, VALUES, emergence.PROBES_COMMAND)


def _ranks(places: Places) -> pd.DataFrame:
    rows = load_rows(places.tables, invariance.NAME, invariance.COLUMNS, invariance.COMMAND)
    rows = rows[rows["backgrounds"] == "all"]
    rows = rows.assign(measure=RANK, value=rows[RANK], low=np.nan, high=np.nan)
    return rows[list(VALUES)]


# -- the ledger ------------------------------------------------------------------------------


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
    from figures import embedding

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
