"""A value read off where training passes a level: some methods learn faster than others."""

import numpy as np
from jaxtyping import Float


def at_level(
    steps: Float[np.ndarray, " step"],
    marker: Float[np.ndarray, " step"],
    values: Float[np.ndarray, " step"],
    level: float,
    *,
    rising: bool = True,
) -> float:
    """The value where the marker first reaches a level: some methods learn faster than others.

    Marker and value are straight between steps, on the logarithm of the step. The marker is made
    monotone first (isotonic regression), since a noisy return passes a level several times.

    Args:
        steps: increasing, above 0.
        marker: return or entropy at each step.
        values: what is read off.
        level: of the marker.
        rising: whether the marker grows in training, as return does, or falls, as entropy does.

    Returns:
        NaN where the level lies outside of what the run passed through.
    """
    from sklearn.isotonic import isotonic_regression

    known = np.isfinite(marker) & np.isfinite(values)
    if known.sum() < 2:
        return float("nan")
    sign = 1.0 if rising else -1.0
    way = np.asarray(isotonic_regression(sign * marker[known]))
    when, value, wanted = np.log2(steps[known]), values[known], sign * level
    if not way[0] <= wanted <= way[-1]:
        return float("nan")
    place = int(np.searchsorted(way, wanted))
    if place == 0:
        return float(value[0])
    share = (wanted - way[place - 1]) / (way[place] - way[place - 1])
    at = when[place - 1] + share * (when[place] - when[place - 1])
    return float(np.interp(at, when, value))
