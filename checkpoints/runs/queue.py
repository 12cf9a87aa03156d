"""Train a study: ``python -m checkpoints.queue study.yaml``.

Takes the runs of a study in their order and trains each that is not done, goes on where one was
stopped, and passes over what another worker trains or what failed. Start it once for each core or
device that is to work, on one folder.
"""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from checkpoints.console import MachineTrouble, UserError, one_of
from checkpoints.doors.numbers import check_numbers, real, whole
from checkpoints.runs.declaration import check_ready, note_declaration
from checkpoints.runs.folder import Standing, mark_failed, standing
from checkpoints.runs.listing import count, show
from checkpoints.runs.pack import pack_all
from checkpoints.runs.study import Planned, read_study
from checkpoints.runs.train import Settings as TrainSettings
from checkpoints.runs.train import main as train_main
from checkpoints.runs.unpack import unpack_all
from checkpoints.runs.worker import Outcome, Relay, Train, train_apart


@dataclass(frozen=True)
class Settings:
    """Train the runs of a study in order of worth, within the time or steps given.

    Ctrl-C or SIGTERM saves and ends; the same command goes on. Several workers may share a folder.
    Exit codes: 0 all runs asked for are done, 75 something is left to do, 2 something failed.
    """

    study: Positional[Path]
    """YAML file with the runs, such as study.yaml"""
    output: Path = Path("runs")
    """folder of runs"""
    only: tuple[str, ...] = ()
    """only these runs of the study, such as starpilot/ppo/0; one that another process trains is
    waited for"""
    hours: Annotated[float, real(0, above=True)] = math.inf
    """stop after so many hours, rounded up to a whole iteration"""
    steps: Annotated[float, real(0, above=True)] = math.inf
    """stop after so many environment steps of each peer, added over the runs of this call"""
    retry: bool = False
    """try again what failed, once each"""
    list: bool = False
    """only print a line a run: steps, rate, time left; done, partial, running, failed (and why) or
    waiting"""
    pack: Path | None = None
    """only write one archive of at most 16 MiB for each run that has begun into this folder"""
    unpack: Path | None = None
    """only restore the archives of this folder, to go on with their runs"""
    overwrite: bool = False
    """let --pack and --unpack replace what is further along"""
    device: Literal["cpu", "cuda"] = "cpu"
    """where the networks compute"""
    threads: Annotated[int, whole(1, 1024)] = 1
    """torch threads of this worker on the CPU; runs repeat to the bit with equal threads"""

    def __post_init__(self) -> None:
        """Refuse limits that leave nothing to do, and two tasks at once."""
        check_numbers(self, flags=True)
        asked = [name for name in ("list", "pack", "unpack") if getattr(self, name)]
        if len(asked) > 1:
            both = " and ".join(f"--{name}" for name in asked)
            raise UserError(f"expected one of --list, --pack and --unpack at a time, got {both}")


Standings = dict[Planned, Standing]
WAIT = 5.0
"""Seconds between two looks at runs that another process trains."""


def chosen(study: tuple[Planned, ...], only: tuple[str, ...]) -> tuple[Planned, ...]:
    """The runs asked for, in the order of the study; all if none is named."""
    known = [str(run.id) for run in study]
    for name in only:
        one_of("run of the study", name, known)
    return tuple(run for run in study if not only or str(run.id) in only)


def look(study: tuple[Planned, ...], output: Path) -> Standings:
    """Where each run stands now."""
    return {run: standing(output / str(run.id), run.steps) for run in study}


def busy(standings: Standings) -> list[str]:
    """Runs that some process trains at this moment."""
    return [str(run.id) for run, now in standings.items() if now.state == "running"]


