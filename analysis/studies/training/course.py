"""A course of training: what commands do that measure policies at every kept step, run by run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from analysis.policies.subjects import Subject
from analysis.records.parts import NetworkKind, Part
from analysis.records.values import RETURN, Cells, Starts
from analysis.studies.examination import Examination, Found
from analysis.studies.training.joined import join
from analysis.studies.training.kept import why_ended
from analysis.studies.training.logged_returns import LAYER, logged, logged_until, untrained_return
from checkpoints.console import watch
from checkpoints.policy.ids import UNTRAINED, PolicyId


@runtime_checkable
class Course(Protocol):
    """What one game's policies are shown, and what is measured of them.

    Made from a game, its mode, the backgrounds that its runs were trained on, and whichever
    settings it names.
    """

    @property
    def notes(self) -> Mapping[str, Any]:
        """What decides numbers and is no setting, such as which backgrounds were drawn."""

    def untrained(self, blank: Sequence[Subject]) -> dict[PolicyId, Cells]:
        """Cells of untrained networks of one encoder."""

    def trained(
        self, run: Sequence[Subject], blank: Sequence[Subject]
    ) -> tuple[dict[PolicyId, Cells], dict[PolicyId, Starts]]:
        """Cells of each kept policy of a run, and of the policy without its step what untrained
        networks have in place of what only this run has.
        """


@dataclass(frozen=True)
class Logs:
    """Where returns come from, and how often they are drawn."""

    root: Path
    """folder of runs, or of shipped ones"""
    replicates: int
    seed: int

    @staticmethod
    def of(settings: Examination) -> "Logs":
        """As a command was asked."""
        return Logs(settings.root, settings.replicates, settings.seed)

    def untrained_part(self, course: Course, blank: Sequence[Subject]) -> Part:
        """Untrained networks of one encoder; the first of them plays."""
        kind = blank[0].kind
        name = f"{blank[0].id.game}/{UNTRAINED}/{kind[0]}-{kind[1]}"
        found = course.untrained(blank)
        found[blank[0].id][RETURN, LAYER] = untrained_return(blank[0], self.replicates, self.seed)
        return Part(name, kind, found, codes=_codes(blank), notes=course.notes)

    def run_part(self, course: Course, run: Sequence[Subject], blank: Sequence[Subject]) -> Part:
        """The kept policies of one run, beside untrained networks of its encoder."""
        name = run[0].id.run
        returns = logged(self.root, [one.id for one in run], self.replicates, self.seed)
        measured, begun = course.trained(run, blank)
        found = {one: cells | returns[one] for one, cells in measured.items()}
        ends = logged_until(self.root, name), why_ended(self.root, name)
        return Part(str(name), run[-1].kind, found, begun, _codes(run), *ends, course.notes)


def _codes(some: Sequence[Subject]) -> dict[PolicyId, str]:
    return {one.id: one.code for one in some}


def measure_all(
    course: Course, subjects: Sequence[Subject], logs: Logs, *, until: int, returned: bool
) -> Found:
    """All policies of one game: each run by itself, then joined.

    Args:
        course: what they are shown.
        subjects: of any encoders, each encoder with untrained ones.
        logs: of the runs.
        until: as of :func:`analysis.studies.training.joined.join`.
        returned: as there.
    """
    blank: dict[NetworkKind, list[Subject]] = {}
    runs: dict[PolicyId, list[Subject]] = {}
    for one in subjects:
        if one.id.method == UNTRAINED:
            blank.setdefault(one.kind, []).append(one)
        else:
            runs.setdefault(one.id.run, []).append(one)
    game = subjects[0].id.game
    bar = watch(list(blank.values()), f"{game}: measuring untrained networks")
    parts = [logs.untrained_part(course, some) for some in bar]
    for some in watch(list(runs.values()), f"{game}: measuring runs"):
        parts.append(logs.run_part(course, some, blank.get(some[-1].kind, ())))
    return join(parts, until, returned=returned)
