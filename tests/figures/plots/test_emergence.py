"""The figures of emergence: what is shown, what is crossed out, and what is only a bound."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from figures.kit.style import method_styles
from figures.plots import emergence, onsets
from tests.support import toy_tables
from tests.support.looks import MARKERS


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return toy_tables.write_all(tmp_path_factory.mktemp("synthetic"))


def coinrun(drawing, measure: str) -> pd.DataFrame:
    rows = drawing.rows
    return rows[(rows["game"] == "coinrun") & (rows["measure"] == measure)]


def test_a_column_a_game_and_a_line_of_panels_a_measure(tables):
    (drawing,) = emergence.draw(tables)
    assert len(drawing.figure.axes) == 2 * len(emergence.MEASURES)
    assert set(drawing.rows["measure"]) == set(emergence.MEASURES)
    assert set(drawing.rows["panel"]) == {"coinrun", "starpilot"}


def test_a_panel_shows_one_layer_and_the_runs_of_the_table(tables):
    (drawing,) = emergence.draw(tables)
    icc = drawing.rows[drawing.rows["measure"] == "icc_one_way"]
    assert set(icc["layer"]) == {"hidden"}
    table = pd.read_csv(tables / "emergence.csv", skiprows=1)
    table = table[(table["measure"] == "icc_one_way") & (table["layer"] == "hidden")]
    table = table[(table["method"] == "mutual") & (table["game"] == "starpilot")]
    peers = table.groupby("step")["value"].mean()
    mine = icc[(icc["method"] == "mutual") & (icc["panel"] == "starpilot")]
    np.testing.assert_allclose(mine.set_index("step")["value"], peers, rtol=1e-5)


def test_a_measure_that_nobody_has_leaves_no_row(tables, tmp_path):
    rows = pd.read_csv(tables / "emergence.csv", skiprows=1)
    alone = rows[rows["method"] != "mutual"]
    toy_tables.write(alone.to_dict("records"), tmp_path, "emergence")
    (tmp_path / "probes_steps.csv").symlink_to(tables / "probes_steps.csv")
    (drawing,) = emergence.draw(tmp_path)
    assert "cka_peer" not in set(drawing.rows["measure"])
    assert len(drawing.figure.axes) == 2 * (len(emergence.MEASURES) - 1)


def test_every_lag_is_drawn_bounds_have_tails_and_none_a_cross(tables):
    (drawing,) = onsets.draw(tables)
    rows = drawing.rows[drawing.rows["game"] == "coinrun"]
    ax = onsets.plot_lags(Figure().subplots(), rows, method_styles(rows["method"]))
    points = [line for line in ax.lines if line.get_marker() in MARKERS]
    assert sorted(line.get_xdata()[0] for line in points) == sorted(rows["lag"].dropna())
    tails = [line for line in ax.lines if np.ptp(line.get_xdata()) == pytest.approx(onsets.TAIL)]
    bounds = rows[rows["lag_verdict"] == "at most"]
    assert sorted(max(line.get_xdata()) for line in tails) == sorted(bounds["lag"])
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == rows["lag"].isna().sum()
    assert "return" not in set(drawing.rows["measure"])


def test_a_lag_that_is_missing_is_a_cross(tables):
    (drawing,) = onsets.draw(tables)
    rows = coinrun(drawing, "tv").assign(lag=np.nan)
    ax = onsets.plot_lags(Figure().subplots(), rows, method_styles(rows["method"]))
    assert [line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1] == ["x"] * 4


def test_a_measure_has_its_place_in_every_panel(tables):
    (drawing,) = onsets.draw(tables)
    rows = coinrun(drawing, "tv")
    ax = onsets.plot_lags(Figure().subplots(), rows, method_styles(rows["method"]))
    place = list(onsets.MEASURES).index("tv")
    heights = [line.get_ydata()[0] for line in ax.lines if line.get_marker() in (*MARKERS, "x")]
    assert heights and all(abs(y - place) <= onsets.APART / 2 for y in heights)
    assert ax.get_yticklabels()[place].get_text() == onsets.MEASURES["tv"]


def test_a_bar_is_over_runs_or_there_is_none(tables):
    (drawing,) = onsets.draw(tables)
    rows = coinrun(drawing, "tv")
    own = rows[rows["method"] == "ppo"].dropna(subset=["lag"])
    styles = method_styles(own["method"])
    bars = {"scope": "method", "runs": 2, "lag": 0.25, "lag_low": -1.0, "lag_high": 1.5}
    whole = own.iloc[[0]].assign(**bars)

    def drawn(rows: pd.DataFrame) -> tuple[list[tuple[float, float]], set[str]]:
        ax = onsets.plot_lags(Figure().subplots(), rows, styles)
        flat = [part.get_segments()[0] for part in ax.collections]
        ends = [(line[0, 0], line[1, 0]) for line in flat if line[0, 1] == line[1, 1]]
        dots = [line for line in ax.lines if line.get_marker() in MARKERS]
        return ends, {line.get_markerfacecolor() for line in dots}

    colour = styles["ppo"].colour
    assert drawn(own) == ([], {"white"})
    assert drawn(pd.concat([own, whole])) == ([(-1.0, 1.5)], {colour})
    # One run says nothing about runs.
    assert drawn(pd.concat([own, whole.assign(runs=1)])) == ([], {"white"})


def test_runs_on_other_backgrounds_have_a_figure_of_their_own(tables, tmp_path):
    rows = pd.read_csv(tables / "emergence.csv", skiprows=1)
    ppo = rows[(rows["game"] == "starpilot") & (rows["method"] == "ppo")]

    def renamed(method: str) -> pd.DataFrame:
        names = ppo["id"].str.replace("/ppo/", f"/{method}/")
        return ppo.assign(method=method, id=names)

    more = [renamed(name) for name in ("ppo-bg9", "ppo-l2-strong-bg9", "mutual-bg9", "drac-bg9")]
    toy_tables.write(pd.concat([rows, *more]).to_dict("records"), tmp_path, "emergence")
    (tmp_path / "probes_steps.csv").symlink_to(tables / "probes_steps.csv")
    drawings = {one.name: one.rows for one in emergence.draw(tmp_path)}
    assert list(drawings) == ["emergence", "emergence-narrowed", "emergence-controls"]
    assert {name: set(rows["method"]) for name, rows in drawings.items()} == {
        "emergence": {"ppo", "mutual"},
        "emergence-controls": {"ppo", "drac"},
        "emergence-narrowed": {"ppo", "mutual"},
    }
    assert set(drawings["emergence-narrowed"]["panel"]) == {"starpilot, 9 training backgrounds"}
