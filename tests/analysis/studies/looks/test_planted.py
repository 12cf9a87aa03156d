"""Policies whose ratio is known, through all that measures runs and asks the rule."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.policies.subjects import Subject
from analysis.stats.look_verdicts import INSENSITIVE
from analysis.studies.looks import runs
from analysis.studies.looks.runs import Wanted, known_rows, ratio, rows_of, run_row, wanted_of
from analysis.studies.looks.study import looks_of
from checkpoints.policy.ids import parse_id
from checkpoints.policy.store import load_policy, policy_path
from checkpoints.runs.declaration import Declaration, note_declaration
from checkpoints.runs.study import read_declaration, read_study
from tests.support.declared import write_study
from tests.support.planted_looks import FEATURES, PlantedScenes, keep
from tests.support.tree import ROOT

CONTROL, SPREAD = 0.5, 0.015
PEERS = 0.9, 1 / 0.9
"""A mean of logarithms does not see this, a mean of ratios would."""
SIZES = {"states": 12, "episodes": 8, "seed": 0}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = read_declaration(ROOT / "study-second.yaml")
    steps = {"treatment_steps": 128, "control_steps": 256, "positive_steps": 128}
    path = tmp_path_factory.mktemp("study") / "study.yaml"
    declared = replace(whole, last=1, looks=(3, 4, 5), positive_runs=2, **steps)
    return write_study(path, declared, encoder="nature", mode="easy", features=FEATURES)


@pytest.fixture
def scenes(tmp_path: Path) -> PlantedScenes:
    return PlantedScenes(tmp_path)


def recipes_of(study: Path) -> dict:
    return {planned.id: planned.recipe for planned in read_study(study)}


def train(root: Path, study: Path, factor: float, *, positive: float = 0.5) -> Declaration:
    """Every run of the first look, its ratio that of its method up to a spread between runs."""
    declared, recipes = read_declaration(study), recipes_of(study)
    rng = np.random.default_rng(0)
    centres = {declared.treatment: factor, declared.control: 1.0, declared.positive: positive}
    for one in wanted_of(declared, declared.looks[0]):
        weight = CONTROL * centres[one.run.method] * np.exp(SPREAD * rng.normal())
        recipe = recipes[one.run]
        peers = PEERS if recipe.peers == 2 else (1.0,)
        keep(root, one.run, recipe, one.steps, *(weight * each for each in peers))
        note_declaration(declared, root / str(one.run))
    return declared


def measured(root: Path, study: Path, scenes: PlantedScenes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runs, "Scenes", lambda *_, **__: scenes)
    known = known_rows(root / "none", {}, root, anew=False)
    return rows_of(root, known, read_declaration(study), recipes_of(study), SIZES)


@pytest.mark.parametrize("background", [0.25, 0.5, 0.8, 1.0, 1.25])
def test_the_ratio_is_the_weight_that_was_planted(study, scenes, tmp_path, background):
    run = parse_id("coinrun/ppo-norm1-split32/100")
    keep(tmp_path, run, recipes_of(study)[run], 64, background)
    kept = policy_path(tmp_path, parse_id(f"{run}/peer0/step64"))
    assert ratio(Subject.of(*load_policy(kept)), scenes.set) == pytest.approx(background, rel=0.02)


@pytest.mark.parametrize(
    ("factor", "said"),
    [(0.8, "effect: less bound"), (1.0, "no relevant effect"), (1.25, "effect: more bound")],
)
def test_planted_policies_are_decided(study, scenes, tmp_path, monkeypatch, factor, said):
    declared = train(tmp_path, study, factor)
    rows = measured(tmp_path, study, scenes, monkeypatch)
    assert len(rows) == 3 * 3 + 2 and (rows["verdict"] == "ok").all()
    assert (rows["sees"] == "yes").all() and (rows["over_blind"] == 1.0).all()
    assert rows.groupby("method")["policies"].first().to_dict() == {
        declared.treatment: 2,
        declared.control: 1,
        declared.positive: 1,
    }
    (look,) = looks_of(rows, declared).itertuples()
    assert look.verdict == said and look.pairs == 3
    assert look.effect == pytest.approx(factor, rel=0.05)
    assert look.positive == pytest.approx(0.5, rel=0.05)


def test_a_planted_positive_control_that_is_no_less_bound_stops_it(
    study, scenes, tmp_path, monkeypatch
):
    declared = train(tmp_path, study, 0.5, positive=1.0)
    looks = looks_of(measured(tmp_path, study, scenes, monkeypatch), declared)
    assert looks["verdict"].tolist() == [INSENSITIVE]


@pytest.mark.parametrize(
    ("strength", "background", "said"), [(0.0, 1.0, "undecided"), (1.0, 0.0, "unmoved")]
)
def test_a_ratio_without_a_logarithm_is_named(
    study, scenes, tmp_path, monkeypatch, strength, background, said
):
    run = parse_id("coinrun/ppo-norm1-split32/101")
    keep(tmp_path, run, recipes_of(study)[run], 256, background)
    one = Subject.of(*load_policy(policy_path(tmp_path, parse_id(f"{run}/peer0/step256"))))
    one.policy.actor.weight.data *= strength
    row = run_row(Wanted(run, 256), [one], scenes, 2.0)
    assert np.isnan(row["value"]) and row["verdict"] == said
