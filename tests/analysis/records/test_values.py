"""Values of policies out of several tables."""

import pandas as pd

from analysis.records.values import read_values
from tests.support import toy_rows

ONE = toy_rows.policy("starpilot", "ppo") | {"layer": "decisions", "verdict": "ok"}


def test_of_what_two_tables_hold_the_samples_count(tmp_path):
    narrow = ONE | {"measure": "tv", "value": 0.3, "low": 0.29, "high": 0.31}
    wide = narrow | {"low": 0.1, "high": 0.5}
    alone = narrow | {"measure": "entropy"}
    toy_rows.write([narrow, alone], tmp_path, "emergence")
    assert len(read_values(tmp_path)) == 2
    toy_rows.write([wide], tmp_path, "samples")
    found = read_values(tmp_path).set_index("measure")["low"]
    pd.testing.assert_series_equal(
        found.sort_index(), pd.Series({"entropy": 0.29, "tv": 0.1}), check_names=False
    )
