"""How near training comes to its bare limit, and to the code of the paper's authors.

The bare limit does, in the same run, the same forward and backward passes and the same Procgen
steps, under as random actions, with nothing around them: no sampling, no storage, no losses, no
optimiser. With ``--authors
PATH``, a checkout of MyRepositories-hub/Mutual-Distillation-Policy-Optimization, their agents and
trainer run the same amount of mutual distillation between ours, in a process of their own, which
has none of our settings of the C library. Rates are agent-steps a second;
rounds alternate and the best of each counts, since other work on the machine only ever slows.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from checkpoints.console import UserError, run_command
from checkpoints.group import Group, training_levels
from checkpoints.recipes import Recipe, get_recipe
from checkpoints.train import keep_freed_memory
from checkpoints.worlds import Levels, ProcgenVectorEnv

GAME = "coinrun"
SMALL = {"num_steps": 32, "minibatches": 1, "mode": "easy"}
CASES = {
    "ppo, nature, float32": replace(get_recipe("ppo"), encoder="nature", **SMALL),
    "ppo, nature, bfloat16": replace(
        get_recipe("ppo"), encoder="nature", precision="bfloat16", **SMALL
    ),
    "mutual, nature, bfloat16": replace(
        get_recipe("mutual"), encoder="nature", precision="bfloat16", **SMALL
    ),
    "mutual, impala, float32": replace(get_recipe("mutual"), **SMALL),
    "mutual, impala, bfloat16": replace(get_recipe("mutual"), precision="bfloat16", **SMALL),
}
"""64 environments and minibatches of 2,048, as in the reference; fewer steps between updates."""


@dataclass(frozen=True)
class Settings:
    """Measure training rates against the bare limit."""

    cases: tuple[str, ...] = tuple(CASES)
    """which of the cases"""
    authors: Path | None = None
    """a checkout of the authors' public code, to be measured in the same run"""
    rounds: int = 3
    """alternating rounds; the best of each counts"""
    threads: int = 2
    """torch threads, for ours and theirs"""


def bare(group: Group) -> None:
    """The passes and steps of one iteration alone."""
    recipe = group.recipe
    frames = torch.from_numpy(group.peers[0].frames.copy())
    # Actions that leave everything still would never end a level, and a new one costs most.
    actions = np.random.default_rng(0).integers(0, 15, (recipe.num_steps, recipe.num_envs))
    batch = frames.repeat(recipe.batch // recipe.minibatches // len(frames), 1, 1, 1)
    passes = recipe.epochs * recipe.minibatches * (recipe.peers if recipe.alpha else 1)
    for peer in group.peers:
        with torch.no_grad(), group.precision():
            for some in actions:
                peer.policy(frames)
                peer.env.step(some)
        for _ in range(passes):
            with group.precision():
                logits, values = peer.policy(batch)
            peer.policy.zero_grad(set_to_none=True)
            (logits.sum() + values.sum()).backward()


class _AuthorsWorld:
    """Procgen as the authors' agent expects it: old reset and step, info as a list."""

    def __init__(self, recipe: Recipe) -> None:
        self.env = ProcgenVectorEnv(GAME, levels=Levels.train(500), mode=recipe.mode)
        self.single_observation_space = self.env.single_observation_space
        self.single_action_space = self.env.single_action_space

    def reset(self) -> np.ndarray:
        return self.env.reset()[0]

    def step(self, actions: np.ndarray):  # type: ignore[no-untyped-def]
        frames, rewards, ends, _, _ = self.env.step(actions)
        return frames, rewards, ends, []


def authors(path: Path, recipe: Recipe) -> Callable[[], None]:
    """One iteration of the authors' own agents and trainer, of the recipe's sizes."""
    if not (path / "trainer.py").is_file():
        raise UserError(f"expected a checkout of the authors' code with trainer.py, got {path}")
    sys.path.insert(0, str(path))
    from agent import Agent  # type: ignore[import-not-found]
    from trainer import Trainer  # type: ignore[import-not-found]

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
    cpu = torch.device("cpu")
    agents = [Agent(arguments, _AuthorsWorld(recipe), silent, cpu) for _ in range(2)]
    weights = [weight for agent in agents for weight in agent.parameters()]
    optimiser = torch.optim.Adam(weights, lr=recipe.learning_rate, eps=recipe.adam_eps)
    trainer = Trainer(arguments, optimiser, *agents)

    def iterate() -> None:
        for agent in agents:
            agent.interaction(1)
        trainer.train()

    return iterate


_iterate: Callable[[], None]


def _prepare(path: Path, recipe: Recipe, threads: int) -> None:
    """Make the authors' side ready, in its own process."""
    global _iterate
    torch.set_num_threads(threads)
    _iterate = authors(path, recipe)


def _theirs() -> None:
    _iterate()


def measure(name: str, settings: Settings) -> dict[str, float]:
    """Best rate of each side over alternating rounds, after one round to warm up."""
    recipe = CASES[name]
    group = Group(training_levels(GAME), recipe, 0)
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: group.iterate(0),
        "bare": lambda: bare(group),
    }
    if settings.authors and "mutual, impala" in name:
        start = (settings.authors, recipe, settings.threads)
        fresh = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, fresh, initializer=_prepare, initargs=start)
        sides["authors"] = lambda: pool.submit(_theirs).result()
    best = dict.fromkeys(sides, float("inf"))
    for turn in range(settings.rounds + 1):
        for side, run in sides.items():
            started = time.perf_counter()
            run()
            if turn:
                best[side] = min(best[side], time.perf_counter() - started)
    return {side: recipe.batch * recipe.peers / seconds for side, seconds in best.items()}


def main(settings: Settings) -> None:
    """Print a row a case."""
    from rich.console import Console
    from rich.table import Column, Table

    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    table = Table(
        Column("case", no_wrap=True),
        "ours",
        "bare limit",
        "ours / bare",
        "authors",
        "ours / authors",
    )
    table.title = f"training, agent-steps a second, {settings.threads} threads"
    for name in settings.cases:
        rates = measure(name, settings)
        theirs = rates.get("authors")
        table.add_row(
            name,
            f"{rates['ours']:,.0f}",
            f"{rates['bare']:,.0f}",
            f"{rates['ours'] / rates['bare']:.2f}",
            f"{theirs:,.0f}" if theirs else "–",
            f"{rates['ours'] / theirs:.2f}" if theirs else "–",
        )
    Console().print(table)
    print("targets: ours / bare at least 0.85; mutual, impala: ours / authors at least 2, aim 3")


if __name__ == "__main__":
    run_command(main, Settings, name="python tests/benchmarks/bench_training.py")
