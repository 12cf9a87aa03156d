"""What rows of erasure are counted from: distances, shares, ends, controls and verdicts."""

import numpy as np
import pytest

from analysis.measures.decisions import Decisions
from analysis.measures.erasers import quarters_of, targets
from analysis.stats.clusters import cluster_interval
from analysis.studies.erasure.rows import ends, share, tv_states, tv_twins, verdict
from checkpoints.console import UserError
from tests.support.planted import split_pictures


def test_total_variation_by_hand():
    p = np.array([[[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]])  # one state, three twins
    assert tv_twins(Decisions(p, np.zeros((1, 3)))) == pytest.approx([(0.25 + 0.5 + 0.75) / 3])
    q = np.array([[[1.0, 0]], [[0, 1.0]], [[0.5, 0.5]]])  # three states on one background
    levels = np.array([4, 4, 9])  # the first two are not compared
    assert tv_states(Decisions(q, np.zeros((3, 1))), levels) == pytest.approx(0.5)


def test_the_bootstrap_is_that_of_the_suite(tmp_path):
    planted = split_pictures(tmp_path)
    values = np.random.default_rng(0).normal(size=60)
    found = ends("mean", planted.means(values))
    wanted = cluster_interval(values, planted.twins.bank.levels, replicates=100, seed=0)
    assert list(found) == ["mean", "mean_low", "mean_high"]
    assert tuple(found.values()) == pytest.approx(wanted)


def test_shares_of_nothing_are_not_defined():
    found = share(np.ones(3), np.array([2.0, 1e-9, 0.0]))
    assert found[0] == 0.5 and np.isnan(found[1:]).all()
    assert np.isnan(list(ends("share", found).values())).all()


def test_quarters_split_levels_and_never_one(tmp_path):
    levels = np.random.default_rng(0).integers(0, 40, 300)
    quarters = quarters_of(levels, 0)
    assert all(len(set(quarters[levels == level])) == 1 for level in set(levels))
    assert np.bincount(quarters).min() > 40
    assert not np.array_equal(quarters, quarters_of(levels, 1))
    with pytest.raises(UserError, match=r"expected at least 4 levels.*got 3"):
        quarters_of(np.arange(9) % 3, 0)


def test_controls_are_of_the_same_rank_and_shuffle_within_states():
    rng = np.random.default_rng(0)
    shuffled = targets("shuffled", 5, 4, rng).reshape(5, 4, 4)
    assert (shuffled.sum(axis=1) == 1).all() and (shuffled.sum(axis=2) == 1).all()
    assert targets("random", 5, 4, rng).shape == (20, 3)
    plain = targets("background", 5, 4, rng)
    assert np.array_equal(plain.argmax(1), np.tile(np.arange(4), 5))


ROW = dict(
    kind="background",
    tv_twins_before=0.3,
    tv_states_before=0.5,
    decoded_low=0.9,
    chance=0.25,
    removed_low=0.1,
    removed_high=0.3,
    excess_low=0.05,
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "used"),
        ({"kind": "random"}, "control"),
        ({"tv_twins_before": 0.001, "tv_states_before": 0.001}, "undecided"),
        ({"tv_twins_before": 0.001, "removed_low": np.nan}, "not used"),
        ({"decoded_low": 0.2}, "not decodable"),
        ({"excess_low": -0.1}, "open"),
        ({"removed_low": -0.1}, "open"),
        ({"removed_low": -0.1, "removed_high": 0.04}, "not used"),
    ],
)
def test_verdicts(change, said):
    assert verdict(ROW | change) == said
