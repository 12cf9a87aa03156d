"""The figure of erasure: each decided policy with its control, and nobody's share of nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from checkpoints.console import UserError
from figures.kit.style import method_styles
from figures.plots.erasure import NAME, draw, plot_decoded, plot_removed
from tests.support.looks import MARKERS
from tests.support.toy_layers import erasure
from tests.support.toy_rows import LAYERS, write


def table() -> pd.DataFrame:
    """The synthetic table."""
    return pd.DataFrame(erasure(np.random.default_rng(0)))


def test_every_game_has_its_column_and_the_rows_are_those_of_the_table(tmp_path: Path):
    write(table().to_dict("records"), tmp_path, NAME)
    (drawing,) = draw(tmp_path)
    assert [ax.get_title() for ax in drawing.figure.axes] == ["coinrun", "jumper", "", ""]
    kept = table().query("kind != 'shuffled'").reset_index(drop=True)
    shown = drawing.rows[list(kept)]
    pd.testing.assert_frame_equal(shown, kept, check_dtype=False)


def test_decided_policies_are_points_and_undecided_ones_crosses_at_zero():
    rows = table().query("game == 'coinrun' and kind != 'shuffled'").reset_index(drop=True)
    ax = plot_removed(Figure().subplots(), rows, method_styles(rows["method"]))
    points = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() in MARKERS])
    shown = rows[(rows["kind"] == "background") & (rows["method"] != "untrained")]
    assert sorted(points) == sorted(shown["removed"])
    dashes = [line for line in ax.lines if line.get_marker() == "_"]
    assert len(dashes[0].get_ydata()) == 4 * len(LAYERS)
    crosses = ax.collections[-1].get_offsets()
    assert len(crosses) == len(LAYERS) and not crosses[:, 1].any()


def test_a_table_without_untrained_policies_has_no_crosses():
    rows = table().query("method == 'ppo' and game == 'coinrun'").reset_index(drop=True)
    ax = plot_removed(Figure().subplots(), rows, method_styles(rows["method"]))
    assert "undecided" not in ax.get_legend_handles_labels()[1]


def test_names_before_and_after_and_chance_are_drawn():
    rows = table().query("game == 'coinrun'").reset_index(drop=True)
    ax = plot_decoded(Figure().subplots(), rows, method_styles(rows["method"]))
    heights = {float(y) for line in ax.lines for y in np.asarray(line.get_ydata(), dtype=float)}
    assert heights == {0.2, 0.4, 0.9}


def test_a_missing_table_says_what_writes_it(tmp_path: Path):
    with pytest.raises(UserError, match=r"python -m analysis\.erasure"):
        list(draw(tmp_path))
