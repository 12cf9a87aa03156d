"""The figure over training steps joins two tables, and shows collapsed layers as crosses."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from figures.kit.style import method_styles
from figures.plots import invariance_steps
from tests.support import toy_tables
from tests.support.toy_rows import LAYERS


@pytest.fixture
def rows(tmp_path):
    rng = np.random.default_rng(0)
    toy_tables.write(toy_tables.invariance(rng), tmp_path, "invariance")
    toy_tables.write(toy_tables.robustness(rng), tmp_path, "robustness")
    return invariance_steps.joined(tmp_path)


def test_a_row_for_each_policy_step_and_layer(rows):
    assert set(rows["layer"]) == {*LAYERS, invariance_steps.DECISIONS}
    assert not rows.duplicated(["id", "layer"]).any()
    hidden = rows[(rows["layer"] == "hidden") & (rows["method"] != "untrained")]
    assert len(hidden) == 2 * 4 * 2  # games, policies, steps


def test_a_run_is_one_point_a_step_and_crosses_mark_what_collapsed(rows):
    here = rows[(rows["game"] == "coinrun") & (rows["layer"] == "hidden")]
    ax = invariance_steps.plot(Figure().subplots(), here, method_styles(here["method"]))
    points = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() == "s"])
    mutual = here[here["method"] == "mutual"].groupby("step")["value"].mean()
    assert sorted(points) == pytest.approx(sorted(mutual))  # its two peers are one run
    crosses = next(line for line in ax.lines if line.get_marker() == "x")
    assert list(crosses.get_xdata()) == [2**19, 2**21]  # ppo seed 1, both steps
    dotted = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert [line.get_ydata()[0] for line in dotted] == list(
        here.loc[here["method"] == "untrained", "value"]
    )


def test_means_of_decisions_are_geometric(rows):
    here = rows[(rows["layer"] == invariance_steps.DECISIONS) & (rows["game"] == "coinrun")]
    found = invariance_steps.of_runs(here, factor=True).set_index(["method", "seed"])["value"]
    peers = here.loc[here["method"] == "mutual", "value"]
    assert found[("mutual", 0)] == pytest.approx(np.sqrt(peers.prod()))
