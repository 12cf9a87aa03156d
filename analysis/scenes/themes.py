"""Sprites that a game draws in several looks, and a state with all of its looks exchanged.

Only what is decoration: a theme that tells which key opens which door (heist), which ships are
targets (plunder) or how far the frog has hopped (leaper) belongs to the game. Source:
openai/procgen ``games/*.cpp``, ``asset_for_type`` and the ``NUM_*_THEMES`` beside it.
"""

from dataclasses import replace

import numpy as np

from checkpoints.console import UserError
from checkpoints.world.game_fields import read_tail, with_tail
from checkpoints.world.states import read_state, write_state

_ALIEN = {0: 5, 9: 5, 12: 5, 13: 5}
_CLIMBER = {0: 4, 9: 4, 12: 4, 13: 4}
SPRITES: dict[str, dict[int, int]] = {
    "bigfish": {2: 3},  # the other fish
    "bossfight": {0: 4, 1: 3, 2: 4, 4: 3, 7: 8},  # ships, both lasers, barriers
    "climber": _CLIMBER,
    "coinrun": _ALIEN | {6: 9, 7: 9, 20: 4},  # enemies in both positions, crates
    "dodgeball": {4: 7},  # of the 11 characters there are, levels use 7
    "fruitbot": {4: 6, 7: 6, 12: 3},  # bad and good objects each among themselves, presents
    "leaper": {4: 5},  # cars
    "ninja": {1: 6},  # the mushroom
    "starpilot": {4: 7, 5: 8, 6: 9, 7: 2, 8: 7},  # flyers, meteors, clouds, turrets
}
"""Game -> image type -> number of its looks."""
WALLS = {"climber": 4, "coinrun": 6, "jumper": 4, "ninja": 3}
"""Game -> number of looks of its walls."""


def has_themes(game: str) -> bool:
    """Whether anything in ``game`` has a second look."""
    return game in SPRITES or game in WALLS


def swap_themes(data: bytes, rng: np.random.Generator) -> bytes:
    """The state with every kind of sprite, and the walls, in another look; for drawing.

    All sprites of a kind are shifted by the same number, so that those alike stay alike and none
    keeps its look. Positions and sizes stay.

    Raises:
        UserError: a game without themes, or a theme out of range, which would end the process.

    Note:
        Procgen gives some sprites a size that follows from their look; here it stays the state's.
    """
    state = read_state(data)
    if not has_themes(state.game):
        raise UserError(
            "expected a game with sprites or walls whose looks are decoration, one of: "
            f"{', '.join(sorted(SPRITES.keys() | WALLS))}; got {state.game}"
        )
    entities = state.entities.copy()
    for kind, count in SPRITES.get(state.game, {}).items():
        mine = entities["image_type"] == kind
        entities["image_theme"][mine] = _shifted(entities["image_theme"][mine], count, rng)
    state = replace(state, entities=entities)
    if state.game in WALLS:
        theme = np.array([read_tail(state)["wall_theme"]])
        state = with_tail(state, wall_theme=int(_shifted(theme, WALLS[state.game], rng)[0]))
    return write_state(state)


def _shifted(themes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Another theme for each; drawn also where there is none, to keep the next draws in step."""
    shift = rng.integers(1, count)
    outside = themes[(themes < 0) | (themes >= count)]
    if len(outside):
        raise UserError(
            f"expected themes from 0 to {count - 1}, got {outside[0]}; pass states from get_states"
        )
    return (themes + shift) % count
