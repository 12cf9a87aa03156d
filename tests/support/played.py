"""Procgen environments some steps into their episodes, made once a process and kept.

Procgen leaks memory when environments are destroyed, and making one takes longer than most tests.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import Mode
from checkpoints.world.renderer import Renderer

STEPS = 40
LEVELS = Levels(3, 50)


@dataclass(frozen=True)
class Played:
    """What a vector environment looked like when it had been played for a while."""

    env: ProcgenVectorEnv
    states: list[bytes]
    observations: np.ndarray
    levels: np.ndarray
    time: np.ndarray


@cache
def play(game: str, mode: Mode = "easy", seed: int = 0) -> Played:
    """Four environments after ``STEPS`` random actions; ``time`` is steps into the episode."""
    env = ProcgenVectorEnv(game, levels=LEVELS, mode=mode, num_envs=4, seed=seed, num_threads=0)
    rng = np.random.default_rng(seed)
    time = np.zeros(4, dtype=int)
    for _ in range(STEPS):
        observations, _, ended, _, _ = env.step(rng.integers(0, 15, 4))
        time = np.where(ended, 0, time + 1)
    return Played(env, env.get_states(), observations, env.level_seeds(), time)


@cache
def renderer(game: str) -> Renderer:
    """One renderer a game."""
    return Renderer(game)
