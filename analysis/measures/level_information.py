"""How much a layer says of which level it sees: mutual information of features and level identity.

Garcin et al. 2025 ("Studying the interplay between the actor and critic representations in
reinforcement learning", arXiv 2503.06343) hold I(Z; L) against generalisation: what tells levels
apart is what a policy may overfit to.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist
from scipy.special import digamma

from checkpoints.console import UserError

_NUMBERS = 2**22  # distances kept at once


def level_information(
    x: Float[np.ndarray, "state feature"], levels: Int[np.ndarray, " state"]
) -> Float[np.ndarray, " state"]:
    """Each state's share of I(Z; L) in nats; their mean is the estimate.

    The nearest-neighbour estimator for a continuous and a discrete variable (Ross 2014, "Mutual
    information between discrete and continuous data sets", equation 5), with Euclidean distances:
    ψ(N) + ψ(k) − ψ(N_l) − ψ(m), N_l the states of the level, m the states no farther than the
    third of the state's own level (the second or only one where there is no third), and k those
    of its own level among them: more than three where distances tie.

    Args:
        x: a layer, one row a state, as it is.
        levels: seed of each state's level; levels of a single state do not count.

    Returns:
        (state,) NaN for the single state of a level. The mean lies below ln of the number of
        levels, and is 0 on average where the layer says nothing of the level.

    Raises:
        UserError: fewer than 2 levels that have 2 states.

    Note:
        With 3 states a level a code that names the level gets ψ(N) − ψ(3) rather than ln G: read it
        beside :func:`most`. Nothing is said of other levels than these.
    """
    x = np.asarray(x, dtype=np.float64)
    label, sizes = np.unique(levels, return_inverse=True, return_counts=True)[1:]
    counted = sizes[label] > 1
    if len(np.unique(label[counted])) < 2:
        raise UserError(
            f"expected at least 2 levels with 2 states each, got {int((sizes > 1).sum())}; gather "
            f"more states of each level"
        )
    some, of = x[counted], label[counted]
    found = np.full(len(x), np.nan)
    own, others = _neighbours(some, of)
    told = digamma(own) - digamma(own + others)
    found[counted] = digamma(len(some)) - digamma(sizes[of]) + told
    return found


def _neighbours(
    x: Float[np.ndarray, "n feature"], level: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """States of its own level, and of others, no farther from each than the third of its own.

    Products of features tell it of most pairs. Where their rounding could decide, the distance is
    taken from the differences, so that ties stay ties.
    """
    reach, (own, others) = np.empty(len(x)), np.empty((2, len(x)), dtype=int)
    for one in np.unique(level):
        rows = np.flatnonzero(level == one)
        apart = cdist(x[rows], x[rows])
        reach[rows] = np.sort(apart, axis=1)[:, min(3, len(rows) - 1)] * (1 + 1e-12)
        # Ties count: a layer that says the same of everything says nothing of the level.
        own[rows] = (apart <= reach[rows, None]).sum(axis=1) - 1
    z = x - x.mean(axis=0)
    squares = np.einsum("nf,nf->n", z, z)
    rounding = 8 * (x.shape[1] + 8) * np.finfo(float).eps * squares.max()
    step = max(1, _NUMBERS // len(x))
    for start in range(0, len(x), step):
        some = slice(start, start + step)
        beyond = z[some] @ z.T
        beyond *= -2
        beyond += squares
        beyond += (squares[some] - reach[some] ** 2)[:, None]
        beyond[level[some, None] == level] = np.inf
        near, unsure = beyond <= 0, np.abs(beyond) <= rounding
        for row in np.flatnonzero(unsure.any(axis=1)):
            pairs = np.flatnonzero(unsure[row])
            near[row, pairs] = cdist(x[[start + row]], x[pairs])[0] <= reach[start + row]
        others[some] = near.sum(axis=1)
    return own, others


def most(levels: Int[np.ndarray, " state"]) -> float:
    """What a layer gets that names the level, in nats."""
    label = np.unique(levels, return_inverse=True)[1]
    rng = np.random.default_rng(0)
    code = 1e6 * label[:, None] + rng.normal(size=(len(label), 1))
    return float(np.nanmean(level_information(code, levels)))
