"""What a score is measured against: chance, memory of levels, pixels, time.

An untrained encoder is a control, too: it is a policy like any other, see ``load_subjects``.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from probes.readers.crossfit import Probes, Task
from probes.readers.scores import balanced_accuracy, class_sums, number_sums, r2
from probes.readers.solver import Basis
from probes.readers.splits import deal_within

DRAWS = 3
"""Random tasks behind a control score"""


def random_by_level(
    values: Float[np.ndarray, " state"], levels: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, " state"]:
    """A task of nothing but memory: each level gets one value, drawn from those of the factor.

    Values are missing where the factor's are (Hewitt and Liang 2019, whose word types are our
    levels).
    """
    present = ~np.isnan(values)
    names, level = np.unique(levels, return_inverse=True)
    drawn = rng.choice(values[present], size=len(names))
    return np.where(present, drawn[level], np.nan)


def control_scores(
    x: np.ndarray,
    tasks: Sequence[Task],
    levels: Int[np.ndarray, " state"],
    penalties: Float[np.ndarray, " task"],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Float[np.ndarray, " task"]:
    """Score of the same probe on random values by level: how well it can memorise levels.

    Args:
        x: (n, d) features of one layer.
        tasks: the true tasks.
        levels: (n,) level of each state.
        penalties: (F,) of the true tasks' probes, so that the control's are as strong.
        draws: random tasks for each true one; their mean score is returned, of those that have
            one: NaN where each tests a single number.
        seed: of the random values and the split.

    Note:
        As the words of a type do in the paper, a level's states lie on both sides here: a fifth of
        all states is tested, and their levels were seen, but for states that are alone on theirs.
        Of 200 tested these are 5 in the bank of starpilot's table and 19 in coinrun's: there the
        control is so much nearer to chance. On unseen levels a random task can only sit at chance;
        here it says what would be gained by knowing the level again.
    """
    rng = np.random.default_rng(seed)
    rows = deal_within(levels, seed=seed) != 0
    made = [
        Task(task.name, random_by_level(task.values, levels, rng), task.k)
        for task in tasks
        for _ in range(draws)
    ]
    basis = Basis.fit(x[rows])
    probes = Probes(basis, made, rows, None, np.repeat(penalties, draws))
    found = probes.predict(basis.transform(x[~rows]))
    scores = [plain_score(one, found[:, i], ~rows) for i, one in enumerate(made)]
    # A draw can leave no other value to test; it is no score then.
    defined = np.ma.masked_invalid(scores).reshape(len(tasks), draws)
    return defined.mean(axis=1).filled(np.nan)


def plain_score(task: Task, predicted: np.ndarray, rows: np.ndarray) -> float:
    """R², or balanced accuracy over the classes present, of predictions for the states ``rows``."""
    truth, one = task.values[rows], np.zeros(len(predicted), dtype=int)
    if task.k:
        return float(balanced_accuracy(class_sums(truth, predicted, one, 1, task.k)[0]))
    return float(r2(number_sums(truth, predicted, one, 1)[0]))


def selectivity(score: float, control: float, chance: float) -> float:
    """Score − control. A control below chance memorises nothing, and no less than nothing."""
    return score - max(control, chance)


def pixels(frames: UInt8[np.ndarray, "state h w c"]) -> Float[np.ndarray, "state feature"]:
    """All numbers of a picture in [0, 1]: what a linear reader needs no encoder for."""
    return frames.reshape(len(frames), -1).astype(np.float32) / 255


def clock(time: Int[np.ndarray, " state"]) -> Float[np.ndarray, "state feature"]:
    """Steps since the episode began, alone: what progresses with time is read off it."""
    return time[:, None].astype(np.float32)
