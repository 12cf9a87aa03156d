"""Methods compared over runs: planted factors, matching, what is missing, and the answer."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.contrasts import Settings, main
from analysis.records.tables import read_table, write_table
from analysis.records.values import values_schema
from analysis.studies.contrasts.answers import answer, outcome
from analysis.studies.contrasts.family import FAMILY
from analysis.studies.contrasts.rows import PRIMARY, SCHEMA, contrast_rows
from analysis.studies.contrasts.sides import ONE_RUN, Beside
from analysis.studies.contrasts.sources import beside_of
from checkpoints.console import UserError
from checkpoints.runs.study import read_study
from tests.support.planted_runs import STEPS, planted, row_of, values_of
from tests.support.tree import ROOT

PLAN = read_study(ROOT / "study.yaml")


# -- rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.6])
def test_a_planted_factor_is_recovered(factor):
    rows = contrast_rows(planted(factor), PLAN)
    steps = row_of(rows, "steps")
    assert steps["effect"] == pytest.approx(factor)
    assert steps["low"] <= factor <= steps["high"]
    assert 1 < steps["detectable_low"] < steps["detectable"] < steps["detectable_high"]
    assert (steps["p_equivalence"] < 0.05) == (factor == 1.0)
    assert (steps["runs_treatment"], steps["runs_control"]) == (3, 3)
    assert np.isnan([steps["sees_treatment"], steps["sees_control"]]).all()
    assert steps["verdict"] == "ok"
    assert (steps["high"] < 1) == (factor == 0.5)


def test_only_what_was_declared_is_primary_and_it_has_no_q():
    rows = contrast_rows(planted(), PLAN)
    primary = rows[rows["primary"]]
    assert len(primary) == 1
    one = primary.iloc[0]
    assert (one["match"], one["measure"]) == (PRIMARY.match, PRIMARY.measure[0])
    assert (one["steps_treatment"], one["steps_control"]) == (2**21, 2**22)
    assert np.isnan(one["q"])
    assert np.isfinite(one["p"])
    secondary = rows[rows["q"].notna()]
    assert len(secondary)
    assert (secondary["q"] >= secondary["p"] - 1e-12).all()


def test_the_family_is_what_the_ledger_asks_of_one_game():
    values = planted()
    values["value"] *= 1 + values["seed"] / 50
    alone = contrast_rows(values, PLAN)
    with_q = alone[alone["q"].notna()]
    assert set(with_q["match"]) == {"frames"}
    asked = set(with_q[["measure", "layer"]].itertuples(index=False, name=None))
    assert asked == {("ratio_unseen", "buttons"), ("icc_unseen", "hidden")}
    assert asked < set(FAMILY)
    other = values.assign(game="coinrun")
    other["id"] = other["id"].str.replace("starpilot", "coinrun")
    both = contrast_rows(pd.concat([values, other]), PLAN)
    same = both[both["game"] == "starpilot"].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, alone.reset_index(drop=True))


def test_the_study_plans_what_was_declared():
    planned = {str(one.id): one.steps for one in PLAN}
    for seed in range(PRIMARY.seeds):
        assert planned[f"{PRIMARY.game}/{PRIMARY.treatment}/{seed}"] >= PRIMARY.steps
        assert planned[f"{PRIMARY.game}/{PRIMARY.control}/{seed}"] >= 2 * PRIMARY.steps


def test_equal_return_compares_equal_policies_of_unequal_pace():
    # The outcome depends on progress alone; mutual learns at half the pace.
    slow = planted(1.0, pace=0.5)
    rows = contrast_rows(slow, PLAN)
    at_steps, at_return = row_of(rows, "steps"), row_of(rows, "return")
    assert at_steps["effect"] > 1.2
    assert at_return["verdict"] == "ok"
    assert at_return["effect"] == pytest.approx(1.0, abs=0.03)
    assert row_of(rows, "entropy")["effect"] == pytest.approx(1.0, abs=0.03)


def test_differences_are_differences_and_factors_turn_over():
    rows = contrast_rows(planted(icc_one_way=0.7), PLAN)
    icc = row_of(rows, "steps", "icc_one_way", "hidden")
    assert icc["scale"] == "difference"
    assert icc["effect"] == pytest.approx(0.3)
    values = planted(0.5)
    names = {"ppo-bg9": "mutual-bg9", "mutual-bg9": "ppo-bg9"}
    turned = values.assign(method=values["method"].replace(names))
    back = row_of(contrast_rows(turned, PLAN), "steps")
    assert back["effect"] == pytest.approx(2.0)


def test_a_missing_seed_and_a_run_cut_short_are_named():
    values = planted()
    gone = values["id"].str.startswith("starpilot/mutual-bg9/2")
    short = values["id"].str.startswith("starpilot/ppo-bg9/1") & (values["step"] > 2**20)
    rows = contrast_rows(values[~gone & ~short], PLAN)
    one = row_of(rows, "frames")
    assert one["missing"] == "starpilot/mutual-bg9/2 starpilot/ppo-bg9/1"
    assert (one["runs_treatment"], one["runs_control"]) == (2, 2)


def test_one_seed_has_no_interval_over_runs_and_says_so():
    values = planted()
    rows = contrast_rows(values[~values["id"].str.contains(r"mutual-bg9/[12]")], PLAN)
    one = row_of(rows, "frames")
    assert one["verdict"] == "one run on a side: nothing over runs"
    nothing = ["effect", "low", "high", "p", "p_equivalence", "detectable", "detectable_high"]
    assert np.isnan(one[nothing].astype(float)).all()
    assert np.isfinite([one["value_treatment"], one["value_control"]]).all()
    assert answer(next(rows[rows["primary"]].itertuples())).startswith("Not decided.")


def test_an_undecided_policy_is_not_averaged_away():
    values = planted()
    here = values["id"].eq("starpilot/mutual-bg9/0/peer1/step2097152")
    here &= values["measure"] == "ratio_unseen"
    values.loc[here, ["value", "low", "high"]] = np.nan
    values.loc[here, "verdict"] = "undecided"
    one = row_of(contrast_rows(values, PLAN), "frames")
    assert np.isnan(one["effect"])
    assert one["verdict"] == "undecided"


def test_runs_that_see_are_counted_and_unknown_ones_are_not_guessed():
    values = planted()
    ids = values.loc[values["method"] != "untrained", "id"]
    sees = {name: "mutual-bg9/1/peer1" not in name for name in ids}
    one = row_of(contrast_rows(values, PLAN, Beside(sees)), "frames")
    assert (one["sees_treatment"], one["sees_control"]) == (2, 3)
    del sees["starpilot/mutual-bg9/2/peer0/step2097152"]
    one = row_of(contrast_rows(values, PLAN, Beside(sees)), "frames")
    assert np.isnan(one["sees_treatment"]) and one["sees_control"] == 3


def test_values_of_samples_say_who_sees_and_what_each_background_does():
    cells = {"verdict": "ok", "layer": "episodes", "measure": "return_over_blind"}
    rows = pd.DataFrame(
        [
            {"id": "a", "value": 2.1, "low": 2.1 - 1.96, "high": 2.1 + 1.96, **cells},
            {"id": "b", "value": 1.9, "low": 1.9 - 1.96, "high": 1.9 + 1.96, **cells},
            {"id": "c", "value": np.nan, "low": np.nan, "high": np.nan, **cells},
            {
                **{"id": "a", "value": 0.4, "verdict": "ok", "layer": "background 7"},
                "measure": "ratio_unseen_without",
            },
        ]
    )
    found = beside_of(rows)
    assert found.sees == {"a": True, "b": False}
    assert found.without == {"ratio_unseen": {"a": {7: 0.4}}}


def test_whether_peers_converge_is_of_the_family(tmp_path):
    values = planted(1.3)
    values["value"] *= 1 + values["seed"] / 50
    ends = {"difference": 0.1, "difference_low": 0.02, "difference_high": 0.18, "runs": 3}
    ends |= {"value_peers": 0.9, "value_apart": 0.8}
    rows = [
        {"game": "starpilot", "method": method, "measure": measure, **ends}
        for method in ("mutual-bg9", "mutual-alpha0-bg9")
        for measure in ("cka", "shift")
    ]
    found = contrast_rows(values, PLAN, None, pd.DataFrame(rows))
    apart = found[found["match"] == "apart"]
    assert apart["treatment"].tolist() == apart["control"].tolist() == ["mutual-bg9"]
    # Student's t of 2 degrees of freedom: 0.08 is 4.303 standard errors.
    p = 2 * stats.t.sf(0.1 / (0.08 / 4.302653), 2)
    assert apart["p"].iloc[0] == pytest.approx(p)
    assert (apart["effect"].iloc[0], apart["verdict"].iloc[0]) == (0.1, "ok")
    some = found[found["q"].notna()]
    assert set(some["match"]) == {"frames", "apart"}
    expected = multipletests(some["p"], method="fdr_bh")[1]
    assert some["q"].to_numpy() == pytest.approx(expected)
    write_table(found, SCHEMA, tmp_path / "contrasts.csv", provenance={})


def test_runs_on_other_backgrounds_are_another_family():
    values = planted()
    other = pd.DataFrame(values_of("starpilot/mutual/0", STEPS, 2))
    rows = contrast_rows(pd.concat([values, other]), PLAN)
    assert set(rows["treatment"]) == {"mutual-bg9"}


def test_peers_are_compared_with_peers_that_never_hear_of_each_other():
    alone = pd.DataFrame(values_of("starpilot/mutual-alpha0-bg9/0", STEPS, 2, ratio_unseen=2.0))
    rows = contrast_rows(pd.concat([planted(0.5), alone]), PLAN)
    against = rows[rows["control"] == "mutual-alpha0-bg9"]
    one = row_of(against, "steps")
    assert one["treatment"] == "mutual-bg9"
    assert one["value_treatment"] / one["value_control"] == pytest.approx(0.25, rel=0.02)
    assert (one["verdict"], one["primary"]) == (ONE_RUN, False)
    beside = contrast_rows(planted(0.5), PLAN)
    same = rows[rows["control"] == "ppo-bg9"].query("treatment == 'mutual-bg9'")
    pd.testing.assert_frame_equal(same.reset_index(drop=True), beside.reset_index(drop=True))


def test_a_method_that_has_only_begun_is_not_compared():
    begun = pd.DataFrame(values_of("starpilot/drac-bg9/0", STEPS[:3]))
    assert set(contrast_rows(pd.concat([planted(), begun]), PLAN)["treatment"]) == {"mutual-bg9"}
    far = pd.DataFrame(values_of("starpilot/drac-bg9/0", STEPS[:7]))
    found = contrast_rows(pd.concat([planted(), far]), PLAN)
    assert set(found["treatment"]) == {"mutual-bg9", "drac-bg9"}


def test_without_ppo_there_is_nothing_to_compare_with():
    values = planted()
    with pytest.raises(UserError, match="expected runs of ppo and of another method"):
        contrast_rows(values[values["method"] != "ppo-bg9"], PLAN)


# -- the command ----------------------------------------------------------------------------------


def written(values: pd.DataFrame, folder: Path) -> Path:
    write_table(values, values_schema("emergence"), folder / "emergence.csv", provenance={})
    return folder


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        (0.4, "Yes, mutual-bg9 depends less"),
        (2.5, "No, mutual-bg9 depends more"),
        (1.0, "Not decided."),
    ],
)
def test_one_command_answers(tmp_path, capsys, factor, says):
    tables = written(planted(factor), tmp_path)
    settings = Settings(games=("starpilot",), tables=tables, output=tmp_path / "out")
    main(settings)
    printed = capsys.readouterr().out
    assert "is mutual distillation more background-invariant than PPO?" in printed
    assert f"declared in advance: {says}" in printed
    assert "could have been detected" in printed
    assert printed.strip().endswith("contrasts.csv")
    [line] = [line for line in printed.splitlines() if "│ frames, declared " in line]
    assert re.search(r" \d\.\d\d \[\d\.\d\d, \d\.\d\d\] ", line)
    rows = read_table(tmp_path / "out" / "contrasts.csv", SCHEMA)
    assert row_of(rows, "frames")["primary"]
    with pytest.raises(UserError, match=r"contrasts\.csv exists and is kept; give --overwrite"):
        main(settings)


def test_missing_runs_stand_below_the_table(tmp_path, capsys):
    values = planted()
    tables = written(values[(values["method"] != "mutual-bg9") | (values["seed"] != 2)], tmp_path)
    main(Settings(games=("starpilot",), tables=tables, output=tmp_path / "out"))
    printed = capsys.readouterr().out
    assert "  mutual-bg9 and ppo-bg9, equal frames: missing: mutual-bg9/2" in printed


def test_the_command_refuses_a_game_that_was_not_measured(tmp_path):
    tables = written(planted(), tmp_path)
    with pytest.raises(UserError, match="unknown game 'bigfish'; expected one of: starpilot"):
        main(Settings(games=("bigfish",), tables=tables, output=tmp_path / "out"))
    with pytest.raises(UserError, match="expected a table, but there is none at"):
        main(Settings(tables=tmp_path / "nowhere", output=tmp_path / "out"))


def test_where_nothing_is_unseen_all_backgrounds_are_the_outcome():
    values = planted()
    nothing = values["measure"] == "ratio_unseen"
    values.loc[nothing, ["value", "low", "high"]] = np.nan
    values.loc[nothing, "verdict"] = "vacuous"
    rows = contrast_rows(values, PLAN)
    assert set(outcome(rows)["measure"]) == {"ratio"}
    assert set(outcome(contrast_rows(planted(), PLAN))["measure"]) == {"ratio_unseen"}


def test_effects_grow_with_what_is_planted():
    found = [row_of(contrast_rows(planted(f), PLAN), "frames")["effect"] for f in (0.5, 0.8, 1.3)]
    assert all(one < other for one, other in pairwise(found))
