"""The list of runs: the shipped one, and every way in which a list can be wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from checkpoints.console import UserError
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import METHOD_SETTINGS, get_recipe
from checkpoints.policy.shipped import LOGGED
from checkpoints.runs.study import read_study

RUN = "{id: bigfish/ppo/0, steps: 10}"


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_the_shipped_study_begins_with_the_primary_contrast_seed_by_seed(root: Path):
    study = read_study(root / "study.yaml")
    first = [(str(run.id), run.steps) for run in study[:6]]
    assert first == [
        (f"starpilot/{method}/{seed}", steps)
        for seed in range(3)
        for method, steps in (("ppo-bg9", 2**22), ("mutual-bg9", 2**21))
    ]
    for run in study:
        alone = str(run.id) in LOGGED  # compared with no other, so that its precision is its own
        assert run.recipe.encoder == "nature"
        assert run.recipe.precision == ("float32" if alone else "bfloat16")
        assert (run.recipe.mode, run.recipe.levels) == ("easy", 500)
        assert run.steps % run.recipe.batch == 0


def test_teachers_of_the_shipped_study_are_trained_before_their_students(root: Path):
    ready: dict[PolicyId, int] = {}
    teachers = []
    for run in read_study(root / "study.yaml"):
        if run.recipe.teacher:
            teachers.append(parse_id(run.recipe.teacher))
            assert ready[teachers[-1].run] >= teachers[-1].step
            assert teachers[-1].seed != run.id.seed
        ready[run.id] = run.steps
    assert str(teachers[0]) == "starpilot/ppo-bg9/1/peer0/step2097152"


def test_a_run_has_the_recipe_of_its_method_and_what_is_common(tmp_path: Path):
    text = "recipe: {features: 64}\nruns: [{id: starpilot/mutual-bg4/1, steps: 2_000}]"
    (run,) = read_study(written(tmp_path, text))
    assert run.recipe == replace(get_recipe("mutual-bg4", "starpilot"), features=64)
    assert run.recipe.backgrounds == (0, 4, 8, 12) and run.steps == 2000


def test_cost_counts_whole_iterations_that_are_left(tmp_path: Path):
    (run,) = read_study(written(tmp_path, "runs: [{id: bigfish/ppo/0, steps: 16_385}]"))
    assert run.recipe.batch == 16_384
    assert run.cost(0) == 2 * run.recipe.cost
    assert run.cost(16_384) == run.recipe.cost == run.recipe.work
    assert run.cost(2 * 16_384) == run.cost(2**30) == 0


def test_the_method_decides_what_methods_differ_in():
    assert METHOD_SETTINGS == {
        *"peers alpha teacher l2 dropout drac views width backgrounds".split(),
        *"adam_eps max_grad_norm".split(),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "expected YAML in .*study.yaml, but: "),
        ("a: 1\na: 2", "expected YAML in .* the key 'a' stands twice"),
        ("", "expected a mapping with the keys runs, recipe, got None"),
        (f"run: [{RUN}]", "unknown key 'run'.*Did you mean 'runs'"),
        ("recipe: {}", "the key 'runs' is missing; add it"),
        ("runs: []", r"expected a list of runs under 'runs', got \[\]"),
        (f"runs: {RUN}", "expected a list of runs under 'runs', got {"),
        (f"recipe: 3\nruns: [{RUN}]", "recipe: expected a mapping of settings, got 3"),
        (f"recipe: {{encodr: x}}\nruns: [{RUN}]", "unknown setting 'encodr'.*mean 'encoder'"),
        (f"recipe: {{encoder: x}}\nruns: [{RUN}]", "recipe: unknown encoder 'x'"),
        (f"recipe: {{levels: many}}\nruns: [{RUN}]", "setting 'levels': expected int, got 'many'"),
        (f"recipe: {{alpha: 2.0}}\nruns: [{RUN}]", "'alpha' is decided by the method in an id"),
        ("runs: [bigfish/ppo/0]", "run 1: expected a mapping with the keys id, steps"),
        ("runs: [{id: bigfish/ppo/0}]", "run 1: the key 'steps' is missing"),
        (f"runs: [{RUN}, {{id: 3, steps: 1}}]", "run 2: expected an id such as bigfish/mutual/0"),
        ("runs: [{id: bigfsh/ppo/0, steps: 1}]", "run 1: unknown game 'bigfsh'.*mean 'bigfish'"),
        ("runs: [{id: bigfish/pppo/0, steps: 1}]", "unknown method 'pppo'.*Did you mean 'ppo'"),
        ("runs: [{id: bigfish/untrained/0, steps: 1}]", "unknown method 'untrained'"),
        ("runs: [{id: bigfish/ppo-bg9/0, steps: 1}]", "expected 1 to 7 backgrounds, got 9"),
        ("runs: [{id: bigfish/ppo/0/peer0, steps: 1}]", "expected a run such as bigfish/ppo/0"),
        ("runs: [{id: bigfish/ppo/0, steps: 0}]", r"\(bigfish/ppo/0\): expected steps .* got 0"),
        ("runs: [{id: bigfish/ppo/0, steps: 2e6}]", "whole number of at least 1.*got '2e6'"),
        ("runs: [{id: bigfish/ppo/0, steps: true}]", "whole number of at least 1.*got True"),
        (f"runs: [{RUN}, {RUN}]", "run 2: bigfish/ppo/0 stands in the list already"),
    ],
)
def test_a_wrong_study_is_refused(text: str, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=f"(?s){message}"):
        read_study(written(tmp_path, text))


def test_no_study(tmp_path: Path):
    with pytest.raises(UserError, match=r"a study such as study.yaml, but there is none at .*none"):
        read_study(tmp_path / "none.yaml")
