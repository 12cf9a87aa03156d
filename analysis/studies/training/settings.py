"""What commands that follow runs along their training are asked, and what they do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from analysis.records.command import Frames
from analysis.records.tables import Schema
from analysis.studies.examination import Examination
from checkpoints.doors.numbers import whole

if TYPE_CHECKING:
    from analysis.studies.training.course import Course


@dataclass(frozen=True)
class AlongTraining(Examination):
    """Settings of every command that follows runs along their training."""

    until: Annotated[int, whole(0, 10**12)] = 0
    """leave out later steps, so that runs of unequal length can be compared; 0 takes all"""
    study: Path | None = None
    """a study, such as study.yaml: all of its runs are meant, and those of which nothing is kept
    have a row that says so"""
    parts: Path | None = None
    """folder of parts: with ids, which name parts of the study (its runs, and untrained networks
    such as starpilot/untrained/nature-256), only these are measured, into a file each; without
    ids, all parts are joined to the tables"""


@dataclass(frozen=True)
class Following:
    """What such a command does."""

    schemas: tuple[Schema, Schema]
    """of values and of onsets"""
    show: Callable[[Frames, str], None]
    """prints what the tables say of one game"""
    constants: Callable[[], dict[str, Any]]
    """what decides numbers and is no setting, for the provenance"""
    course: "Callable[..., Course]"
    """from a game, its mode, the backgrounds of its runs and the settings that it names"""
    returned: bool
    """whether the return stands in the tables"""
