"""What the values of the samples say beside the values: who sees, and what each background does."""

import pandas as pd

from analysis.records.values import LEFT_OUT, OVER_BLIND
from analysis.stats.clusters import Interval
from analysis.studies.contrasts.sides import Beside
from analysis.studies.returns.swaps import earns_more


def beside_of(values: pd.DataFrame) -> Beside:
    """Read from rows as of :data:`analysis.records.values.VALUES`.

    A policy whose blind play was not measured stands in neither; one of a game without unseen
    backgrounds has none left out.
    """
    over = values[values["measure"] == OVER_BLIND].dropna(subset=["value", "low", "high"])
    seeing = {
        one.id: earns_more(Interval(one.value, one.low, one.high)) for one in over.itertuples()
    }
    without: dict[str, dict[int, float]] = {}
    for one in values[values["measure"] == LEFT_OUT].dropna(subset=["value"]).itertuples():
        without.setdefault(one.id, {})[int(one.layer.split()[-1])] = one.value
    return Beside(seeing, without)
