"""How many directions a layer varies along: what a collapse shows in."""

import numpy as np

from analysis.measures.hsic import check_features, check_finite
from checkpoints.doors.arrays import ArrayLike, as_array


def effective_rank(x: ArrayLike) -> float:
    """How many directions a layer varies along: exp of the entropy of its covariance spectrum.

    Roy and Vetterli (2007), with the eigenvalues of the covariance where they have singular
    values. Of the n x n Gram matrix where n < d: the two share their spectrum.

    Returns:
        0 where nothing varies, else in [1, min(n − 1, d)].

    Raises:
        UserError: another shape than (states, features), NaN or inf.
    """
    x = as_array(x, "x")
    check_features(x, "x")
    check_finite(x, "x")
    # Centred twice, so that features which do not vary give exact zeros.
    x = np.subtract(x, x[:1], dtype=np.float64)
    x -= x.mean(axis=0)
    spectrum = np.linalg.eigvalsh(x @ x.T if len(x) < x.shape[1] else x.T @ x)
    rounding = spectrum[-1] * len(spectrum) * np.finfo(float).eps
    spectrum = spectrum[spectrum > max(rounding, 0.0)]
    if not len(spectrum):
        return 0.0
    p = spectrum / spectrum.sum()
    return float(np.exp(-(p * np.log(p)).sum()))
