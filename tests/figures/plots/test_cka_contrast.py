"""How much more alike peers are: every difference is drawn, and what rests on one run is open."""

import numpy as np
import pytest

from figures.plots import cka_contrast
from tests.support import toy_tables
from tests.support.looks import MARKERS
from tests.support.toy_layers import CONTRASTS


@pytest.fixture
def rows():
    return toy_tables.cka_contrast(np.random.default_rng(0))


def drawn(rows, folder):
    toy_tables.write(rows, folder, "cka_contrast")
    (drawing,) = cka_contrast.draw(folder)
    return drawing


def marks_of(ax):
    return [line for line in ax.lines if line.get_marker() in MARKERS and len(line.get_xdata())]


def legend_of(drawing):
    (legend,) = drawing.figure.legends
    return legend


def test_contrast_shows_every_difference(rows, tmp_path):
    drawing = drawn(rows, tmp_path)
    shown = [y for ax in drawing.figure.axes for line in marks_of(ax) for y in line.get_ydata()]
    assert sorted(shown) == sorted(drawing.rows["difference"])


def test_what_rests_on_one_run_is_open_and_the_legend_says_so(rows, tmp_path):
    drawing = drawn(rows, tmp_path)
    for place, contrast in enumerate(CONTRASTS):
        marks = [mark for ax in drawing.figure.axes[2 * place :][:2] for mark in marks_of(ax)]
        filled = {mark.get_markerfacecolor() != "white" for mark in marks}
        assert filled == {contrast != CONTRASTS[0]}
    assert legend_of(drawing).get_title().get_text().startswith("Open: one run on a side")


@pytest.mark.parametrize("alone", ["runs", "runs_other"])
def test_one_layer_may_rest_on_one_run_alone(rows, tmp_path, alone):
    several = [row | {"runs": 2, "runs_other": 2} for row in rows]
    assert "Open" not in legend_of(drawn(several, tmp_path / "a")).get_title().get_text()
    several[0][alone] = 1
    drawing = drawn(several, tmp_path / "b")
    marks = [mark for ax in drawing.figure.axes for mark in marks_of(ax)]
    (one,) = [mark for mark in marks if mark.get_markerfacecolor() == "white"]
    assert list(one.get_ydata()) == [drawing.rows["difference"][0]]
    assert "Open" in legend_of(drawing).get_title().get_text()
    assert all(mark.get_markerfacecolor() != "white" for mark in legend_of(drawing).get_lines())
