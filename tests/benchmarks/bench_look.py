"""What a look at a declared sample costs, part by part, beside the bare forward passes in it.

``python -m tests.benchmarks.bench_look`` prints processor-seconds to measure one finished policy of
the second sample (states, twins and episodes are made once a command, a seed or a policy), and to
write both tables from the rows of all runs. Weights are fresh: an untrained policy computes as much
as a trained one, though its episodes are longer. The bare side passes as many frames as a ratio
reads, in the same blocks, with nothing around them; both take turns and the best of each counts.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch

from analysis.policies.subjects import Subject
from analysis.records.tables import write_table
from analysis.scenes.cache import VARIABLE
from analysis.scenes.twin_sets import FRAMES, TwinSet
from analysis.studies.looks.runs import RUNS, Scenes, over_blind, ratio, wanted_of
from analysis.studies.looks.study import LOOKS, looks_of
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole
from checkpoints.doors.places import SECOND
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.store import Provenance
from checkpoints.runs.declaration import Declaration
from checkpoints.runs.study import Planned, read_study
from tests.support.declared import sample

ROUNDS = 3


@dataclass(frozen=True)
class Settings:
    """Measure one policy and write the tables of looks; sizes as in analysis.looks."""

    states: Annotated[int, whole(2, 10**5)] = 600
    """states, each on all held-out backgrounds"""
    episodes: Annotated[int, whole(2, 10**5)] = 256
    """episodes of the policy, and as many blind"""


def fresh(planned: Planned) -> Subject:
    """A policy of a run of the study, untrained."""
    torch.manual_seed(0)
    own = PolicyId(planned.id.game, planned.id.method, planned.id.seed, 0, planned.steps)
    made = Provenance(str(own), asdict(planned.recipe), planned.steps, {}, {}, "")
    return Subject.of(Policy.of(planned.recipe).eval(), made)


def bare(policy: Policy, twins: TwinSet) -> Callable[[], None]:
    """As many frames as a ratio reads, all alike, through the network alone."""
    views = len(twins.backgrounds)
    block = max(1, FRAMES // views)
    frames = torch.zeros(block * views, 64, 64, 3, dtype=torch.uint8)

    def job() -> None:
        with torch.inference_mode():
            for start in range(0, len(twins), block):
                policy(frames[: min(block, len(twins) - start) * views])

    return job


def tables(declaration: Declaration, folder: Path) -> int:
    """Write both tables from the rows of all runs; how many."""
    rows = sample(declaration, 0.9, len(declaration.seeds))
    for schema, found in ((RUNS, rows), (LOOKS, looks_of(rows, declaration))):
        write_table(found, schema, folder / f"{schema.name}.csv", provenance={}, overwrite=True)
    return len(rows)


def spent(job: Callable[[], object]) -> float:
    """Processor-seconds of one call."""
    start = time.process_time()
    job()
    return time.process_time() - start


def measure(planned: Planned, declaration: Declaration, settings: Settings, folder: Path) -> None:
    """Print a line a part."""
    sizes = {"states": settings.states, "episodes": settings.episodes, "seed": 0}
    subject, made = fresh(planned), {}

    def gather() -> None:
        made["scenes"] = Scenes(declaration.game, subject.mode, **sizes)

    def draw() -> None:
        made["twins"] = made["scenes"].twins(subject)

    once = {"states and first states, a command": spent(gather), "twins, a seed": spent(draw)}
    scenes, twins = made["scenes"], made["twins"]
    jobs = [bare(subject.policy, twins), lambda: ratio(subject, twins)]
    limit, ours = np.min([[spent(job) for job in jobs] for _ in range(ROUNDS)], axis=0)
    frames = len(twins) * len(twins.backgrounds)
    rows = {f"bare forward pass, {frames:,} frames": limit, "ratio, a policy": ours}
    rows["return over blind, a policy at its end"] = spent(lambda: over_blind(subject, scenes))
    written = f"looks and both tables, {len(wanted_of(declaration))} rows"
    rows[written] = spent(lambda: tables(declaration, folder))
    for name, seconds in (once | rows).items():
        print(f"{name:<42} {seconds:>8.2f} s")
    print(f"a ratio takes {ours / limit:.2f} times its bare passes; one thread")


def main(settings: Settings) -> None:
    """Measure in a cache of its own, so that nothing is there already."""
    torch.set_num_threads(1)
    planned = read_study(SECOND)[0]
    assert planned.declaration is not None
    with tempfile.TemporaryDirectory() as name:
        os.environ[VARIABLE] = name
        measure(planned, planned.declaration, settings, Path(name))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m tests.benchmarks.bench_look")
