"""The figure of the declared contrast's parts: what stands in it, on synthetic tables."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.studies.contrasts.rows import SCHEMA as CONTRASTS
from figures.kit.style import Drawing, method_styles
from figures.plots import samples
from tests.support import toy_tables
from tests.support.looks import MARKERS


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.DataFrame(toy_tables.samples())


def contrast(measure: str, layer: str, effect: float, *, primary: bool) -> dict:
    same = dict(game="coinrun", treatment="mutual", control="ppo", match="frames")
    ends = dict(effect=effect, low=effect / 2, high=effect * 2, scale="factor", verdict="ok")
    return {**same, **ends, "measure": measure, "layer": layer, "primary": primary}


@pytest.fixture
def tables(rows, tmp_path):
    toy_tables.write(rows.to_dict("records"), tmp_path, "samples")
    of_pair = [
        contrast("ratio_unseen", "buttons", 1.1, primary=True),
        contrast("tv_unseen", "buttons", 0.44, primary=False),
        {**contrast("tv_between", "buttons", 7.0, primary=False), "match": "steps"},
    ]
    toy_tables.write(of_pair, tmp_path, "contrasts")
    return tmp_path


def drawn(tables) -> Drawing:
    (drawing,) = samples.draw(tables)
    return drawing


def points(ax) -> list[float]:
    return [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in MARKERS]


def test_every_policy_of_every_part_is_a_point(tables, rows):
    drawing = drawn(tables)
    assert len(drawing.rows) == len(rows)
    panels = drawing.figure.axes
    for ax, part in zip(panels, samples.PARTS, strict=True):
        of = rows[(rows["measure"] == part.measure[0]) & (rows["value"] > 1e-3)]
        np.testing.assert_allclose(sorted(points(ax)), sorted(of["value"]), rtol=1e-9)


def test_what_would_squeeze_the_others_is_said_in_place_of_a_point(tables):
    first, second, ratio, *_ = drawn(tables).figure.axes
    assert [text.get_text() for text in first.texts] == ["below 0.01"]
    assert [text.get_text() for text in second.texts] == ["below 0.01"]
    assert [text.get_text() for text in ratio.texts] == ["undecided"]
    assert first.get_xlim()[0] > 0.1


def test_effects_over_runs_are_those_of_the_declared_pair_only(tables):
    titles = [ax.get_title(loc="left").split("\n")[1:] for ax in drawn(tables).figure.axes]
    assert titles[0] == ["× 0.44 [0.22, 0.88]"]
    assert titles[1] == []  # compared at other steps
    assert titles[2] == ["× 1.10 [0.55, 2.20]"]
    assert titles[3:] == [[], [], []]


def test_without_a_declared_pair_nothing_is_said_over_a_panel(tables):
    blank = pd.DataFrame(columns=list(CONTRASTS.names))
    some = [contrast("tv_unseen", "buttons", 0.44, primary=False)]
    assert samples.effect_of(samples.declared_pair(blank), ("tv_unseen", "buttons")) == ""
    toy_tables.write(some, tables, "contrasts")
    drawing = drawn(tables)
    assert all("\n" not in ax.get_title(loc="left") for ax in drawing.figure.axes)
    assert "equal frames" not in drawing.figure.legends[0].get_title().get_text()


def test_a_mean_of_factors_is_geometric_and_of_others_plain(rows):
    values = {0: (0.1, 0.1), 1: (0.4, 0.4)}
    made = [
        {**row, "value": values[row["seed"]][row["peer"]]}
        for row in rows[rows["method"] == "mutual"].to_dict("records")
        if row["seed"] in values
    ]
    for measure, mean in ((samples.PARTS[0], 0.2), (samples.PARTS[3], 0.25)):
        ax = Figure().subplots()
        samples.plot_part(ax, pd.DataFrame(made), measure, method_styles(["mutual"]))
        segments = [c.get_segments()[0] for c in ax.collections]
        assert [float(s[0][0]) for s in segments] == pytest.approx([mean])
