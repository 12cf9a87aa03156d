"""A declared sample made up: its study file, and rows of its runs with a known factor."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from analysis.studies.looks.runs import RUNS, Wanted, wanted_of
from checkpoints.runs.declaration import Declaration

SPREAD = 0.08


def plain(declared: Declaration) -> dict[str, Any]:
    """As it stands in YAML."""
    values = asdict(declared)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def write_study(path: Path, declared: Declaration, **recipe: Any) -> Path:
    """A study file that declares it, with a recipe for all runs."""
    path.write_text(yaml.safe_dump({"recipe": recipe, "declaration": plain(declared)}))
    return path


def row_of(one: Wanted, value: float) -> dict[str, Any]:
    """The row of a run whose logarithm is known; runs of odd seeds see."""
    return {
        **{"game": one.run.game, "run": str(one.run), "method": one.run.method},
        **{"seed": one.run.seed, "step": one.steps, "policies": 5, "held_out": 30},
        **{"clipped": 0.5, "value": value},
        **{"over_blind": 1.0, "over_blind_low": 0.5, "over_blind_high": 1.5},
        **{"sees": "yes" if one.run.seed % 2 else "no", "verdict": "ok"},
    }


def sample(
    declared: Declaration, factor: float, pairs: int, *, positive: float = 0.6, seed: int = 0
) -> pd.DataFrame:
    """Rows of runs whose ratio differs by a factor; the positive control's by another."""
    rng = np.random.default_rng(seed)
    centres = {declared.treatment: factor, declared.control: 1.0, declared.positive: positive}
    rows = [
        row_of(one, np.log(0.5 * centres[one.run.method]) + SPREAD * rng.normal())
        for one in wanted_of(declared)
    ]
    found = pd.DataFrame(rows, columns=list(RUNS.names))
    return found[found["seed"] < declared.first_seed + pairs].reset_index(drop=True)
