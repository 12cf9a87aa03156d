"""How long the panel of similarities takes, and its permutations.

``python -m tests.benchmarks.bench_similarity [panel|permutations]`` prints one table each; without
a name, both. Processor seconds count all threads, and not the time that other programs had.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.measures.chance import level_permutations, permuted
from analysis.measures.hsic import linear_gram
from analysis.measures.kernels import linear_profile
from analysis.measures.panel import PolicyLayers, Setup, cosines
from analysis.measures.profiles import Pairs
from analysis.studies.similarity.compared import compare_pairs
from checkpoints.policy.ids import parse_id

# Two residual blocks of IMPALA, two convolutions of Nature, and two layers of units.
WIDTHS = (16_384, 8_192, 2_304, 1_024, 512, 256)


def levels_of(n: int) -> np.ndarray:
    """One to six states a level, as in a bank."""
    rng = np.random.default_rng(0)
    return np.sort(np.repeat(np.arange(n), rng.integers(1, 7, n))[:n])


def planted(seed: int, base: np.ndarray, widths: tuple[int, ...] = WIDTHS) -> PolicyLayers:
    """Layers that are rectified linear maps of the same states, with noise."""
    rng = np.random.default_rng(seed)
    layers = []
    for width in widths:
        x = base @ rng.normal(size=(base.shape[1], width)).astype("f4")
        x += rng.standard_normal(x.shape, dtype="f4")
        layers.append(np.maximum(x, 0))
    names = tuple(f"layer{i}" for i in range(len(widths)))
    return PolicyLayers(names, layers, layers, np.zeros(len(base), dtype=np.int64))


def timed(job: Callable[[], object]) -> tuple[object, float, float]:
    """What a job returned, its wall and its processor seconds."""
    start = time.perf_counter(), time.process_time()
    found = job()
    return found, time.perf_counter() - start[0], time.process_time() - start[1]


def panel() -> None:
    """Ten measures of 6 x 6 layers, convolutions included, as the command takes them."""
    table = Table("states", "step", "wall s", "processor s", "peak memory, GB", title="the panel")
    x, y = (parse_id(f"leaper/ppo/{seed}/peer0/step1") for seed in range(2))
    for n in (600, 4_000):
        base = np.random.default_rng(0).normal(size=(n, 40)).astype("f4")
        looks = {name: planted(name.seed, base) for name in (x, y)}
        marks = [("Gram matrices", time.perf_counter(), time.process_time())]

        def watch(names: Sequence[str], marks: list = marks) -> Iterator[str]:
            for name in names:
                marks.append((name, time.perf_counter(), time.process_time()))
                yield name
            marks.append(("spectra and angles", time.perf_counter(), time.process_time()))

        compare_pairs([(x, y)], looks, Setup.of(levels_of(n), base), progress=watch)
        marks.append(("", time.perf_counter(), time.process_time()))
        for (name, *start), (_, *end) in pairwise(marks):
            table.add_row(
                f"{n:,}", name, *(f"{b - a:.1f}" for a, b in zip(start, end, strict=True))
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        whole = (f"{b - a:.1f}" for a, b in zip(marks[0][1:], marks[-1][1:], strict=True))
        table.add_row(f"{n:,}", "all", *whole, f"{peak:.1f}", end_section=True)
    Console().print(table)


def permutations() -> None:
    """1,000 permutations of a 6 x 6 grid beside that grid: linear CKA, features to numbers."""
    table = Table("states", "levels", "one grid", "1,000 permutations", "ratio")
    table.title = "processor seconds"
    for n, count in ((600, 1_000), (2_000, 100)):
        base = np.random.default_rng(0).normal(size=(n, 40)).astype("f4")
        levels = levels_of(n)
        looks, pairs = [planted(seed, base) for seed in (1, 2)], Pairs.of(levels)
        sides: list[np.ndarray] = []

        def grid(
            looks: list[PolicyLayers] = looks, pairs: Pairs = pairs, sides=sides
        ) -> np.ndarray:
            sides[:] = (
                np.stack([linear_profile(linear_gram(x), pairs) for x in look.own])
                for look in looks
            )
            return cosines(*sides)

        _, _, one = timed(grid)
        moves = level_permutations(levels, count, 0)
        _, _, many = timed(partial(permuted, *sides, pairs, moves))
        many *= 1_000 / count
        sizes = f"{n:,}", f"{len(np.unique(levels)):,}"
        table.add_row(*sizes, f"{one:.2f}", f"{many:.2f}", f"{many / one:.1f}")
    Console().print(table)


def main() -> None:
    """Print the tables asked for."""
    parts = {"permutations": permutations, "panel": panel}
    for name in sys.argv[1:] or list(parts):
        parts[name]()


if __name__ == "__main__":
    main()
