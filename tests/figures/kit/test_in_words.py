"""What it means that twins move decisions less: nothing, where states do so too."""

import pandas as pd
import pytest

from analysis.studies.contrasts.rows import contrast_rows
from checkpoints.runs.study import read_study
from figures.kit.in_words import answer
from tests.support.planted_runs import planted
from tests.support.tree import ROOT

PLAN = read_study(ROOT / "study.yaml")
SAID = "Mutual policies answer less to everything, which is not invariance. "


def moved(measure: str, factor: float) -> pd.DataFrame:
    """Runs in which a measure of buttons is moved by a factor."""
    rows = planted(factor)
    chosen = rows["measure"].eq("ratio_unseen") & rows["layer"].eq("buttons")
    return rows[chosen].assign(measure=measure)


@pytest.mark.parametrize(
    ("twins", "states", "said"), [(0.5, 0.4, True), (0.5, 1.0, False), (1.0, 0.4, False)]
)
def test_less_movement_everywhere_is_said_to_be_no_invariance(twins, states, said):
    values = [planted(1.0), moved("tv_unseen", twins), moved("tv_between_unseen", states)]
    rows = contrast_rows(pd.concat(values), PLAN)
    found = answer(rows[(rows["game"] == "starpilot") & (rows["control"] == "ppo-bg9")])
    assert "backgrounds that training never showed move decisions × " in found
    assert (SAID in found) == said
