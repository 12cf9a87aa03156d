"""Does the fast path learn what the plain one learns? Areas under learning curves, paired by seed.

``python -m tests.benchmarks.bench_agreement`` judges the curves in ``agreement.csv`` beside it.
With ``--train FOLDER`` it first trains every path and seed there (ten minutes on an idle core; the
same command goes on after a stop) and writes their curves to ``--output``. The plain path computes
all in float32; the fast one is what the study uses, encoders in bfloat16. On a machine with CUDA,
``--paths "float32 cpu" "bfloat16 cuda"`` holds a GPU against the plain path.

The test was stated before anything was trained. Area: the mean of a run's training return over
its iterations. The paths *agree* if the 95 % t-interval of the paired difference holds 0, and its
90 % interval lies within half of the plain path's gain (area above the first point): two one-sided
tests at 5 %, which a wide interval cannot pass. Assumed: differences between seeds are normal.

The table stands here and not in ``analysis/tables`` because shipped policies do not suffice to
make it anew.
"""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis.records.tables import Column, Schema, check_output, read_table, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.recipes import get_recipe
from checkpoints.runs.train import Settings as TrainSettings
from checkpoints.runs.train import main as train

KEPT = Path(__file__).with_name("agreement.csv")
GAME, METHOD = "starpilot", "ppo"
PATHS = ("float32 cpu", "bfloat16 cpu", "float32 cuda", "bfloat16 cuda")
"""What encoders compute in, and where."""

SCHEMA = Schema(
    "agreement",
    (
        Column("path", "text", "what encoders compute in, and where"),
        Column("id", "text", "the run: one seed trained on each path"),
        Column("step", "int", "environment steps", "steps", low=0),
        Column("train_return", "float", "mean of the last 100 training episodes", "reward"),
    ),
    key=("path", "id", "step"),
)


@dataclass(frozen=True)
class Settings:
    """Compare what two ways of computing learn, seed by seed."""

    paths: tuple[str, str] = PATHS[:2]
    """the plain path, then the one held against it"""
    train: Path | None = None
    """folder of runs to train first, or to go on with; without it the kept curves are judged"""
    seeds: int = 3
    """runs of each path"""
    steps: float = 2**17
    """environment steps of each run, rounded up to whole iterations"""
    threads: int = 1
    """torch threads on the CPU"""
    output: Path = KEPT
    """the table of curves: read, or with --train written"""
    overwrite: bool = False
    """replace a table that exists"""


class Agreement(NamedTuple):
    """The paired comparison of two paths, in the unit of the areas."""

    difference: float
    """mean over seeds of fast - plain"""
    low: float
    high: float
    """ends of its 95 % t-interval"""
    reach: float
    """largest of the absolute ends of its 90 % interval: differences beyond are excluded at 5 %"""
    margin: float
    """what ``reach`` must stay below"""
    detectable: float
    """true difference that the 95 % interval would leave 0 out for, four times in five"""
    spread: float
    """standard deviation of the plain path between seeds"""

    @property
    def agree(self) -> bool:
        """Both conditions of the stated test."""
        return self.low <= 0 <= self.high and self.reach < self.margin


def compare(plain: np.ndarray, fast: np.ndarray) -> Agreement:
    """Paired comparison of curves, (seed, point) each, in the same order of seeds.

    Raises:
        UserError: other shapes, or fewer than two seeds.
    """
    if plain.shape != fast.shape or plain.ndim != 2 or len(plain) < 2:
        raise UserError(
            f"expected curves of the same 2 or more seeds, (seed, point), got {plain.shape} and "
            f"{fast.shape}; train the same seeds and steps on both paths"
        )
    areas = plain.mean(1)
    differences = fast.mean(1) - areas
    n = len(differences)
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(n))
    sure, likely, power = stats.t.ppf([0.975, 0.95, 0.8], n - 1)
    return Agreement(
        difference=mean,
        low=mean - sure * error,
        high=mean + sure * error,
        reach=abs(mean) + likely * error,
        margin=float((areas - plain[:, 0]).mean()) / 2,
        # Lenth 2001: the two quantiles of t added, a little above the exact value.
        detectable=(sure + power) * error,
        spread=float(areas.std(ddof=1)),
    )


def train_run(path: str, seed: int, settings: Settings, folder: Path) -> pd.DataFrame:
    """Train one run, or go on with it; returns its curve."""
    precision, device = path.split()
    recipe = replace(get_recipe(METHOD), encoder="nature", mode="easy", precision=precision)
    name, root = f"{GAME}/{METHOD}/{seed}", folder / path.replace(" ", "-")
    asked = TrainSettings(name, recipe, steps=settings.steps, output=root, evaluate_episodes=0)
    train(replace(asked, device=device, threads=settings.threads))
    curve = pd.read_csv(root / name / "progress.csv")[["step", "train_return"]]
    return curve.assign(path=path, id=name)


def areas(frame: pd.DataFrame, paths: tuple[str, str]) -> list[np.ndarray]:
    """The curves of each path, (seed, point)."""
    found = []
    for path in paths:
        mine = frame[frame["path"] == path]
        if mine.empty:
            raise UserError(f"expected curves of {path!r}, got {sorted(set(frame['path']))}")
        curves = mine.pivot(index="id", columns="step", values="train_return")
        found.append(curves.to_numpy())
    return found


def show(frame: pd.DataFrame, paths: tuple[str, str]) -> Agreement:
    """Print a row a seed, then the test."""
    from rich.console import Console
    from rich.table import Table

    plain, fast = areas(frame, paths)
    test = compare(plain, fast)
    table = Table("run", *paths, "difference", title="area under the learning curve, reward")
    for name, a, b in zip(sorted(set(frame["id"])), plain.mean(1), fast.mean(1), strict=True):
        table.add_row(name, f"{a:.3f}", f"{b:.3f}", f"{b - a:+.3f}")
    Console().print(table)
    print(
        f"mean difference {test.difference:+.3f} (95 % {test.low:+.3f} to {test.high:+.3f}); seeds "
        f"of the plain path spread by {test.spread:.3f}\n"
        f"excluded at 5 %: more than {test.reach:.3f}, to be below {test.margin:.3f}, half of the "
        f"plain path's gain; a difference of {test.detectable:.3f} would be found 4 times in 5\n"
        f"{'the paths agree' if test.agree else 'the paths are not shown to agree'}"
    )
    return test


def main(settings: Settings) -> None:
    """Train if asked to, and judge."""
    for path in settings.paths:
        if path not in PATHS:
            raise UserError(f"expected paths among {', '.join(PATHS)}, got {path!r}")
    if settings.train is None:
        show(read_table(settings.output, SCHEMA), settings.paths)
        return
    check_output(settings.output, overwrite=settings.overwrite)
    every = product(range(settings.seeds), settings.paths)
    curves = [train_run(path, seed, settings, settings.train) for seed, path in every]
    frame = pd.concat(curves, ignore_index=True)
    show(frame, settings.paths)
    made = {"steps": int(settings.steps), "seeds": settings.seeds, "threads": settings.threads}
    print(write_table(frame, SCHEMA, settings.output, provenance=made, overwrite=True))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m tests.benchmarks.bench_agreement")
