"""What the page shows of each game and world, on all backgrounds: ``python -m analysis.player``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from analysis.records.command import Output, check_outputs, finish
from checkpoints.console import run_command
from checkpoints.doors.numbers import Seed, whole
from checkpoints.world.games import Mode

SHIPPED = tuple(
    Path(f"examples/{name}.npz") for name in ("atari_palette", "crafter_grass", "mujoco_floor")
)


@dataclass(frozen=True)
class Settings(Output):
    """Play one episode of each game, and draw its states on every background, for the page.

    It is the episode with the median return among the first unseen levels, played by the game's
    first shipped PPO policy. It illustrates; no measure reads it. Of worlds in files, some of
    their states. Writes player.csv, player_worlds.csv and a player/NAME.webp each, which
    ``python -m figures.page`` reads.
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
    world: tuple[Path, ...] = SHIPPED
    """other worlds, each a file of renderings; give none to leave them out"""
    states: Annotated[int, whole(1, 10**4)] = 16
    """states of each other world at most"""


def main(settings: Settings) -> None:
    """Play and draw, write tables and frames, and print a line a game and world."""
    from analysis.studies import player as study
    from analysis.studies import player_worlds as others
    from analysis.studies.examination import asked

    games, opened = study.named(settings.games), others.opened(settings.world)
    schemas, names = (study.SCHEMA, others.SCHEMA), (*games, *opened)
    check_outputs(settings, schemas, [study.picture_of(name) for name in names])
    frame, pictures, worlds = study.measure(games, **asked(settings, study.measure))
    table, drawn, about = others.measure(opened, **asked(settings, others.measure))
    pictures, worlds = pictures | drawn, worlds | about
    study.write_pictures(pictures, settings.output)

    def show() -> None:
        study.show(frame, table, pictures)

    finish(settings, schemas, [frame, table], show, worlds=worlds, **study.constants())


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.player")
