"""What the tests of CKA share: the measures on two arrays, a pair of layers, the definition."""

import itertools

import numpy as np

from analysis.measures.by_level import cka_levels
from analysis.measures.hsic import cka_grams, linear_gram
from analysis.measures.moments import Moments


def by_moments(x, y, biased=False):
    moments = Moments([x.shape[1]], [y.shape[1]])
    moments.update([x], [y])
    return float(moments.cka(biased=biased)[0, 0])


def by_grams(x, y, biased=False):
    return float(cka_grams([linear_gram(x)], [linear_gram(y)], biased=biased)[0, 0])


def by_levels(x, y, size=1):
    """The estimate over tuples of distinct levels of ``size`` states each."""
    clusters = np.arange(len(x)) // size
    return float(cka_levels([x], [y], clusters, np.ones((1, clusters[-1] + 1), int))[0, 0, 0])


def features(n=40, dx=9, dy=6, seed=0):
    """Two layers that share half of what they say."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 4))
    x = shared @ rng.normal(size=(4, dx)) + rng.normal(size=(n, dx))
    return x, shared @ rng.normal(size=(4, dy)) + rng.normal(size=(n, dy))


def tuples_hsic(K, L, level):
    """HSIC as a U-statistic: the mean over tuples of states from distinct levels, spelled out."""

    def mean(size, kernel):
        tuples = itertools.permutations(range(len(level)), size)
        found = [kernel(*t) for t in tuples if len({level[i] for i in t}) == size]
        return np.mean(found)

    pairs = mean(2, lambda i, j: K[i, j] * L[i, j])
    triples = mean(3, lambda i, j, q: K[i, j] * L[i, q])
    return pairs - 2 * triples + mean(4, lambda i, j, q, r: K[i, j] * L[q, r])
