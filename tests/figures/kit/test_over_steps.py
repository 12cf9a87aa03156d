"""Runs over steps: what is a mean, what stands alone, and what is a cross."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from figures.kit.over_steps import leave_room, means_of, plot_runs, points_of
from figures.kit.style import METHOD_STYLES
from tests.support.planted_runs import STEPS, planted


def points(values: dict[tuple[int, int], float], method: str = "ppo") -> pd.DataFrame:
    """(seed, step) -> value, as points."""
    rows = [(method, seed, step, value, "ok") for (seed, step), value in values.items()]
    return pd.DataFrame(rows, columns=["method", "seed", "step", "value", "verdict"])


SOME = {(0, 2): 1.0, (1, 2): 4.0, (0, 4): 2.0, (1, 4): np.nan, (0, 8): 3.0}
"""Two runs at 2, one of them without a value at 4, one alone at 8."""


def test_a_point_is_a_run_and_its_peers_are_averaged():
    found = points_of(planted(0.5), ("ratio_unseen", "decisions"))
    assert not found.duplicated(["method", "seed", "step"]).any()
    assert set(found["method"]) == {"ppo-bg9", "mutual-bg9"}
    assert (found["method"] == "mutual-bg9").sum() == 3 * len(STEPS)
    table = planted(0.5).query("measure == 'ratio_unseen' and seed == 0")
    one = table[(table["method"] == "mutual-bg9") & (table["step"] == STEPS[-1])]["value"]
    last = found[(found["method"] == "mutual-bg9") & (found["step"] == STEPS[-1])]
    assert last["value"].iloc[0] == pytest.approx(np.exp(np.log(one).mean()))


@pytest.mark.parametrize(("factor", "mean"), [(False, 2.5), (True, 2.0)])
def test_a_mean_needs_two_runs_that_all_have_a_value(factor, mean):
    means = means_of(points(SOME), factor=factor)
    np.testing.assert_allclose(means, [mean, np.nan, np.nan])


def test_a_line_goes_through_means_only_and_runs_alone_are_rings():
    ax = plot_runs(Figure().subplots(), points(SOME), METHOD_STYLES)
    lined = [line for line in ax.lines if line.get_linestyle() != "None"]
    assert len(lined) == 1
    np.testing.assert_array_equal(lined[0].get_ydata(), [2.5, np.nan, np.nan])
    rings = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [y for line in rings for y in line.get_ydata() if y == y] == [2.0, 3.0]
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[4]]


def test_one_run_has_no_line():
    ax = plot_runs(Figure().subplots(), points({(0, 2): 1.0, (0, 4): 2.0}), METHOD_STYLES)
    assert all(line.get_linestyle() == "None" for line in ax.lines)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_crosses_have_room_below(scale):
    ax = Figure().subplots()
    ax.set_yscale(scale)
    ax.set_ylim(1.0, 10.0)
    leave_room(ax, methods=2)
    low, high = ax.transData.transform([(0, 1.0), (0, 10.0)])[:, 1]
    bottom = ax.transAxes.transform((0, 0))[1]
    assert (low - bottom) / (high - bottom) == pytest.approx(0.14)


def test_a_logarithmic_axis_that_no_point_has_moved_stays_as_it_is():
    ax = Figure().subplots()
    ax.set_ylim(0.0, 1.0)
    ax.set_yscale("log")
    leave_room(ax, methods=2)
    assert ax.get_ylim() == (0.0, 1.0)
