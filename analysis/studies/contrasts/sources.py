"""What tables of single policies say, in the form of values at kept steps.

Robustness, invariance and returns measure policies closer than each kept step can be; contrasts
read them beside the values along training.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.tables import Schema, read_table
from analysis.records.values import OK
from analysis.studies.invariance.last_layer import LAST_SCHEMA
from analysis.studies.returns.swaps import SWAP_SCHEMA
from analysis.studies.robustness.rows import SCHEMA as ROBUSTNESS
from analysis.studies.robustness.rows import WITHOUT_SCHEMA

POLICY = ("game", "id", "method", "seed", "peer", "step")
BUTTONS = "buttons"
"""Decisions with the actions merged that do the same."""
OF_DECISIONS = {"all": ("tv", "tv_between", "entropy", "ratio"), "unseen": ("tv", "ratio")}
"""Pairs of backgrounds -> columns of robustness.csv."""
OF_LAYERS = {
    "all": ("level_information", "effective_rank", "dead_share"),
    "unseen": ("icc", "icc_standardised", "icc_whitened"),
}
"""Backgrounds -> columns of invariance_last.csv."""


def read_last_steps(folder: Path) -> pd.DataFrame:
    """Rows as of :data:`analysis.records.values.VALUES`; none without the tables.

    On backgrounds that training never showed a measure's name ends in ``_unseen``.

    Raises:
        UserError: one of them is no such table.
    """
    rows = [*_of_robustness(_read(folder, ROBUSTNESS)), *_of_layers(_read(folder, LAST_SCHEMA))]
    return pd.DataFrame(rows)


def _read(folder: Path, schema: Schema) -> pd.DataFrame:
    """The table, or one without rows where it was not written."""
    path = folder / f"{schema.name}.csv"
    return read_table(path, schema) if path.exists() else pd.DataFrame(columns=list(schema.names))


def read_sees(folder: Path) -> dict[str, bool]:
    """Policy -> whether it earns more than its own mix of actions played blind; from returns."""
    rows = _read(folder, SWAP_SCHEMA)
    blind = rows[rows["swap"] == "blind"]
    return dict(zip(blind["id"], blind["sees"] == "yes", strict=True))


def read_without(folder: Path) -> pd.DataFrame:
    """Columns ``id, without, ratio``: of unseen backgrounds, with one of them left out."""
    rows = _read(folder, WITHOUT_SCHEMA)
    return rows[rows["backgrounds"] == "unseen"]


def _of_robustness(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for one in rows[rows["axis"] == "background"].to_dict("records"):
        for name in OF_DECISIONS.get(one["backgrounds"], ()):
            undecided = name == "ratio" and one["verdict"] == "undecided"
            yield _value(one, name, BUTTONS, "undecided" if undecided else OK)


def _of_layers(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for one in rows.to_dict("records"):
        for name in OF_LAYERS.get(one["backgrounds"], ()):
            collapsed = name.startswith("icc") and one["verdict"] != "ok"
            yield _value(one, name, one["layer"], one["verdict"] if collapsed else OK)


def _value(one: dict[str, Any], name: str, layer: str, verdict: str) -> dict[str, Any]:
    """One row; what is not defined on these backgrounds is vacuous."""
    suffix = "_unseen" if one["backgrounds"] == "unseen" else ""
    value = one[name]
    if np.isnan(value) and verdict == OK:
        verdict = "vacuous"
    return {
        **{key: one[key] for key in POLICY},
        **{"measure": name + suffix, "layer": layer, "value": value},
        **{end: one.get(f"{name}_{end}", np.nan) for end in ("low", "high")},
        "verdict": verdict,
    }
