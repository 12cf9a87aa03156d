"""What rliable says of made-up scores: run once where it is installed, and kept as JSON.

rliable does not import beside pandas 3 and is no dependency of the tests. In an environment of its
own, ``pip install rliable==1.2.0 'pandas<3'``, then, from the root of the clone::

    python tests/support/rliable_reference.py
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("rliable_scores.json")
THRESHOLDS = np.linspace(-0.55, 1.55, 22)
REPLICATES = 50000


def made_up() -> tuple[np.ndarray, np.ndarray]:
    """Scores of two methods, 6 and 5 runs of 3 games, rounded so that some are equal."""
    rng = np.random.default_rng(0)
    level = np.array([0.1, 0.4, 0.6])
    x = level + 0.1 + rng.normal(0, 0.25, (6, 3))
    return x.round(1), (level + rng.normal(0, 0.35, (5, 3))).round(1)


def main() -> None:
    """Score and write."""
    from importlib.metadata import version

    from rliable import library, metrics

    x, y = made_up()
    # It draws from NumPy's global generator, whatever generator it is given.
    np.random.seed(0)  # noqa: NPY002
    found: dict[str, object] = {}
    aggregates = {"mean": metrics.aggregate_mean, "iqm": metrics.aggregate_iqm}
    for name, aggregate in aggregates.items():
        values, ends = library.get_interval_estimates(
            {"x": x, "y": y}, lambda s, f=aggregate: np.array([f(s)]), reps=REPLICATES
        )
        found[name] = {key: [values[key][0], *ends[key][:, 0]] for key in ("x", "y")}
    values, ends = library.get_interval_estimates(
        {"pair": (x, y)},
        lambda a, b: np.array([metrics.probability_of_improvement(a, b)]),
        reps=REPLICATES // 10,
    )
    found["improvement"] = [values["pair"][0], *ends["pair"][:, 0]]
    shares, bands = library.create_performance_profile({"x": x}, THRESHOLDS, reps=REPLICATES)
    found["profile"] = [shares["x"].tolist(), *bands["x"].tolist()]
    kept = {"rliable": version("rliable"), **found}
    FILE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
