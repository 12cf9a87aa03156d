"""The rule at its looks: planted samples, what a look waits for, and that no run is skipped."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.studies.looks.runs import RUNS, wanted_of
from analysis.studies.looks.study import INSENSITIVE, looks_of
from checkpoints.runs.declaration import Declaration
from checkpoints.runs.study import read_declaration
from tests.support.tree import ROOT

SPREAD = 0.08


@pytest.fixture(scope="module")
def declared() -> Declaration:
    return read_declaration(ROOT / "study-second.yaml")


def sample(
    declared: Declaration, factor: float, pairs: int, *, positive: float = 0.6, seed: int = 0
) -> pd.DataFrame:
    """Rows of runs whose ratio differs by a factor; the positive control's by another."""
    rng = np.random.default_rng(seed)
    centres = {declared.treatment: factor, declared.control: 1.0, declared.positive: positive}
    first = declared.first_seed
    rows = []
    for one in wanted_of(declared):
        if one.run.seed >= first + pairs:
            continue
        rows.append(
            {
                **{"game": "coinrun", "run": str(one.run), "method": one.run.method},
                **{"seed": one.run.seed, "steps": one.steps, "policies": 5, "held_out": 30},
                "clipped": 0.5,
                "value": np.log(0.5 * centres[one.run.method]) + SPREAD * rng.normal(),
                **{"over_blind": 1.0, "over_blind_low": 0.5, "over_blind_high": 1.5},
                **{"sees": "yes" if one.run.seed % 2 else "no", "verdict": "ok"},
            }
        )
    return pd.DataFrame(rows, columns=list(RUNS.names))


@pytest.mark.parametrize(
    ("factor", "said"),
    [(0.6, "effect: less bound"), (1.7, "effect: more bound"), (1.0, "no relevant effect")],
)
def test_planted_samples_are_decided(declared, factor, said):
    looks = looks_of(sample(declared, factor, 12), declared)
    assert looks["verdict"].iloc[-1] == said
    assert set(looks["verdict"][:-1]) <= {"go on"}
    assert (looks["low"] <= looks["factor"]).all() and (looks["factor"] <= looks["high"]).all()
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
    assert (row.pairs, row.asked) == (3, 6) and np.isnan(row.factor)
    # A later pair does not stand in for an earlier one.
    rows = sample(declared, 0.5, 12)
    gone = rows["run"] == "coinrun/mutual-split32/101"
    (row,) = looks_of(rows[~gone], declared).itertuples()
    assert (row.pairs, row.verdict) == (1, "not reached: waits for the pair of seed 101")
    undecided = rows.assign(value=rows["value"].mask(gone))
    assert looks_of(undecided, declared)["pairs"].tolist() == [1]


def test_without_its_positive_control_nothing_is_decided(declared):
    rows = sample(declared, 0.5, 6)
    (row,) = looks_of(rows[rows["method"] != declared.positive], declared).itertuples()
    assert row.verdict == f"not reached: waits for 4 runs of {declared.positive}"
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
    assert looks[["sees_treatment", "sees_control"]].to_numpy().tolist() == [[3, 3]]


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
    assert len(wanted_of(same)) == len(wanted) - len(declared.seeds)
