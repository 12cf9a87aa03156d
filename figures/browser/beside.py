"""Shipped rows that a reader's own are drawn beside, and what a dropped table must hold."""

from typing import Any, NamedTuple

from analysis.records.tables import Schema
from analysis.records.values import EMERGENCE, SAMPLES, SAMPLES_PEERS
from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from analysis.studies.embedding.study import SCORES
from analysis.studies.invariance.study import SCHEMA as INVARIANCE
from analysis.studies.looks.study import LOOKS
from analysis.studies.robustness.rows import SCHEMA as ROBUSTNESS
from analysis.studies.similarity.cka import SCHEMA as CKA
from figures.browser.sources import PagePart, PagePlaces, table_part
from probes.studies.training import SCHEMA as PROBES


class ForestPlot(NamedTuple):
    """What of a table is drawn: a value with its interval, of which rows, and what names a row."""

    title: str
    value: str
    ends: tuple[str, str]
    names: tuple[str, ...]
    """columns that say which row it is; one that begins with id is a policy's"""
    only: dict[str, Any]
    """column -> what it must hold"""
    log: bool = False
    method: str = ""
    """column that decides colour and marker, if not that of the policy's id"""
    instead: str = ""
    """column that is said where there is no value"""


VALUES = (
    *("game", "id", "method", "seed", "peer", "step", "measure", "layer"),
    *("value", "low", "high", "verdict"),
)
"""Of every value over training."""
OVER_TRAINING = (EMERGENCE, PROBES, SAMPLES)
"""Tables whose policies stand as "yours" among those of the study."""
BESIDE: dict[Schema, ForestPlot] = {
    ROBUSTNESS: ForestPlot(
        "TV between twins ÷ TV between states, actions merged that do the same",
        *("ratio", ("ratio_low", "ratio_high"), ("id",)),
        {"axis": "background", "backgrounds": "all"},
        log=True,
    ),
    INVARIANCE: ForestPlot(
        *("ICC, last layer", "icc", ("icc_low", "icc_high"), ("id",)),
        {"layer": "hidden", "backgrounds": "all"},
    ),
    CONTRASTS: ForestPlot(
        "TV between twins on unseen backgrounds ÷ TV between states, a method over another",
        *("effect", ("low", "high"), ("game", "treatment", "control", "match")),
        {"measure": "ratio_unseen", "layer": "buttons"},
        log=True,
        method="treatment",
        instead="verdict",
    ),
    CKA: ForestPlot(
        *("CKA of the last layers, one sees the twin", "cka", ("low", "high"), ("id_x", "id_y")),
        {"layer_x": "hidden", "layer_y": "hidden", "rendering": "twin"},
    ),
    SAMPLES_PEERS: ForestPlot(
        "CKA of the last layer, peers less policies trained apart",
        *("difference", ("difference_low", "difference_high"), ("game", "method")),
        {"measure": "cka"},
        method="method",
    ),
    SCORES: ForestPlot(
        "spread within ÷ between states, last layer",
        *("value", ("low", "high"), ("id", "panel")),
        {"measure": "spread within ÷ between states", "map": "layer"},
    ),
    LOOKS: ForestPlot(
        "the second sample: TV between twins ÷ TV between states, treatment over control",
        *("effect", ("low", "high"), ("game", "name", "look")),
        {},
        log=True,
        instead="verdict",
    ),
}
"""Tables of readers that are drawn under the shipped rows."""


def beside(places: PagePlaces) -> dict[str, PagePart]:
    """Of each table, what is drawn of it and the shipped rows, or what writes them."""
    return {schema.name: _beside(places, schema, what) for schema, what in BESIDE.items()}


def needs() -> dict[str, dict[str, str]]:
    """Table -> column -> kind: what a dropped one must hold for this page to draw it."""
    found: dict[Schema, tuple[str, ...]] = dict.fromkeys(OVER_TRAINING, VALUES)
    found |= {schema: _columns(what) for schema, what in BESIDE.items()}
    return {
        schema.name: {one.name: one.kind for one in schema.columns if one.name in columns}
        for schema, columns in found.items()
    }


def _columns(what: ForestPlot) -> tuple[str, ...]:
    named = (*what.names, *what.only, what.value, *what.ends, what.method, what.instead)
    return tuple(dict.fromkeys(name for name in named if name))


def _beside(places: PagePlaces, schema: Schema, what: ForestPlot) -> PagePart:
    columns = _columns(what)
    part = table_part(places, schema, columns)
    if "rows" in part:
        wanted = [(columns.index(name), value) for name, value in what.only.items()]
        part["rows"] = [row for row in part["rows"] if all(row[k] == v for k, v in wanted)]
    return {**what._asdict(), **part}
