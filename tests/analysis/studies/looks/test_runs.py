"""Finished runs measured: which policies count, what stays, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import looks
from analysis.looks import Settings, main
from analysis.measures.decisions import Decisions, probabilities
from analysis.measures.robustness import robustness
from analysis.records.tables import read_table
from analysis.stats.clusters import cluster_weights
from analysis.studies.looks.runs import RUNS, Scenes, Wanted, clipped, kept_policies, ratio, rows_of
from analysis.studies.looks.study import LOOKS
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import load_policy, policy_path
from checkpoints.runs.declaration import Declaration, note_declaration
from checkpoints.runs.study import read_declaration, read_study
from checkpoints.world.games import drawn_backgrounds
from tests.support.declared import sample, write_study
from tests.support.planted_encoders import zoo
from tests.support.tree import ROOT

RUN = "coinrun/ppo-norm1-split57/100"
NAMES = [f"{RUN}/peer0/step{step}" for step in (64, 128, 192, 256)]
HELD_OUT = tuple(b for b in range(62) if b not in drawn_backgrounds("coinrun", 57, 100))
SMALL = {"encoder": "nature", "features": 8, "mode": "easy"}
FEW = {"states": 24, "episodes": 8}


@pytest.fixture(scope="module")
def declared() -> Declaration:
    whole = read_declaration(ROOT / "study-second.yaml")
    methods = {"treatment": "mutual-split57", "control": "ppo-norm1-split57"}
    return replace(
        whole,
        **methods,
        **{"second": "ppo-split57", "positive": "drac-twins-split57", "last": 2},
        **{"treatment_steps": 128, "control_steps": 256, "positive_steps": 128},
    )


@pytest.fixture
def root(tmp_path: Path, declared: Declaration) -> Path:
    split = drawn_backgrounds("coinrun", 57, 100)
    own = {"max_grad_norm": 1.0, "adam_eps": 2e-5}
    recipe = Recipe(**SMALL, **own, backgrounds=split)
    zoo(tmp_path / "runs", *NAMES, recipe=recipe)
    note_declaration(declared, tmp_path / "runs" / RUN)
    return tmp_path / "runs"


def test_the_last_kept_policies_up_to_a_step_count(root):
    def steps(at: int, last: int) -> list[int | None]:
        return [one.step for one in kept_policies(root, Wanted(parse_id(RUN), at), last)]

    assert steps(256, 2) == [192, 256]
    assert steps(192, 3) == [64, 128, 192]
    assert steps(512, 2) == []
    with pytest.raises(UserError, match="expected 5 kept steps of every peer up to 256, found 4"):
        steps(256, 5)


def test_the_ratio_is_that_of_robustness_on_held_out_backgrounds(root, tmp_path, monkeypatch):
    from analysis.policies.subjects import Subject

    monkeypatch.chdir(tmp_path)
    scenes = Scenes("coinrun", "easy", states=24, episodes=8, seed=0)
    one = Subject.of(*load_policy(policy_path(root, parse_id(NAMES[-1]))))
    twins = scenes.twins(one)
    assert twins.backgrounds == HELD_OUT and len(HELD_OUT) == 5
    readings = [reading for _, reading in twins.readings(one.policy, [])]
    probs = probabilities(np.concatenate([each.log_probs for each in readings]))
    values = np.concatenate([each.values for each in readings]).astype(float)
    levels = scenes.bank.levels
    pairs = [(a, b) for b in range(5) for a in range(b)]
    merged = Decisions(probs, values).of_buttons("coinrun")
    found = robustness(merged, levels, pairs, cluster_weights(levels, 20, 0))
    mine = ratio(one, twins)
    if found["tv_between"].estimate < 0.01:
        assert np.isnan(mine)
    else:
        assert mine == pytest.approx(found["ratio"].estimate)


def test_the_command_measures_what_is_new_and_keeps_what_it_knows(
    root, declared, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    study = write_study(tmp_path / "study.yaml", declared, **SMALL)
    settings = Settings(study=study, root=root, output=tmp_path / "out", **FEW)
    main(settings)
    printed = capsys.readouterr()
    assert printed.err.count("measuring 2 policies") == 2
    # Fresh networks decide nothing, and the look says so rather than to wait for their pair.
    said = f"decides nothing: {RUN} after 256 steps is undecided, {RUN} after 128 steps is und"
    assert f"look 1, at 6 pairs (0 there): {said}" in printed.out
    rows = read_table(tmp_path / "out" / "looks_runs.csv", RUNS)
    assert rows[["run", "step"]].to_numpy().tolist() == [[RUN, 128], [RUN, 256]]
    assert (rows["held_out"] == 5).all() and (rows["policies"] == 2).all()
    assert set(rows["sees"]) <= {"yes", "no"}
    before = (tmp_path / "out" / "looks_runs.csv").read_bytes()
    main(settings)
    assert "measuring" not in capsys.readouterr().err
    assert (tmp_path / "out" / "looks_runs.csv").read_bytes() == before
    assert len(read_table(tmp_path / "out" / "looks.csv", LOOKS)) == 1
    with pytest.raises(UserError, match="expected states 25, got 24; ask with the same"):
        main(replace(settings, states=25))
    gone = replace(settings, root=tmp_path / "none", overwrite=True)
    main(gone)
    assert capsys.readouterr().err.count("what was measured of it stands") == 2
    assert (tmp_path / "out" / "looks_runs.csv").read_bytes() == before
    with pytest.raises(UserError, match=f"{RUN} is not in .*none to measure anew"):
        main(replace(gone, states=25))
    assert (tmp_path / "out" / "looks_runs.csv").read_bytes() == before
    edited = replace(declared, margin=1.3)
    write_study(study, edited, **SMALL)
    with pytest.raises(UserError, match=f"expected declaration {edited.digest}, got"):
        main(settings)
    with pytest.raises(UserError, match="was begun under the declaration"):
        main(replace(settings, overwrite=True))


def test_a_run_of_another_recipe_is_refused_measured_before_or_not(root, declared, tmp_path):
    study = write_study(tmp_path / "study.yaml", declared, **SMALL, levels=200, keep_last=5)
    said = f"{RUN}/peer0/step64: expected levels 200, keep_last 5, as its study says, got "
    with pytest.raises(UserError, match=said + "levels 500, keep_last 1; put back the recipe"):
        main(Settings(study=study, root=root, output=tmp_path / "new", **FEW))
    recipes = {planned.id: planned.recipe for planned in read_study(study)}
    known = sample(declared, 1.0, 1)
    with pytest.raises(UserError, match=said):
        rows_of(root, known, declared, recipes, {**FEW, "seed": 0})
    stands = rows_of(tmp_path / "none", known, declared, recipes, {**FEW, "seed": 0})
    assert len(stands) == len(known)


def test_the_share_of_clipped_updates_is_that_of_the_log_so_far(tmp_path):
    log = tmp_path / "progress.csv"
    log.write_text("step,peer,clipped\n64,0,0.5\n128,0,1.0\n192,0,0.0\n")
    assert clipped(log, 128) == 0.75
    assert np.isnan(clipped(tmp_path / "none.csv", 128))


def test_a_folder_without_runs_reaches_no_look(tmp_path, capsys):
    main(Settings(root=tmp_path, output=tmp_path / "out"))
    assert "not reached: waits for the pair of seed 100" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "out" / "looks_runs.csv", skiprows=1).empty
    assert looks.Settings().study.resolve() == ROOT / "study-second.yaml"
