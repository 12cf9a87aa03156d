"""What a contrast hangs on: the background without which it moves by more than its error."""

import numpy as np
import pytest

from analysis.studies.contrasts.rows import contrast_rows
from analysis.studies.contrasts.sides import Beside
from checkpoints.runs.study import read_study
from tests.support.planted_runs import planted, row_of
from tests.support.tree import ROOT

PLAN = read_study(ROOT / "study.yaml")


@pytest.mark.parametrize("odd", [None, 5])
def test_what_hangs_on_one_background_says_so(odd):
    values = planted()
    rows = values[values["measure"].eq("ratio_unseen") & values["layer"].eq("buttons")]
    without = {
        one.id: {
            b: one.value * (0.3 if b == odd and "mutual" in one.id else 1.0) for b in (2, 5, 8)
        }
        for one in rows.itertuples()
    }
    one = row_of(
        contrast_rows(values, PLAN, Beside({}, {"ratio_unseen": without})),
        "frames",
        "ratio_unseen",
        "buttons",
    )
    assert one["hangs_on"] == ("background 5" if odd else "")
    ends = one["without_low"] / one["effect"], one["without_high"] / one["effect"]
    assert ends == pytest.approx((0.3 if odd else 1.0, 1.0))
    found = contrast_rows(values, PLAN, Beside({}, {"ratio_unseen": without}))
    for other in (("icc_one_way", "hidden"), ("ratio_unseen", "decisions")):
        nothing = row_of(found, "frames", *other)
        assert np.isnan(nothing["without_low"]) and nothing["hangs_on"] == ""


def test_a_difference_is_left_with_differences():
    values = planted()
    values["value"] *= 1 + values["seed"] / 50
    rows = values[values["measure"].eq("icc_unseen")]
    without = {
        one.id: {b: one.value - (0.3 if b == 5 and "mutual" in one.id else 0.0) for b in (2, 5)}
        for one in rows.itertuples()
    }
    known = Beside({}, {"icc_unseen": without})
    one = row_of(contrast_rows(values, PLAN, known), "frames", "icc_unseen", "hidden")
    assert one["hangs_on"] == "background 5"
    assert one["without_low"] == pytest.approx(one["effect"] - 0.3)
    assert one["without_high"] == pytest.approx(one["effect"])


def test_what_a_contrast_hangs_on_is_asked_against_its_standard_error_over_runs():
    values = planted()
    one = row_of(contrast_rows(values, PLAN, Beside({}, {})), "frames")
    assert one["runs_treatment"] + one["runs_control"] == 6
    half = np.log(one["high"] / one["low"]) / 2
    rows = values[values["measure"].eq("ratio_unseen") & values["layer"].eq("buttons")]
    # With so few runs Student's quantile is 2.8 to 4.3, so that the error is below half ÷ 2.4.
    for share, named in ((half / 2.4, "background 5"), (half / 5, "")):
        moved = {5: np.exp(-share), 8: 1.0}
        without = {
            one.id: {b: one.value * (by if "mutual" in one.id else 1.0) for b, by in moved.items()}
            for one in rows.itertuples()
        }
        found = row_of(
            contrast_rows(values, PLAN, Beside({}, {"ratio_unseen": without})),
            "frames",
            "ratio_unseen",
            "buttons",
        )
        assert found["hangs_on"] == named


def test_backgrounds_that_runs_do_not_share_are_not_left_out():
    values = planted()
    rows = values[values["measure"].eq("ratio_unseen") & values["layer"].eq("buttons")]
    without = {one.id: {one.seed: one.value} for one in rows.itertuples()}
    one = row_of(
        contrast_rows(values, PLAN, Beside({}, {"ratio_unseen": without})),
        "frames",
        "ratio_unseen",
        "buttons",
    )
    assert np.isnan(one["without_low"]) and one["hangs_on"] == ""
