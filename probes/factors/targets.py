"""Ground truth: what is true of a game's states, read from their bytes.

Every game has a sheet in :mod:`probes.factors`: the names of its entity types and grid cells, and
its factors. Names mean the same in all games: ``agent_x``, ``goal_distance``, ``hazard_dx``, …

A thing is *in view* if its middle lies in the picture, even where another sprite hides it.

Note:
    A level fixes layout *and* background, so that a probe of a nuisance may read the layout: fit
    nuisances on twins only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from checkpoints.console import UserError, one_of
from checkpoints.world.games import get_game
from checkpoints.world.states import read_state
from probes.factors import (
    bigfish,
    bossfight,
    caveflyer,
    chaser,
    climber,
    coinrun,
    dodgeball,
    fruitbot,
    heist,
    jumper,
    leaper,
    maze,
    miner,
    ninja,
    plunder,
    starpilot,
)
from probes.factors.frame import Factor, Sheet, View

_PAGES = (
    bigfish,
    bossfight,
    caveflyer,
    chaser,
    climber,
    coinrun,
    dodgeball,
    fruitbot,
    heist,
    jumper,
    leaper,
    maze,
    miner,
    ninja,
    plunder,
    starpilot,
)
SHEETS: dict[str, Sheet] = {page.SHEET.game: page.SHEET for page in _PAGES}
"""Game -> the names of its types and its factors."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Some factors of n states of one game; nothing is dropped from here, it is listed."""

    game: str
    factors: tuple[Factor, ...]
    values: dict[str, Float64[np.ndarray, " state"]]
    """name -> value in each state; NaN where a state has no such thing; of a class its number"""

    @property
    def missing(self) -> dict[str, float]:
        """Share of states that lack a factor, (0, 1], of the factors that any state lacks."""
        shares = {name: float(np.isnan(v).mean()) for name, v in self.values.items()}
        return {name: share for name, share in shares.items() if share > 0}

    @property
    def constant(self) -> dict[str, float]:
        """Factors with one value in all states that have them, and that value; NaN: in none."""
        found = {}
        for name, values in self.values.items():
            present = values[~np.isnan(values)]
            if not len(present) or (present == present[0]).all():
                found[name] = float(present[0]) if len(present) else float("nan")
        return found


def sheet(game: str) -> Sheet:
    """The names and factors of ``game``; an unknown game raises ``UserError``."""
    return SHEETS[get_game(game).name]


def factors(game: str) -> tuple[Factor, ...]:
    """All factors of ``game``, those of the task first; an unknown game raises ``UserError``."""
    return sheet(game).factors


def view(game: str, state: bytes) -> View:
    """One state of ``game`` and what its picture shows.

    Raises:
        UserError: an unknown game, damaged bytes, or a state of another game.
    """
    page, fields = sheet(game), read_state(state)
    if fields.game != game:
        raise UserError(
            f"expected a state of {game}, got one of {fields.game}; measure each game's states "
            f"apart"
        )
    return View(fields, page)


def measure(
    game: str, states: Sequence[bytes], wanted: Sequence[str | Factor] | None = None
) -> Targets:
    """Read factors from states.

    Args:
        game: whose states they are.
        states: at least one, from ``get_states``, a bank or
            ``checkpoints.world.states.write_state``.
        wanted: names of the game's factors, or factors of your own, in this order; ``None`` takes
            all of the game's.

    Raises:
        UserError: an unknown game or factor, no states, or a state that is damaged or of another
            game.
    """
    chosen = _chosen(game, wanted)
    if not len(states):
        raise UserError(f"expected at least one state of {game}, got none; gather a bank first")
    values = np.empty((len(chosen), len(states)))
    for column, state in enumerate(states):
        seen = view(game, state)
        values[:, column] = [factor.read(seen) for factor in chosen]
    rows = {factor.name: row for factor, row in zip(chosen, values, strict=True)}
    return Targets(game, tuple(chosen), rows)


def _chosen(game: str, wanted: Sequence[str | Factor] | None) -> list[Factor]:
    """The factors that are asked for, each name once."""
    known = {factor.name: factor for factor in factors(game)}
    found: dict[str, Factor] = {}
    for asked in known if wanted is None else wanted:
        if isinstance(asked, str):
            one_of(f"factor of {game}", asked, known)
        factor = known[asked] if isinstance(asked, str) else asked
        if found.setdefault(factor.name, factor) is not factor:
            raise UserError(
                f"expected one factor {factor.name!r}, got two different ones; rename your own"
            )
    return list(found.values())
