"""The figure of robustness: every number drawn, nothing drawn that was not measured."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.records.runs import last_steps
from figures.kit.style import METHOD_STYLES
from figures.plots import robustness
from tests.support import toy_tables


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    (made,) = robustness.draw(toy_tables.write_all(tmp_path_factory.mktemp("synthetic")))
    return made


def panel(drawing, title: str):
    return next(ax for ax in drawing.figure.axes if ax.get_title().startswith(title))


def heights(ax) -> list[float]:
    """Of all points; reference lines have two ends."""
    return sorted(line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 1)


def test_both_variations_of_every_policy_are_drawn(drawing):
    rows = drawing.rows.query("game == 'coinrun' and backgrounds == 'all'")
    ax = panel(drawing, "coinrun: how far")
    assert heights(ax) == sorted([*rows["tv"], *rows["tv_between"]])
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["ppo/0", "ppo/1", "mutual/0 peer 0", "mutual/0 peer 1", "untrained/0"]


def test_ratios_are_drawn_where_they_were_measured(drawing):
    rows = drawing.rows.query("game == 'coinrun' and verdict == 'measured'")
    shown = [kind in robustness.KINDS for kind in zip(rows["axis"], rows["backgrounds"])]  # noqa: B905
    ax = panel(drawing, "coinrun: other")
    assert heights(ax) == sorted(rows["ratio"][shown])
    assert len(heights(ax)) == 4 * 5


def test_a_vacuous_kind_is_said_and_an_undecided_policy_left_out(drawing):
    words = [text.get_text() for text in panel(drawing, "coinrun: other").texts]
    assert words.count("vacuous") == 1 + 3  # seen pairs, and three kinds that the table lacks
    colours = {line.get_color() for line in panel(drawing, "coinrun: other").lines}
    assert METHOD_STYLES["untrained"].colour not in colours
    assert METHOD_STYLES["mutual"].colour in colours


def test_the_text_says_what_bars_resample(drawing):
    title = drawing.figure.legends[0].get_title().get_text()
    assert "95 % over levels, between backgrounds over these too" in title


def test_only_the_last_step_is_drawn():
    rows = pd.DataFrame(
        dict(game="g", method="ppo", seed=0, peer=0, id=["g/ppo/0/peer0", "later"], step=[1, 2])
    )
    assert last_steps(rows)["id"].tolist() == ["later"]


def test_a_table_of_undecided_policies_is_drawn(drawing):
    rows = drawing.rows.query("game == 'coinrun' and method == 'untrained'")
    ax = robustness.plot_ratio(Figure().subplots(), rows, METHOD_STYLES)
    assert heights(ax) == []
