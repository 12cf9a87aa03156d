"""Permutations of levels that come many at a time: levels of equal size turn in rings.

The levels of one size stand in a ring, in an order drawn anew, and all of one side's levels move on
by the same number of places. What two sides say together after each of these turns is a circular
correlation over levels, which a Fourier transform gives for all turns at once.

Turns of all rings form a group, each size turning by its own number, so that p-values over turns
drawn from it are as exact as over all permutations (Hemerik and Goeman 2018, "Exact testing with
random permutations", theorem 2). Where there are fewer turns than draws wanted, the levels also
begin in other orders, drawn at random, each of which is turned throughout; beginning in one more
such order gives the same set again, so that this is exact as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Int

from analysis.measures.chance import check_possible


@dataclass(frozen=True, eq=False)
class Rings:
    """Permutations of levels, the one that changes nothing first.

    Attributes:
        states: a ring for each size of levels, (levels, size): the states of each level.
        rounds: where the levels of y begin in each ring, and by how many places each ring turns in
            each draw, (draws, rings).
    """

    states: list[Int[np.ndarray, "_ _"]]
    rounds: list[tuple[list[Int[np.ndarray, " _"]], Int[np.ndarray, "_ _"]]]

    def permutations(self) -> Iterator[Int[np.ndarray, " n"]]:
        """One by one: state i of x meets state ``[i]`` of y."""
        for begin, turns in self.rounds:
            for turn in turns:
                found = np.empty(sum(one.size for one in self.states), dtype=np.int64)
                for states, order, k in zip(self.states, begin, turn, strict=True):
                    found[states] = states[np.roll(order, -k)]
                yield found


def level_rings(levels: np.ndarray, count: int, seed: int) -> Rings:
    """So many permutations of whole levels of equal size, after the one that changes nothing.

    Args:
        levels: (n,) level of each state; within a level states keep their order.
        count: at least 1.
        seed: the same seed gives the same permutations.

    Raises:
        UserError: as of :func:`analysis.measures.chance.level_permutations`.
    """
    group, sizes = np.unique(np.asarray(levels), return_inverse=True, return_counts=True)[1:]
    check_possible(sizes, count)
    rng, order = np.random.default_rng(seed), np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    states = []
    for size in np.unique(sizes):
        members = rng.permutation(np.flatnonzero(sizes == size))
        states.append(order[starts[members][:, None] + np.arange(size)])
    lengths = [len(one) for one in states]
    stay = np.zeros((1, len(lengths)), dtype=np.int64)
    turns = _turns(lengths, count, rng)
    rounds = [([np.arange(s) for s in lengths], np.vstack([stay, turns]))]
    left = count - len(turns)
    while left > 0:
        turns = np.vstack([stay, _turns(lengths, left - 1, rng)])
        rounds.append(([rng.permutation(s) for s in lengths], turns))
        left -= len(turns)
    return Rings(states, rounds)


def _turns(lengths: list[int], count: int, rng: np.random.Generator) -> Int[np.ndarray, "_ ring"]:
    """Different turns, none of which changes nothing: so many, or all there are."""
    if prod(lengths) <= 4 * (count + 1):
        every = np.array(list(np.ndindex(*lengths)))[1:]
        return rng.permutation(every)[:count]
    drawn = rng.integers(0, lengths, size=(3 * count + 10, len(lengths)))
    first = np.unique(drawn, axis=0, return_index=True)[1]
    return drawn[[place for place in np.sort(first) if drawn[place].any()]][:count]
