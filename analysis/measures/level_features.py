"""HSIC over distinct levels by products of features, without a matrix of states or draws.

Of thousands of states in few levels features are the cheaper road: with C_g = Σ_{i∈g} x_i y_iᵀ,
P_gh = ⟨C_g, C_h⟩, since (x_i x_j)(y_i y_j) = ⟨x_i y_iᵀ, x_j y_jᵀ⟩. All that has a row a state is
made for some levels at a time and added up: written to memory as a whole, states x draws take
longer than their products.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float

from analysis.measures.level_sums import LevelSums, LevelWeights, check_levels, hsic_of_sums

_CHUNK = 1 << 21
"""Numbers of the products of features taken at once: 16 MB."""
_STATES = 512
"""States whose draws are made at once, at least a level's: 2 MB of 500 draws."""


def hsic_by_features(
    xs: Sequence[Float[np.ndarray, "n _"]],
    ys: Sequence[Float[np.ndarray, "n _"]],
    levels: LevelWeights,
) -> tuple[Float[np.ndarray, "r x y"], Float[np.ndarray, "r x"], Float[np.ndarray, "r y"]]:
    """HSIC of every x with every y, of every x with itself, and of every y.

    Args:
        xs: features about their mean, in the order of the levels' labels.
        ys: the same, of the same states.
        levels: the levels and the weights of the replicates.

    Returns:
        Of each pair the estimate, then the replicates, as
        :func:`analysis.measures.level_sums.hsic_of_sums` has them.
    """
    for x in (*xs, *ys):
        check_levels(len(x), levels)
    sides = [x[levels.order] for x in (*xs, *ys)]
    of_x, of_y = range(len(xs)), range(len(xs), len(sides))
    pairs = [*product(of_x, of_y), *((one, one) for one in range(len(sides)))]
    blocks, Q, rows = _row_sums(sides, pairs, levels)
    sums = [LevelSums(one, levels) for one in blocks]
    found = [
        hsic_of_sums(sums[i], sums[j], _products(sides[i], sides[j], levels), q, row)
        for (i, j), q, row in zip(pairs, Q, rows, strict=True)
    ]
    crossed = len(of_x) * len(of_y)
    xy, own = np.array(found[:crossed]).T, np.array(found[crossed:]).T
    return xy.reshape(-1, len(of_x), len(of_y)), own[:, : len(xs)], own[:, len(xs) :]


def _row_sums(
    sides: Sequence[np.ndarray], pairs: Sequence[tuple[int, int]], levels: LevelWeights
) -> tuple[
    Float[np.ndarray, "side G G"], Float[np.ndarray, "pair G G"], Float[np.ndarray, "pair r"]
]:
    """The blocks of each side, and of each pair Q and Σ_i w_i (K̂w)_i (L̂w)_i."""
    G = len(levels.slices)
    sums = [np.add.reduceat(x, levels.starts, axis=0).T for x in sides]
    blocks, Q = np.empty((len(sides), G, G)), np.empty((len(pairs), G, G))
    rows = np.zeros((len(pairs), len(levels.w)))
    for some, states in _parts(levels):
        begin = levels.starts[some] - states.start
        k = [x[states] @ s for x, s in zip(sides, sums, strict=True)]
        for one in k:
            one[np.arange(len(one)), levels.group[states]] = 0
        root = levels.root(states)
        kw = [one @ levels.w.T * root for one in k]
        for block, one in zip(blocks, k, strict=True):
            block[some] = np.add.reduceat(one, begin, axis=0)
        for q, row, (i, j) in zip(Q, rows, pairs, strict=True):
            q[some] = np.add.reduceat(k[i] * k[j], begin, axis=0)
            row += np.einsum("ir,ir->r", kw[i], kw[j])
    return blocks, Q, rows


def _parts(levels: LevelWeights) -> Iterator[tuple[slice, slice]]:
    """Whole levels of some states together, and the states, sorted by level."""
    ends = np.array([one.stop for one in levels.slices])
    first = 0
    while first < len(ends):
        start = int(levels.starts[first])
        last = max(first + 1, int(np.searchsorted(ends, start + _STATES, side="right")))
        yield slice(first, last), slice(start, int(ends[last - 1]))
        first = last


def _products(
    x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], levels: LevelWeights
) -> Float[np.ndarray, "G G"]:
    """P_gh by (n + G²) d_x d_y multiplications, half of it of an array with itself."""
    G, found = len(levels.slices), np.zeros((len(levels.slices),) * 2)
    step = max(1, _CHUNK // (G * y.shape[1]))
    room = np.empty(G * step * y.shape[1])
    for start in range(0, x.shape[1], step):
        part = x[:, start : start + step]
        # With itself every other product of two features counts twice.
        rest = y[:, start:] if x is y else y
        shape = G, part.shape[1], rest.shape[1]
        moments = room[: math.prod(shape)].reshape(shape)
        for moment, g in zip(moments, levels.slices, strict=True):
            np.matmul(part[g].T, rest[g], out=moment)
        if x is y:
            moments[:, :, part.shape[1] :] *= 2**0.5
        flat = moments.reshape(G, -1)
        found += flat @ flat.T
    np.fill_diagonal(found, 0)
    return found
