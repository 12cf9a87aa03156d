"""What training on chosen backgrounds costs: the same training with and without, in turns.

``python -m tests.benchmarks.bench_backgrounds [GAME…]``. In each round one iteration of both runs,
the first of a pair in turns, so that what else the machine does falls on both sides. Two costs are
given, each in percent of an iteration, as a mean over rounds with its 95 % t-interval: of whole
iterations, and of the seconds within Procgen's steps alone, where all redrawing happens and little
else can hide it. PPO with the Nature encoder in bfloat16 is the fastest training there is, so that
the cost weighs most. Wanted: at most 3 %.
"""

import sys
import time
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy import stats

from checkpoints.policy.recipes import Recipe, get_recipe
from checkpoints.runs.train import keep_freed_memory
from checkpoints.training.group import Group
from checkpoints.training.peer import training_levels
from checkpoints.world.games import first_backgrounds

GAMES, COUNT, ROUNDS, WANTED = ("starpilot", "coinrun"), 9, 12, 3.0
FAST: dict[str, Any] = {"encoder": "nature", "precision": "bfloat16", "mode": "easy"}
RECIPE = replace(get_recipe("ppo"), **FAST, num_steps=32, minibatches=1)


def seconds(group: Group) -> tuple[float, float]:
    """Of one iteration, and of the environments' steps in it."""
    step, spent = group.peers[0].env.step, 0.0

    def clocked(actions: np.ndarray) -> tuple[Any, ...]:
        nonlocal spent
        started = time.perf_counter()
        found = step(actions)
        spent += time.perf_counter() - started
        return found

    with mock.patch.object(group.peers[0].env, "step", clocked):
        started = time.perf_counter()
        group.iterate(0)
        return time.perf_counter() - started, spent


def rounds(game: str, recipes: tuple[Recipe, Recipe]) -> np.ndarray:
    """(round, without and with, whole and steps) seconds, after a round to warm up."""
    groups = [Group(training_levels(game), recipe, 0) for recipe in recipes]
    found = np.empty((ROUNDS + 1, 2, 2))
    for turn, times in enumerate(found):
        for side in (0, 1) if turn % 2 else (1, 0):
            times[side] = seconds(groups[side])
    return found[1:]


def main() -> None:
    """Print a row a game."""
    keep_freed_memory()
    torch.set_num_threads(1)
    table = Table("game", "agent-steps/s", "cost, %", "in steps alone, %")
    table.title = f"training on {COUNT} backgrounds, {ROUNDS} rounds, one thread"
    for game in sys.argv[1:] or GAMES:
        some = replace(RECIPE, backgrounds=first_backgrounds(game, COUNT))
        whole, steps = np.moveaxis(rounds(game, (RECIPE, some)), 2, 0)
        costs = 100 * (whole[:, 1] / whole[:, 0] - 1), 100 * (steps @ [-1, 1]) / whole[:, 0]
        row = [game, f"{RECIPE.batch / np.median(whole[:, 0]):,.0f}"]
        for cost in costs:
            half = stats.t.ppf(0.975, ROUNDS - 1) * stats.sem(cost)
            row.append(f"{cost.mean():+.1f} ± {half:.1f}")
        table.add_row(*row)
    Console().print(table)
    print(f"wanted: at most {WANTED} %")


if __name__ == "__main__":
    main()
