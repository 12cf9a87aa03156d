"""Factors that come with the states of a world in a file, beside its variants."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from checkpoints.console import one_of
from probes.factors.frame import MISSING, Factor, choice, number
from probes.factors.targets import Targets

BACKGROUND = "background"
"""What the variants are called, as in Procgen's games."""


def given(
    world: str,
    columns: Mapping[str, np.ndarray],
    variants: Sequence[str],
    shown: Int[np.ndarray, " state"],
    wanted: Sequence[str] | None = None,
) -> Targets:
    """Targets out of columns: floats are numbers, whole numbers and text are classes.

    Args:
        world: whose states they are.
        columns: name -> (state,) what is true of each; NaN where a state has no such thing.
        variants: names of the variants; which one a picture shows is the factor ``background``.
        shown: of each state.
        wanted: only these, in this order; all if None.

    Raises:
        UserError: an unknown factor.
    """
    known = {name: _column(name, np.asarray(values)) for name, values in columns.items()}
    nuisance = Factor(
        *(BACKGROUND, "class", "nuisance", "picture", "–", 0, len(variants) - 1),
        meaning="variant in which the state is drawn",
        read=_nowhere,
        classes=tuple(variants),
    )
    known[BACKGROUND] = nuisance, shown.astype(np.float64)
    names = list(known) if wanted is None else list(dict.fromkeys(wanted))
    for name in names:
        one_of(f"factor of {world}", name, known)
    factors = tuple(known[name][0] for name in names)
    return Targets(world, factors, {name: known[name][1] for name in names})


def _column(name: str, values: np.ndarray) -> tuple[Factor, np.ndarray]:
    meaning = "as the file says"
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64)
        low, high = (float(end(numbers)) for end in (np.nanmin, np.nanmax))
        return number(name, "–", low, high, meaning, _nowhere, scope="level"), numbers
    classes, codes = np.unique(values, return_inverse=True)
    names = tuple(map(str, classes))
    return choice(name, names, meaning, _nowhere, scope="level"), codes.astype(np.float64)


def _nowhere(view: object) -> float:
    """Read off no state: the value stands in a column."""
    return MISSING
