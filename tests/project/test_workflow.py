"""`make reproduce` on a small copy of the tree: what is redone, and when."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sources import drawers_of, project_modules, tables_of

from checkpoints.world.games import GAMES
from figures.__main__ import NAMES
from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

COMMANDS = [name for name, file in project_modules(ROOT).items() if "__main__" in file.read_text()]
WRITTEN = tables_of(ROOT)
PICTURES = {
    "analysis.twins": [f"twins/{game}.png" for game in GAMES],
    "analysis.saliency": ["saliency/pictures.png", "saliency/maps.png"],
    "analysis.player": [
        f"player/{name}.webp"
        for name in ("coinrun", "starpilot", "atari-maze", "crafter-grass", "mujoco-floor")
    ],
}
OF_RUNS = ("analysis.emergence", "analysis.looks", "probes.steps")
OUTPUTS = {
    "probes/__main__" if module == "probes" else module.replace(".", "/"): [
        *(f"{name}.csv" for name in names),
        *PICTURES.get(module, []),
    ]
    for module, names in WRITTEN.items()
    if module not in OF_RUNS
}
# Contrasts read what samples write of policies.
POLICY_STEPS = set(OUTPUTS) - {"analysis/twins", "probes/variation"}
STUDY = tuple(name for module in OF_RUNS for name in WRITTEN[module])
LAST = ["figures", "claims", "readme"]
STEP = """
import pathlib, sys
from checkpoints import shared
{schemas}
if pathlib.Path("broken").exists(): sys.exit("broken on purpose")
with open("log", "a") as log: log.write("{step} ")
for output in {outputs}:
    pathlib.Path("analysis/tables", output).write_text("new")
"""


def schemas_of(step: str) -> str:
    """What the graph reads: the schemas of a step, never run."""
    module = step.replace("/", ".").removesuffix(".__main__")
    calls = [f"Schema({name!r}, command={module!r})" for name in WRITTEN[module]]
    return "if 0: " + "; ".join(calls)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The shipped graph around steps that only log that they ran; tables are there already."""
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    tables = (f"analysis/tables/{folder}" for folder in ("twins", "saliency", "player"))
    for folder in ("checkpoints/zoo", *tables, "figures", "probes"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "checkpoints" / "world").mkdir()
    for name in ("__init__", "console", "world/__init__", "world/games"):
        shutil.copy(ROOT / "checkpoints" / f"{name}.py", tmp_path / "checkpoints" / f"{name}.py")
    (tmp_path / "checkpoints" / "shared.py").write_text("X = 1\n")
    (tmp_path / "checkpoints" / "zoo" / "a.safetensors").write_text("policy")
    for step, outputs in OUTPUTS.items():
        source = STEP.format(step=step, outputs=outputs, schemas=schemas_of(step))
        (tmp_path / f"{step}.py").write_text(source)
        for output in outputs:
            (tmp_path / "analysis" / "tables" / output).write_text("committed")
    for module in OF_RUNS:
        source = schemas_of(module.replace(".", "/"))
        (tmp_path / f"{module.replace('.', '/')}.py").write_text(source)
    for name in STUDY:
        (tmp_path / "analysis" / "tables" / f"{name}.csv").write_text("measured")
    (tmp_path / "study.yaml").write_text("runs: []")
    for module, word in zip(("__main__", "claims", "readme"), LAST, strict=True):
        source = f"open('log', 'a').write('{word} ')\n"
        (tmp_path / "figures" / f"{module}.py").write_text(source)
    return tmp_path


def reproduce(clone: Path) -> tuple[int, list[str]]:
    """Exit status, and the steps that ran since the last call, in order."""
    options = ["--cores", "1", "--nolock", "--rerun-incomplete", "--quiet", "all"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options],
        cwd=clone,
        capture_output=True,
        timeout=PATIENCE,
    )
    log = clone / "log"
    ran = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return done.returncode, ran


def test_a_fresh_clone_runs_everything_once(clone):
    status, ran = reproduce(clone)
    assert status == 0
    assert sorted(ran) == sorted([*OUTPUTS, *LAST])
    assert ran[-3:] == LAST
    assert reproduce(clone) == (0, [])


def test_only_what_changed_is_redone(clone):
    reproduce(clone)
    with (clone / "analysis" / "cka.py").open("a") as file:
        file.write("# another way\n")
    assert reproduce(clone) == (0, ["analysis/cka", *LAST])
    (clone / "analysis" / "twins.py").touch()
    assert reproduce(clone) == (0, [])
    (clone / "checkpoints" / "zoo" / "b.safetensors").write_text("another policy")
    status, ran = reproduce(clone)
    assert (status, sorted(ran)) == (0, sorted([*POLICY_STEPS, *LAST]))
    (clone / "analysis" / "tables" / "twins.csv").unlink()
    assert reproduce(clone) == (0, ["analysis/twins", *LAST])


def test_new_measurements_of_the_study_are_compared_anew(clone):
    reproduce(clone)
    (clone / "analysis" / "tables" / "emergence.csv").write_text("measured again")
    assert reproduce(clone) == (0, ["analysis/contrasts", *LAST])


def test_what_reads_the_study_is_redone_when_the_study_changes(clone):
    reproduce(clone)
    (clone / "study.yaml").write_text("runs: [another]")
    status, ran = reproduce(clone)
    assert (status, sorted(ran)) == (0, sorted(["analysis/contrasts", "analysis/curves", *LAST]))


def test_a_failed_step_keeps_the_committed_table(clone):
    (clone / "broken").touch()
    status, ran = reproduce(clone)
    assert status != 0
    assert ran == []
    assert (clone / "analysis" / "tables" / "cka.csv").read_text() == "committed"
    (clone / "broken").unlink()
    assert sorted(reproduce(clone)[1]) == sorted([*OUTPUTS, *LAST])


def test_the_shipped_graph_is_sound_and_says_each_step_in_a_line():
    options = ["--dry-run", "--forceall", "--cores", "1"]
    profile = ["--workflow-profile", "workflow/profiles/local"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *profile, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "python -m analysis.cka\n" in said and "python -m probes\n" in said
    assert max(map(len, said.splitlines())) < 300


def test_the_graph_knows_whatever_draws_a_figure():
    assert drawers_of(ROOT) == sorted(f"figures.plots.{name}" for name in NAMES)


def test_every_table_that_is_committed_is_written_by_a_command_and_every_one_is_there():
    committed = {file.stem for file in (ROOT / "analysis" / "tables").glob("*.csv")}
    assert committed == {name for names in WRITTEN.values() for name in names}
    assert set(WRITTEN) <= {command.removesuffix(".__main__") for command in COMMANDS}
