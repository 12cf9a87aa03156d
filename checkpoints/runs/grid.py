"""A study as a grid: games × methods × seeds, expanded in order of worth.

::

    grid:
      - games: [coinrun, starpilot]
        methods: [ppo, mutual]
        seeds: [0, 1, 2]
        steps: 2_097_152
        recipe: {levels: 200}               # of this block only
        steps_of: {ppo: 4_194_304}          # of some methods
"""

from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any

import msgspec

from checkpoints.console import UserError
from checkpoints.doors.reading import shown

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
StepCount = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
MOST = 1000
"""Games, methods or seeds of a block."""


class GridBlock(msgspec.Struct, forbid_unknown_fields=True):
    """One block of a grid: every method on every game with every seed."""

    games: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MOST)]
    methods: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MOST)]
    seeds: Annotated[
        list[Annotated[int, msgspec.Meta(ge=0, le=10**9)]],
        msgspec.Meta(min_length=1, max_length=MOST),
    ]
    steps: StepCount
    """environment steps of each peer"""
    recipe: dict[str, Any] = {}
    """settings of this block's runs, beside those of the whole study"""
    steps_of: dict[Name, StepCount] = {}
    """of methods that are trained for another while"""


def expand(given: Any, place: str) -> Iterator[dict[str, Any]]:
    """Entries as ``runs`` has them: seed by seed, so that all is asked once before it is twice.

    Args:
        given: the list under ``grid``.
        place: what messages call it.

    Raises:
        UserError: no list of blocks, an unknown key, a value of another kind, a name that stands
            twice, steps of a method that the block has not.
    """
    if not isinstance(given, list) or not given:
        raise UserError(f"{place}: expected a list of blocks, got {shown(given)}")
    for number, one in enumerate(given, 1):
        where = f"{place}, block {number}"
        try:
            block = msgspec.convert(one, GridBlock)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise UserError(
                f"{where}: {error}; it takes games, methods, seeds, steps, recipe and steps_of"
            ) from error
        _check(block, where)
        for seed, game, method in product(block.seeds, block.games, block.methods):
            steps = block.steps_of.get(method, block.steps)
            yield {"id": f"{game}/{method}/{seed}", "steps": steps, "recipe": block.recipe}


def _check(block: GridBlock, where: str) -> None:
    for name in ("games", "methods", "seeds"):
        values = getattr(block, name)
        twice = sorted({one for one in values if values.count(one) > 1})
        if twice:
            raise UserError(f"{where}: {twice[0]!r} stands twice among the {name}; leave one out")
    strange = sorted(set(block.steps_of) - set(block.methods))
    if strange:
        raise UserError(
            f"{where}, steps_of: expected methods of the block ({', '.join(block.methods)}), got "
            f"{strange[0]!r}"
        )
