"""What the wallpaper of each game covers: ``python -m analysis.twins``."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from analysis.records.command import check_outputs, finish
from analysis.scenes.backgrounds import MIN_RENDERINGS
from analysis.scenes.cache import Cached
from checkpoints.console import run_command
from checkpoints.doors.numbers import Seed, whole
from checkpoints.world.games import Mode


@dataclass(frozen=True)
class Settings(Cached):
    """Draw one state of each game on other backgrounds, and measure how much of a frame changes.

    The picture of a game holds a state, three of its twins and its mask. The share of a frame that
    the background changes, over many states, is the chance level of every score on the mask.
    Writes twins.csv and twins/GAME.png.
    """

    games: Positional[Annotated[tuple[str, ...], arg(metavar="[GAME ...]")]] = ()
    """games to draw; none draws all 16"""
    world: str = ""
    """a file of renderings (.npz) to draw in place of games"""
    mode: Mode = "easy"
    """Procgen's difficulty"""
    states: Annotated[int, whole(3, 10**4)] = 64
    """states measured a game, at most 2 a level, met by random actions"""
    backgrounds: Annotated[int, whole(MIN_RENDERINGS, 62)] = 6
    """renderings of a state that make its mask, at least 4; plunder has 4 and uses those"""
    seed: Seed = 0
    """decides levels and actions"""


def main(settings: Settings) -> None:
    """Draw and measure every game, write twins.csv and the pictures, and print the table."""
    from analysis.studies import twins as study
    from analysis.studies.examination import asked

    games = study.named(settings.games, settings.world)
    check_outputs(settings, (study.SCHEMA,), [study.picture_of(game) for game in games])
    frame, strips = study.measure(games, **asked(settings, study.measure))
    study.write_pictures(strips, settings.output)

    def show() -> None:
        study.show(frame, settings.output)

    finish(settings, (study.SCHEMA,), [frame], show, **study.constants(games))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.twins")
