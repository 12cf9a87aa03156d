"""Mutual nearest neighbours: do two layers put the same states next to each other?"""

import numpy as np
from jaxtyping import Float

from analysis.measures.profiles import Pairs, check_layer, cosine, squared_distances, unit
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike

NEIGHBOURS = 10


def neighbour_profile(
    K: Float[np.ndarray, "n n"], pairs: Pairs, k: int = NEIGHBOURS
) -> Float[np.ndarray, " P"]:
    """For each ordered pair, whether j is among the k nearest states of other levels to i.

    States at exactly the k-th distance share what room is left: an order of the states in memory
    would be the same in both layers, and read as likeness where a layer ties.

    Raises:
        UserError: unordered pairs, or fewer than k candidates.
    """
    rooms = int(np.bincount(pairs.i, minlength=pairs.states).min())
    if not pairs.ordered or k not in range(1, rooms + 1):
        raise UserError(
            f"expected ordered pairs and 1 to {rooms} neighbours, as many as a state has "
            f"candidates on other levels, got {k}; ask for fewer or gather more states"
        )
    squared = squared_distances(K)
    squared[pairs.group[:, None] == pairs.group[None, :]] = np.inf
    reach = np.partition(squared, k - 1, axis=1)[:, k - 1 : k]
    closer, tied = squared < reach, squared == reach
    share = (k - closer.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)
    near = closer + tied * share
    return unit(near[pairs.i, pairs.j], 1.0)


def mutual_neighbours(
    x: ArrayLike, y: ArrayLike, k: int = NEIGHBOURS, levels: ArrayLike | None = None
) -> float:
    """Mean share of a state's k nearest neighbours that are the same in both layers, in [0, 1].

    Huh et al. 2024, "The Platonic Representation Hypothesis", section 2; by chance k / (n − 1).

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        k: neighbours of each state.
        levels: (n,) level of each state: neighbours are sought on other levels. None: everywhere.

    Note:
        Distances are Euclidean, so that a translation changes nothing; Huh et al. normalise
        states and take inner products.
    """
    pairs = Pairs.among(x, levels, ordered=True)
    p, q = (
        neighbour_profile(check_layer(z, pairs, name), pairs, k) for name, z in (("x", x), ("y", y))
    )
    return cosine(p, q)
