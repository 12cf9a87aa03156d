"""States on levels, each in several views, and decisions on them: made up."""

import numpy as np
from scipy.special import softmax

from analysis.stats.clusters import cluster_weights

STATES, LEVELS, VIEWS, ACTIONS = 60, 20, 4, 15
PAIRS = [(a, b) for b in range(VIEWS) for a in range(b)]
LEVEL_OF = np.arange(STATES) % LEVELS
WEIGHTS = cluster_weights(LEVEL_OF, 200, 0)


def some(*shape: int, seed: int = 0) -> np.ndarray:
    """Distributions, from nearly uniform to nearly certain."""
    rng = np.random.default_rng(seed)
    return softmax(rng.normal(size=(*shape, ACTIONS)) * rng.uniform(0, 6, (*shape, 1)), axis=-1)
