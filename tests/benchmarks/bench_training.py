"""How fast training is, where its time goes, and how near it comes to its bare limit.

``python -m tests.benchmarks.bench_training`` prints agent-steps a second by device, encoder and
method. The bare limit does, in the same run, the same forward and backward passes and the same
Procgen steps, under as random actions, with nothing around them: no sampling, no storage, no
losses, no optimiser. ``--authors PATH``, a checkout of
MyRepositories-hub/Mutual-Distillation-Policy-Optimization, and ``--cleanrl PATH``, a copy of
CleanRL's ppo_procgen.py, are measured between ours (see ``rivals``), at the same sizes. All sides
take turns and the best of each counts, since other work on the machine only ever slows. Shares are
of one more iteration with a clock around every pass and step.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from checkpoints.console import UserError, run_command
from checkpoints.policy.recipes import Recipe, get_recipe
from checkpoints.runs.train import keep_freed_memory
from checkpoints.training.group import Group
from checkpoints.training.peer import own_threads, training_levels
from tests.benchmarks.rivals import Iterate, authors, cleanrl, settle, start

GAME = "coinrun"
CASES = (
    "nature ppo float32",
    "nature ppo bfloat16",
    "nature mutual float32",
    "nature mutual bfloat16",
    "impala ppo float32",
    "impala ppo bfloat16",
    "impala mutual float32",
    "impala mutual bfloat16",
)
TARGETS = {"cpu": 0.9, "cuda": 0.6}
"""Smallest share of the bare limit."""


@dataclass(frozen=True)
class Settings:
    """Measure training rates against the bare limit, and against others' code."""

    cases: tuple[str, ...] = CASES
    """encoder, method and precision of each row"""
    devices: tuple[str, ...] = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    """cpu, cuda"""
    authors: Path | None = None
    """a checkout of the public code of arXiv 2501.02481"""
    cleanrl: Path | None = None
    """a copy of CleanRL's ppo_procgen.py"""
    steps: int = 32
    """steps of each environment between updates; 32 make one minibatch of 2,048, the reference's"""
    seconds: float = 20.0
    """how long a row is measured, though never in less than 2 rounds after one to warm up"""
    threads: int = 2
    """torch threads on the CPU, for ours and theirs"""


def recipe_of(case: str, steps: int) -> Recipe:
    """The recipe of a row, with one minibatch an epoch."""
    if case not in CASES:
        raise UserError(f"expected cases among {', '.join(CASES)}, got {case!r}")
    encoder, method, precision = case.split()
    sizes: dict[str, Any] = {"num_steps": steps, "minibatches": 1, "mode": "easy"}
    return replace(get_recipe(method), encoder=encoder, precision=precision, **sizes)


def bare(group: Group) -> None:
    """The passes and steps of one iteration alone, each step after its pass, as acting needs it."""
    recipe = group.recipe
    frames = torch.from_numpy(group.peers[0].frames.copy()).to(group.device)
    # Actions that leave everything still would never end a level, and a new one costs most.
    actions = np.random.default_rng(0).integers(0, 15, (recipe.num_steps, recipe.num_envs))
    batch = frames.repeat(recipe.batch // recipe.minibatches // len(frames), 1, 1, 1)
    passes = recipe.epochs * recipe.minibatches * (recipe.peers if recipe.alpha else 1)
    for peer in group.peers:
        with torch.no_grad(), group.precision():
            for some in actions:
                peer.policy(frames)
                settle(group.device)
                peer.env.step(some)
        for _ in range(passes):
            with group.precision():
                logits, values = peer.policy(batch)
            peer.policy.zero_grad(set_to_none=True)
            (logits.sum() + values.sum()).backward()


def shares(group: Group) -> dict[str, float]:
    """What part of an iteration passes in the networks, in Procgen and in all the rest."""
    spent = {"network": 0.0, "Procgen": 0.0}

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            settle(group.device)
            started = time.perf_counter()
            found = function(*arguments)
            settle(group.device)
            spent[name] += time.perf_counter() - started
            return found

        return call

    with ExitStack() as stack:
        passes = [(peer.policy, "forward") for peer in group.peers] + [(torch.Tensor, "backward")]
        parts = [("network", *each) for each in passes]
        steps = ("step_async", "step_wait")
        parts += [("Procgen", peer.env, step) for peer in group.peers for step in steps]
        for name, owner, method in parts:
            timed = clocked(name, getattr(owner, method))
            stack.enter_context(mock.patch.object(owner, method, timed))
        started = time.perf_counter()
        group.iterate(0)
        settle(group.device)
        total = time.perf_counter() - started
    found = {name: seconds / total for name, seconds in spent.items()}
    return found | {"rest": 1 - sum(found.values())}


def measure(
    case: str, device: str, settings: Settings
) -> tuple[dict[str, float], dict[str, float]]:
    """Rates of each side, agent-steps a second, and shares of ours."""
    recipe = recipe_of(case, settings.steps)
    world = training_levels(GAME, num_threads=own_threads(device, settings.threads))
    group = Group(world, recipe, 0, device)

    def timed(job: Callable[[], object]) -> Iterate:
        def run() -> float:
            settle(device)
            started = time.perf_counter()
            job()
            settle(device)
            return time.perf_counter() - started

        return run

    sides = {"ours": timed(lambda: group.iterate(0)), "bare": timed(lambda: bare(group))}
    same = GAME, recipe, device, settings.threads
    if settings.authors and "impala mutual" in case:
        sides["rival"] = start(authors, settings.authors, *same)
    if settings.cleanrl and "impala ppo" in case:
        sides["rival"] = start(cleanrl, settings.cleanrl, *same)
    rounds: list[list[float]] = []
    until = time.perf_counter() + settings.seconds
    while len(rounds) < 3 or time.perf_counter() < until:
        rounds.append([run() for run in sides.values()])
    best = np.min(rounds[1:], axis=0)
    rates = recipe.batch * recipe.peers / best
    return dict(zip(sides, rates.tolist(), strict=True)), shares(group)


def report(device: str, settings: Settings) -> None:
    """Print a row a case."""
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    names = ("ours", "network", "Procgen", "rest", "bare", "/bare", "rival", "/rival")
    right = [Column(name, justify="right", no_wrap=True) for name in names]
    table = Table(Column("policy", no_wrap=True), *right, box=box.SIMPLE_HEAD, padding=0)
    table.title = f"{device}, {settings.threads} threads: agent-steps a second"
    for case in settings.cases:
        rates, parts = measure(case, device, settings)
        ours, limit, rival = rates["ours"], rates["bare"], rates.get("rival")
        row = [f"{ours:,.0f}", *(f"{100 * part:.0f} %" for part in parts.values())]
        row += [f"{limit:,.0f}", f"{ours / limit:.2f}"]
        row += [f"{rival:,.0f}", f"{ours / rival:.1f}"] if rival else ["–", "–"]
        table.add_row(case, *row)
    Console().print(table)
    print(f"/bare: ours by the bare limit, wanted at least {TARGETS[device]}; /rival: by theirs")


def main(settings: Settings) -> None:
    """Print a table a device."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    for device in settings.devices:
        report(device, settings)
    if settings.authors or settings.cleanrl:
        print("rivals: the authors' code for mutual, CleanRL's for ppo; both IMPALA, float32")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m tests.benchmarks.bench_training")
