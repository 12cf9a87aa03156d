"""What synthetic tables have in common: schemas, policies, intervals, and how they are written."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.tables import Column, Schema
from analysis.records.values import EMERGENCE, EMERGENCE_ONSETS, SAMPLES, SAMPLES_PEERS
from analysis.studies import player, player_worlds
from analysis.studies.contrasts import rows as contrasts
from analysis.studies.embedding import study as embedding
from analysis.studies.erasure import rows as erasure
from analysis.studies.invariance.last_layer import LAST_SCHEMA
from analysis.studies.invariance.study import SCHEMA as INVARIANCE
from analysis.studies.looks.runs import RUNS
from analysis.studies.looks.study import LOOKS
from analysis.studies.returns import episodes, swaps
from analysis.studies.returns import scores as returns
from analysis.studies.robustness import rows as robustness
from analysis.studies.saliency import rows as saliency
from analysis.studies.samples.peers import PAIRS
from analysis.studies.similarity import cka, cka_contrasts, compared, nulls, outliers
from analysis.studies.training import curves
from analysis.studies.twins import SCHEMA as TWINS
from probes.studies import layers, training, variation

SCHEMAS: dict[str, Schema] = {
    schema.name: schema
    for schema in (
        *(curves.SCHEMA, cka.SCHEMA, cka_contrasts.CONTRAST_SCHEMA, INVARIANCE, TWINS),
        *(robustness.SCHEMA, erasure.SCHEMA, saliency.SCHEMA, saliency.SHEET_SCHEMA),
        *(layers.SCHEMA, variation.SCHEMA, embedding.SCHEMA, embedding.SCORES),
        *(compared.SCHEMA, nulls.NULL_SCHEMA, outliers.OUTLIER_SCHEMA),
        *(episodes.SCHEMA, swaps.SWAP_SCHEMA, erasure.PATCHING_SCHEMA, LAST_SCHEMA),
        *(returns.SCORES, returns.PROFILES, contrasts.SCHEMA, player.SCHEMA),
        player_worlds.SCHEMA,
        *(SAMPLES, PAIRS, SAMPLES_PEERS, RUNS, LOOKS),
        *(EMERGENCE, EMERGENCE_ONSETS, training.SCHEMA, training.ONSETS_SCHEMA),
    )
}
"""Name of a table -> its columns: rows need only say those that a figure makes something of."""
LAYERS = ("conv1", "conv2", "conv3", "hidden")
GAMES = ("coinrun", "jumper", "starpilot")
GROUPS = (("ppo", 0, 0), ("ppo", 1, 0), ("mutual", 0, 0), ("mutual", 0, 1))
"""Method, seed and peer of the trained policies."""


def policy(game: str, method: str, seed: int = 0, peer: int = 0, step: int = 1) -> dict[str, Any]:
    """The cells that name a policy."""
    name = f"{game}/{method}/{seed}/peer{peer}/step{step}"
    return dict(game=game, id=name, method=method, seed=seed, peer=peer, step=step)


def around(value: float, half: float, name: str, low: str = "", high: str = "") -> dict[str, float]:
    """An estimate and its interval."""
    ends = {low or f"{name}_low": value - half, high or f"{name}_high": value + half}
    return {name: value, **ends}


def blank(column: Column) -> Any:
    """What stands in a column of which a row says nothing."""
    return {"text": "", "int": column.low or 0, "float": float("nan"), "bool": False}[column.kind]


def write(rows: list[dict], folder: Path, name: str) -> None:
    """A table as analysis.records.tables writes it, its provenance saying that it is synthetic."""
    schema, frame = SCHEMAS[name], pd.DataFrame(rows)
    assert set(frame) <= set(schema.names), set(frame) - set(schema.names)
    missing = {one.name: blank(one) for one in schema.columns if one.name not in frame}
    for column in schema.columns:
        if column.name in frame and column.kind in ("int", "float"):
            frame[column.name] = frame[column.name].clip(column.low, column.high)
    text = frame.assign(**missing)[list(schema.names)].to_csv(index=False, lineterminator="\n")
    head = json.dumps({"schema": name, "format": 1, "source": "synthetic"})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(f"# {head}\n{text}")
