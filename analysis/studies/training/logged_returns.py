"""Returns over training as training logged them, with replicates: what emergence is held against.

The mean over 64 episodes on unseen levels, always the same ones, and its standard error stand in
each run's ``progress.csv``. Replicates are normal draws about that mean, apart for each step: the
levels are shared between steps, so differences between two steps are known better than that.

The return at a step is its one evaluation: means over those around each kept step make the onset
of a planted return scatter by a tenth to a fifth less, and place it too early, by up to half an
octave, where the return still rises at the end. The gap is such a mean, because it moves slowly
while one evaluation of it can be noise as large as what tells policies apart (starpilot).
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.records.logs import read_log
from analysis.records.values import RETURN, Cell, Cells
from analysis.studies.training.curves import curve_rows
from checkpoints.policy.ids import PolicyId

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject

EPISODES = 64
"""Of an untrained policy, as many as training plays."""
LAYER = "episodes"
GAP = "gap"
WINDOW = 0.5
"""Octaves up to a step, it included, whose evaluations the gap is a mean of."""


def normal(replicates: int, rng: np.random.Generator) -> np.ndarray:
    """0 for the estimate, then standard normal draws: (1 + replicates,)."""
    return np.concatenate([[0.0], rng.standard_normal(replicates)])


def logged(
    root: Path, wanted: Collection[PolicyId], replicates: int, seed: int
) -> dict[PolicyId, Cells]:
    """Return on unseen levels and the gap to training levels of each policy.

    The gap's replicates hold the error of the unseen side only: training episodes belong to a
    policy that is still moving, and their error is not logged.

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
    rng = np.random.default_rng([seed, 1])
    found = {}
    for one in sorted(wanted):
        here = curves[curves["id"] == f"{one.run}/peer{one.peer or 0}"].set_index("step")
        unseen, train = (here[here["split"] == split] for split in ("unseen", "train"))
        cells = returns_at(one.step or 0, unseen, train, normal(replicates, rng))
        found[one] = dict(zip(((RETURN, LAYER), (GAP, LAYER)), cells, strict=True))
    return found


def returns_at(
    step: int, unseen: pd.DataFrame, train: pd.DataFrame, z: np.ndarray
) -> tuple[Cell, Cell]:
    """Return on unseen levels at one step, and the gap over the last :data:`WINDOW` up to it.

    A window that ends at the step is the same for a run that goes on and for one that does not.
    The evaluations in it share their levels, how far is not known: the error of their mean is
    taken to be the mean of their errors, which no correlation can exceed.

    Args:
        step: environment steps of this peer.
        unseen: ``episode_return, low, high`` by step.
        train: ``episode_return`` by step.
        z: from :func:`normal`.

    Returns:
        Two cells; ``no log`` where the step itself is not logged.
    """
    nothing = Cell(np.full(len(z), np.nan), "no log")
    if step not in unseen.index:
        return nothing, nothing
    errors = (unseen["high"] - unseen["low"]) / (2 * 1.96)
    returns = Cell(float(unseen["episode_return"][step]) + float(errors[step]) * z)
    if step not in train.index:
        return returns, nothing
    both = unseen.index.intersection(train.index)
    steps = both[(both <= step) & (both > step / 2**WINDOW)]
    gap = (train["episode_return"] - unseen["episode_return"])[steps].mean()
    return returns, Cell(float(gap) - float(errors[steps].mean()) * z)


def logged_until(root: Path, run: PolicyId) -> int:
    """The last step in a run's log; 0 without one."""
    path = root / str(run) / "progress.csv"
    return int(read_log(path)["step"].max()) if path.is_file() else 0


def reach(policies: Iterable[PolicyId], root: Path, until: int) -> dict[str, int]:
    """Method -> how far its longest log goes, but not beyond ``until`` if that is not 0."""
    found: dict[str, int] = {}
    for run in {one.run for one in policies}:
        last = logged_until(root, run)
        last = min(last, until) if until else last
        found[run.method] = max(found.get(run.method, 0), last)
    return found


def untrained_return(subject: "Subject", replicates: int, seed: int) -> Cell:
    """Return of an untrained policy on the levels that training evaluates on."""
    from checkpoints.training.evaluate import Evaluation
    from checkpoints.world.environments import Levels

    stage = Evaluation(subject.id.game, subject.mode, levels=Levels.unseen(), num_envs=EPISODES)
    returns = stage.returns(subject.policy)
    error = returns.std(ddof=1) / np.sqrt(len(returns))
    rng = np.random.default_rng([seed, 2])
    return Cell(float(returns.mean()) + float(error) * normal(replicates, rng))
