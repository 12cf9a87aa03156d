"""The figure of the probes: the median task factor that a picture shows, and the background."""

import numpy as np
import pandas as pd
import pytest

from figures.plots import probes
from tests.support import toy_tables
from tests.support.looks import MARKERS


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(toy_tables.probes(np.random.default_rng(0)))


def test_scores_stand_above_chance_and_only_pictured_task_factors_count(rows):
    found = probes.summary(rows).set_index(["game", "id", "layer"])
    one = ("coinrun", "coinrun/ppo/0/peer0/step1", "conv2")
    here = rows[(rows["game"] == one[0]) & (rows["id"] == one[1]) & (rows["layer"] == one[2])]
    score = here.set_index("factor")["score"]
    assert found.loc[one, "factors"] == 2
    assert found.loc[one, "task"] == pytest.approx((score["agent_x"] + score["goal_dx"]) / 2)
    assert found.loc[one, "background"] == pytest.approx((score["background"] - 0.25) / 0.75)
    assert found.loc[one, "transfer"] == pytest.approx(found.loc[one, "task"] - 0.1)


def test_time_has_no_layer_and_a_factor_without_score_counts_nowhere(rows):
    found = probes.summary(rows)
    assert "time" not in set(found["id"]) and "pixels" in set(found["id"])
    worse = rows.assign(score=rows["score"].where(rows["verdict"] == "ok", -9.0))
    pd.testing.assert_frame_equal(probes.summary(worse), found)


def test_a_game_with_one_background_has_no_line_below(rows):
    found = probes.summary(rows[rows["factor"] != "background"])
    assert found["background"].isna().all() and found["task"].notna().all()


def test_every_policy_has_points_in_its_methods_looks(tmp_path, rows):
    toy_tables.write(rows.to_dict("records"), tmp_path, "probes")
    (drawing,) = probes.draw(tmp_path)
    axes = drawing.figure.axes
    assert [ax.get_title() for ax in axes[:2]] == sorted(set(rows["game"]))
    lines = [line for line in axes[-1].lines if line.get_marker() in MARKERS]
    assert len(lines) == 6  # four policies, the untrained one, the pixels
    drawn = np.sort(np.concatenate([line.get_ydata() for line in lines]))
    game = drawing.rows["game"].max()
    assert drawn == pytest.approx(
        np.sort(drawing.rows.loc[drawing.rows["game"] == game, "background"])
    )
