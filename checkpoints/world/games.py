"""The facts of Procgen's 16 games: backgrounds, return bounds, timeouts; and of worlds in files.

Number of background images: openai/procgen ``resources.cpp`` and ``games/*.cpp``.
Return bounds (what a policy got that was trained with its observations masked, R_min, and what is
possible, R_max): Cobbe et al. 2020, "Leveraging Procedural Generation to Benchmark Reinforcement
Learning", appendix C.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from checkpoints.console import UserError, one_of

Mode = Literal["easy", "hard"]
NUM_ACTIONS = 15
IMAGE_SHAPE = (64, 64, 3)


@dataclass(frozen=True)
class Game:
    """Facts of one game; a bounds pair is (lowest, highest) mean episode return."""

    name: str
    backgrounds: int
    easy_bounds: tuple[float, float]
    hard_bounds: tuple[float, float]
    image_shape: tuple[int, int, int] = IMAGE_SHAPE
    """height, width and channels of a picture"""
    num_actions: int = NUM_ACTIONS
    """0 where actions are continuous"""

    def bounds(self, mode: Mode) -> tuple[float, float]:
        """(lowest, highest) return used to normalise, for ``mode``."""
        return self.easy_bounds if mode == "easy" else self.hard_bounds

    def trained_backgrounds(self, mode: Mode) -> tuple[int, ...]:
        """Background indices that training levels can show.

        ``coinrun`` in easy mode pins its background to 0 (``coinrun.cpp``), so every other
        background there is unseen.
        """
        pinned = self.name == "coinrun" and mode == "easy"
        return (0,) if pinned else tuple(range(self.backgrounds))


def spread(items: Sequence[int], count: int) -> tuple[int, ...]:
    """``count`` of the items, evenly spread, the first among them; 1 <= count <= len(items)."""
    return tuple(items[k * len(items) // count] for k in range(count))


def first_backgrounds(name: str, count: int) -> tuple[int, ...]:
    """The ``count`` backgrounds that training of a game is narrowed to, in increasing order.

    Smaller choices lie within larger ones, and each is spread over all: positions are taken in
    the order of van der Corput 1935 (0, 1/2, 1/4, 3/4, 1/8, …).

    Raises:
        UserError: an unknown game, or one that has fewer backgrounds.
    """
    total = get_game(name).backgrounds
    if not 1 <= count <= total:
        raise UserError(f"{name}: expected 1 to {total} backgrounds, got {count}")
    width = (total - 1).bit_length()
    order = (int(f"{k:0{width}b}"[::-1], 2) for k in range(2**width)) if width else iter([0])
    return tuple(sorted([index for index in order if index < total][:count]))


def drawn_backgrounds(name: str, count: int, seed: int) -> tuple[int, ...]:
    """``count`` backgrounds drawn by a seed, in increasing order: all methods of a seed share them.

    Smaller draws of a seed lie within larger ones. The order is that of SHA-256, so that no
    library's random numbers can ever change it.

    Raises:
        UserError: an unknown game, or no background left that training does not show.
    """
    total = get_game(name).backgrounds
    if not 1 <= count < total:
        raise UserError(
            f"{name}: expected 1 to {total - 1} of its {total} backgrounds to train on, so that "
            f"some are held out, got {count}"
        )

    def place(index: int) -> bytes:
        return hashlib.sha256(f"{name}/{seed}/{index}".encode()).digest()

    return tuple(sorted(sorted(range(total), key=place)[:count]))


_FACTS = [
    Game("bigfish", 7, (1.0, 40.0), (0.0, 40.0)),
    Game("bossfight", 13, (0.5, 13.0), (0.5, 13.0)),
    Game("caveflyer", 13, (3.5, 12.0), (2.0, 13.4)),
    Game("chaser", 1, (0.5, 13.0), (0.5, 14.2)),
    Game("climber", 62, (2.0, 12.6), (1.0, 12.6)),
    Game("coinrun", 62, (5.0, 10.0), (5.0, 10.0)),
    Game("dodgeball", 9, (1.5, 19.0), (1.5, 19.0)),
    Game("fruitbot", 9, (-1.5, 32.4), (-0.5, 27.2)),
    Game("heist", 9, (3.5, 10.0), (2.0, 10.0)),
    Game("jumper", 62, (3.0, 10.0), (1.0, 10.0)),
    Game("leaper", 9, (3.0, 10.0), (1.5, 10.0)),
    Game("maze", 9, (5.0, 10.0), (4.0, 10.0)),
    Game("miner", 62, (1.5, 13.0), (1.5, 20.0)),
    Game("ninja", 62, (3.5, 10.0), (2.0, 10.0)),
    Game("plunder", 4, (4.5, 30.0), (3.0, 30.0)),
    Game("starpilot", 13, (2.5, 64.0), (1.5, 35.0)),
]
GAMES: dict[str, Game] = {game.name: game for game in _FACTS}
_WORLDS: dict[str, Game] = {}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def get_game(name: str) -> Game:
    """The facts of a game, or of a world in a file that is open.

    Raises:
        UserError: an unknown name; it lists all there are.
    """
    known = GAMES | _WORLDS
    one_of("game", name, known)
    return known[name]


def add_world(facts: Game) -> None:
    """Make a world that is no game of Procgen's known by its name.

    Raises:
        UserError: a name that a game has, or that could not stand in an id.
    """
    if facts.name in GAMES or not _NAME.fullmatch(facts.name):
        raise UserError(
            "expected a world's name of lower-case letters, digits and hyphens, 40 at most, and "
            f"none of Procgen's games, such as crafter-grass; got {facts.name[:80]!r}"
        )
    _WORLDS[facts.name] = facts
