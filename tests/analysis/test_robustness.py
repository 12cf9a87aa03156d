"""The command that measures R-robustness: its rows, its groups, its seed and its refusals."""

import dataclasses
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import robustness
from analysis.measures.decisions import Decisions
from analysis.measures.robustness import MEASURES
from analysis.policies.subjects import load_subjects
from analysis.records import tables
from analysis.robustness import Settings
from analysis.scenes.backgrounds import GROUPS
from analysis.scenes.common import common_bank
from analysis.scenes.pictures import AXES
from analysis.scenes.twin_sets import twin_set
from analysis.stats.clusters import cluster_weights
from analysis.studies.robustness.rows import SCHEMA, row, show
from analysis.studies.robustness.views import (
    answers_to,
    find_cycles,
    on_backgrounds,
    pixels_changed,
)
from checkpoints.console import UserError
from checkpoints.policy.recipes import Recipe
from checkpoints.world.buttons import buttons, merged
from tests.support.planted_encoders import zoo
from tests.support.played import play

SMALL = Settings(
    ids=("coinrun/ppo/0",),
    states=24,
    backgrounds=4,
    views=1,
    trajectories=8,
    replicates=20,
    untrained=1,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Written for one shipped policy and one untrained."""
    folder = tmp_path_factory.mktemp("robustness")
    robustness.main(dataclasses.replace(SMALL, output=folder))
    return folder / "robustness.csv"


@pytest.fixture(scope="module")
def written(file) -> pd.DataFrame:
    return tables.read_table(file, SCHEMA)


@pytest.fixture(scope="module")
def written_rows(file) -> set[str]:
    return set(file.read_text().splitlines()[2:])


# -- the table -------------------------------------------------------------------------------


def test_every_policy_has_every_axis_and_group(written):
    assert set(written["method"]) == {"ppo", "untrained"}
    for _, group in written.groupby("id"):
        twins = group[group["axis"] == "background"]
        assert set(twins["backgrounds"]) == set(GROUPS)
        others = group[group["axis"] != "background"]
        assert set(others["axis"]) == set(AXES)
        assert (others["backgrounds"] == "own").all()


def test_what_cannot_be_compared_is_flagged_and_kept(written):
    seen = written[written["backgrounds"] == "seen"]
    # Easy coinrun trains on one background: there is no pair of seen ones.
    assert set(seen["verdict"]) == {"vacuous"}
    assert seen[["tv", "ratio", "entropy", "pixels_changed", "cycle_2"]].isna().all(axis=None)
    untrained = written[(written["method"] == "untrained") & (written["verdict"] != "vacuous")]
    assert set(untrained["verdict"]) == {"undecided"}
    assert untrained["ratio"].isna().all()
    assert (untrained["tv_between"] < 0.01).all()
    # All actions alike: 15 of them, or buttons of which some stand for several.
    assert (untrained["entropy_actions"] > 2.7).all()
    shares = np.array([len(actions) for actions in buttons("coinrun")]) / 15
    alike = -(shares * np.log(shares)).sum()
    np.testing.assert_allclose(untrained["entropy"], alike, atol=1e-3)
    measured = written[written["verdict"] == "measured"]
    assert set(measured["method"]) == {"ppo"}
    assert (measured["ratio_low"] <= measured["ratio_high"]).all()


def test_a_ratio_without_an_interval_is_printed_alone(written, capsys):
    blank = written.assign(ratio_low=np.nan, ratio_high=np.nan)
    show((blank,), "coinrun")
    printed = capsys.readouterr().out
    one = written.query("method == 'ppo' and backgrounds == 'unseen'").iloc[0]
    assert f"{one.ratio:.2f}" in printed and "nan" not in printed and "[" not in printed


def test_numbers_are_those_of_the_pure_functions(written):
    (subject,) = load_subjects(["coinrun/ppo/0"], controls=0)["coinrun"]
    bank = common_bank("coinrun", "easy", 24, 0)
    twins = twin_set("coinrun", bank, (0, 1, 15, 31, 46))
    log_probs = np.concatenate([r.log_probs for _, r in twins.readings(subject.policy, [])])
    actions = np.exp(log_probs.astype(float))
    p = merged(actions, "coinrun")
    unseen = list(combinations(range(1, 5), 2))
    tv = np.mean([np.abs(p[:, a] - p[:, b]).sum(-1) / 2 for a, b in unseen])
    one = written.query("method == 'ppo' and backgrounds == 'unseen'").iloc[0]
    assert one["tv"] == pytest.approx(tv, abs=1e-5)
    raw = np.mean([np.abs(actions[:, a] - actions[:, b]).sum(-1) / 2 for a, b in unseen])
    assert one["tv_actions"] == pytest.approx(raw, abs=1e-5)
    assert one["entropy"] == pytest.approx(-(p * np.log(p)).sum(-1)[:, 1:].mean(), abs=1e-4)
    assert one["views"] == 4
    assert one["ratio_low"] < one["ratio"] < one["ratio_high"]


def test_stronger_noise_moves_more(written):
    of_axis = written[written["method"] == "ppo"].set_index("axis")["tv"]
    assert of_axis["noise-5"] < of_axis["noise-15"] < of_axis["noise-30"]


def test_the_same_seed_gives_the_same_bytes_and_another_others(tmp_path, written_rows):
    def rows_of(seed: int) -> list[str]:
        folder = tmp_path / str(seed)
        robustness.main(dataclasses.replace(SMALL, output=folder, seed=seed, untrained=0))
        return (folder / "robustness.csv").read_text().splitlines()[2:]

    assert set(rows_of(0)) < written_rows
    assert not set(rows_of(1)) & {row for row in written_rows if "vacuous" not in row}


# -- rows and views --------------------------------------------------------------------------


def test_short_trajectories_are_refused():
    subjects = load_subjects(["coinrun/ppo/0"], controls=0)["coinrun"]
    with pytest.raises(UserError, match=r"2 trajectories of 12 states, found 0 among 48 states"):
        find_cycles(subjects, 2, replicates=10, seed=0)


def test_a_game_of_one_background_has_no_twins():
    bank, made = _bank_of_chaser(), on_backgrounds(_bank_of_chaser(), "chaser", (0,), [])
    assert made.decisions == {}
    weights = cluster_weights(bank.levels, 10, 0)
    found = row({}, bank, None, [], made.pixels, weights)
    assert found["verdict"] == "vacuous"
    assert found["views"] == 0
    assert np.isnan([found["tv"], found["ratio_low"], found["pixels_changed"]]).all()


def _bank_of_chaser():
    return common_bank("chaser", "easy", 8, 0)


def test_a_row_says_undecided_before_it_divides():
    bank = _bank_of_chaser()
    uniform = Decisions(np.full((8, 2, 15), 1 / 15), np.zeros((8, 2)))
    weights = cluster_weights(bank.levels, 10, 0)
    label = {"game": "chaser", "axis": "background"}
    found = row(label, bank, uniform, [(0, 1)], np.full((2, 2), 0.25), weights)
    assert found["verdict"] == "undecided"
    assert found["pixels_changed"] == 0.25
    assert np.isnan(found["ratio"])
    assert found["tv"] == 0


@pytest.mark.parametrize("name", MEASURES)
def test_columns_say_whether_backgrounds_are_drawn_anew(name):
    bank, rng = _bank_of_chaser(), np.random.default_rng(0)
    made = Decisions(rng.dirichlet(np.ones(15), (8, 4)), rng.normal(size=(8, 4)))
    pairs = [(a, b) for b in range(4) for a in range(b)]
    weights = cluster_weights(bank.levels, 20, 0)
    label = {"game": "chaser"}
    fixed, drawn = (row(label, bank, made, pairs, np.ones((4, 4)), weights, s) for s in (None, 1))
    low = f"{name}_low"
    said = {one.name: one.meaning for one in SCHEMA.columns}[low]
    assert (fixed[low] != drawn[low]) == ("of other backgrounds over these too" in said)
    assert fixed[name] == drawn[name]


def test_pixels_are_compared_as_colours():
    frames = play("coinrun").observations
    other = frames.copy()
    other[:, :32, :, 1] += 1
    other[:, 16, 5] = frames[:, 16, 5]
    found = pixels_changed(np.stack([frames, other, frames], axis=1)) / len(frames)
    share = (32 * 64 - 1) / 64**2
    np.testing.assert_allclose(found, [[0, share, 0], [share, 0, share], [0, share, 0]])


def test_views_do_not_depend_on_the_blocks():
    subjects = load_subjects(["coinrun/ppo/0"], controls=0)["coinrun"]
    frames = play("coinrun").observations
    twice = np.stack([frames, 255 - frames], axis=1)
    whole, parts = (
        answers_to(iter(blocks), subjects) for blocks in ([twice], [twice[:1], twice[1:]])
    )
    one = subjects[0].id
    np.testing.assert_allclose(whole.decisions[one].probs, parts.decisions[one].probs, atol=1e-6)
    np.testing.assert_allclose(whole.pixels, parts.pixels)
    np.testing.assert_allclose(whole.decisions[one].probs.sum(-1), 1)


def test_what_is_known_of_the_first_view_is_not_read_again():
    subjects = load_subjects(["coinrun/ppo/0"], controls=0)["coinrun"]
    frames, one = play("coinrun").observations, subjects[0].id
    twice = np.stack([frames, 255 - frames], axis=1)
    first = answers_to(iter([twice[:, :1]]), subjects).decisions
    other = np.stack([np.zeros_like(frames), 255 - frames], axis=1)
    whole, joined = answers_to(iter([twice]), subjects), answers_to(iter([other]), subjects, first)
    for side in ("probs", "values"):
        expected, found = (getattr(some.decisions[one], side) for some in (whole, joined))
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_encoders_are_measured_together(tmp_path):
    for seed, encoder in enumerate(("nature", "impala")):
        recipe = Recipe(encoder=encoder, features=8, mode="easy")
        zoo(tmp_path, f"coinrun/ppo/{seed}/peer0/step64", recipe=recipe)
    few = dataclasses.replace(SMALL, ids=(), root=tmp_path, output=tmp_path, untrained=0)
    robustness.main(few)
    written = tables.read_table(tmp_path / "robustness.csv", SCHEMA)
    twins = written[written["backgrounds"] == "all"].set_index("seed")
    assert sorted(twins.index) == [0, 1]
    assert twins[["tv", "entropy", "cycle_2", "cycle_3"]].notna().all(axis=None)


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"), [("states", 1), ("backgrounds", 1), ("views", 0), ("trajectories", 1)]
)
def test_numbers_too_small_are_refused_at_once(name, value, tmp_path):
    settings = dataclasses.replace(SMALL, output=tmp_path, **{name: value})
    with pytest.raises(UserError, match=f"--{name}: expected .* from {value + 1} to"):
        robustness.main(settings)


def test_a_table_that_exists_is_kept(tmp_path):
    (tmp_path / "robustness.csv").touch()
    with pytest.raises(UserError, match=r"robustness\.csv exists and is kept; give --overwrite"):
        robustness.main(dataclasses.replace(SMALL, output=tmp_path))
