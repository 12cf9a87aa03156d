"""The list of a study's runs: how far each is, at what rate, and what it will take."""

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from checkpoints.console import UserError, say, show_tables
from checkpoints.doors.reading import KIB, check_file
from checkpoints.doors.sheets import LARGEST
from checkpoints.runs.folder import PROGRESS, Standing
from checkpoints.runs.study import Planned

Standings = Mapping[Planned, Standing]
LATELY = 20
"""Iterations that a rate is taken over: some minutes, evaluations among them."""
_TAIL = 64 * KIB


def iteration_seconds(folder: Path) -> float | None:
    """Seconds an iteration of a run took lately, as its log says; None where it does not.

    Only the end of the log is read: of hundreds of runs, whole logs are gigabytes.
    """
    path = folder / PROGRESS
    try:
        size = check_file(path, limit=LARGEST, what="the log of a run")
        with open(path, "rb") as file:
            names = file.readline(_TAIL).decode().strip().split(",")
            start = max(file.tell(), size - _TAIL)
            partial = start > file.tell()
            file.seek(start)
            lines = file.read(_TAIL).decode().splitlines()[partial:]
        # The last peer's row counts, whose seconds are those of all before it.
        took = {int(row["step"]): float(row["seconds"]) for row in csv.DictReader(lines, names)}
    except (UserError, OSError, ValueError, TypeError, KeyError):
        return None
    found = [took[step] for step in sorted(took)[-LATELY:]]
    return sum(found) / len(found) if found and sum(found) > 0 else None


def show(standings: Standings, output: Path, threads: int) -> None:
    """Print one row a run, then how many stand where.

    Args:
        standings: of the runs of a study.
        output: folder of runs, on whatever machine they are trained.
        threads: of a worker, by which runs without a log are timed here.
    """
    from rich.table import Table

    table = Table()
    table.add_column("run", no_wrap=True)
    for name in ("steps done", "wanted", "steps/s", "time left"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state")
    rates = Rates(threads)
    for run, now in standings.items():
        state = f"{now.state}: {now.why}" if now.why else now.state
        took = iteration_seconds(output / str(run.id))
        rate = f"{run.recipe.batch / took:,.0f}" if took else "–"
        left = timedelta(seconds=round(rates.seconds(run, now.step, took)))
        table.add_row(str(run.id), f"{now.step:,}", f"{run.steps:,}", rate, str(left), state)
    show_tables(table, markup=False)
    whole = timedelta(seconds=round(rates.whole))
    by = f"this machine's (--threads {threads})"
    print(f"{count(standings)}; {whole} left for one worker, at each run's own rate or else {by}")


class Rates:
    """What runs have yet to take: at their own rate, or here, by timing their networks."""

    def __init__(self, threads: int) -> None:
        """Torch is imported only when a run has something left and no rate of its own."""
        self.threads, self.whole = threads, 0.0
        self._known: dict[tuple[str, int, str], float] = {}

    def seconds(self, run: Planned, done: int, took: float | None = None) -> float:
        """Left of a run, added to :attr:`whole`.

        Args:
            run: of the study.
            done: steps of each peer that are saved.
            took: seconds of an iteration where it is trained, if known.
        """
        cost = run.cost(done)
        if not cost:
            return 0.0
        left = took * cost / run.recipe.cost if took else cost / self._here(run)
        self.whole += left
        return left

    def _here(self, run: Planned) -> float:
        """Frames a second of this machine; half a second for each kind of network."""
        kind = run.recipe.encoder, run.recipe.features, run.recipe.precision
        if kind not in self._known:
            say(f"timing {run.recipe.encoder} networks ({run.recipe.precision}) on this machine")
            import torch

            from checkpoints.training.speed import frames_a_second

            torch.set_num_threads(self.threads)
            self._known[kind] = frames_a_second(run.recipe)
        return self._known[kind]


def count(standings: Standings) -> str:
    """How many runs are in each state."""
    found = Counter(now.state for now in standings.values())
    listed = ", ".join(f"{number} {state}" for state, number in found.items())
    return f"{len(standings)} runs: {listed}"
