"""The figure of returns: every score and every profile is drawn where the table has it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.kit.style import method_styles
from figures.plots import returns
from tests.support import toy_returns, toy_tables
from tests.support.looks import MARKERS

STYLES = method_styles(toy_returns.RUNS)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both synthetic tables."""
    folder = tmp_path_factory.mktemp("returns")
    for make in (toy_returns.returns_scores, toy_returns.returns_profiles):
        toy_tables.write(make(np.random.default_rng(0)), folder, make.__name__)
    return folder


def axes_of() -> Axes:
    return Figure().subplots()


def test_it_shows_its_rows(tables):
    (drawing,) = returns.draw(tables)
    titles = [ax.get_title() for ax in drawing.figure.axes]
    above, below = ["coinrun", "jumper", "all 2 games"], ["training", "unseen", "swapped"]
    assert titles == above + [f"all 2 games: {split}" for split in below]
    scores, profiles = (
        drawing.rows[drawing.rows["threshold"].isna() == kind] for kind in (True, False)
    )
    assert set(scores["measure"]) == {"iqm"}
    assert set(profiles["game"]) == {"all"}
    for ax, game in zip(drawing.figure.axes, ["coinrun", "jumper", "all"], strict=False):
        drawn = [line.get_ydata()[0] for line in ax.lines if line.get_marker() in MARKERS]
        np.testing.assert_array_equal(drawn, scores[scores["game"] == game]["value"])


def test_one_game_is_its_own_whole(tables, tmp_path):
    for name in ("returns_scores", "returns_profiles"):
        rows = pd.read_csv(tables / f"{name}.csv", skiprows=1)
        toy_tables.write(rows[rows["game"] == "jumper"].to_dict("records"), tmp_path, name)
    (drawing,) = returns.draw(tmp_path)
    titles = [ax.get_title() for ax in drawing.figure.axes if ax.has_data()]
    assert titles == ["jumper", "jumper: training", "jumper: unseen", "jumper: swapped"]


def test_a_single_run_is_an_open_point_without_a_bar_over_runs():
    rows = pd.DataFrame(toy_returns.returns_scores(np.random.default_rng(0)))
    rows = rows.query("game == 'jumper' and measure == 'iqm' and split == 'unseen'")
    ax = axes_of()
    assert returns.plot_scores(ax, rows, STYLES) is ax
    faces = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() in MARKERS]
    assert faces == [STYLES["ppo"].colour, "white", "white"]
    lengths = [np.ptp(lines.get_segments()[0][:, 1]) for lines in ax.collections]
    # Over levels and over runs; then over levels alone.
    np.testing.assert_allclose(lengths, [0.2, 0.1, 0.2, 0.2])


def test_a_profile_is_banded_over_runs_and_that_of_one_run_is_thin_and_bare():
    rows = pd.DataFrame(toy_returns.returns_profiles(np.random.default_rng(0)))
    rows = rows.query("game == 'all' and split == 'train'")
    ax = returns.plot_profiles(axes_of(), rows, STYLES)
    for line, method in zip(ax.lines, ("ppo", "mutual", "untrained"), strict=False):
        one = rows[rows["method"] == method]
        np.testing.assert_array_equal(line.get_ydata(), one["share"])
        assert (line.get_linewidth() > 1) == (method == "ppo")  # the others have one run
        assert line.get_drawstyle() == "steps-post"
    heights = [set(band.get_paths()[0].vertices[:, 1]) for band in ax.collections]
    assert heights == [{0.0, 1.0}]  # of the two runs, which are equal; never over levels


def test_the_legend_calls_a_floor_what_the_paper_calls_it_and_one_run_one_run(tables):
    (drawing,) = returns.draw(tables)
    said = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert {"R_min of Cobbe et al. 2020", "one run: nothing over runs"} <= set(said)
