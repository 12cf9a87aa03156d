"""Returns over training as training logged them, with replicates: what emergence is held against.

The mean over 64 episodes on unseen levels, always the same ones, and its standard error stand in
each run's ``progress.csv``. Replicates are normal draws about that mean, apart for each step: the
levels are shared between steps, so differences between two steps are known better than that.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.curves import rows as curve_rows
from analysis.tracks import RETURN, Cell
from checkpoints.ids import PolicyId

if TYPE_CHECKING:
    from analysis.subjects import Subject

EPISODES = 64
"""Of an untrained policy, as many as training plays."""
LAYER = "episodes"
GAP = "gap"


def draw(mean: float, error: float, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """The mean, then normal draws about it: (1 + replicates,)."""
    return mean + error * np.concatenate([[0.0], rng.standard_normal(replicates)])


def logged(
    root: Path, wanted: Collection[PolicyId], replicates: int, seed: int
) -> dict[PolicyId, dict[tuple[str, str], Cell]]:
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
    table = curves.set_index(["id", "step", "split"])
    rng = np.random.default_rng([seed, 1])
    found = {}
    for one in sorted(wanted):
        place = f"{one.run}/peer{one.peer or 0}", one.step
        cells = [table.loc[(*place, split)] if (*place, split) in table.index else None
                 for split in ("unseen", "train")]  # fmt: skip
        found[one] = dict(zip(((RETURN, LAYER), (GAP, LAYER)), _cells(cells, replicates, rng),
                              strict=True))  # fmt: skip
    return found


def _cells(
    splits: list[pd.Series | None], replicates: int, rng: np.random.Generator
) -> Iterator[Cell]:
    unseen, train = splits
    nothing = Cell(np.full(1 + replicates, np.nan), "no log")
    if unseen is None:
        yield from (nothing, nothing)
        return
    error = (unseen["high"] - unseen["low"]) / (2 * 1.96)
    returns = draw(float(unseen["episode_return"]), float(error), replicates, rng)
    yield Cell(returns)
    yield nothing if train is None else Cell(float(train["episode_return"]) - returns)


def logged_until(root: Path, run: PolicyId) -> int:
    """The last step in a run's log; 0 without one."""
    path = root / str(run) / "progress.csv"
    return int(pd.read_csv(path, usecols=["step"])["step"].max()) if path.is_file() else 0


def untrained_return(subject: "Subject", replicates: int, seed: int) -> Cell:
    """Return of an untrained policy on the levels that training evaluates on."""
    from checkpoints.evaluate import Evaluation
    from checkpoints.worlds import Levels

    stage = Evaluation(subject.id.game, subject.mode, levels=Levels.unseen(), num_envs=EPISODES)
    returns = stage.returns(subject.policy)
    error = returns.std(ddof=1) / np.sqrt(len(returns))
    rng = np.random.default_rng([seed, 2])
    return Cell(draw(float(returns.mean()), float(error), replicates, rng))
