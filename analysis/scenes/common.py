"""What all policies of a world are shown: one bank of states, and a twin of each."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from analysis.scenes.backgrounds import other_backgrounds
from analysis.scenes.bank import Bank
from analysis.scenes.worlds import is_procgen, world_of
from checkpoints.world.games import Mode


def common_bank(
    game: str,
    mode: Mode,
    states: int,
    seed: int = 0,
    *,
    thin: int = 16,
    per_level: int | None = None,
    num_envs: int = 32,
) -> Bank:
    """States of a world, the same for all policies.

    Of a game of Procgen they are of levels that no policy was trained on, and come from random
    actions and from every shipped policy of the game at its last step, in equal shares; only from
    random actions where none is shipped. They lie at least ``thin`` steps apart.

    Args:
        game: a game, or the name of a world that is open.
        mode: Procgen's difficulty.
        states: so many; of a file at most as many as it holds.
        seed: of everything drawn.
        thin: of a game: steps between two states of an episode.
        per_level: states of a level at most; of a game 6 unless given, of a file all.
        num_envs: of a game: environments side by side.
    """
    how: dict[str, Any] = {"thin": thin, "num_envs": num_envs} if is_procgen(game) else {}
    return world_of(game).bank(states, seed, mode=mode, per_level=per_level, **how)


def draw_twins(game: str, bank: Bank, seed: int = 0) -> UInt8[np.ndarray, "state h w c"]:
    """Each state of the bank on a background other than its own."""
    world = world_of(game)
    others = other_backgrounds(game, world.own(bank.states), seed)
    return world.render_each(bank.states, others.tolist())
