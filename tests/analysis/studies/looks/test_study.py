"""The rule at its looks: planted samples, what a look waits for, and that no run is skipped."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.records.tables import read_table
from analysis.stats.look_verdicts import INSENSITIVE
from analysis.studies.looks.runs import RUNS, Wanted, shown_of, wanted_of
from analysis.studies.looks.study import LOOKS, looks_of
from checkpoints.policy.ids import PolicyId
from checkpoints.runs.declaration import Declaration
from checkpoints.runs.study import read_declaration
from tests.support.declared import row_of, sample
from tests.support.tree import ROOT


@pytest.fixture(scope="module")
def declared() -> Declaration:
    return read_declaration(ROOT / "study-second.yaml")


@pytest.mark.parametrize(
    ("factor", "said"),
    [(0.6, "effect: less bound"), (1.7, "effect: more bound"), (1.0, "no relevant effect")],
)
def test_planted_samples_are_decided(declared, factor, said):
    looks = looks_of(sample(declared, factor, 12), declared)
    assert looks["verdict"].iloc[-1] == said
    assert set(looks["verdict"][:-1]) <= {"go on"}
    assert (looks["low"] <= looks["effect"]).all() and (looks["effect"] <= looks["high"]).all()
    assert looks["asked"].tolist() == list(declared.looks[: len(looks)])


def test_errors_through_the_very_rows_stay_within_what_was_simulated(declared):
    found = {}
    for factor in (0.8, 1.0, 1.25):
        last = [
            looks_of(sample(declared, factor, 12, seed=seed), declared)["verdict"].iloc[-1]
            for seed in range(60)
        ]
        found[factor] = {said: last.count(said) / len(last) for said in set(last)}
    said = found[1.0]
    assert sum(share for name, share in said.items() if name.startswith("effect")) <= 0.12
    assert said["no relevant effect"] > 0.7
    assert found[0.8]["effect: less bound"] > 0.8
    assert found[1.25]["effect: more bound"] > 0.8


def test_a_look_waits_for_the_first_pair_that_is_not_whole(declared):
    (row,) = looks_of(sample(declared, 0.5, 3), declared).itertuples()
    assert row.verdict == "not reached: waits for the pair of seed 103"
    assert (row.pairs, row.asked) == (3, 6) and np.isnan(row.effect)
    # A later pair does not stand in for an earlier one.
    rows = sample(declared, 0.5, 12)
    gone = rows["run"] == "coinrun/mutual-split32/101"
    (row,) = looks_of(rows[~gone], declared).itertuples()
    assert (row.pairs, row.verdict) == (1, "not reached: waits for the pair of seed 101")


def undecided(rows: pd.DataFrame, run: str, steps: int) -> pd.DataFrame:
    """A run trained and measured, but without a value."""
    here = (rows["run"] == run) & (rows["step"] == steps)
    assert here.sum() == 1
    return rows.assign(
        value=rows["value"].mask(here), verdict=rows["verdict"].mask(here, "undecided")
    )


@pytest.mark.parametrize(
    ("run", "steps"),
    [
        ("coinrun/mutual-split32/101", 2**20),
        ("coinrun/ppo-norm1-split32/105", 2**21),
        ("coinrun/ppo-norm1-split32/105", 2**20),
        ("coinrun/drac-twins-split32/103", 2**20),
    ],
)
def test_a_run_that_is_undecided_is_named_and_nothing_is_decided(declared, run, steps):
    rows = undecided(sample(declared, 0.5, 12), run, steps)
    (row,) = looks_of(rows, declared).itertuples()
    assert row.verdict == f"decides nothing: {run} after {steps:,} steps is undecided"
    assert row.pairs == 6 and np.isnan(row.effect) and np.isnan(row.positive_p)


def test_an_undecided_run_of_a_later_look_leaves_the_earlier_ones(declared):
    rows = undecided(noisy(declared, 12), "coinrun/mutual-split32/107", 2**20)
    rows = undecided(rows, "coinrun/ppo-norm1-split32/108", 2**21)
    assert looks_of(rows, declared)["verdict"].tolist() == [
        "go on",
        "decides nothing: coinrun/mutual-split32/107 after 1,048,576 steps is undecided, "
        "coinrun/ppo-norm1-split32/108 after 2,097,152 steps is undecided",
    ]


def noisy(declared: Declaration, pairs: int) -> pd.DataFrame:
    """Runs of which no look but the last can say anything."""
    rows = sample(declared, 1.0, pairs)
    treated = rows["method"] == declared.treatment
    return rows.assign(value=rows["value"] + treated * np.where(rows["seed"] % 2, 2.0, -2.0))


def later(declared: Declaration, value: float) -> pd.DataFrame:
    """Rows of controls at equal steps, and of positive controls, that no look is to read."""
    seeds = declared.seeds
    extra = {
        declared.control: seeds[declared.looks[0] :],
        declared.positive: seeds[declared.positive_runs :],
    }
    rows = [
        row_of(
            Wanted(PolicyId(declared.game, method, seed), declared.positive_steps),
            value + 0.01 * (seed % 3),
        )
        for method, some in extra.items()
        for seed in some
    ]
    return pd.DataFrame(rows, columns=list(RUNS.names))


@pytest.mark.parametrize("positive", [0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_runs_of_later_looks_change_no_row_of_an_earlier_one(declared, positive, seed):
    rng = np.random.default_rng(seed)
    whole = sample(declared, 0.92, 12, positive=positive, seed=seed)
    before: list[dict] = []
    for pairs in range(6, 13):
        rows = whole[whole["seed"] < declared.first_seed + pairs]
        rows = pd.concat([rows, later(declared, rng.normal())])
        looks = looks_of(rows, declared)
        reached = looks[looks["effect"].notna()]
        now = reached.to_dict("records")
        assert now[: len(before)] == before and len(now) >= 1
        before = now


def test_what_is_insensitive_stays_so(declared):
    blunt = sample(declared, 0.5, 6, positive=1.0)
    (row,) = looks_of(blunt, declared).to_dict("records")
    assert row["verdict"] == INSENSITIVE
    more = pd.concat([sample(declared, 0.5, 12, positive=1.0), later(declared, -3.0)])
    assert looks_of(more, declared).to_dict("records") == [row]
    # Nor does it end what the gate let through.
    sharp = pd.concat([sample(declared, 0.5, 12), later(declared, 3.0)])
    assert looks_of(sharp, declared)["verdict"].tolist() == ["effect: less bound"]


def test_the_shipped_runs_give_the_shipped_looks(declared):
    tables = ROOT / "analysis" / "tables"
    runs = read_table(tables / f"{RUNS.name}.csv", RUNS)
    shipped = read_table(tables / f"{LOOKS.name}.csv", LOOKS)
    found = looks_of(runs, declared)
    assert found["verdict"].tolist() == shipped["verdict"].tolist()
    kinds = shipped.dtypes.to_dict()
    # The file holds six digits.
    pd.testing.assert_frame_equal(found.astype(kinds), shipped, rtol=1e-5)


def test_without_its_positive_control_nothing_is_decided(declared):
    rows = sample(declared, 0.5, 6)
    (row,) = looks_of(rows[rows["method"] != declared.positive], declared).itertuples()
    first = f"coinrun/{declared.positive}/100"
    assert row.verdict == f"not reached: waits for {first} after 1,048,576 steps"
    alone = (rows["run"] == "coinrun/ppo-norm1-split32/104") & (rows["step"] == 2**20)
    (row,) = looks_of(rows[~alone], declared).itertuples()
    said = "waits for coinrun/ppo-norm1-split32/104 after 1,048,576 steps"
    assert row.verdict == f"not reached: {said}"
    blunt = [
        looks_of(sample(declared, 0.5, 6, positive=1.0, seed=seed), declared).iloc[0]
        for seed in range(30)
    ]
    assert sum(one["verdict"] == INSENSITIVE for one in blunt) >= 26  # nominal: 29 of 30
    assert all((one["positive_p"] > 0.05) <= (one["verdict"] == INSENSITIVE) for one in blunt)
    wrong_way = looks_of(sample(declared, 0.5, 6, positive=2.0), declared)
    assert wrong_way["verdict"].tolist() == [INSENSITIVE]


def test_runs_that_see_are_counted(declared):
    looks = looks_of(sample(declared, 0.5, 6), declared)
    counts = looks[["sees_treatment", "sees_control", "sees_positive"]]
    assert counts.to_numpy().tolist() == [[3, 3, 2]]


def test_the_second_control_is_wanted_for_show_and_moves_nothing(declared):
    shown = shown_of(declared)
    assert {(one.run.method, one.steps) for one in shown} == {("ppo-split32", 2**21)}
    assert [one.run.seed for one in shown] == list(declared.seeds)
    rows = sample(declared, 0.5, 6)
    more = pd.DataFrame([row_of(one, 9.0 + one.run.seed) for one in shown])
    found = looks_of(pd.concat([rows, more]), declared)
    pd.testing.assert_frame_equal(found, looks_of(rows, declared))


def test_a_look_shows_its_margin_and_the_gate_with_its_interval(declared):
    other = replace(declared, margin=1.5)
    (row,) = looks_of(sample(other, 0.5, 6), other).itertuples()
    assert row.margin == 1.5
    assert row.positive_low < row.positive < row.positive_high < 1


def test_what_is_wanted_is_what_decides(declared):
    wanted = wanted_of(declared)
    assert {one.run.method for one in wanted} == {
        declared.treatment,
        declared.control,
        declared.positive,
    }
    at = {one.steps for one in wanted if one.run.method == declared.control}
    assert at == {declared.control_steps, declared.positive_steps}
    same = replace(declared, positive_steps=declared.control_steps)
    assert len(wanted_of(same)) == len(wanted) - declared.looks[0]
    assert {one.run.seed for one in wanted_of(declared, 6)} == set(range(100, 106))
