"""When a layer comes to say what is true: ``python -m probes.steps``."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.training.along import follow
from analysis.studies.training.settings import AlongTraining, Following
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(AlongTraining):
    """Probe policies at every kept step, and say when each score moved.

    Measures: probe_task, mean R² over the numbers that a picture shows, and probe_background,
    balanced accuracy of the background's index above chance ÷ the most above chance: 0 is a blind
    probe, 1 a perfect one. Of the last two layers, on levels never fitted. Intervals are 95 %
    bootstraps over levels. Writes probes_steps.csv and probes_onsets.csv.
    """

    replicates: Annotated[int, whole(20, 10**5)] = 300
    states: Annotated[int, whole(100, 10**5)] = 600
    untrained: Annotated[int, whole(1, 100)] = 2


def main(settings: Settings) -> None:
    """Probe, write both tables and print onsets."""
    from probes.studies import training as study

    how = study.show, study.constants, study.Probing
    follow(settings, Following((study.SCHEMA, study.ONSETS_SCHEMA), *how, returned=False))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes.steps")
