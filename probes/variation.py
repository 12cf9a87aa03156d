"""What varies at all: ``python -m probes.variation``."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from analysis.records.command import Output, check_outputs, finish
from checkpoints.console import run_command
from checkpoints.doors.numbers import Seed, whole
from checkpoints.world.games import GAMES, Mode, get_game


@dataclass(frozen=True)
class Settings(Output):
    """Which factors of each game vary in random play, and so can be probed at all.

    Writes variation.csv.
    """

    games: Positional[Annotated[tuple[str, ...], arg(metavar="[GAME ...]")]] = ()
    """games to look at; none takes all 16"""
    mode: Mode = "easy"
    """Procgen's difficulty"""
    states: Annotated[int, whole(1, 10**5)] = 200
    """states of each game, at most 4 a training level"""
    seed: Seed = 0
    """of the levels and the random actions"""


def main(settings: Settings) -> None:
    """Look at every game, write variation.csv and print it."""
    games = [get_game(name).name for name in dict.fromkeys(settings.games)] or list(GAMES)
    from probes.studies import variation as study

    check_outputs(settings, (study.SCHEMA,))
    frame = study.measure_games(
        games, mode=settings.mode, states=settings.states, seed=settings.seed
    )
    finish(settings, (study.SCHEMA,), [frame], lambda: study.show(frame), **study.constants())


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes.variation")
