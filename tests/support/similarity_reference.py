"""What two packages say of made-up layers: run once where they are installed, and kept as JSON.

repsim (CCA and PWCCA) and calibrated-similarity (the authors' code of Gröger et al. 2026) bring a
compiled part and their own torch, so they are no dependencies of the tests. In an environment of
its own, ``pip install repsim==0.1.5 calibrated-similarity==0.1.1``, then, from the root of the
clone::

    python tests/support/similarity_reference.py
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("similarity_values.json")
OBSERVED = (0.30, 0.55, 0.10)


def made_up() -> tuple[np.ndarray, np.ndarray]:
    """Layers of 40 states, ``(40, 9)`` and ``(40, 6)``, that share half of what they say."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(40, 4))
    x = shared @ rng.normal(size=(4, 9)) + rng.normal(size=(40, 9))
    return x, shared @ rng.normal(size=(4, 6)) + rng.normal(size=(40, 6))


def chance() -> np.ndarray:
    """A similarity after each of 199 permutations."""
    return np.random.default_rng(0).beta(2, 8, size=199)


def main() -> None:
    """Measure and write."""
    from importlib.metadata import version

    import calibrated_similarity
    import repsim
    import torch

    layers = [np.asfortranarray(layer) for layer in made_up()]
    found: dict[str, object] = {name: version(name) for name in ("repsim", "calibrated-similarity")}
    found["cca"] = float(repsim.cca(layers, "pillai")[0, 1])
    found["pwcca_both_ways"] = float(repsim.pwcca(layers)[0, 1])
    found["calibrated"] = []
    for observed in OBSERVED:
        # It asks for the observed similarity first, then for one a permutation.
        values = iter([observed, *chance()])
        some = torch.zeros(8, 2)
        score, p, threshold = calibrated_similarity.calibrate(
            some, some, lambda a, b, values=values: torch.tensor(next(values)), K=199
        )
        one = {"value": score, "p": p, "threshold": threshold}
        found["calibrated"].append({name: float(number) for name, number in one.items()})
    FILE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
