"""How fast, how exact and how small: linear CKA beside pytorch-cka on the same features.

``python -m tests.benchmarks.bench_cka [compare|stream|bootstrap|arrays]`` prints one table each;
without a name, all four. Every ratio comes from alternating runs in one process, so that what else
the machine does falls on both sides.

What ``arrays`` taught, on 8,000 states of 400 levels and 256 features (one thread with AVX-512 that
multiplies at 50 GFLOP/s): the interval took 1.6 processor seconds and takes 1.1, the chance level
took 1.0, of levels of 40 sizes 2.0, and takes 0.5 and 0.6; the whole comparison 1.8.

- Whatever has a row a state and a column a draw (32 MB) costs more to touch first than to multiply,
  the more so where other programs ask for memory; 512 states at a time stay in the cache.
- Turns of many rings are read off their spectra by one product with waves. A Fourier transform back
  gives turns that nobody asked for, ring by ring, and then each draw has to be gathered.
- ‖C‖², ⟨C, D⟩ and ‖D‖² of features are one matrix (C + n_A/n_B D), and ‖D‖² of levels x levels.
- 0.75 s are the three products of levels x levels by features, at the rate of the processor; by
  kernel matrices they take 1.6 times as many multiplications, and 1.5 GB.
- With more threads than free cores small products wait for one another, by the clock ten times as
  long: set OMP_NUM_THREADS to what is free.
"""

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.measures.by_level import LevelGram, cka_levels, hsic_levels
from analysis.measures.hsic import linear_gram
from analysis.measures.level_moments import turned_cka
from analysis.measures.level_sums import LevelWeights
from analysis.measures.moments import Moments
from analysis.measures.rings import level_rings
from analysis.stats.clusters import cluster_weights

LAYERS, N, D = 8, 8_000, 256


def planted(seed: int, base: np.ndarray) -> list[np.ndarray]:
    """Eight layers, each a linear map of the same states with noise."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(scale=D**-0.5, size=(LAYERS, D, D)).astype("f4")
    return [base @ m + 0.5 * rng.normal(size=base.shape).astype("f4") for m in maps]


def seconds(
    *jobs: Callable[[], np.ndarray], repeats: int = 3
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Wall and processor seconds of each job, best of alternating runs; and what it returned.

    Processor seconds count all threads, and not the time in which other programs had the cores.
    """
    spent, found = np.empty((repeats, len(jobs), 2)), [np.empty(0)] * len(jobs)
    for times in spent:
        for i, job in enumerate(jobs):
            start = time.perf_counter(), time.process_time()
            found[i] = job()
            times[i] = time.perf_counter() - start[0], time.process_time() - start[1]
    return spent.min(axis=0), found


def by_moments(xs: list[np.ndarray], ys: list[np.ndarray], dtype: type) -> np.ndarray:
    moments = Moments([D] * len(xs), [D] * len(ys), dtype=dtype)
    moments.update(xs, ys)
    return moments.cka()


def by_models(xs: list[np.ndarray], ys: list[np.ndarray], batch: int) -> Callable[[], np.ndarray]:
    """pytorch-cka as its manual says: two models, a data loader, named layers.

    Features stand in for images, and the models' layers are identities that pass one of them on:
    both sides start from the same features, and no time goes into a network.
    """
    import torch
    from cka import compute_cka

    class Layers(torch.nn.Module):
        def __init__(self, side: int) -> None:
            super().__init__()
            self.side = side
            self.layers = torch.nn.ModuleList(torch.nn.Identity() for _ in range(LAYERS))

        def forward(self, x: torch.Tensor) -> None:
            for i, layer in enumerate(self.layers):
                layer(x[:, self.side, i])

    stacked = torch.from_numpy(np.stack([np.stack(xs, 1), np.stack(ys, 1)], 1))
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(stacked), batch_size=batch)
    names = [f"layers.{i}" for i in range(LAYERS)]

    def job() -> np.ndarray:
        models = Layers(0), Layers(1)
        return compute_cka(*models, data, layers=names, device="cpu", progress=False)[0].numpy()

    return job


