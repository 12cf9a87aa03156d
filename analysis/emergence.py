"""What moves when during training: ``python -m analysis.emergence``."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.training.along import follow
from analysis.studies.training.settings import AlongTraining, Following
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(AlongTraining):
    """Measure policies at every kept step, and say when each measure moved.

    Measures: icc_one_way, the ICC(1,1) of the last two layers; tv, total variation of decisions
    between twins, tv_between, the one between states, and ratio, the first over the second;
    tv_unseen and ratio_unseen, on backgrounds never shown in training; entropy of decisions, in
    nats; each of these of buttons (actions that do the same in a game are one) and of all 15
    actions; cka_peer and cka_final, with its peer at the same step and with its own last step;
    saliency, share of the likeliest button's gradient on the background over the background's
    share; return on unseen levels. Intervals are 95 % bootstraps over levels, of decisions over
    backgrounds too. All kept steps of a run named without one are measured. Probes do the same in
    python -m probes.steps: what is true of a state is known there only. Writes emergence.csv and
    emergence_onsets.csv.
    """

    backgrounds: Annotated[int, whole(4, 62)] = 13
    """backgrounds each state is drawn on; more where seen or unseen ones would be missing"""
    saliency_states: Annotated[int, whole(2, 10**5)] = 32
    """states whose gradients are taken, one a level"""
    replicates: Annotated[int, whole(20, 10**5)] = 300
    untrained: Annotated[int, whole(2, 100)] = 2
    """untrained policies of each encoder: where a measure starts from"""


def main(settings: Settings) -> None:
    """Measure, write two tables and print the onsets of each game."""
    from analysis.studies.training import emergence as study

    how = study.show, study.constants, study.Emergence
    follow(settings, Following(study.SCHEMAS, *how, returned=True))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.emergence")
