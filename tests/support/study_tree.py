"""A copy of the tree in which a study is trained, measured and drawn in a minute or two.

All but the graph is linked; training saves after every iteration and evaluates nothing.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from checkpoints.runs.folder import standing
from tests.support.tree import ROOT

# A policy is kept at 64, 128, 256 … steps. There is no teacher for oneway, which fails.
STUDY = """
recipe: {encoder: nature, features: 8, num_envs: 4, num_steps: 16, minibatches: 2, epochs: 1,
         mode: easy, levels: 20}
runs:
  - {id: starpilot/ppo/0, steps: LONG}
  - {id: starpilot/mutual/0, steps: 128}
  - {id: starpilot/oneway/0, steps: 128}
"""
LONG, SHORT, FAILED = (f"starpilot/{method}/0" for method in ("ppo", "mutual", "oneway"))
SETTINGS = "--states 100 --replicates 20"
HALF = "minutes / 2"
"""Of its job's time, a training may take where that is short; here 15 seconds of 5 minutes."""
TRAINED_SHORT = """
import checkpoints.runs.queue as body
from functools import partial
from tests.support.queued import short
body.Worker = partial(body.Worker, train=short)
if __name__ =="""


def make_tree(folder: Path, long: int = 128) -> Path:
    """The tree in ``folder``, which is made, with ``toy.yaml`` in it; one run is so long."""
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    graph = folder / "workflow" / "study.smk"
    graph.write_text(graph.read_text().replace(HALF, "minutes / 20"))
    (folder / "checkpoints").mkdir()
    for name in ("analysis", "probes", "figures", "tests"):
        (folder / name).symlink_to(ROOT / name)
    for path in (ROOT / "checkpoints").iterdir():
        if path.name != "queue.py":
            (folder / "checkpoints" / path.name).symlink_to(path)
    text = (ROOT / "checkpoints" / "queue.py").read_text().replace("if __name__ ==", TRAINED_SHORT)
    (folder / "checkpoints" / "queue.py").write_text(text)
    (folder / "toy.yaml").write_text(STUDY.replace("LONG", str(long)))
    return folder


def start(
    tree: Path,
    *options: str,
    targets: tuple[str, ...] = ("study",),
    profile: str = "local",
    environment: Mapping[str, str] = os.environ,
) -> "subprocess.Popen[bytes]":
    """The coordinator at work; what it says goes to ``said`` in the tree."""
    call = [sys.executable, "-m", "snakemake", "--workflow-profile", f"workflow/profiles/{profile}"]
    call += [*options, "--config", "study=toy.yaml", f"settings={SETTINGS}", "--", *targets]
    with (tree / "said").open("ab") as said:
        return subprocess.Popen(
            call, cwd=tree, stdout=said, stderr=said, env=_own(tree, environment)
        )


def finish(tree: Path, *options: str, seconds: float = 800, **how: object) -> tuple[int, str]:
    """Exit status of a whole call, and all that was said so far."""
    code = start(tree, *options, **how).wait(seconds)  # type: ignore[arg-type]
    return code, (tree / "said").read_text(errors="replace")


def trainer(tree: Path, run: str) -> psutil.Process | None:
    """The process that holds a run's lock, or None at this moment."""
    lock = str((tree / "runs" / run / "lock").resolve())
    for process in psutil.process_iter():
        try:
            if any(file.path == lock for file in process.open_files()):
                return process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return None


def saved(tree: Path, run: str) -> int:
    """Steps that are saved of a run."""
    return standing(tree / "runs" / run, 10**9).step


def alone(tree: Path) -> dict[str, bytes]:
    """Every table, as one process makes it of all runs."""
    for module in ("analysis.emergence", "probes.steps"):
        call = [sys.executable, "-m", module, "--study", "toy.yaml", "--root", "runs"]
        call += ["--output", "alone", *SETTINGS.split()]
        subprocess.run(call, cwd=tree, env=_own(tree), check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in (tree / "alone").glob("*.csv")}


def _own(tree: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {**environment, "OMP_NUM_THREADS": "1", "TWINSCOPE_CACHE": str(tree / "cache")}
