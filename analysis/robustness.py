"""R-robustness: ``python -m analysis.robustness`` measures what the picture does to decisions."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import SteppedExamination, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(SteppedExamination):
    """Measure how far decisions depend on the background, and on other changes of the picture.

    Policies decide on twins and on pictures changed in other ways. A ratio of 0 says that
    decisions follow the state alone, 1 that another picture of a state moves them as much as
    another state does. Actions that do the same in a game count as one button; what all 15 would
    have given stands beside it. Intervals are 95 % bootstraps over levels and, between backgrounds,
    over backgrounds too; a state's worst pair keeps its backgrounds, and cycles are drawn anew by
    trajectory. Writes robustness.csv.
    """

    backgrounds: Annotated[int, whole(2, 62)] = 13
    """backgrounds each state is drawn on, as many as in emergence.csv; more where seen or unseen
    ones would be missing"""
    views: Annotated[int, whole(1, 1000)] = 3
    """changed views of each state on every other axis"""
    trajectories: Annotated[int, whole(2, 10**4)] = 40
    """trajectories asked whether they find themselves again on another background"""


def main(settings: Settings) -> None:
    """Measure, write robustness.csv and print it."""
    from analysis.studies.robustness import rows as study

    parts = (study.SCHEMA,), study.measure_game, study.show, study.constants
    examine(settings, Study(*parts, decides=True))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.robustness")
