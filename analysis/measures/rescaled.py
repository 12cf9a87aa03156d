"""A layer with its units, or its directions, counted alike: how an ICC is pooled decides it.

Pooled over a layer as it is, an intraclass correlation belongs to the units of largest variance:
half of a layer's variance often sits in a tenth of its units. Standardised units count alike, and
whitened directions do, too.
"""

import numpy as np
from jaxtyping import Float

KEPT = 0.99
"""Share of the variance whose directions are whitened: what is left is noise, blown up."""


def standardised(
    x: Float[np.ndarray, "state background feature"],
) -> Float[np.ndarray, "state background unit"]:
    """Each unit with mean 0 and variance 1 over states and backgrounds; dead units left out."""
    x = np.asarray(x, dtype=np.float64)
    deviation = x.std(axis=(0, 1))
    # A unit that differs by rounding alone would be blown up to count as much as any other.
    alive = deviation > 1e-6 * np.abs(x).max(axis=(0, 1))
    found = x[..., alive]
    return (found - found.mean(axis=(0, 1))) / deviation[alive]


def whitened(
    x: Float[np.ndarray, "state background feature"], kept: float = KEPT
) -> Float[np.ndarray, "state background direction"]:
    """Principal components that make ``kept`` of the variance, each with variance 1.

    Args:
        x: a layer on every state and background.
        kept: share of the variance, in (0, 1].

    Returns:
        Components in order of variance; none where nothing varies.
    """
    flat = np.asarray(x, dtype=np.float64).reshape(-1, x.shape[2])
    flat = flat - flat.mean(axis=0)
    spectrum, directions = np.linalg.eigh(flat.T @ flat / len(flat))
    spectrum, directions = np.maximum(spectrum[::-1], 0.0), directions[:, ::-1]
    if spectrum[0] <= 0:
        return np.zeros((*x.shape[:2], 0))
    share = np.cumsum(spectrum) / spectrum.sum()
    count = int(np.searchsorted(share, kept * (1 - 1e-12))) + 1
    found = flat @ (directions[:, :count] / np.sqrt(spectrum[:count]))
    return found.reshape(*x.shape[:2], count)
