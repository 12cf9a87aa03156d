"""What likeness would be by chance: levels of one side permuted, once for all layers.

Two policies that have nothing in common still see the same levels in the same shares, wide layers
still correlate, and the best of 36 cells is still the best of 36. So one side's levels change
places: whole levels, since frames of a level hang together, and only levels with equal numbers of
states, so that every state keeps a place. One permutation moves all layers at once, and each
cell's own chance and the largest of all cells come from the same draws (Gröger et al. 2026,
"Revisiting the Platonic Representation Hypothesis", algorithm 2; Westfall and Young 1993).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammaln

from analysis.measures.profiles import Pairs
from checkpoints.console import UserError

ALPHA = 0.05
ROUNDING = 3e-6
"""Similarities that differ by no more are equal: :func:`permuted` is not exact.

Of neighbours of 1,000 states it was off by 1.1e-6, where one neighbour more is 1e-4."""
_CHUNK = 1 << 13  # pairs that stay in a processor's cache


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
    or ranked again, and all layers move in one sweep. Products are float32, exact to within
    :data:`ROUNDING`. Memory: Y n² float32.
    """
    n = pairs.states
    # Layers last: the entries of one pair of states lie side by side.
    moved = np.empty((n, n, len(ys)), dtype=np.float32)
    for layer, q in enumerate(ys):
        moved[..., layer] = pairs.square(q)
    moved = moved.reshape(n * n, len(ys))
    used = np.flatnonzero(np.any(xs, axis=0))  # few, where a profile says who is near
    i, j, fixed = pairs.i[used], pairs.j[used], xs[:, used].astype(np.float32)
    rows, columns = permutations.astype(np.intp) * n, permutations.astype(np.intp)
    found = np.zeros((len(permutations), len(xs), len(ys)))
    for start in range(0, len(used), _CHUNK):
        part = slice(start, start + _CHUNK)
        left, right, mine = i[part], j[part], np.ascontiguousarray(fixed[:, part])
        for total, row, column in zip(found, rows, columns, strict=True):
            total += mine @ moved.take(row[left] + column[right], axis=0)
    return found


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
