"""Two tables compared: planted moves are found, in widths of their intervals."""

import pandas as pd
import pytest

from checkpoints.console import UserError
from figures.kit.comparing import moved, summary

A = pd.DataFrame(
    {
        **{"game": ["coinrun", "jumper", "starpilot"], "verdict": "ok", "runs": [3, 3, 2]},
        **{"effect": [0.5, 1.0, 2.0], "low": [0.4, 0.5, 1.0], "high": [0.6, 1.5, 3.0]},
        "p": [0.1, 0.2, 0.3],
    }
)


def test_a_table_is_as_itself():
    assert moved(A, A.copy()).empty


def test_a_number_moves_in_widths_of_its_own_interval():
    b = A.copy()
    b.loc[0, "effect"], b.loc[2, "high"], b.loc[1, "p"] = 0.55, 3.2, 0.21
    found = moved(A, b).set_index("column")
    assert found.loc["effect", "widths"] == pytest.approx(0.05 / 0.2)
    assert found.loc["high", "widths"] == pytest.approx(0.2 / 2.0)
    assert pd.isna(found.loc["p", "widths"])
    assert list(found["what"]) == ["number"] * 3
    line = summary("effects", 3, moved(A, b))
    assert (line["numbers"], line["without interval"]) == (3, 1)
    assert line["widths"] == pytest.approx(0.25) and line["where"] == "coinrun effect"


def test_a_row_that_one_side_has_and_a_text_that_changed_are_named():
    b = A.drop(index=1).replace({"verdict": {"ok": "collapsed"}})
    found = moved(A, b)
    assert found[found["what"] == "row"][["row", "a", "b"]].to_numpy().tolist() == [
        ["jumper", "there", ""]
    ]
    assert set(found.loc[found["what"] == "text", "row"]) == {"coinrun", "starpilot"}


def test_a_number_that_vanished_differs():
    b = A.copy()
    b.loc[0, "effect"] = float("nan")
    assert moved(A, b)["column"].tolist() == ["effect"]


def test_other_columns_are_refused():
    with pytest.raises(UserError, match=r"x.csv: expected the same columns in both, .*\['p'\]"):
        moved(A, A.drop(columns="p"), "x.csv")


def test_rows_without_a_name_are_refused():
    same = pd.DataFrame({"m": ["x", "x"]})
    with pytest.raises(UserError, match="expected columns that name each row, found none"):
        moved(same, same)
