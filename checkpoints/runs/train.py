"""Train a group of peers: ``python -m checkpoints.train GAME/METHOD/SEED``."""

import ctypes
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from checkpoints.console import MachineTrouble, UserError, say
from checkpoints.doors.numbers import check_numbers, real, whole
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import METHOD_SETTINGS, METHODS, Recipe, get_recipe
from checkpoints.runs.folder import clear_leftovers, only_process
from checkpoints.world.games import first_backgrounds

if TYPE_CHECKING:
    from checkpoints.runs.run import Run


@dataclass(frozen=True)
class Settings:
    """Train one run, or go on with it if it was stopped.

    Policies are kept under OUTPUT/ID at log-spaced steps, with progress.csv and TensorBoard logs.
    """

    id: Positional[str]
    """game/method/seed, such as bigfish/mutual/0; the method decides the recipe's defaults"""
    recipe: Recipe = field(default_factory=Recipe)
    """settings that differ from the method's"""
    backgrounds: tuple[Annotated[int, whole(0, 62)], ...] = ()
    """draw training episodes on these backgrounds only; a single number: on so many, spread over
    all. Levels, layouts and rewards stay as they are. A method such as ppo-bg4 asks for 4, one such
    as ppo-split4 for 4 that the seed draws"""
    steps: Annotated[float, real(1, 1e12)] = 2e6
    """environment steps of each peer (rounded up to whole iterations)"""
    output: Path = Path("runs")
    """folder of runs"""
    device: Literal["cpu", "cuda"] = "cpu"
    """where the networks compute"""
    threads: Annotated[int, whole(0, 1024)] = 0
    """torch threads, or beside a GPU those of Procgen; 0 takes all cores. Runs repeat to the bit
    with equal threads"""
    evaluate_every: Annotated[int, whole(1, 10**9)] = 16
    """iterations between evaluations on unseen levels, beside those at kept steps"""
    evaluate_episodes: Annotated[int, whole(0, 10**4)] = 64
    """episodes of an evaluation, always on the same unseen levels; 0 never evaluates"""
    save_seconds: Annotated[float, real(0)] = 30.0
    """seconds between saves: what a kill can cost, beside the iteration under way"""
    hours: Annotated[float, real(0, above=True)] = math.inf
    """stop after so many hours, as Ctrl-C does; the same command goes on"""
    pause: Annotated[float, real(0, above=True)] = math.inf
    """stop after so many environment steps of this call, as Ctrl-C does; --steps stays the goal"""


LONG = 100_000
"""Steps from which a run is worth the second that it takes to compare precisions."""


def keep_freed_memory() -> None:
    """Have the C library keep large freed blocks, which on Linux speeds a CPU step by a fifth.

    By default each large tensor is mapped from and returned to the kernel, page by page.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        m_trim_threshold, m_mmap_max = -1, -4
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)


_SHORT_OF_MEMORY = ("allocate memory", "out of memory", "ALLOC_FAILED")
_DEVICE_GONE = ("CUDA error", "CUDA driver error", "cuDNN error")


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Say in words how memory and devices end a run; nothing is saved after such an end."""
    import torch

    sound = f"what is saved in {folder} is sound, and the same command goes on from there"
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        first = (str(error).splitlines() or [""])[0]
        short = isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
        if short or any(words in first for words in _SHORT_OF_MEMORY):
            raise UserError(
                f"out of memory ({first or 'no more is known'}); {sound}. Expected more room: run "
                "fewer at once, or on a device with more memory"
            ) from error
        if not any(words in first for words in _DEVICE_GONE):
            raise
        raise MachineTrouble(
            f"the CUDA device failed ({first}); {sound}. See with nvidia-smi whether it is still "
            "there"
        ) from error


TOGETHER = 1.0
"""Seconds within which signals count as one: a scheduler sends its own to every process of a job,
and the queue passes its on."""


class Stop:
    """Turns Ctrl-C and SIGTERM into a wish to stop after the iteration; a later one insists."""

    def __init__(self) -> None:
        self.asked = False
        self._asked_at = 0.0

    def __enter__(self) -> "Stop":
        self._old = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            if time.monotonic() - self._asked_at < TOGETHER:
                return
            raise KeyboardInterrupt
        self.asked, self._asked_at = True, time.monotonic()
        print("\nstopping after this iteration; once more stops at once", file=sys.stderr)


def _check(settings: Settings) -> PolicyId:
    import torch

    wanted = parse_id(settings.id)
    check_numbers(settings, flags=True)
    if wanted != wanted.run:
        raise UserError(f"expected a run such as {wanted.run}, got the policy {wanted}")
    _check_method(wanted, settings.recipe)
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise MachineTrouble("expected a CUDA device, but torch finds none; use --device cpu")
    _recipe(settings, wanted.game)
    return wanted


