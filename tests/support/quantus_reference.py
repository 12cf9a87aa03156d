"""What Quantus says of made-up maps: run once where it is installed, and kept as JSON.

Quantus (LGPL, with a build of OpenCV) is no dependency of the tests. In an environment of its own,
``pip install quantus==0.6.0``, then, from the root of the clone::

    python tests/support/quantus_reference.py
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("quantus_scores.json")
STATES = 12


def made_up() -> tuple[np.ndarray, np.ndarray]:
    """Maps ``(12, 64, 64)`` without ties, and masks of 10 to 90 % of the frame, in blocks."""
    rng = np.random.default_rng(0)
    area = np.linspace(0.1, 0.9, STATES)[:, None, None]
    mask = (rng.random((STATES, 16, 16)) < area).repeat(4, 1).repeat(4, 2)
    # Maps lean to the mask in some states and away from it in others.
    lean = rng.normal(size=(STATES, 1, 1))
    return rng.gamma(1.0, size=mask.shape) * np.exp(lean * mask), mask


def main() -> None:
    """Score and write."""
    from importlib.metadata import version

    import quantus

    maps, mask = made_up()
    quiet = {"abs": True, "normalise": False, "disable_warnings": True, "return_aggregate": False}
    metrics = {
        "mass": quantus.RelevanceMassAccuracy(**quiet),
        "rank": quantus.RelevanceRankAccuracy(**quiet),
        "pointing": quantus.PointingGame(**quiet),
    }
    batch = {
        "x_batch": np.zeros((STATES, 3, 64, 64)),
        "y_batch": np.zeros(STATES, dtype=int),
        "a_batch": maps[:, None],
        "s_batch": mask[:, None],
    }
    found = {
        name: np.asarray(metric(model=None, **batch), dtype=float).ravel().tolist()
        for name, metric in metrics.items()
    }
    FILE.write_text(json.dumps({"quantus": version("quantus"), **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
