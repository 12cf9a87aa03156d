"""Decodable is not used: ``python -m analysis.erasure`` erases the background from layers."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import Examination, OfLayers, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(OfLayers, Examination):
    """Erase the background from each layer and see what decisions, values and returns do.

    The background's name is made linearly unreadable (LEACE), fitted on one half of the levels and
    applied on the other, and the network goes on from there: erasure.csv. Parts of a layer are
    exchanged for those of a twin: patching.csv. TV is the total variation between action
    distributions, 0 to 1. Intervals are 95 % bootstraps over levels; they do not speak of other
    training seeds.
    """

    states: Annotated[int, whole(4, 10**5)] = 200
    backgrounds: Annotated[int, whole(4, 62)] = 6
    """backgrounds that each state is drawn on, at least 4, which a mask needs"""
    episodes: Annotated[int, whole(0, 10**4)] = 48
    """episodes that trained policies play with their last layer erased; 0 plays none"""
    untrained: Annotated[int, whole(0, 100)] = 1


def main(settings: Settings) -> None:
    """Erase, exchange, play, write two tables and print one a game."""
    from analysis.studies.erasure import study

    parts = study.SCHEMAS, study.measure_game, study.show, study.constants
    examine(settings, Study(*parts, check=study.check, decides=True))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.erasure")
