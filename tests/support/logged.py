"""What training logs of a run."""

from pathlib import Path

import pandas as pd


def log(root: Path, run: str, steps: tuple[int, ...], peers: tuple[int, ...] = (0,)) -> None:
    rows = [
        dict(
            step=step,
            peer=peer,
            train_return=step / 32,
            train_episodes=100,
            unseen_return=step / 64,
            unseen_error=0.1,
            unseen_episodes=64,
        )
        for step in steps
        for peer in peers
    ]
    (root / run).mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(root / run / "progress.csv", index=False)
