"""The figure of the ICC: one point a policy at its last step, collapsed layers marked."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from figures.kit import over_layers
from figures.kit.style import Drawing, method_styles
from figures.plots import invariance
from tests.support import toy_tables
from tests.support.looks import MARKERS


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Drawing:
    """Drawn from a synthetic table."""
    folder = tmp_path_factory.mktemp("synthetic")
    toy_tables.write(toy_tables.invariance(np.random.default_rng(0)), folder, "invariance")
    (drawing,) = invariance.draw(folder)
    return drawing


def heights(figure: Figure, line: int) -> list[float]:
    """Every point drawn in one line of panels."""
    axes = figure.axes[2 * line : 2 * line + 2]
    drawn = [one.get_ydata() for ax in axes for one in ax.lines if one.get_marker() in MARKERS]
    return sorted(np.concatenate(drawn).tolist())


def test_only_the_last_step_on_all_backgrounds(drawing):
    rows = drawing.rows
    assert set(rows["backgrounds"]) == {"all"}
    assert set(rows["step"]) == {0, 2**21}
    assert not rows.duplicated(["game", "method", "seed", "peer", "layer"]).any()
    assert len(rows) == 2 * 5 * 4


def test_every_row_is_a_point_or_a_mark(drawing):
    rows = drawing.rows
    assert heights(drawing.figure, 0) == sorted(rows.loc[rows["verdict"] == "ok", "icc"])
    assert heights(drawing.figure, 1) == sorted(rows["effective_rank"])
    assert heights(drawing.figure, 2) == sorted(rows["cosine"])
    marks = [c for c in drawing.figure.axes[0].collections if isinstance(c, PathCollection)]
    assert [len(mark.get_offsets()) for mark in marks] == [1]
    assert marks[0].get_label() == "collapsed"
    bars = [c for c in drawing.figure.axes[1].collections if isinstance(c, LineCollection)]
    assert sum(len(bar.get_segments()) for bar in bars) == 20


def test_nothing_is_cut_off(drawing):
    bottom, top = drawing.figure.axes[0].get_ylim()
    assert bottom < drawing.rows["icc_low"].min() < drawing.rows["icc_high"].max() < top == 1


def test_policies_stand_side_by_side_in_the_order_of_methods(drawing):
    here = drawing.rows[drawing.rows["game"] == "coinrun"]
    places = over_layers.places_of(here, ["conv1", "conv2", "conv3", "hidden"])
    first = here.assign(place=places)[here["layer"] == "conv1"].sort_values("place")
    assert list(first["method"]) == ["ppo", "ppo", "mutual", "mutual", "untrained"]
    assert first["place"].is_unique
    assert first["place"].abs().max() < over_layers.APART / 2
    assert first["place"].mean() == pytest.approx(0)


def test_a_game_without_twins_is_marked_vacuous():
    rows = pd.DataFrame(
        dict(
            id="chaser/ppo/0/peer0",
            method="ppo",
            seed=0,
            peer=0,
            layer=["conv1", "hidden"],
            icc=np.nan,
            icc_low=np.nan,
            icc_high=np.nan,
            effective_rank=[5.0, np.nan],
            verdict="vacuous",
        )
    )
    ax = invariance.plot_icc(Figure().subplots(), rows, method_styles(["ppo"]))
    assert "vacuous" in ax.get_legend_handles_labels()[1]
    assert invariance.plot_rank(ax, rows, method_styles(["ppo"])) is ax
