"""A world so small that its best policy is known: the colour of the frame names the action."""

import numpy as np

from checkpoints.policy.recipes import Recipe

COLOURS = 3
EPISODE = 8


class ColourWorld:
    """Three colours; taking the action of the colour's number earns 1, any other 0.

    An episode lasts 8 steps, so the best return is 8 and a uniform policy's is 8/15.
    """

    def __init__(self, num_envs: int, seed: int) -> None:
        self.num_envs = num_envs
        self.rng = np.random.default_rng(seed)
        self.time = np.zeros(num_envs, dtype=int)
        self.colour = self.rng.integers(0, COLOURS, num_envs)

    def _frames(self) -> np.ndarray:
        frames = np.zeros((self.num_envs, 64, 64, 3), dtype=np.uint8)
        frames[np.arange(self.num_envs), :, :, self.colour] = 255
        return frames

    def reset(self):
        return self._frames(), {}

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self):
        rewards = (self.actions == self.colour).astype(np.float32)
        self.time += 1
        dones = self.time == EPISODE
        self.time[dones] = 0
        self.colour = self.rng.integers(0, COLOURS, self.num_envs)
        return self._frames(), rewards, dones, np.zeros_like(dones), {}


def colour_world(recipe: Recipe, seed: int) -> ColourWorld:
    return ColourWorld(recipe.num_envs, seed)
