"""What is said of a history that has no onset, and of methods: nothing is averaged away."""

import numpy as np
import pandas as pd
import pytest

from analysis.records.tables import read_table, write_table
from analysis.records.values import Cell, onsets_schema, values_schema
from analysis.studies.training.history import Event, History
from analysis.studies.training.onsets import onset_rows, pooled
from tests.support.planted_histories import STEPS, made, policy, sigmoid

RISING = sigmoid(17.5)
FLAT = np.zeros(8)


def holes(*places: int) -> np.ndarray:
    values = RISING.copy()
    values[list(places)] = np.nan
    return values


@pytest.mark.parametrize(
    ("history", "verdict"),
    [
        (made(RISING), "ok"),
        (made(FLAT), "did not move"),
        (made(FLAT, measure="return"), "earns no more than untrained"),
        (made(-RISING, measure="return"), "earns no more than untrained"),
        (made(-RISING), "ok"),
        (made(RISING, stopped="cut short"), "cut short"),
        (made(holes(7)), "collapsed"),
        (made(holes(0, 1, 2)), "ok"),
        (made(holes(0, 1, 2, 3, 4, 5, 6)), "too few steps"),
        (made(FLAT + 1), "by the first step"),
        (made(RISING, networks=0), "untrained undefined: from step 16384"),
        (made(holes(0, 1, 2, 3, 4, 5), networks=0), "too few steps"),
    ],
)
def test_verdicts(history, verdict):
    assert history.onset.verdict == verdict
    there = verdict in ("ok", "by the first step") or verdict.startswith("untrained")
    assert history.onset.there == there
    assert np.isfinite(history.onset.draws).all() == there


def test_a_replicate_without_a_value_is_no_ok():
    history = made(RISING)
    history.cells[-1].draws[7] = np.nan
    assert history.onset.verdict == "undefined in a replicate"


def test_a_hole_is_bridged_and_nothing_is_invented_in_it():
    whole, bridged = (made(v, noise=0.0).onset.draws[0] for v in (RISING, holes(2)))
    assert bridged == pytest.approx(whole, abs=0.1)


@pytest.mark.parametrize(
    ("mine", "other", "verdict", "there"),
    [
        (RISING, sigmoid(18.5), "ok", True),
        (RISING, FLAT, "return: earns no more than untrained", False),
        (FLAT, RISING, "did not move", False),
        (FLAT + 1, RISING, "at most", True),
        (RISING, FLAT + 1, "at least", True),
        (FLAT + 1, FLAT + 1, "both by the first step", False),
    ],
)
def test_lags_say_what_they_are(mine, other, verdict, there):
    found = made(mine).after(made(other, measure="return", seed=1))
    assert (found.verdict, found.there) == (verdict, there)


def test_a_lag_is_minus_the_lag_the_other_way():
    one, two = made(RISING), made(sigmoid(18.5), seed=1)
    np.testing.assert_allclose(one.after(two).draws, -two.after(one).draws)
    assert one.after(two).draws[0] == pytest.approx(-1, abs=0.3)


def test_increments_are_taken_where_both_are_known():
    history, other = made(holes(0, 3), noise=0.0), made(RISING, measure="return", noise=0.0)
    rho, count = history.increments(other)
    assert (rho, count) == (pytest.approx(1), 6)
    assert made(RISING, networks=0).increments(other)[1] == 7


# --- methods --------------------------------------------------------------------------------------


def timing(value: float, verdict: str = "ok") -> Event:
    return Event(value + 0.01 * np.random.default_rng(0).normal(size=201), verdict)


def test_peers_are_one_run_and_one_run_has_no_interval():
    found = pooled([timing(17.0), timing(19.0)], [0, 0])
    assert (found.draws[0], found.verdict) == (pytest.approx(18, abs=0.1), "one run")
    assert np.isnan(found.draws[1:]).all()


def test_runs_are_drawn_anew():
    found = pooled([timing(16.0), timing(18.0), timing(20.0)], [0, 1, 2])
    assert found.draws[0] == pytest.approx(18, abs=0.1)
    assert np.ptp(found.draws[1:]) > 3.5
    again = pooled([timing(16.0), timing(18.0), timing(20.0)], [0, 1, 2])
    np.testing.assert_array_equal(found.draws, again.draws)


def test_a_run_without_an_onset_is_not_averaged_away():
    lost = Event(np.full(201, np.nan), "did not move")
    found = pooled([timing(16.0), lost, timing(18.0)], [0, 1, 2])
    assert (found.there, found.verdict) == (False, "1 of 3: did not move")


def some_histories() -> list[History]:
    who = [policy(0), policy(1), policy(0, "mutual", 0), policy(0, "mutual", 1)]
    histories = []
    for seed, one in enumerate(who):
        histories.append(made(RISING, measure="return", who=one, seed=seed))
        histories.append(made(sigmoid(16.5), who=one, seed=10 + seed))
        histories.append(made(FLAT, measure="entropy", who=one, seed=20 + seed))
    return histories


def test_rows_of_policies_and_methods(tmp_path):
    histories = some_histories()
    rows = pd.DataFrame(onset_rows(histories, [t for t in histories if t.measure == "return"]))
    assert set(rows["measure"]) == {"return", "icc_one_way"}
    icc = rows[rows["measure"] == "icc_one_way"].set_index("id")
    assert list(icc["scope"].value_counts()[["policy", "method"]]) == [4, 2]
    ppo, mutual = icc.loc["starpilot/ppo"], icc.loc["starpilot/mutual"]
    assert (ppo["runs"], ppo["verdict"]) == (2, "ok")
    assert ppo["lag_low"] < -0.5 < 0 > ppo["lag_high"]
    assert (mutual["runs"], mutual["verdict"]) == (1, "one run; seeds missing: 1")
    assert np.isnan(mutual["low"]) and mutual["lag"] == pytest.approx(-1, abs=0.4)
    of_return = rows[rows["measure"] == "return"]
    assert set(of_return["lag_verdict"]) == {"itself"} and of_return["lag"].isna().all()
    schema = onsets_schema("emergence_onsets")
    path = write_table(rows, schema, tmp_path / "emergence_onsets.csv", provenance={})
    assert len(read_table(path, schema)) == len(rows)


def test_values_are_rows_of_the_declared_table(tmp_path):
    rows = pd.DataFrame([row for history in some_histories() for row in history.rows()])
    schema = values_schema("emergence")
    path = write_table(rows, schema, tmp_path / "emergence.csv", provenance={})
    found = read_table(path, schema)
    assert len(found) == 4 * 3 * len(STEPS)
    assert (found["low"] <= found["high"]).all()
    gone = next(made(holes(0)).rows())
    assert np.isnan(gone["value"]) and gone["verdict"] == "collapsed"


def test_a_cell_is_ok_unless_it_says_otherwise():
    assert Cell(np.zeros(3)).verdict == "ok"