@dataclass
class Worker:
    """Takes runs one after the other until none is left or a limit is reached."""

    study: tuple[Planned, ...]
    settings: Settings
    train: Train = train_main
    tried: set[Planned] = field(default_factory=set)
    """what ended with a fault in this call, and is not taken again"""

    def __post_init__(self) -> None:
        self.steps_left = self.settings.steps
        self.last_second = time.monotonic() + 3600 * self.settings.hours
        self._waiting = False

    def seconds_left(self) -> float:
        """Until the limit of hours."""
        return self.last_second - time.monotonic()

    def takeable(self, standings: Standings) -> list[Planned]:
        """Runs that this worker may train, the worthiest first."""
        states = {"partial", "waiting"} | ({"failed"} if self.settings.retry else set())
        return [run for run, now in standings.items() if now.state in states - self._passed(run)]

    def _passed(self, run: Planned) -> set[str]:
        return {"partial", "waiting", "failed"} if run in self.tried else set()

    def work(self) -> None:
        """Train until nothing is left to take, a limit is reached or a signal came."""
        output = self.settings.output
        relay = Relay()
        with relay:
            while not relay.asked and self.steps_left > 0 and self.seconds_left() > 0:
                standings = look(self.study, output)
                open_runs = self.takeable(standings)
                if not open_runs and self.settings.only and busy(standings):
                    self._wait(standings)
                    continue
                if not open_runs:
                    break
                run, *others = open_runs
                place, done = self.study.index(run) + 1, standings[run].step
                of = f"run {place} of {len(self.study)}: {run.id}"
                print(f"{of}, {done:,} of {run.steps:,} steps done", flush=True)
                behind = sum((other.cost(standings[other].step) for other in others), 0.0)
                if run.declaration is not None:
                    note_declaration(run.declaration, output / str(run.id))
                outcome = train_apart(self.train, self._request(run), behind, relay)
                stepped = standing(output / str(run.id), run.steps).step - done
                self.steps_left -= stepped
                self._note(run, outcome, stepped)

    def _wait(self, standings: Standings) -> None:
        """Until a signal, the limit of hours, or some seconds have passed; says once for whom."""
        if not self._waiting:
            print(f"waiting for another process: {', '.join(busy(standings))}", flush=True)
        self._waiting = True
        time.sleep(max(0.0, min(WAIT, self.seconds_left())))

    def _request(self, run: Planned) -> TrainSettings:
        asked = self.settings
        return TrainSettings(
            str(run.id),
            run.recipe,
            steps=float(run.steps),
            output=asked.output,
            device=asked.device,
            threads=asked.threads,
            hours=max(self.seconds_left() / 3600, 1e-9),
            pause=self.steps_left,
        )

    def _note(self, run: Planned, outcome: Outcome, stepped: int) -> None:
        if outcome.kind == "ended" and not stepped:
            self.tried.add(run)  # or this loop would have no end
        if outcome.kind == "trouble":
            raise MachineTrouble(
                f"{run.id}: {outcome.why}. The queue stops, since other runs would fail likewise; "
                "the same command goes on"
            )
        if outcome.kind == "failed":
            print(f"{run.id} failed: {outcome.why}", flush=True)
            self.tried.add(run)
            mark_failed(self.settings.output / str(run.id), outcome.why)


def main(settings: Settings) -> int:
    """List, pack, unpack, or work; says in the end what is left, and returns how many runs are."""
    study = chosen(read_study(settings.study), settings.only)
    if settings.pack is not None:
        pack_all([run.id for run in study], settings.output, settings.pack, settings.overwrite)
        return 0
    if settings.unpack is not None:
        unpack_all(settings.unpack, settings.output, settings.overwrite)
        return 0
    if settings.list:
        show(look(study, settings.output), settings.output, settings.threads)
        return 0
    if study[0].declaration is not None:
        check_ready(study[0].declaration, settings.study)
    worker = Worker(study, settings)
    worker.work()
    standings = look(study, settings.output)
    print(f"{count(standings)}; the same command goes on, --list shows all")
    failed = [run for run, now in standings.items() if now.state == "failed"]
    if failed:
        names = ", ".join(str(run.id) for run in failed)
        raise UserError(f"failed and passed over: {names}. See --list; --retry tries them again")
    return sum(now.state != "done" for now in standings.values())
