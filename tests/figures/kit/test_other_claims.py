"""The row of the paper's picture: of whom nobody was pictured, the log says who learns."""

import pandas as pd
import pytest

from analysis.studies.embedding.study import SCORES
from figures.kit.other_claims import ON_ITS_GAME, PICTURED, picture


def logged(game: str, returns: list[float]) -> pd.DataFrame:
    """A run whose return on unseen levels is known at two steps, .2 about it."""
    one = {"id": f"{game}/ppo/0/peer0", "game": game, "method": "ppo", "blind_return": 1.0}
    return pd.DataFrame(
        {**one, "split": split, "step": step, "episode_return": value + (split == "train")}
        | {"low": value - 0.2, "high": value + 0.2}
        for step, value in zip((2**16, 2**20), returns, strict=True)
        for split in ("train", "unseen")
    )


@pytest.mark.parametrize(
    ("game", "returns", "learns"),
    [
        (PICTURED, [0.2, 0.9], False),
        (PICTURED, [2.9, 0.9], False),
        (PICTURED, [0.9, 2.9], True),
        ("coinrun", [0.2, 0.9], None),
    ],
)
def test_where_nobody_was_pictured_the_log_says_whether_anybody_learns(game, returns, learns):
    nobody = pd.DataFrame(columns=list(SCORES.names))
    row = picture(nobody, logged(game, returns), PICTURED, ON_ITS_GAME)
    assert row["claim"] == "… on bigfish, the game it shows"
    said = "embedding_scores.csv lacks mutual or PPO on bigfish"
    if learns is False:
        said = "ppo learns nothing there at this size (0.9 [0.7, 1.1] on unseen levels after 1.0 M "
        said += "steps; 1 without looking, Cobbe et al. 2020)"
    assert row["verdict"] == f"not decidable here: not measured: {said}"
