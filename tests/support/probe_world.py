"""Features of which it is known what they say of a task, of the background and of nothing."""

import numpy as np

from probes.readers.crossfit import Task
from probes.readers.splits import deal_folds

N, LEVELS = 400, 80


class World:
    """States with a task (a number), a background on each of two pictures, and their levels."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.levels = np.repeat(np.arange(LEVELS), N // LEVELS)
        self.folds = deal_folds(self.levels, seed=seed)
        self.truth = self.rng.normal(size=N)
        self.first = self.rng.integers(0, 3, N)  # background, group A
        self.second = self.rng.integers(3, 6, N)  # background, group B
        self.noise = self.rng.normal(size=(2, N, 12))

    def layer(self, task: float, leak: float, mix: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Features on both backgrounds: of the task, of the background, noise.

        ``mix`` adds a shift to the task's own direction that only backgrounds of group B cause.
        """
        code = np.random.default_rng(99).normal(size=(6, 12))
        axis = np.eye(12)[0]
        found = []
        for picture, background in enumerate((self.first, self.second)):
            shift = mix * (background - 4.0) * (background > 2)
            signal = task * self.truth + shift
            found.append(
                signal[:, None] * axis
                + leak * code[background] * (1 - axis)
                + 0.3 * self.noise[picture]
            )
        return found[0], found[1]

    @property
    def tasks(self) -> list[Task]:
        return [
            Task("truth", self.truth),
            Task("background", self.first.astype(float), 3),
            Task("sign", (self.truth > 0).astype(float), 2),
        ]
