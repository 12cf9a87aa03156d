"""What integrated gradients cost beside as many passes from pixels to scores and back.

``python -m tests.benchmarks.bench_saliency [states]`` explains that many frames, 500 unless told,
with a fresh Nature policy, 32 steps. The bare side runs the same number of passes on frames that
are there already, in the batch that is fastest for it; the other saves most of the first
convolution, which is affine. Runs alternate in one process, so that what else the machine does
falls on both sides; ratios are of processor seconds.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from analysis.policies.attributions import STEPS, attribute, methods_of
from analysis.policies.gradients import Scores
from checkpoints.policy.encoders import Policy

BATCHES = (64, 128, 256, 512)


def processor_seconds(jobs: list[Callable[[], object]], repeats: int = 3) -> np.ndarray:
    """Best of alternating runs of each job."""
    spent = np.empty((repeats, len(jobs)))
    for times in spent:
        for i, job in enumerate(jobs):
            start = time.process_time()
            job()
            times[i] = time.process_time() - start
    return spent.min(axis=0)


def bare(scores: Scores, states: int, batch: int) -> Callable[[], None]:
    """``states * STEPS`` frames forward and backward to the pixels, and nothing else."""
    pixels = torch.rand(batch, 64, 64, 3).permute(0, 3, 1, 2)

    def job() -> None:
        for _ in range(states * STEPS // batch):
            seen = pixels.detach().requires_grad_()
            torch.autograd.grad(scores(seen)[:, 0].sum(), seen)

    return job


def main() -> None:
    """Print both tables."""
    states = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    torch.manual_seed(0)
    scores = Scores(Policy("nature").eval())
    rng = np.random.default_rng(0)
    frames, twins = rng.integers(0, 256, (2, states, 64, 64, 3), dtype=np.uint8)
    columns = np.zeros(states, dtype=np.int64)
    few = max(1, states // 10)
    pilot = processor_seconds([bare(scores, few, batch) for batch in BATCHES])
    batch = BATCHES[int(pilot.argmin())]
    limit, ours = processor_seconds(
        [bare(scores, states, batch), lambda: attribute(scores, frames, twins, columns, "ig-twin")]
    )
    table = Table("", "processor s", "µs a pass", title=f"{states} states, {STEPS} steps, Nature")
    for name, spent in ((f"bare, batches of {batch}", limit), ("integrated gradients", ours)):
        table.add_row(name, f"{spent:.1f}", f"{1e6 * spent / states / STEPS:.0f}")
    console = Console()
    console.print(table)
    print(f"ratio {ours / limit:.2f} (wanted: at most 1.30)")
    methods = methods_of(scores.policy)
    some = frames[:few], twins[:few], columns[:few]
    times = processor_seconds(
        [lambda method=method: attribute(scores, *some, method) for method in methods], repeats=1
    )
    table = Table("method", "processor ms a state", title=f"every method, {few} states")
    for method, spent in zip(methods, times, strict=True):
        table.add_row(method, f"{1e3 * spent / few:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
