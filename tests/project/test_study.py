"""A study through the graph, on one machine and on a real Slurm: killed, and the same tables."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.support import slurm as slurms
from tests.support.patience import PATIENCE, until
from tests.support.study_tree import (
    FAILED,
    LONG,
    SHORT,
    alone,
    finish,
    make_tree,
    saved,
    start,
    trainer,
)
from tests.support.tree import ROOT

TABLES = "emergence.csv", "emergence_onsets.csv", "probes_steps.csv", "probes_onsets.csv"
ITERATION = 64
PLUGIN = ROOT / ".cache" / "cluster"
pytestmark = pytest.mark.slow


def check_tables(tree: Path) -> None:
    """What the graph left: figures, a row that says *failed*, and the tables of one process."""
    results = tree / "results" / "toy"
    assert (results / "figures" / "onsets.pdf").exists()
    onsets = pd.read_csv(results / "emergence_onsets.csv", comment="#").set_index("id")
    assert onsets.loc[FAILED, "verdict"] == "failed"
    assert (onsets.loc[f"{LONG}/peer0", "verdict"] != "failed").all()
    expected = alone(tree)
    assert set(expected) == set(TABLES)
    assert {name: (results / name).read_bytes() for name in TABLES} == expected


def kill_trainer(tree: Path, run: str) -> None:
    """Kill the process that trains a run, once it has saved something, and see it go on."""
    until(lambda: saved(tree, run) and trainer(tree, run), f"{run} to save")
    process = trainer(tree, run)
    assert process is not None
    process.kill()
    before = saved(tree, run)
    until(lambda: saved(tree, run) > before, f"{run} to go on")


def test_a_study_on_one_machine_through_kills(tmp_path: Path):
    tree = make_tree(tmp_path / "tree", long=80 * ITERATION)
    coordinator = start(tree, "--cores", "2")
    kill_trainer(tree, LONG)
    training = trainer(tree, LONG)
    assert training is not None
    job = training.parent()
    assert job is not None and "checkpoints.queue" in " ".join(job.cmdline())
    job.kill()
    before = saved(tree, LONG)
    until(lambda: saved(tree, LONG) > before, "the run of a killed job to go on")
    coordinator.kill()
    assert coordinator.wait(PATIENCE) == -signal.SIGKILL
    code, said = finish(tree, "--cores", "2")
    assert code == 0, said
    assert f"failed: {FAILED} at step 0: no policy" in said
    check_tables(tree)
    code, said = finish(tree, "--cores", "2")
    assert code == 0 and "Nothing to be done (all requested files" in said
    (tree / "said").unlink()
    (tree / ".cache" / "study" / "toy" / "emergence" / "starpilot+mutual+0.npz").unlink()
    _, said = finish(tree, "--cores", "2", "--dry-run")
    assert sorted(re.findall(r"^ *Job \d+: (.+)", said, flags=re.MULTILINE)) == [
        "analysis.emergence of starpilot/mutual/0",
        "analysis.emergence: joining the parts of all runs",
        "every run that could be is trained, measured and joined",
        "python -m figures emergence onsets",
    ]


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[slurms.Slurm]:
    if not PLUGIN.is_dir():
        pytest.skip("no plugin for Slurm: make cluster")
    try:
        with slurms.running(tmp_path / "slurm", cpus=4) as one:
            yield one
    except slurms.NoSlurm as why:
        pytest.skip(f"no Slurm here: {why}")


def options(minutes: int) -> tuple[str, ...]:
    """Of the coordinator; a training job takes so long, of which it trains a twentieth or more."""
    return (
        *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
        *("--set-resources", f"train:runtime={minutes}", "--group-components", "measure=2"),
    )


def test_the_same_study_on_slurm(tmp_path: Path, slurm: slurms.Slurm):
    tree = make_tree(tmp_path / "tree", long=300 * ITERATION)
    how = {"profile": "slurm", "environment": slurm.environment | {"PYTHONPATH": str(PLUGIN)}}
    logs = tree / ".snakemake" / "slurm_logs"

    def logged(words: str) -> bool:
        return any(words in path.read_text() for path in logs.rglob("*.log"))

    coordinator = start(tree, *options(5), **how)
    until(lambda: job_of(slurm, SHORT), "a job")
    slurm.ask("scancel", "--signal=KILL", "--full", job_of(slurm, SHORT))
    kill_trainer(tree, LONG)
    until(lambda: logged("stopped at step"), "the limit of a job's time")
    coordinator.kill()
    coordinator.wait(PATIENCE)
    code, said = finish(tree, *options(600), **how)
    assert code == 0, said + "\n".join(path.read_text() for path in logs.rglob("*.log"))
    assert f"failed: {FAILED} at step 0: no policy" in said
    check_tables(tree)


def job_of(slurm: slurms.Slurm, run: str) -> str:
    """The job that trains a run, empty where none is running."""
    lines = slurm.ask("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines()
    name = run.replace("/", "+")
    return next((line.split()[0] for line in lines if line.endswith(f"train_wildcards_{name}")), "")
