"""Encoders of known invariance, as arrays and as policies: made up to be found again.

features = √q · state part + √(1 − q) · background part, both of unit variance in each feature, so
that q is the share of the variance that belongs to the state: the planted ICC(2,1).
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from analysis.scenes.bank import Bank, StateList
from analysis.scenes.twin_sets import TwinSet
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import Provenance, policy_path, save_policy
from checkpoints.world.games import IMAGE_SHAPE

INVARIANCES = (0.0, 0.5, 1.0)


_CODE = np.sqrt((256**2 - 1) / 12)  # standard deviation of a number drawn from 0 to 255


@dataclass(frozen=True)
class World:
    """States on levels; each state and each background shows ``width`` codes, 0 to 255."""

    levels: int = 60
    per_level: int = 3
    backgrounds: int = 4
    width: int = 16
    clustered: float = 0.5
    """share of the variance between states that lies between levels"""
    seed: int = 0

    @property
    def level(self) -> np.ndarray:
        """(state,) which level each state is of."""
        return np.repeat(np.arange(self.levels), self.per_level)

    @property
    def unit(self) -> float:
        """Makes the variance of balanced signs, with B − 1 below the fraction, one."""
        return (self.backgrounds - 1) / self.backgrounds

    def codes(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes of states, (state, width), uniform; of backgrounds, (background, width).

        Those of backgrounds, an even number, are as often 0 as 255 in each feature.
        """
        rng = np.random.default_rng(self.seed)
        of_level = rng.integers(256, size=(self.levels, self.width))[self.level]
        own = rng.integers(256, size=of_level.shape)
        # Two states of a level correlate only where both take its code.
        states = np.where(rng.random(own.shape) < np.sqrt(self.clustered), of_level, own)
        balanced = np.tile([0, 255], self.backgrounds // 2)
        columns = [rng.permutation(balanced) for _ in range(self.width)]
        return states, np.stack(columns, axis=1)

    def features(self, q: float, shared: float = 1.0) -> np.ndarray:
        """(state, background, feature) with invariance q.

        ``shared`` of the background part is what a background adds to every state alike; the rest
        is what it does to each state differently.
        """
        states, backgrounds = self.codes()
        part = np.sqrt(shared * self.unit) * (backgrounds / 127.5 - 1)[None]
        if shared < 1:
            rng = np.random.default_rng([self.seed, 1])
            part = part + np.sqrt(1 - shared) * rng.normal(size=(len(states), *backgrounds.shape))
        return np.sqrt(q) * (states[:, None] - 127.5) / _CODE + np.sqrt(1 - q) * part

    def frames(self) -> np.ndarray:
        """(state, background, 64, 64, 3) uint8: codes as pixels, the state's in the first row."""
        states, backgrounds = self.codes()
        frames = np.zeros((len(states), self.backgrounds, *IMAGE_SHAPE), dtype=np.uint8)
        frames[:, :, 0, : self.width] = states[:, None, :, None]
        frames[:, :, 1, : self.width] = backgrounds[None, :, :, None]
        return frames

    def twins(self, folder: Path, game: str = "starpilot") -> TwinSet:
        """The frames as a twin set on disk, with a bank of empty states."""
        frames, n = self.frames(), len(self.level)
        np.save(folder / "planted.npy", frames)
        zeros = np.zeros(n, dtype=np.int64)
        bank = Bank(StateList.of([b""] * n), frames[:, 0], self.level, zeros, zeros)
        return TwinSet(game, bank, tuple(range(self.backgrounds)), zeros, folder / "planted.npy")


class _Mix(nn.Module):
    """Pixels (n, 3, 64, 64) in [0, 1] to :meth:`World.features`."""

    def __init__(self, world: World, q: float) -> None:
        super().__init__()
        self.width = world.width
        self.state, self.background = q**0.5 / _CODE, ((1 - q) * world.unit) ** 0.5 / 127.5

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        codes = 255 * pixels[:, 0, :2, : self.width] - 127.5
        return self.state * codes[:, 0] + self.background * codes[:, 1]


class PlantedPolicy(Policy):
    """Reads :meth:`World.frames`; its one layer, ``hidden``, is :meth:`World.features` of q."""

    def __init__(self, world: World, q: float) -> None:
        super().__init__("nature", world.width)
        self.encoder = nn.Sequential(OrderedDict(hidden=_Mix(world, q)))
        self.eval()

    @property
    def layers(self) -> tuple[str, ...]:
        return ("hidden",)


# Layers that say next to nothing, and that a measure of change alone would call invariant.
COLLAPSES = {
    "silent": lambda x: 0 * x,
    "constant": lambda x: np.full_like(x, 0.1),
    "constant in each feature": lambda x: np.zeros_like(x) + np.arange(x.shape[2]),
    "constant in float32": lambda x: np.full(x.shape, 0.1, dtype=np.float32),
    "nearly constant": lambda x: 1 + 1e-5 * x,
    "nearly constant in float32": lambda x: (1 + 1e-5 * x).astype(np.float32),
    "one feature": lambda x: x * (np.arange(x.shape[2]) == 0),
    "one direction": lambda x: x[..., :1] * np.arange(x.shape[2]),
}


def zoo(root: Path, *names: str, recipe: Recipe | None = None) -> Path:
    """Policy files with random weights under trained names."""
    recipe = recipe or Recipe(encoder="nature", features=8, mode="easy")
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        made = Provenance(name, asdict(recipe), parse_id(name).step or 0, {}, {}, "code")
        policy = Policy(recipe.encoder, recipe.features)
        save_policy(policy, made, policy_path(root, made.policy_id))
    return root
