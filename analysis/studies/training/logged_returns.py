"""Returns over training as training logged them, with replicates: what emergence is held against.

The mean over 64 episodes on unseen levels, always the same ones, and its standard error stand in
each run's ``progress.csv``. Replicates are normal draws about that mean, apart for each step: the
levels are shared between steps, so differences between two steps are known better than that.

The return at a step is its one evaluation: means over those around each kept step make the onset
of a planted return scatter by a tenth to a fifth less, and place it too early, by up to half an
octave, where the return still rises at the end. How far training levels lie above is not taken
from logs: their episodes belong to other levels, in other numbers, and to a policy that is still
moving, so that a difference would be an offset; ``analysis.returns`` plays both alike.
"""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.records.columns import NORMAL
from analysis.records.logs import read_log
from analysis.records.values import RETURN, Cell, Cells
from analysis.studies.training.curves import curve_rows
from checkpoints.policy.ids import PolicyId

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject

EPISODES = 64
"""Of an untrained policy, as many as training plays."""
LAYER = "episodes"


def normal(replicates: int, rng: np.random.Generator) -> np.ndarray:
    """0 for the estimate, then standard normal draws: (1 + replicates,)."""
    return np.concatenate([[0.0], rng.standard_normal(replicates)])


def logged(
    root: Path, wanted: Collection[PolicyId], replicates: int, seed: int
) -> dict[PolicyId, Cells]:
    """Return on unseen levels of each policy; draws are its own, whoever stands beside it.

    Args:
        root: folder of runs, or of shipped ones, with their logs.
        wanted: policies, each with its peer and its step.
        replicates: draws about each mean.
        seed: of the draws.

    Returns:
        policy -> (measure, layer) -> values; the verdict ``no log`` where nothing is logged.
    """
    runs = {one.run for one in wanted if (root / str(one.run) / "progress.csv").is_file()}
    curves = curve_rows(root, runs) if runs else pd.DataFrame(columns=["id", "step", "split"])
    found = {}
    for one in wanted:
        rng = np.random.default_rng([seed, 1, *sha256(str(one).encode()).digest()])
        here = curves[curves["id"] == f"{one.run}/peer{one.peer or 0}"].set_index("step")
        cell = return_at(one.step or 0, here[here["split"] == "unseen"], normal(replicates, rng))
        found[one] = {(RETURN, LAYER): cell}
    return found


def return_at(step: int, unseen: pd.DataFrame, z: np.ndarray) -> Cell:
    """Return on unseen levels at one step.

    Args:
        step: environment steps of this peer.
        unseen: ``episode_return, low, high`` by step.
        z: from :func:`normal`.

    Returns:
        A cell; ``no log`` where the step is not logged.
    """
    if step not in unseen.index:
        return Cell(np.full(len(z), np.nan), "no log")
    error = float(unseen["high"][step] - unseen["low"][step]) / (2 * NORMAL)
    return Cell(float(unseen["episode_return"][step]) + error * z)


def logged_until(root: Path, run: PolicyId) -> int:
    """The last step in a run's log; 0 without one."""
    path = root / str(run) / "progress.csv"
    return int(read_log(path)["step"].max()) if path.is_file() else 0


def untrained_return(subject: "Subject", replicates: int, seed: int) -> Cell:
    """Return of an untrained policy on the levels that training evaluates on."""
    from checkpoints.training.evaluate import Evaluation
    from checkpoints.world.environments import Levels

    stage = Evaluation(subject.id.game, subject.mode, levels=Levels.unseen(), num_envs=EPISODES)
    returns = stage.returns(subject.policy)
    error = returns.std(ddof=1) / np.sqrt(len(returns))
    rng = np.random.default_rng([seed, 2])
    return Cell(float(returns.mean()) + float(error) * normal(replicates, rng))
