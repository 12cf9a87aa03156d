"""Others' training code on our worlds, each in a process of its own that has none of our settings.

Nothing of theirs is kept here: a checkout is named on the command line, and its own agents, losses
and loop run, in the sizes of a recipe. They see Procgen through an object that has what they ask
of it, without their wrappers, so that what is timed is training.
"""

import multiprocessing
import runpy
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch

from checkpoints.console import UserError
from checkpoints.policy.recipes import Recipe
from checkpoints.world.environments import Levels, ProcgenVectorEnv

Iterate = Callable[[], float]
"""Runs one iteration and returns its seconds."""


def settle(device: str) -> None:
    """Wait for what a GPU still has to do."""
    if device == "cuda":
        torch.cuda.synchronize()


class World:
    """Procgen with the old reset and step, and a list as info."""

    def __init__(self, game: str, recipe: Recipe) -> None:
        self.env = ProcgenVectorEnv(
            game, levels=Levels.train(recipe.levels), mode=recipe.mode, num_envs=recipe.num_envs
        )
        from gym import spaces  # here, since Procgen's import has silenced gym's notice

        self.single_observation_space = self.env.single_observation_space
        self.observation_space = {"rgb": self.single_observation_space}
        self.single_action_space = self.action_space = spaces.Discrete(15)

    def reset(self) -> np.ndarray:
        return self.env.reset()[0]

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Any]]:
        frames, rewards, ends, _, _ = self.env.step(actions)
        return frames, rewards, ends, []

    def close(self) -> None:
        """Kept: Procgen leaks when environments are destroyed."""


def authors(path: Path, game: str, recipe: Recipe, device: str) -> Iterate:
    """The agents and the trainer of MyRepositories-hub/Mutual-Distillation-Policy-Optimization."""
    if not (path / "trainer.py").is_file():
        raise UserError(f"expected a checkout of the authors' code with trainer.py, got {path}")
    sys.path.insert(0, str(path))
    from agent import Agent
    from trainer import Trainer

    arguments = SimpleNamespace(
        num_envs=recipe.num_envs,
        num_steps=recipe.num_steps,
        batch_size=recipe.batch,
        minibatch_size=recipe.batch // recipe.minibatches,
        update_epochs=recipe.epochs,
        gamma=recipe.discount,
        gae_lambda=recipe.decay,
        norm_adv=True,
        clip_value_loss=True,
        c_1=recipe.value,
        c_2=recipe.entropy,
        alpha=recipe.alpha,
        max_grad_norm=recipe.max_grad_norm,
        epsilon=recipe.clip,
    )
    silent = SimpleNamespace(add_scalar=lambda *_: None)
    where = torch.device(device)
    agents = [Agent(arguments, World(game, recipe), silent, where).to(where) for _ in range(2)]
    weights = [weight for agent in agents for weight in agent.parameters()]
    optimiser = torch.optim.Adam(weights, lr=recipe.learning_rate, eps=recipe.adam_eps)
    trainer = Trainer(arguments, optimiser, *agents)

    def iterate() -> float:
        started = time.perf_counter()
        for agent in agents:
            agent.interaction(1)
        trainer.train()
        settle(device)
        return time.perf_counter() - started

    return iterate


class _Stamps:
    """Stands in for a TensorBoard writer; notes when an iteration's rate is logged."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def add_text(self, *_: object) -> None:
        """Nothing is written."""

    def add_scalar(self, name: str, *_: object) -> None:
        if name == "charts/SPS":
            self.at.append(time.perf_counter())

    def close(self) -> None:
        """Nothing is open."""


def cleanrl(path: Path, game: str, recipe: Recipe, device: str) -> Iterate:
    """CleanRL's script ``ppo_procgen.py``, run as it stands; ``path`` is that file.

    The script cannot be asked for one more iteration, so each call runs two and times the second.
    """
    if not path.is_file():
        raise UserError(f"expected CleanRL's ppo_procgen.py, got {path}")
    world = World(game, recipe)
    import gym
    import procgen

    wrappers = ModuleType("gym.wrappers")
    for name in ("RecordEpisodeStatistics", "NormalizeReward"):
        setattr(wrappers, name, lambda env, **_: env)
    for name in ("TransformObservation", "TransformReward"):
        setattr(wrappers, name, lambda env, _: env)
    sizes = {
        "total-timesteps": 2 * recipe.batch,
        "num-envs": recipe.num_envs,
        "num-steps": recipe.num_steps,
        "num-minibatches": recipe.minibatches,
        "update-epochs": recipe.epochs,
    }
    asked = [text for name, value in sizes.items() for text in (f"--{name}", str(value))]
    asked.append("--cuda" if device == "cuda" else "--no-cuda")

    def iterate() -> float:
        stamps = _Stamps()
        with (
            warnings.catch_warnings(action="ignore"),
            mock.patch.object(procgen, "ProcgenEnv", lambda **_: world, create=True),
            mock.patch.object(gym, "wrappers", wrappers),
            mock.patch("torch.utils.tensorboard.SummaryWriter", lambda *_: stamps),
            mock.patch.object(sys, "argv", [str(path), *asked]),
            mock.patch("builtins.print"),
        ):
            runpy.run_path(str(path), run_name="__main__")
        return stamps.at[-1] - stamps.at[-2]

    return iterate


_iterate: Iterate


def _prepare(
    make: Callable[..., Iterate], path: Path, game: str, recipe: Recipe, device: str, threads: int
) -> None:
    """Make a rival ready in its own process."""
    global _iterate
    torch.set_num_threads(threads)
    _iterate = make(path, game, recipe, device)


def _run() -> float:
    return _iterate()


def start(make: Callable[..., Iterate], *arguments: object) -> Iterate:
    """A rival in its own process; ``arguments`` are those of ``make``, then torch's threads."""
    fresh = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, fresh, initializer=_prepare, initargs=(make, *arguments))
    return lambda: pool.submit(_run).result()
