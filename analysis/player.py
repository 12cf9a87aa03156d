"""An episode of each game on all of its backgrounds: ``python -m analysis.player``."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from analysis.records.command import Output, check_outputs, finish
from checkpoints.console import run_command
from checkpoints.doors.numbers import Seed, whole
from checkpoints.world.games import Mode


@dataclass(frozen=True)
class Settings(Output):
    """Play one episode of each game, and draw its states on every background, for the page.

    It is the episode with the median return among the first unseen levels, played by the game's
    first shipped PPO policy. It illustrates; no measure reads it. Writes player.csv and
    player/GAME.webp, which ``python -m figures.page`` reads.
    """

    games: Positional[Annotated[tuple[str, ...], arg(metavar="[GAME ...]")]] = ()
    """games to play; none plays all that have a shipped PPO policy"""
    mode: Mode = "easy"
    """Procgen's difficulty"""
    levels: Annotated[int, whole(1, 10**4)] = 15
    """unseen levels played, an episode each, from which the shown one is chosen"""
    frames: Annotated[int, whole(2, 10**4)] = 800
    """frames of a game at most, over all backgrounds; decides how many states are kept"""
    seed: Seed = 0
    """of the actions"""


def main(settings: Settings) -> None:
    """Play and draw, write player.csv and the frames, and print a line a game."""
    from analysis.studies import player as study
    from analysis.studies.examination import asked

    games = study.named(settings.games)
    check_outputs(settings, (study.SCHEMA,), [study.picture_of(game) for game in games])
    frame, pictures, worlds = study.measure(games, **asked(settings, study.measure))
    study.write_pictures(pictures, settings.output)

    def show() -> None:
        study.show(frame, pictures)

    finish(settings, (study.SCHEMA,), [frame], show, worlds=worlds, **study.constants())


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.player")
