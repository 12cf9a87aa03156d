"""The study as the page shows it: every number with its interval, its runs and where it stands."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from checkpoints.console import UserError
from checkpoints.policy.recipes import narrowed_to
from figures import cka_map, contrasts, emergence, invariance, robustness
from figures.browser.claims import CONTRASTS, claims
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
VALUES = (
    *("game", "id", "method", "seed", "peer", "step", "measure", "layer"),
    *("value", "low", "high", "verdict"),
)
CKA = (
    *("game", "id_x", "id_y", "pair", "rendering", "layer_x", "layer_y", "states", "levels"),
    *("cka", "low", "high", "agreement"),
)
BESIDE: dict[str, Part] = {
    robustness.NAME: {
        **{"command": robustness.COMMAND, "measure": "ratio", "layer": "decisions", "log": True},
        **{"value": "ratio", "low": "ratio_low", "high": "ratio_high"},
        "only": {"axis": "background", "backgrounds": "all"},
    },
    invariance.NAME: {
        **{"command": invariance.COMMAND, "measure": "icc", "layer": "hidden", "log": False},
        **{"value": "icc", "low": "low", "high": "high"},
        "only": {"layer": "hidden", "backgrounds": "all"},
    },
}
"""Tables of readers that are drawn beside shipped policies: which column, of which rows."""


def study(places: Places) -> Part:
    """All parts; one whose table is missing says what writes it."""
    return {
        "answer": _or_missing(answer, places),
        "contrasts": _contrasts(places),
        "training": training(places),
        "cka": table_part(places, cka_map.TABLE, CKA, cka_map.COMMAND),
        "ledger": _or_missing(claims, places),
        "beside": {table: _beside(places, table) for table in BESIDE},
    }


def methods_of(part: Part) -> dict[str, Part]:
    """Method -> its colour, for every method that any table of the study names."""
    names: set[str] = set()
    for table, columns in (("contrasts", ("treatment", "control")), ("training", ("method",))):
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


def _beside(places: Places, table: str) -> Part:
    """The rows of shipped policies beside which a reader's own are drawn."""
    what = BESIDE[table]
    columns = ["id", *what["only"], what["value"], what["low"], what["high"]]
    part = table_part(places, table, columns, what["command"])
    if "rows" in part:
        wanted = [(columns.index(name), value) for name, value in what["only"].items()]
        part["rows"] = [row for row in part["rows"] if all(row[k] == v for k, v in wanted)]
    return {**what, **part}


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
    old = PLAIN.get(without_backgrounds(one.control), without_backgrounds(one.control))
    said = f"{on}, dependence on unseen backgrounds was {one.effect:.2f} times that of {old}"
    runs = f"{one.runs_treatment} and {one.runs_control} runs"
    if np.isnan(one.low):
        return f"{said} ({runs}: too few for an interval)."
    said += f" (95\u00a0% interval {one.low:.2f} to {one.high:.2f}, {runs})."
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
