"""Synthetic tables of returns: made up, and nobody's result."""

from itertools import product

import numpy as np

GAMES = ("coinrun", "jumper", "all")
SPLITS = {"train": 0.6, "unseen": 0.5, "swapped": 0.2, "swapped-step": 0.1}
RUNS = {"ppo": 2, "mutual": 1, "untrained": 1}


def returns_scores(rng: np.random.Generator) -> list[dict]:
    """Less on unseen levels and less again when swapped; one method has two runs."""
    rows = []
    for game, split, (method, runs) in product(GAMES, SPLITS, RUNS.items()):
        value = SPLITS[split] * (method != "untrained") + rng.normal(0, 0.03)
        several = np.nan if runs < 2 else 0.05
        rows.append(
            dict(
                game=game,
                split=split,
                measure="iqm",
                method=method,
                other="",
                value=value,
                low=value - several,
                high=value + several,
                level_low=value - 0.1,
                level_high=value + 0.1,
                runs=runs,
                runs_other=0,
                games=1 + (game == "all"),
                episodes=128 * runs,
            )
        )
        rows.append({**rows[-1], "measure": "improvement", "other": "none", "value": 1.0})
    return rows


def returns_profiles(rng: np.random.Generator) -> list[dict]:
    """Steps down, at a place that depends on the split."""
    rows = []
    thresholds = np.linspace(-0.1, 1, 12)
    for game, split, (method, runs) in product(GAMES, SPLITS, RUNS.items()):
        place = SPLITS[split] + rng.normal(0, 0.05)
        for threshold in thresholds:
            share = float(threshold < place)
            ends = dict(low=share, high=share) if runs > 1 else dict(low=np.nan, high=np.nan)
            rows.append(
                dict(
                    game=game,
                    split=split,
                    method=method,
                    threshold=threshold,
                    share=share,
                    **ends,
                    level_low=share,
                    level_high=min(share + 0.5, 1),
                    runs=runs,
                )
            )
    return rows
