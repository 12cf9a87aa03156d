"""What the values of the samples say beside the values: who sees, and what each background does."""

from pathlib import Path

import pandas as pd

from analysis.records.values import ONE_LEFT_OUT, OVER_BLIND, SAMPLES_PEERS
from analysis.stats.clusters import Interval
from analysis.studies.contrasts.sides import Beside
from analysis.studies.returns.swaps import earns_more


def peers_table(folder: Path) -> Path | None:
    """The table of the samples' peers, if the folder has one."""
    path = folder / f"{SAMPLES_PEERS.name}.csv"
    return path if path.exists() else None


def beside_of(values: pd.DataFrame) -> Beside:
    """Read from rows as of :data:`analysis.records.values.VALUES`.

    A policy whose blind play was not measured stands in neither; one of a game without unseen
    backgrounds has none left out.
    """
    over = values[values["measure"] == OVER_BLIND].dropna(subset=["value", "low", "high"])
    seeing = {
        one.id: earns_more(Interval(one.value, one.low, one.high)) for one in over.itertuples()
    }
    without: dict[str, dict[str, dict[int, float]]] = {}
    some = values[values["measure"].str.endswith(ONE_LEFT_OUT)].dropna(subset=["value"])
    for one in some.itertuples():
        of = without.setdefault(one.measure.removesuffix(ONE_LEFT_OUT), {})
        of.setdefault(one.id, {})[int(one.layer.split()[-1])] = one.value
    return Beside(seeing, without)