def _check_method(wanted: PolicyId, recipe: Recipe) -> None:
    """Refuse a recipe that is another method than the id says."""
    named = asdict(get_recipe(wanted.method, wanted.game, wanted.seed))
    given = asdict(recipe)
    # Backgrounds may be chosen beside a method, and a teacher is pinned to its file.
    for name in sorted(METHOD_SETTINGS - {"backgrounds", "teacher"}):
        if given[name] != named[name]:
            raise UserError(
                f"{wanted}: the method {wanted.method} has {name} {named[name]}, got "
                f"{given[name]}; name the method that differs in it, one of: {', '.join(METHODS)}"
            )


def _recipe(settings: Settings, game: str) -> Recipe:
    """The recipe with the backgrounds asked for."""
    asked = settings.backgrounds
    if not asked:
        return settings.recipe
    chosen = first_backgrounds(game, asked[0]) if len(asked) == 1 else asked
    return replace(settings.recipe, backgrounds=chosen)


def main(settings: Settings, behind: float = 0.0) -> None:
    """Train until ``steps`` or until stopped; says how to go on.

    Args:
        settings: what to train.
        behind: what runs behind this one will take (as ``Recipe.cost`` counts); the time left is
            then given for those, too.

    Raises:
        UserError: a wrong request, no teacher, a diverged run, no memory; ``Busy`` if another
            process trains this run; ``MachineTrouble`` for a full disk or a device that is not
            there.
    """
    wanted = _check(settings)
    say(f"{wanted}: setting up in {settings.output}")
    keep_freed_memory()
    import torch

    from checkpoints.runs.run import Run
    from checkpoints.training.group import Group
    from checkpoints.training.peer import own_threads, training_levels
    from checkpoints.training.speed import compare_precisions
    from checkpoints.training.teacher import load_teacher

    threads = settings.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    folder = settings.output / str(wanted)
    with only_process(folder), explained(folder):
        clear_leftovers(folder)
        asked = _recipe(settings, wanted.game)
        recipe, teacher = load_teacher(asked, wanted.game, settings.output)
        own = own_threads(settings.device, threads)
        world = training_levels(wanted.game, num_threads=own)
        group = Group(world, recipe, wanted.seed, settings.device, teacher=teacher)
        run = Run(wanted, group, settings.output, settings.evaluate_episodes)
        say(f"{wanted}: training from step {run.step:,} to {int(settings.steps):,} of each peer")
        if settings.steps - run.step >= LONG:
            print(compare_precisions(recipe, settings.device), flush=True)
        with Stop() as stop:
            _loop(run, settings, stop, behind)
        print(f"policies, progress.csv and logs: {run.folder}")
        if run.step < settings.steps:
            print(f"stopped at step {run.step:,}; the same command goes on from there")


def _loop(run: "Run", settings: Settings, stop: Stop, behind: float) -> None:
    """Iterate: a line after each iteration and, on a terminal, a bar that moves within it."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    total = -(-int(settings.steps) // run.recipe.batch)
    started, first = time.monotonic(), run.iteration
    last_second, last_step = started + 3600 * settings.hours, run.step + settings.pause
    with Progress(BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), transient=True) as bar:
        work = run.recipe.work
        task = bar.add_task("", total=total * work, completed=first * work)
        while run.iteration < total and not stop.asked and run.step < last_step:
            if time.monotonic() >= last_second:
                break
            run.advance(
                last=run.iteration + 1 == total,
                evaluate_every=settings.evaluate_every,
                save_seconds=settings.save_seconds,
                tick=lambda frames: bar.advance(task, frames),
            )
            done, seconds = run.iteration - first, time.monotonic() - started
            rate = done * run.recipe.batch * run.recipe.peers / seconds
            waiting = total - run.iteration, total - run.iteration + behind / run.recipe.cost
            left, queue = (timedelta(seconds=int(seconds / done * n)) for n in waiting)
            line = f"{run.summary()}  {rate:,.0f} agent-steps/s  {left} left"
            line += f", {queue} with all behind it" if behind else ""
            bar.console.print(line, highlight=False, soft_wrap=True)
    run.save()


def defaults(arguments: list[str]) -> Settings:
    """Settings whose recipe is that of the method named on the command line, for --help too."""
    for argument in arguments:
        if argument.count("/") == 2:
            with suppress(UserError):
                asked = parse_id(argument)
                return Settings(argument, recipe=get_recipe(asked.method, asked.game, asked.seed))
    return Settings(tyro.MISSING, recipe=METHODS["mutual"])
