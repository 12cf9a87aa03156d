"""What the graph of a large study costs before any work: a dry run, in a process of its own.

``python -m tests.benchmarks.bench_study`` prints jobs, processor-seconds and memory of studies of
so many runs, none of which was begun. A scheduler's job reads the graph twice, but asks of it one
part alone; the last row is what that takes.
"""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from checkpoints.console import run_command
from checkpoints.world.games import GAMES
from tests.support.tree import ROOT

SECONDS, MEGABYTES = 15.0, 250.0
"""Wanted at most, of 500 runs."""
METHODS = ("ppo", "mutual", "drac", "ppo-l2", "ppo-dropout")
CALL = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.stdout + done.stderr)
print("used", used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
sys.exit(done.returncode)
"""


@dataclass(frozen=True)
class Settings:
    """Measure the dry run of generated studies."""

    runs: tuple[int, ...] = (50, 500, 1000)
    """runs of each study"""


def study_of(runs: int) -> str:
    """A grid of so many runs, or some more: ten games, five methods."""
    seeds = list(range(-(-runs // (10 * len(METHODS)))))
    games = ", ".join(list(GAMES)[:10])
    return (
        "recipe: {encoder: nature, mode: easy, levels: 500}\n"
        f"grid:\n  - {{games: [{games}], methods: [{', '.join(METHODS)}], seeds: {seeds}, "
        "steps: 1_048_576}\n"
    )


def dry_run(folder: Path, target: str) -> tuple[int, float, float]:
    """Jobs, processor-seconds and megabytes."""
    places = [f"{name}={folder}/{name}" for name in ("runs", "parts", "tables")]
    call = [sys.executable, "-m", "snakemake", target, "--dry-run", "--nolock", "--cores", "1"]
    call += ["--quiet", "host", "rules", "--config", f"study={folder}/study.yaml", *places]
    done = subprocess.run(
        [sys.executable, "-c", CALL, *call], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = re.findall(r"^total\s+(\d+)$", done.stdout, flags=re.MULTILINE)
    _, seconds, megabytes = done.stdout.splitlines()[-1].split()
    return int(jobs[0]), float(seconds), float(megabytes)


def main(settings: Settings) -> None:
    """Print a row a study."""
    os.environ["OMP_NUM_THREADS"] = "1"
    print(f"{'runs':>6} {'jobs':>6} {'processor-s':>12} {'MB':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for runs in settings.runs:
            (folder / "study.yaml").write_text(study_of(runs))
            jobs, seconds, megabytes = dry_run(folder, "study")
            print(f"{runs:>6} {jobs:>6} {seconds:>12.1f} {megabytes:>6.0f}", flush=True)
        part = f"{folder}/parts/emergence/bigfish+untrained+nature-256.npz"
        jobs, seconds, megabytes = dry_run(folder, part)
        print(f"{'a part':>6} {jobs:>6} {seconds:>12.1f} {megabytes:>6.0f}")
    print(f"wanted of 500 runs: at most {SECONDS:g} processor-seconds and {MEGABYTES:g} MB")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m tests.benchmarks.bench_study")
