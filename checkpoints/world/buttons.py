"""Which of Procgen's 15 actions do the same in a game: the same button under several numbers.

Procgen gives every game nine ways to move and six more buttons, of which most games read one or
none. A policy's preference among actions that do the same decides nothing; total variation,
divergence and entropy are therefore taken of merged actions.

Found by stepping whole states: two actions are one where frames, rewards, ends and, two steps
later, every field of the state but ``last_move_action`` came out equal, in 150 states of each game
and mode (easy and hard agree). A test does it again on a few.

Note:
    In coinrun 0 and 1, 3 and 4, and 6 and 7 part on top of a crate, in 1.3 % of states; they count
    as one.
"""

import numpy as np
from jaxtyping import Float

from checkpoints.world.games import get_game

_UNREAD = (10, 11, 12, 13, 14)
_NO_BUTTON = ((4, 9, *_UNREAD),)
_FIRE = ((4, *_UNREAD),)
_JUMP = ((0, 1), (3, 4, 9, *_UNREAD), (6, 7))
_GRID = ((0, 1, 2), (4, 9, *_UNREAD), (6, 7, 8))
_SIDEWAYS = ((0, 1, 2), (3, 4, 5, *_UNREAD), (6, 7, 8))

SAME: dict[str, tuple[tuple[int, ...], ...]] = {
    **dict.fromkeys(("bigfish", "chaser", "heist"), _NO_BUTTON),
    **dict.fromkeys(("bossfight", "caveflyer", "dodgeball"), _FIRE),
    **dict.fromkeys(("climber", "coinrun", "jumper"), _JUMP),
    **dict.fromkeys(("leaper", "maze", "miner"), _GRID),
    **dict.fromkeys(("fruitbot", "plunder"), _SIDEWAYS),
    "ninja": ((0, 1), (3, 4), (6, 7), (9, 13, 14)),
    "starpilot": ((9, 11, 12, 13, 14),),
}
"""Game -> actions that do the same; those that are not named stand alone."""


def buttons(game: str) -> tuple[tuple[int, ...], ...]:
    """Every action of a game once, those that do the same together, by their smallest number.

    In a world of a file each stands alone: nobody has stepped it to see.

    Raises:
        UserError: an unknown game.
    """
    same = SAME.get(game, ())
    grouped = {action for group in same for action in group}
    alone = [(one,) for one in range(get_game(game).num_actions) if one not in grouped]
    return tuple(sorted([*same, *alone]))


def merged(
    probs: Float[np.ndarray, "*some action"], game: str
) -> Float[np.ndarray, "*some button"]:
    """Probabilities of the distinct buttons of a game, in the order of :func:`buttons`."""
    return np.stack([probs[..., list(group)].sum(-1) for group in buttons(game)], axis=-1)
