"""The samples' policies, closer: ``python -m analysis.samples``."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from analysis.studies.examination import TRAINED, Examination, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(Examination):
    """Measure the policies that the declared contrast is about, closer than every kept step.

    Of decisions on twins, with actions merged that do the same: total variation, its ratio to that
    between states, on backgrounds never shown and with each of these left out. Of the layer that
    the heads read: ICC on such backgrounds, its units as they are, standardised and whitened;
    effective rank, dead units, and what it says of the level. Of play: the return on training
    levels, on unseen ones, and there of the policy's own mix of actions, drawn without looking.
    Intervals are 95 % bootstraps over levels, on twins over backgrounds too. Writes samples.csv,
    samples_pairs.csv, and samples_peers.csv: peers beside policies of their method trained apart.
    """

    ids: Positional[Annotated[tuple[str, ...], arg(metavar="[POLICY ...]")]] = ()
    """policies: ids such as starpilot/mutual-bg9/0, or files; none takes the shipped ones that are
    not surveyed"""
    backgrounds: Annotated[int, whole(4, 62)] = 13
    """backgrounds each state is drawn on; more where seen or unseen ones would be missing"""
    episodes: Annotated[int, whole(2, 10**5)] = 256
    """episodes of each policy and kind of level, each from its own first state"""


def main(settings: Settings) -> None:
    """Measure, write three tables and print them."""
    from analysis.studies.samples import study

    measured = study.SCHEMAS, study.measure_game, study.show
    more = study.SUMMARIES, study.summarise
    examine(settings, Study(*measured, dict, *more, names=study.names, steps=TRAINED))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.samples")
