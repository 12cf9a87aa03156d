"""False discoveries among many tests."""

import numpy as np
from jaxtyping import Float


def discoveries(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """The q values of Benjamini and Hochberg 1995; NaN stays NaN and does not count."""
    from statsmodels.stats.multitest import multipletests

    found = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        found[known] = multipletests(p[known], method="fdr_bh")[1]
    return found