def compare() -> None:
    """8 x 8 layers: time, and distance from the exact value."""
    import torch
    from cka import cka_from_features

    base = np.random.default_rng(0).normal(size=(N, D)).astype("f4")
    xs, ys = planted(1, base), planted(2, base)
    tx, ty = ([torch.from_numpy(x) for x in side] for side in (xs, ys))
    jobs = {
        "ours, float32 products": lambda: by_moments(xs, ys, np.float32),
        "ours, float64": lambda: by_moments(xs, ys, np.float64),
        "cka_from_features": lambda: cka_from_features(tx, ty).numpy(),
        f"compute_cka, one batch of {N:,}": by_models(xs, ys, N),
        "compute_cka, batches of 512": by_models(xs, ys, 512),
    }
    times, found = seconds(*jobs.values())
    # The judge: pytorch-cka's own formula on all states at once, in float64, pair by pair.
    exact = [float(cka_from_features(x.double(), y.double())) for x, y in zip(tx, ty, strict=True)]
    table = Table(title=f"{LAYERS} x {LAYERS} layers, n = {N:,}, d = {D}, float32 features")
    table.add_column("")
    for name in ("wall s", "times", "processor s", "times", "largest error"):
        table.add_column(name, justify="right")
    for name, t, value in zip(jobs, times, found, strict=True):
        (wall, cpu), (wall_ratio, cpu_ratio) = t, t / times[0]
        error = np.abs(np.diag(value) - exact).max()
        row = (f"{wall:.2f}", f"{wall_ratio:.1f}", f"{cpu:.2f}", f"{cpu_ratio:.1f}", f"{error:.0e}")
        table.add_row(name, *row)
    Console().print(table)
    print("Batches of 512: HSIC averaged over minibatches, which is another number.")


def stream() -> None:
    """One pair of layers of up to a million states, made on the fly."""
    table = Table(title=f"one pass, 1 x 1 layers, d = {D}, float32, chunks of 5,000")
    for name in ("states", "wall s", "processor s", "peak memory, MB", "CKA"):
        table.add_column(name, justify="right")
    rng = np.random.default_rng(0)
    mix = rng.normal(scale=D**-0.5, size=(D, D)).astype("f4")
    for n in (250_000, 500_000, 1_000_000):
        moments, wall, cpu = Moments([D], [D]), 0.0, 0.0
        for _ in range(n // 5_000):
            x = rng.standard_normal((5_000, D), dtype="f4")
            y = x @ mix + rng.standard_normal((5_000, D), dtype="f4")
            start = time.perf_counter(), time.process_time()
            moments.update([x], [y])
            wall += time.perf_counter() - start[0]
            cpu += time.process_time() - start[1]
        value = moments.cka()[0, 0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row(f"{n:,}", f"{wall:.1f}", f"{cpu:.1f}", f"{peak:.0f}", f"{value:.5f}")
    Console().print(table)


def bootstrap() -> None:
    """A pair of layers, bootstrapped over levels."""
    n, G, R = 1_000, 100, 500
    rng = np.random.default_rng(0)
    clusters = np.arange(n) % G
    x, y = rng.normal(size=(2, n, D))
    levels = LevelWeights(clusters, cluster_weights(clusters, R, 0))
    K, L = (LevelGram(linear_gram(f), levels) for f in (x, y))
    jobs = {
        "a pair": lambda: hsic_levels(K, L),
        "once per layer": lambda: LevelGram(linear_gram(x), levels).total,
    }
    times, _ = seconds(*jobs.values(), repeats=30)
    table = Table(title=f"bootstrap over {G} levels, n = {n:,}, {R} replicates")
    table.add_column("")
    for name in ("wall ms", "processor ms"):
        table.add_column(name, justify="right")
    for name, (wall, cpu) in zip(jobs, 1e3 * times, strict=True):
        table.add_row(name, f"{wall:.1f}", f"{cpu:.1f}")
    Console().print(table)


def arrays() -> None:
    """Two arrays of a user's with their levels: interval and chance, as the command takes them."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=(2, N, D))
    table = Table("levels", "sizes", title=f"n = {N:,}, d = {D}, 500 replicates, 199 permutations")
    for name in ("interval, processor s", "chance, processor s"):
        table.add_column(name, justify="right")
    for sizes in (np.full(400, 20), rng.integers(1, 40, 2_000)):
        levels = np.repeat(np.arange(len(sizes)), sizes)[:N]
        G = levels[-1] + 1
        x, y = own + rng.normal(size=(G, D))[levels]
        weights, rings = cluster_weights(levels, 500, 0), level_rings(levels, 199, 0)
        jobs = (
            lambda x=x, y=y, of=levels, w=weights: cka_levels([x], [y], of, w),
            lambda x=x, y=y, of=levels, r=rings: turned_cka(x, y, of, r),
        )
        times, _ = seconds(*jobs)
        table.add_row(f"{G}", f"{len(rings.states)}", *(f"{cpu:.2f}" for _, cpu in times))
    Console().print(table)


def main() -> None:
    """Print the tables asked for."""
    # Memory first: the peak of a process never falls again.
    parts = {"stream": stream, "bootstrap": bootstrap, "arrays": arrays, "compare": compare}
    asked = sys.argv[1:] or list(parts)
    for name in asked:
        parts[name]()


if __name__ == "__main__":
    main()
