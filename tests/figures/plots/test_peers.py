"""The figure of peers: what stands in it, on synthetic tables."""

import numpy as np
import pandas as pd
import pytest

from figures.kit.style import Drawing
from figures.plots import peers
from tests.support import toy_tables
from tests.support.looks import MARKERS


@pytest.fixture(scope="module")
def pairs() -> pd.DataFrame:
    return pd.DataFrame(toy_tables.samples_pairs())


@pytest.fixture
def tables(pairs, tmp_path):
    toy_tables.write(pairs.to_dict("records"), tmp_path, "samples_pairs")
    toy_tables.write(toy_tables.samples_peers(), tmp_path, "samples_peers")
    return tmp_path


def drawn(tables) -> Drawing:
    (drawing,) = peers.draw(tables)
    return drawing


def test_agreement_is_called_one_of_buttons(tables):
    assert "likeliest\nbuttons agree" in drawn(tables).figure.axes[1].get_title(loc="left")


def test_every_pair_is_a_point_of_every_measure(tables, pairs):
    drawing = drawn(tables)
    assert len(drawing.rows) == len(pairs)
    for ax, measure in zip(drawing.figure.axes, peers.MEASURES, strict=True):
        shown = [line.get_xdata() for line in ax.lines if line.get_marker() in MARKERS]
        np.testing.assert_allclose(np.sort(np.concatenate(shown)), np.sort(pairs[measure]))


def test_peers_are_filled_and_stand_over_those_trained_apart(tables):
    ax = drawn(tables).figure.axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["ppo, trained apart", "mutual, peers", "mutual, trained apart"]
    faces = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() in MARKERS]
    assert [face != "white" for face in faces] == [False, True, False]


def test_the_mean_of_each_line_is_ticked(tables, pairs):
    ax = drawn(tables).figure.axes[0]
    ticks = [c.get_segments()[0][0][0] for c in ax.collections if len(c.get_segments()) == 1]
    means = pairs.groupby(["method", "kind"])["cka"].mean()
    asked = [("ppo-bg9", "seeds"), ("mutual-bg9", "peers"), ("mutual-bg9", "seeds")]
    assert ticks == pytest.approx([means[one] for one in asked])


def test_differences_over_runs_stand_over_the_panels_and_name_their_method(tables):
    rows = pd.DataFrame(toy_tables.samples_peers())
    rows = rows[rows["game"] == "starpilot"]
    assert peers.differences(rows, "cka") == ["+0.00 [−0.10, 0.10]"]
    both = pd.concat([rows, rows.assign(method="oneway-bg9")])
    found = peers.differences(both, "cka")
    assert [line.split()[0] for line in found] == ["mutual", "oneway"]
    titles = [ax.get_title(loc="left").split("\n") for ax in drawn(tables).figure.axes]
    assert [title[-1] for title in titles] == ["+0.00 [−0.10, 0.10]"] * 3


def test_two_games_are_two_figures(tables, pairs):
    other = pd.DataFrame(toy_tables.samples_pairs("coinrun", ""))
    toy_tables.write(pd.concat([pairs, other]).to_dict("records"), tables, "samples_pairs")
    drawings = list(peers.draw(tables))
    assert [one.name for one in drawings] == ["peers-coinrun", "peers-starpilot"]
    names = [label.get_text() for label in drawings[0].figure.axes[0].get_yticklabels()]
    assert names == ["ppo, trained apart", "mutual, peers", "mutual, trained apart"]
