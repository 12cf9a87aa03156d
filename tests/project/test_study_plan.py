"""What the graph of a study would do, in dry runs: edges, devices, limits, wrong studies."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.runs.folder import mark_failed
from checkpoints.runs.study import read_study
from tests.support.queued import save
from tests.support.tree import ROOT

STUDY = """
recipe: {encoder: nature, mode: easy}
runs:
  - {id: starpilot/oneway-bg9/0, steps: 4096}
  - {id: starpilot/ppo-bg9/1, steps: 4096}
  - {id: starpilot/ppo/0, steps: 4096, recipe: {features: 128}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toy.yaml").write_text(STUDY)
    return tmp_path


def planned(folder: Path, *options: str, target: str = "study", **config: object) -> str:
    """What a dry run says."""
    config = {"study": "toy.yaml", "runs": "runs", "parts": "parts", "tables": "tables"} | config
    paths = {"study", "runs", "parts", "tables"}
    given = [f"{k}={folder / str(v) if k in paths else v}" for k, v in config.items()]
    call = [sys.executable, "-m", "snakemake", target, "--dry-run", "--nolock", "--cores", "1"]
    call += ["--quiet", "host", "--printshellcmds", *options, "--config", *given]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def jobs(said: str) -> dict[str, int]:
    """How many jobs of each rule."""
    stats = said.partition("Job stats:\n")[2].partition("\ntotal")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", stats, re.MULTILINE)}


def note(folder: Path, run: str) -> str:
    return str(folder / "parts" / "runs" / f"{run.replace('/', '+')}.json")


def test_all_of_a_study_is_planned(folder):
    found = jobs(planned(folder))
    assert found.pop("study") == found.pop("drawn") == 1
    joins = {"join_emergence": 1, "join_probes_steps": 1}
    assert found == {"train": 3, "control": 4, "measure": 6} | joins


def test_a_teacher_is_trained_first(folder):
    said = planned(folder, target=note(folder, "starpilot/oneway-bg9/0"))
    assert jobs(said) == {"train": 2}
    assert re.findall(r"Job \d+: training (\S+)", said) == [
        "starpilot/ppo-bg9/1",
        "starpilot/oneway-bg9/0",
    ]


def test_the_second_encoder_of_a_game_waits_for_the_scene_of_the_first(folder):
    second = folder / "parts" / "emergence" / "starpilot+untrained+nature-128.npz"
    assert jobs(planned(folder, target=str(second))) == {"control": 2}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], "--device cpu"),
        (["train:gpu=1", "train:runtime=720"], "--hours 11.7500 --device cuda"),
        (["train:gres='shard:1'", "train:runtime=10"], "--hours 0.0833 --device cuda"),
    ],
)
def test_a_job_asks_for_what_its_profile_gives(options, wanted, folder):
    given = ["--set-resources", *options] if options else []
    said = planned(folder, *given, target=note(folder, "starpilot/ppo/0"))
    assert f"{wanted} --note" in said


def test_what_is_done_or_given_up_is_not_trained(folder):
    first, second, third = read_study(folder / "toy.yaml")
    save(folder / "runs" / str(first.id), 1, first.recipe)
    save(folder / "runs" / str(second.id), -(-4096 // second.recipe.batch), second.recipe)
    mark_failed(folder / "runs" / str(third.id), "peer 0 diverged")
    assert jobs(planned(folder))["train"] == 2
    found = jobs(planned(folder, train=0))
    assert "train" not in found and found["measure"] == 6
    # By now its rows say that it failed.
    assert jobs(planned(folder))["train"] == 1
    assert jobs(planned(folder, retry=1))["train"] == 2


def test_a_wrong_study_is_said_before_any_work(folder):
    (folder / "toy.yaml").write_text(STUDY.replace("features: 128", "mode: hard"))
    said = planned(folder)
    assert "starpilot: expected runs of one mode, got easy and hard" in said
    assert "Job stats" not in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("--states 60", "python -m probes.steps --help"),
        ("--probes 3", "Unrecognized options: --probes"),
    ],
)
def test_settings_that_a_measure_has_not_are_said_before_any_work(settings, said, folder):
    found = planned(folder, settings=settings)
    assert said in " ".join(found.split())
    assert "Job stats" not in found
    assert "Job stats" in planned(folder, settings="--states 100")
