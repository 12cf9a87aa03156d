"""The figure of the declared second sample, on synthetic runs."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from checkpoints.console import UserError
from figures.kit.style import Drawing, method_styles
from figures.plots import looks
from tests.support import toy_tables
from tests.support.looks import MARKERS


@pytest.fixture
def tables(tmp_path):
    toy_tables.write(toy_tables.looks_runs(), tmp_path, "looks_runs")
    toy_tables.write(toy_tables.looks(), tmp_path, "looks")
    return tmp_path


def drawn(tables) -> Drawing:
    (drawing,) = looks.draw(tables)
    return drawing


def marks(ax) -> list:
    return [line for line in ax.lines if line.get_marker() in MARKERS]


def test_every_run_stands_in_both_panels_by_its_seed(tables):
    drawing = drawn(tables)
    left, _, right = drawing.figure.axes
    rows = pd.DataFrame(toy_tables.looks_runs())
    heights = [float(line.get_ydata()[0]) for line in marks(left)]
    np.testing.assert_allclose(sorted(heights), sorted(np.exp(rows["value"])))
    shares = [float(line.get_ydata()[0]) for line in marks(right)]
    np.testing.assert_allclose(sorted(shares), sorted(rows["clipped"]))
    for ax in (left, right):
        at = [float(line.get_xdata()[0]) for line in marks(ax)]
        assert sorted(np.rint(at)) == sorted(rows["seed"])
    assert len(drawing.rows) == len(rows) + len(toy_tables.looks())


def test_who_does_not_see_is_a_ring_and_steps_before_the_last_are_small(tables):
    left = drawn(tables).figure.axes[0]
    rings = [line for line in marks(left) if line.get_markerfacecolor() == "white"]
    assert len(rings) == 1 and round(float(rings[0].get_xdata()[0])) == 100
    sizes = {line.get_markersize() for line in marks(left) if line.get_marker() == "v"}
    assert len(sizes) == 2


def test_a_look_that_is_not_reached_says_what_it_waits_for(tables):
    middle = drawn(tables).figure.axes[1]
    assert [label.get_text() for label in middle.get_yticklabels()] == ["2 of 6"]
    (said,) = [text.get_text().replace("\n", " ") for text in middle.texts]
    assert said == "not reached: waits for the pair of seed 102"
    assert not marks(middle)


def test_a_look_shows_its_factor_and_what_p_was_asked_for():
    row = toy_tables.looks()[0] | dict(pairs=6, effect=0.8, low=0.7, high=0.9, p=0.001)
    ax = looks.plot_looks(Figure().subplots(), pd.DataFrame([row | dict(verdict="effect")]))
    (mark,) = marks(ax)
    assert mark.get_xdata()[0] == 0.8
    assert any(np.array_equal(line.get_xdata(), [0.7, 0.9]) for line in ax.lines)
    assert [text.get_text() for text in ax.texts] == ["p = 0.001, asked below 0.003\neffect"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["6 of 6"]


def test_methods_of_the_legend_are_those_of_the_runs(tables):
    labels = [text.get_text() for text in drawn(tables).figure.legends[0].get_texts()]
    assert labels[:4] == [
        "mutual-split32, 1M steps",
        "ppo-norm1-split32, 1M steps",
        "ppo-norm1-split32, 2.1M steps",
        "drac-twins-split32, 1M steps",
    ]
    assert labels[4:] == ["not shown to earn more than blind", "not relevant"]
    assert set(method_styles(["mutual-split32"])) == {"mutual-split32"}


def test_without_a_measured_run_there_is_nothing_to_draw(tables):
    toy_tables.write([], tables, "looks_runs")
    with pytest.raises(UserError, match=r"looks_runs\.csv: expected at least one row, got none"):
        drawn(tables)
