"""When a layer comes to say what is true: ``python -m probes.steps``."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import TRAINED, Examination, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(Examination):
    """Probe policies at every kept step, and say when each score moved.

    Measures: probe_task, mean R² over the numbers that a picture shows, and probe_background,
    balanced accuracy of the background's index above chance ÷ the most above chance: 0 is a blind
    probe, 1 a perfect one. Of the last two layers, on levels never fitted. Intervals are 95 %
    bootstraps over levels. Writes probes_steps.csv and probes_onsets.csv.
    """

    until: Annotated[int, whole(0, 10**12)] = 0
    """leave out later steps, so that runs of unequal length can be compared; 0 takes all"""
    replicates: Annotated[int, whole(20, 10**5)] = 300
    states: Annotated[int, whole(100, 10**5)] = 600
    untrained: Annotated[int, whole(1, 100)] = 2


def main(settings: Settings) -> None:
    """Probe, write both tables and print onsets."""
    from analysis.studies.training.kept import kept_names
    from probes.studies import training as study

    schemas = study.SCHEMA, study.ONSETS_SCHEMA
    how = study.measure_game, study.show, study.constants
    examine(settings, Study(schemas, *how, names=kept_names, steps=TRAINED))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes.steps")
