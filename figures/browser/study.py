"""The study as the page shows it: every number with its interval, its runs and where it stands."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import FACTORS
from analysis.records.values import EMERGENCE, ONE_LEFT_OUT, SAMPLES, latest
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.invariance.study import SCHEMA as INVARIANCE
from analysis.studies.looks.runs import RUNS
from analysis.studies.looks.study import LOOKS
from analysis.studies.similarity.cka import SCHEMA as CKA
from checkpoints.console import UserError
from checkpoints.policy.recipes import is_strength, narrowed_to
from figures.browser.beside import VALUES, beside, needs
from figures.browser.claims import claims
from figures.browser.sources import PagePart, PagePlaces, rows_of, source, table_part
from figures.kit import contrasted, in_words, second_sample
from figures.kit.rows import command_of, load_rows
from figures.kit.style import (
    METHOD_STYLES,
    LineStyle,
    in_method_order,
    method_styles,
    without_backgrounds,
)
from figures.plots import cka_map, contrasts, emergence, looks
from probes.studies.training import SCHEMA as PROBES

RANK = "effective_rank"
NOT_CARRIED = ("gap", "horizon")
"""Measures over training that no part of the page shows."""
COMPARED = (
    *("game", "treatment", "control", "match", "measure", "layer", "primary", "scale"),
    *("steps_treatment", "steps_control", "effect", "low", "high", "q"),
    *("detectable", "detectable_low", "detectable_high", "without_low", "without_high"),
    *("hangs_on", "runs_treatment", "runs_control", "sees_treatment", "sees_control", "verdict"),
)
MATCHES = ("steps", "frames")
"""What is equal in the contrasts that are drawn."""
OF_RUNS = (
    *("run", "method", "step", "policies", "held_out", "clipped", "value"),
    *("over_blind", "over_blind_low", "over_blind_high", "sees", "verdict"),
)
"""Of a run of the second sample."""
PAIRS = (
    *("game", "id_x", "id_y", "pair", "rendering", "layer_x", "layer_y", "states", "levels"),
    *("cka", "low", "high", "agreement"),
)


def study(places: PagePlaces) -> PagePart:
    """All parts; one whose table is missing says what writes it."""
    return {
        "answer": _or_missing(answer, places),
        "second": _or_missing(second, places),
        "contrasts": _contrasts(places),
        "training": _or_missing(training, places),
        "cka": _cka(places),
        "ledger": _or_missing(claims, places),
        "beside": beside(places),
        "needs": needs(),
        "factors": FACTORS,
    }


def methods_of(part: PagePart) -> dict[str, PagePart]:
    """Method -> its looks, for every method that any table of the study names."""
    names: set[str] = set()
    for table, columns in (("contrasts", ("treatment", "control")), ("training", ("method",))):
        found = part[table]
        for column in columns:
            if "columns" in found:
                place = found["columns"].index(column)
                names |= {str(row[place]) for row in found["rows"]}
    names |= set(METHOD_STYLES)
    styles = method_styles(names)
    order = in_method_order({without_backgrounds(name) for name in names})
    return {
        name: {
            "colour": styles[name].colour,
            "marker": styles[name].marker,
            "dash": dash_of(styles[name].line),
            "family": without_backgrounds(name),
            "narrowed": narrowed_to(name) or "",
            "place": order.index(without_backgrounds(name)),
        }
        for name in sorted(names)
    }


def dash_of(line: LineStyle) -> list[float]:
    """Strokes and gaps of a line in its own width; none of one that is drawn through."""
    if isinstance(line, str):
        return {"-": [], ":": [1, 1.65]}[line]
    return list(line[1])


def _or_missing(make: Callable[[PagePlaces], PagePart], places: PagePlaces) -> PagePart:
    try:
        return make(places)
    except UserError as error:
        return {"missing": str(error)}


def _contrasts(places: PagePlaces) -> PagePart:
    """What is compared at equal steps or frames; other strengths have a figure of their own."""
    part = table_part(places, CONTRASTS, COMPARED)
    if "rows" in part:
        match, method = (part["columns"].index(name) for name in ("match", "treatment"))
        part["rows"] = [
            row for row in part["rows"] if row[match] in MATCHES and not is_strength(row[method])
        ]
        part["figure"] = places.figure(contrasts.NAME)
    return part


def _cka(places: PagePlaces) -> PagePart:
    part = table_part(places, CKA, PAIRS)
    if "rows" in part:
        games = {row[part["columns"].index("game")] for row in part["rows"]}
        part["figures"] = {game: places.figure(f"{cka_map.NAME}-{game}") for game in games}
    return part


def answer(places: PagePlaces) -> PagePart:
    """What was found, in the README's sentences.

    Raises:
        UserError: no table, or no declared contrast in it.
    """
    rows = contrasted.against_ppo(load_rows(places.tables, CONTRASTS))
    declared: Any = next(rows[rows["primary"]].itertuples(), None)
    if declared is None:
        raise UserError(
            f"{places.tables / CONTRASTS.name}.csv: expected a row of the declared contrast, got "
            f"none; measure its runs, then: {command_of(CONTRASTS)}"
        )
    here = rows[(rows["game"] == declared.game) & (rows["control"] == declared.control)]
    return {
        "text": in_words.answer(here),
        "source": source(places, CONTRASTS),
        "figure": places.figure(contrasts.NAME),
    }


def second(places: PagePlaces) -> PagePart:
    """Where the declared second sample stands, in the README's sentence, and each of its runs.

    Raises:
        UserError: a table is missing.
    """
    found = load_rows(places.tables, LOOKS)
    runs = load_rows(places.tables, RUNS)
    return {
        "text": second_sample.second_sample(found),
        "change": second_sample.would_change(found),
        "sources": [source(places, LOOKS), source(places, RUNS)],
        "figure": places.figure(looks.NAME),
        **rows_of(runs[list(OF_RUNS)]),
    }


def training(places: PagePlaces) -> PagePart:
    """Every measure at every kept step: of decisions and layers, probes, samples, and rank.

    Of what two tables hold, the last counts, as in ``analysis.records.values.latest``.

    Raises:
        UserError: no table of emergence.
    """
    found, sources = [load_rows(places.tables, EMERGENCE)], [source(places, EMERGENCE)]
    for schema in (PROBES, INVARIANCE, SAMPLES):
        try:
            rows = load_rows(places.tables, schema)
        except UserError:
            continue  # the part stands without it, and names the tables that it has
        found.append(_ranks(rows) if schema is INVARIANCE else rows)
        sources.append(source(places, schema))
    together = latest(rows[list(VALUES)] for rows in found)
    measures = together["measure"]
    together = together[~(measures.isin(NOT_CARRIED) | measures.str.endswith(ONE_LEFT_OUT))]
    figure = places.figure(emergence.NAME)
    return {"sources": sources, "figure": figure, **rows_of(together)}


def _ranks(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["backgrounds"] == "all"]
    return rows.assign(measure=RANK, value=rows[RANK], low=np.nan, high=np.nan)
