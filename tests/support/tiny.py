"""Runs that train in a second: 4 environments, 64 steps an iteration, 8 hidden units."""

from pathlib import Path

import pandas as pd

from checkpoints.doors.tensors import read_tensors
from checkpoints.policy.recipes import METHODS, base_method, from_dict, get_recipe
from checkpoints.runs.folder import PROGRESS, STATE
from checkpoints.runs.train import Settings

RUN = "coinrun/mutual/3"
TINY = {"encoder": "nature", "features": 8, "num_envs": 4, "num_steps": 16, "minibatches": 2}
TINY |= {"epochs": 1, "mode": "easy", "levels": 20}
BATCH = 64.0


def settings(output: Path, run: str = RUN, **changes) -> Settings:
    """One iteration of a run, unless ``steps`` says more."""
    game, method = run.split("/")[:2]
    known = base_method(method) in METHODS and "bg" in method
    base = get_recipe(method, game) if known else METHODS.get(method, METHODS["mutual"])
    recipe = from_dict(base.__dict__ | TINY)
    given = {"steps": BATCH, "output": output, "threads": 1, "evaluate_episodes": 0} | changes
    return Settings(run, recipe, **given)


def final_bytes(output: Path, run: str = RUN) -> dict[str, bytes]:
    """Every tensor of the final state: weights, Adam, reward scales, Procgen's own states."""
    tensors, _ = read_tensors(output / run / STATE)
    return {key: value.numpy().tobytes() for key, value in tensors.items()}


def kept_files(output: Path, run: str = RUN) -> dict[str, bytes]:
    """Every kept policy, as it lies on the disk."""
    folder = output / run
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("peer*/*")}


def log(output: Path, run: str = RUN) -> str:
    """The progress table without the seconds that an iteration took."""
    return pd.read_csv(output / run / PROGRESS).drop(columns="seconds").to_csv()
