"""The layer that the heads read, closer: what is one set of backgrounds is measured once."""

import numpy as np
import pandas as pd

from analysis.measures.icc import measure
from analysis.records.tables import read_table
from analysis.stats.clusters import cluster_weights
from analysis.studies.invariance import last_layer
from analysis.studies.invariance.study import SCHEMA
from checkpoints.doors.places import TABLES
from tests.support.planted_encoders import World


def rows_of(world: World, groups: dict[str, tuple[int, ...]]) -> pd.DataFrame:
    x, weights = world.features(0.5, 0.5), cluster_weights(world.level, 20, seed=0)
    found = {
        name: measure(x[:, list(places)], world.level, replicates=20) if places else None
        for name, places in groups.items()
    }
    rows = last_layer.last_rows({"id": "a"}, x, groups, found, world.level, weights, 0)
    return pd.DataFrame(list(rows)).set_index("backgrounds")


def test_one_set_of_backgrounds_is_measured_once_and_stands_under_both_names(monkeypatch):
    times, poolings = [], last_layer.poolings

    def counted(x: np.ndarray, *how: object) -> dict[str, np.ndarray]:
        times.append(x.shape[1])
        return poolings(x, *how)

    monkeypatch.setattr(last_layer, "poolings", counted)
    places = tuple(range(4))
    rows = rows_of(World(levels=12), {"all": places, "seen": places, "unseen": ()})
    assert times == [4]
    pd.testing.assert_series_equal(rows.loc["all"], rows.loc["seen"], check_names=False)
    assert rows.loc["all", "icc_pooled"] > 0 and rows["verdict"].tolist() == ["ok", "ok", "vacuous"]
    assert rows.loc["unseen", list(last_layer.NUMBERS)].isna().all()
    apart = rows_of(World(levels=12), {"all": places, "seen": (0, 1, 2), "unseen": (1, 2, 3)})
    assert times == [4, 4, 3, 3]
    pd.testing.assert_series_equal(apart.loc["all"], rows.loc["all"])
    assert apart.loc["seen", "icc_pooled"] != apart.loc["all", "icc_pooled"]


def test_an_icc_of_one_policy_is_one_number_in_both_tables():
    key = ["id", "layer", "backgrounds"]
    every, last = (
        read_table(TABLES / f"{one.name}.csv", one).set_index(key)[column]
        for one, column in ((SCHEMA, "icc"), (last_layer.LAST_SCHEMA, "icc_pooled"))
    )
    assert last.notna().sum() > 20
    np.testing.assert_allclose(last, every[last.index], atol=1e-4)
