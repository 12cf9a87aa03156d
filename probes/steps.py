"""When a layer comes to say what is true: ``python -m probes.steps``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from analysis.studies.examination import Examination, Study, examine
from checkpoints.console import run_command


@dataclass(frozen=True)
class Settings(Examination):
    """Probe policies at every kept step, and say when each score moved.

    Measures: probe_task, mean R² over the numbers that a picture shows, and probe_background,
    balanced accuracy of the background's index above chance ÷ the most above chance: 0 is a blind
    probe, 1 a perfect one. Of the last two layers, on levels never fitted. Intervals are 95 %
    bootstraps over levels. Writes probes_steps.csv and probes_onsets.csv.
    """

    until: int = 0
    """leave out later steps, so that runs of unequal length can be compared; 0 takes all"""
    replicates: int = 300

    least: ClassVar[Mapping[str, int]] = {"until": 0, "states": 100, "untrained": 1}


def main(settings: Settings) -> None:
    """Probe, write both tables and print onsets."""
    from analysis.studies.training.kept import kept_names
    from probes.studies import training as study

    schemas = study.SCHEMA, study.ONSETS_SCHEMA
    how = study.measure_game, study.show, study.constants
    examine(settings, Study(schemas, *how, names=kept_names))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes.steps")
