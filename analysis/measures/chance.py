"""What likeness would be by chance: levels of one side permuted, once for all layers.

Two policies that have nothing in common still see the same levels in the same shares, wide layers
still correlate, and the best of 36 cells is still the best of 36. So one side's levels change
places: whole levels, since frames of a level hang together, and only levels with equal numbers of
states, so that every state keeps a place. One permutation moves all layers at once, and each
cell's own chance and the largest of all cells come from the same draws (Gröger et al. 2026,
"Revisiting the Platonic Representation Hypothesis", algorithm 2; Westfall and Young 1993).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammaln

from analysis.measures.profiles import Pairs
from checkpoints.console import UserError

ALPHA = 0.05
ROUNDING = 3e-6
"""Similarities that differ by no more are equal: :func:`permuted` is not exact.

Of neighbours of 1,000 states it was off by 1.1e-6, where one neighbour more is 1e-4."""
_CHUNK = 1 << 16  # entries of tiles that stay in a processor's cache


def level_permutations(levels: np.ndarray, count: int, seed: int) -> Int[np.ndarray, "B n"]:
    """Permutations of states that exchange whole levels with equal numbers of states.

    Args:
        levels: (n,) level of each state; within a level, the first state in the order given goes
            where the other level's first was, and so on.
        count: B, at least 1; 1,000 is usual.
        seed: the same seed gives the same permutations.

    Returns:
        (B, n) int32: state i takes the place of state ``[b, i]``.

    Raises:
        UserError: fewer different permutations than ``count``.

    Note:
        What the number of states of a level does to both sides counts as chance, as does what
        time within a level does. A size that only one level has stays where it is.
    """
    group, sizes = np.unique(np.asarray(levels), return_inverse=True, return_counts=True)[1:]
    check_possible(sizes, count)
    rng, order = np.random.default_rng(seed), np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    found = np.empty((count, len(group)), dtype=np.int32)
    for size in np.unique(sizes):
        members = np.flatnonzero(sizes == size)
        places = order[starts[members][:, None] + np.arange(size)]
        for row in found:
            row[places] = places[rng.permutation(len(members))]
    return found


def check_possible(sizes: Int[np.ndarray, " level"], count: int) -> None:
    """Raise ``UserError`` unless levels of these sizes can change places in ``count`` ways."""
    if count < 1:
        raise UserError(f"permutations: expected at least 1, got {count}; 1000 is usual")
    possible = float(gammaln(np.bincount(sizes) + 1.0).sum())
    if possible < np.log(count + 1):
        raise UserError(
            f"expected levels that can change places in {count} ways, got {len(sizes)} levels "
            f"with {int(np.exp(possible))}: only levels with equal numbers of states can; gather "
            f"states from more levels or ask for fewer permutations"
        )


def permuted(
    xs: Float[np.ndarray, "X P"],
    ys: Float[np.ndarray, "Y P"],
    pairs: Pairs,
    permutations: Int[np.ndarray, "B n"],
) -> Float[np.ndarray, "B X Y"]:
    """Cosines of x's profiles with y's after each permutation of y.

    Exchanging states that keep their levels' sizes only exchanges pairs: nothing has to be centred
    or ranked again, and all layers move in one sweep. The pairs of two levels move together, as
    one tile. Products are float32, exact to within :data:`ROUNDING`.

    Args:
        xs: profiles of some layers.
        ys: of others.
        pairs: which pairs of states they speak of.
        permutations: from :func:`level_permutations` of the levels of ``pairs``.
    """
    by_size, moved = _levels_by_size(pairs.group, permutations)
    # Where each pair stands in its profile; 0 is no pair, of which all profiles say 0.
    place = pairs.square(np.arange(1, len(pairs) + 1, dtype=np.int32))
    mine, theirs = (np.pad(one.astype(np.float32), ((0, 0), (1, 0))) for one in (xs, ys))
    used, theirs = mine.any(axis=0), np.ascontiguousarray(theirs.T)
    found = np.zeros((len(permutations), len(xs), len(ys)))
    for a, b in product(range(len(by_size)), repeat=2):
        if a > b and not pairs.ordered:
            continue
        tiles = place[by_size[a][:, None, :, None], by_size[b][:, None]]
        some = used[tiles].any(axis=(2, 3))
        # Of two levels of one size either may come first: once is enough where order is nothing.
        g, h = np.nonzero(np.triu(some) if a == b and not pairs.ordered else some)
        tiles = tiles.reshape(some.size, -1)
        entries = theirs[tiles].reshape(some.size, -1)
        step = max(1, _CHUNK // entries.shape[1])
        for start in range(0, len(g), step):
            rows, columns = g[start : start + step], h[start : start + step]
            left = mine.take(tiles[rows * some.shape[1] + columns].ravel(), axis=1)
            draws = max(1, step // len(rows))
            for first in range(0, len(found), draws):
                part = slice(first, first + draws)
                at = moved[a][part, rows] * some.shape[1] + moved[b][part, columns]
                found[part] += left @ entries.take(at, axis=0).reshape(len(at), -1, len(ys))
    return found


def _levels_by_size(
    group: Int[np.ndarray, " n"], permutations: Int[np.ndarray, "B n"]
) -> tuple[list[Int[np.ndarray, "level size"]], list[Int[np.ndarray, "B level"]]]:
    """Of each size of levels: the states of each level, and which of these takes its place."""
    sizes, order = np.bincount(group), np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    taken = group[permutations[:, order[starts]]]
    states, moved = [], []
    for size in np.unique(sizes):
        members = np.flatnonzero(sizes == size)
        states.append(order[starts[members][:, None] + np.arange(size)])
        moved.append(np.searchsorted(members, taken[:, members]))
    return states, moved


@dataclass(frozen=True)
class Calibrated:
    """A layer-by-layer map beside its chance; (X, Y) each.

    Attributes:
        chance: mean over the permutations.
        threshold: what a cell must exceed to stand out of all cells at :data:`ALPHA`.
        p: of the cell alone, in (0, 1]; what ties with the observed value is as large.
        p_max: of the cell among all cells: the probability that chance makes any cell stand out
            as far. Rejecting all cells with p_max <= .05 is wrong in any of them 5 % of the time.
        value: (s − threshold) / (1 − threshold), 0 below: Gröger et al.'s calibrated score.
    """

    chance: Float[np.ndarray, "X Y"]
    threshold: Float[np.ndarray, "X Y"]
    p: Float[np.ndarray, "X Y"]
    p_max: Float[np.ndarray, "X Y"]
    value: Float[np.ndarray, "X Y"]


def calibrate(
    observed: Float[np.ndarray, "X Y"], null: Float[np.ndarray, "B X Y"], alpha: float = ALPHA
) -> Calibrated:
    """p-values of each cell, alone and among all, from one set of permutations.

    Args:
        observed: similarities, at most 1, larger is more alike; NaN where not defined.
        null: the same after each permutation, each to within :data:`ROUNDING`.
        alpha: rate of false alarms over the whole map.

    Note:
        Cells have chance levels of their own, so the maximum is of (s − mean) / sd, with mean and
        sd over the permutations and the observation together: exchangeable, so that the p-values
        are exact and not only asymptotic. A cell that permutations move by no more than
        :data:`ROUNDING` is not defined. Ties are what is equal to within :data:`ROUNDING`, or a
        hundredth of the sd if that is less, as it is of very many levels.
    """
    together = np.concatenate([observed[None], null])
    mean, sd = together.mean(axis=0), together.std(axis=0)
    dead = ~(np.ptp(together, axis=0) > ROUNDING)
    sd = np.where(dead, np.nan, sd)
    tie = np.minimum(ROUNDING, sd / 100)
    z = np.where(dead, -np.inf, (together - mean) / sd)
    highest = z.max(axis=(1, 2))
    count = len(together)
    p = (together >= observed - tie).mean(axis=0)
    p_max = (highest[:, None, None] >= z[0] - tie / sd).mean(axis=0)
    # The order statistic that p_max <= alpha begins beyond.
    reach = np.sort(highest)[min(int(np.ceil((1 - alpha) * count)), count) - 1]
    threshold = mean + reach * sd
    gone = np.where(np.isnan(observed) | dead, np.nan, 1.0)
    beyond = np.where(p_max <= alpha, observed - threshold, 0.0)
    value = beyond / np.maximum(1 - threshold, 1e-12)
    return Calibrated(mean * gone, threshold * gone, p * gone, p_max * gone, value * gone)
