"""The rule of a declaration, asked at its looks: effect, no relevant effect, or go on.

Welch 1947 for a difference; two one-sided tests (Schuirmann 1987) for its absence. The boundaries
are smaller at earlier looks so that the errors over all looks stay at .05: ``error_rates`` finds
them by simulating the very rule.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from analysis.stats.look_verdicts import EFFECT, GO_ON, NO_EFFECT, NOT_DECIDED, NOT_REACHED
from analysis.stats.welch import Tests, compare
from checkpoints.console import UserError
from checkpoints.runs.declaration import Declaration


class Look(NamedTuple):
    """What is known at the last look that was reached."""

    pairs: int
    """runs a side behind the numbers; the next look's number if none is reached"""
    tests: Tests | None
    verdict: str
    """``effect``, ``no relevant effect``, ``go on``, ``not decided`` or ``not reached``"""


def decide(
    treatment: Float[np.ndarray, " pairs"],
    control: Float[np.ndarray, " others"],
    declaration: Declaration,
) -> Look:
    """Ask the rule at every look that there are enough pairs for, and stop where it decides.

    Args:
        treatment: logarithms in order of seed.
        control: likewise, of the same seeds.
        declaration: what was declared.

    Raises:
        UserError: unequal numbers of runs.
    """
    if len(treatment) != len(control):
        raise UserError(
            f"expected whole pairs, got {len(treatment)} runs of {declaration.treatment} and "
            f"{len(control)} of {declaration.control}; a look waits for the missing ones"
        )
    look = Look(declaration.looks[0], None, NOT_REACHED)
    for at, pairs in enumerate(declaration.looks):
        if len(treatment) < pairs:
            break
        tests = compare(treatment[:pairs], control[:pairs], np.log(declaration.margin))
        look = Look(pairs, tests, str(_verdicts(tests, at, declaration)))
        if look.verdict != GO_ON:
            break
    return look


def _verdicts(tests: Tests, at: int, declaration: Declaration) -> np.ndarray:
    """The rule at one look; an effect comes first."""
    last = at + 1 == len(declaration.looks)
    return np.select(
        [tests.p < declaration.effect_p[at], tests.p_equivalence < declaration.equivalence_p[at]],
        [EFFECT, NO_EFFECT],
        NOT_DECIDED if last else GO_ON,
    )


def error_rates(
    declaration: Declaration,
    factor: float,
    spread: float,
    *,
    alike: float = 0.0,
    repeats: int = 20_000,
    seed: int = 0,
) -> dict[str, float]:
    """How often the rule ends with each verdict where the truth is known.

    Args:
        declaration: the rule.
        factor: true factor between the methods, above 0.
        spread: standard deviation of logarithms between runs.
        alike: correlation of the runs of one seed, in [0, 1).
        repeats: simulated samples.
        seed: of the simulation.
    """
    draws = np.random.default_rng(seed)
    shape = repeats, declaration.looks[-1]
    shared = np.sqrt(alike) * draws.normal(size=shape)
    treatment, control = (
        spread * (shared + np.sqrt(1 - alike) * draws.normal(size=shape)) for _ in range(2)
    )
    treatment += np.log(factor)
    found = np.full(repeats, GO_ON, dtype="<U20")
    for at, pairs in enumerate(declaration.looks):
        open_ones = found == GO_ON
        tests = compare(
            treatment[open_ones, :pairs], control[open_ones, :pairs], np.log(declaration.margin)
        )
        found[open_ones] = _verdicts(tests, at, declaration)
    return {name: float((found == name).mean()) for name in (EFFECT, NO_EFFECT, NOT_DECIDED)}
