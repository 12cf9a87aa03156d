"""One policy in training: where it acts, and what it collects there."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from checkpoints.policy.encoders import Policy
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.seeds import Purpose, derive, generator, seed_torch
from checkpoints.training.interleave import Turns
from checkpoints.training.rollouts import RewardScale, Trajectory
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.twin_views import TwinViews

Tick = Callable[[int], None]
"""Told how many frames have passed through a network since the last call."""


def quietly(frames: int) -> None:
    """Show no progress."""


MakeWorld = Callable[[Recipe, int], ProcgenVectorEnv]
"""From a recipe and a seed to the environments of one peer."""


def own_threads(device: str, threads: int) -> int:
    """How many of ``threads`` Procgen gets for itself beside networks on ``device``.

    All beside a GPU, where the cores are free for it; beside those of torch, threads of its own
    were measured to gain nothing.
    """
    return threads if device == "cuda" else 0


def training_levels(game: str, num_threads: int = 0) -> MakeWorld:
    """The usual world: the recipe's number of training levels of ``game``.

    Threads of Procgen's own change nothing in what is seen.
    """

    def make(recipe: Recipe, seed: int) -> ProcgenVectorEnv:
        return ProcgenVectorEnv(
            game,
            levels=Levels.train(recipe.levels),
            mode=recipe.mode,
            num_envs=recipe.num_envs,
            seed=seed,
            num_threads=num_threads,
            backgrounds=recipe.backgrounds,
        )

    return make


class Peer:
    """One policy with its environments, its running returns and its reward scale."""

    def __init__(
        self, make_world: MakeWorld, recipe: Recipe, seed: int, index: int, device: str
    ) -> None:
        """Create with fresh weights and environments at their first step."""
        self.recipe, self.seed, self.index, self.device = recipe, seed, index, device
        with seed_torch(seed, index, Purpose.WEIGHTS):
            self.policy = Policy.of(recipe).to(device)
        self.env = make_world(recipe, derive(seed, index, Purpose.LEVELS))
        self.frames, _ = self.env.reset()
        drawn = bool(recipe.drac) and recipe.views == "twins"
        self.twins = TwinViews(self.env) if drawn else None
        sizes = recipe.num_steps, recipe.num_envs, torch.device(device)
        self.trajectory = Trajectory(*sizes, views=drawn)
        self.scale = RewardScale.fresh(recipe.num_envs)
        self.running = np.zeros(recipe.num_envs)
        """return so far of each unfinished episode"""
        self.finished: list[float] = []
        """returns of the episodes that ended in this iteration"""

    def collect(self, iteration: int, tick: Tick = quietly) -> Turns[dict[str, Tensor]]:
        """Act for ``num_steps`` steps; returns the flat data of the iteration.

        Pauses while the environments step, so that another peer can decide meanwhile: see
        ``take_turns``.
        """
        recipe, data = self.recipe, self.trajectory
        draws = generator(self.seed, self.index, Purpose.ACTIONS, iteration, self.device)
        others = np.random.default_rng(derive(self.seed, self.index, Purpose.VIEWS, iteration))
        self.policy.eval()
        self.finished = []
        for t in range(recipe.num_steps):
            if self.twins is not None and data.views is not None:
                data.views[t].copy_(torch.from_numpy(self.twins.draw(others)))
            self.env.step_async(self._decide(t, draws))
            yield
            self.frames, rewards, dones, _, _ = self.env.step_wait()
            self._count(rewards, dones)
            scaled = self.scale(rewards, dones, discount=recipe.discount)
            data.rewards[t].copy_(torch.from_numpy(scaled))
            data.dones[t].copy_(torch.from_numpy(dones))
            tick(recipe.num_envs)
        with torch.no_grad():
            _, last_values = self.policy(torch.from_numpy(self.frames).to(self.device))
        return data.finish(last_values, discount=recipe.discount, decay=recipe.decay)

    @torch.no_grad()
    def _decide(self, t: int, draws: torch.Generator) -> np.ndarray:
        """Note the frames of step ``t`` and draw an action in each environment."""
        data = self.trajectory
        data.frames[t].copy_(torch.from_numpy(self.frames))
        logits, data.values[t] = self.policy(data.frames[t])
        log_probs = logits.log_softmax(-1)
        actions = torch.multinomial(log_probs.exp(), 1, generator=draws)
        data.actions[t] = actions.squeeze(1)
        data.log_probs[t] = log_probs.gather(1, actions).squeeze(1)
        return actions.squeeze(1).cpu().numpy()

    def _count(self, rewards: np.ndarray, dones: np.ndarray) -> None:
        self.running += rewards
        if dones.any():
            self.finished.extend(self.running[dones].tolist())
            self.running[dones] = 0.0
