"""Shortest ways on a grid by a library."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path


def library_steps(free: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Steps from each cell, row by row, to the nearest of some cells; -1 where there is no way."""
    number = np.arange(free.size).reshape(free.shape)
    across = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    pairs = [(a.ravel(), b.ravel()) for a, b in across]
    a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
    both = free.ravel()[a] & free.ravel()[b]
    graph = csr_array((np.ones(both.sum()), (a[both], b[both])), shape=(free.size, free.size))
    ends = np.atleast_1d(number[y, x])
    found = shortest_path(graph, directed=False, indices=ends, unweighted=True).min(axis=0)
    found[~np.isfinite(found)] = -1
    return found
