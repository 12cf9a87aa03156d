"""The figures of emergence: what is shown, what is crossed out, and what is only a bound."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from figures import emergence, gap, onsets
from figures.kit.style import by_backgrounds, method_colours
from tests.support import toy_tables


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return toy_tables.write_all(tmp_path_factory.mktemp("synthetic"))


def test_a_column_a_game_and_a_line_of_panels_a_measure(tables):
    (drawing,) = emergence.draw(tables)
    assert len(drawing.figure.axes) == 2 * len(emergence.PANELS)
    assert set(drawing.rows["measure"]) == {panel.measure for panel in emergence.PANELS}
    words = [text.get_text() for ax in drawing.figure.axes for text in ax.texts]
    assert words == ["vacuous"]


def test_lines_bands_and_crosses(tables):
    (drawing,) = emergence.draw(tables)
    rows = drawing.rows[
        (drawing.rows["game"] == "starpilot") & (drawing.rows["measure"] == "ratio")
    ]
    ax = emergence.plot(Figure().subplots(), rows, method_colours(rows["method"]))
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in lines] == [8] * 4
    assert len(ax.collections) == 4
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[2**14, 2**15]] * 4
    assert sum(line.get_markerfacecolor() == "white" for line in lines) == 1


def test_a_panel_shows_one_layer(tables):
    (drawing,) = emergence.draw(tables)
    icc = drawing.rows[drawing.rows["measure"] == "icc"]
    assert set(icc["layer"]) == {"conv3", "hidden"}
    assert set(drawing.rows.loc[drawing.rows["measure"] == "cka_final", "layer"]) == {"hidden"}


def test_every_lag_is_drawn_bounds_open_and_none_a_cross(tables):
    (drawing,) = onsets.draw(tables)
    rows = drawing.rows[drawing.rows["game"] == "coinrun"]
    ax = onsets.plot_lags(Figure().subplots(), rows, method_colours(rows["method"]))
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert sorted(line.get_xdata()[0] for line in points) == sorted(rows["lag"].dropna())
    bounds = [line for line in points if line.get_markerfacecolor() == "white"]
    assert len(bounds) == (rows["lag_verdict"] == "at most").sum() > 0
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == rows["lag"].isna().sum() > 0
    assert "return" not in set(drawing.rows["measure"])


def test_a_measure_has_its_place_in_every_panel(tables):
    (drawing,) = onsets.draw(tables)
    rows = drawing.rows[(drawing.rows["game"] == "coinrun") & (drawing.rows["measure"] == "tv")]
    ax = onsets.plot_lags(Figure().subplots(), rows, method_colours(rows["method"]))
    place = list(onsets.MEASURES).index("tv")
    heights = [line.get_ydata()[0] for line in ax.lines if line.get_marker() in ("o", "x")]
    assert heights and all(abs(y - place) <= onsets.APART / 2 for y in heights)
    assert ax.get_yticklabels()[place].get_text() == onsets.MEASURES["tv"]


def test_a_bar_over_runs_stands_for_those_over_levels(tables):
    (drawing,) = onsets.draw(tables)
    rows = drawing.rows[(drawing.rows["game"] == "coinrun") & (drawing.rows["measure"] == "tv")]
    own = rows[rows["method"] == "ppo"].dropna(subset=["lag"])
    colours = method_colours(own["method"])
    bars = {"scope": "method", "runs": 2, "lag": 0.25, "lag_low": -1.0, "lag_high": 1.5}
    whole = own.iloc[[0]].assign(**bars)

    def drawn(rows: pd.DataFrame) -> list[tuple[float, float]]:
        ax = onsets.plot_lags(Figure().subplots(), rows, colours)
        flat = [part.get_segments()[0] for part in ax.collections]
        return sorted((line[0, 0], line[1, 0]) for line in flat if line[0, 1] == line[1, 1])

    levels = sorted(zip(own["lag_low"], own["lag_high"], strict=True))
    assert len(levels) > 1
    np.testing.assert_allclose(drawn(own), levels)
    assert drawn(pd.concat([own, whole])) == [(-1.0, 1.5)]
    # One run says nothing about runs.
    np.testing.assert_allclose(drawn(pd.concat([own, whole.assign(runs=1)])), levels)


def test_a_crowded_panel_shows_medians_where_all_have_a_value():
    steps, seeds = (2, 4, 8), range(emergence.FEW + 1)
    rows = pd.DataFrame(
        [
            dict(
                method="ppo",
                seed=seed,
                peer=0,
                step=step,
                low=0.0,
                high=1.0,
                verdict="ok",
                value=np.nan if (seed, step) == (0, 2) else float(seed * step),
            )
            for seed in seeds
            for step in steps
        ]
    )
    ax = emergence.plot(Figure().subplots(), rows, method_colours(["ppo"]))
    assert len(ax.collections) == 0  # no bands
    [median] = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(median.get_ydata(), [np.nan, 12.0, 24.0])
    few = rows[rows["seed"] < emergence.FEW]
    ax = emergence.plot(Figure().subplots(), few, method_colours(["ppo"]))
    assert len(ax.collections) == emergence.FEW
    assert len([line for line in ax.lines if line.get_marker() == "o"]) == emergence.FEW


def test_points_of_the_gap(tables):
    rows = pd.read_csv(tables / "emergence.csv", skiprows=1)
    points = gap.points_of(rows[rows["game"] == "starpilot"], "tv")
    assert len(points) == 4 * 8
    assert set(points.loc[points["last"], "step"]) == {2**21}
    assert (points["gap_low"] < points["gap"]).all()
    ax = gap.plot_gap(Figure().subplots(), points, method_colours(points["method"]))
    drawn = np.concatenate([c.get_offsets() for c in ax.collections if len(c.get_offsets()) > 1])
    assert sorted(drawn[:, 1]) == sorted(points["gap"])


def test_correlations_are_those_of_the_table(tables):
    gaps = pd.read_csv(tables / "emergence_gap.csv", skiprows=1)
    assert gap.words_of(gaps, "coinrun", "ratio", "decisions").count("ρ –") == 2
    one = gaps[(gaps["game"] == "all") & (gaps["measure"] == "tv")].iloc[0]
    words = gap.words_of(gaps, "all", "tv", "decisions")
    ends = f"[{one['low']:.2f}, {one['high']:.2f}], 4 runs"
    assert ends.replace("-", "−").replace("0.", ".") in words
    assert words.endswith("a bound lets 90% of the range be lost")
    assert "bound" not in gap.words_of(gaps, "all", "icc", "hidden")


def test_runs_on_other_backgrounds_have_a_panel_of_their_own(tables, tmp_path):
    rows = pd.read_csv(tables / "emergence.csv", skiprows=1)
    narrowed = rows[(rows["game"] == "starpilot") & (rows["method"] == "ppo")]
    strong = narrowed.assign(
        method="ppo-l2-strong-bg9", id=narrowed["id"].str.replace("/ppo/", "/ppo-l2-strong-bg9/")
    )
    narrowed = narrowed.assign(
        method="ppo-bg9", id=narrowed["id"].str.replace("/ppo/", "/ppo-bg9/")
    )
    panels = by_backgrounds(pd.concat([rows, narrowed]))
    titles = [title for _, title, _ in panels]
    assert titles == ["coinrun", "starpilot", "starpilot, 9 training backgrounds"]
    last = panels[-1][2]
    assert set(last["method"]) == {"ppo", "untrained"}
    assert set(last.loc[last["method"] == "ppo", "id"]) == set(narrowed["id"])
    assert len(panels[1][2]) == (rows["game"] == "starpilot").sum()
    every = pd.concat([rows, narrowed, strong])
    toy_tables.write(every.to_dict("records"), tmp_path, "emergence")
    (tmp_path / "probes_steps.csv").symlink_to(tables / "probes_steps.csv")
    own, narrow = emergence.draw(tmp_path)
    assert (own.name, narrow.name) == ("emergence", "emergence-narrowed")
    assert not own.rows["method"].str.contains("-bg").any()
    assert {name.split("/")[1] for name in narrow.rows["id"]} == {"ppo-bg9", "untrained"}


def test_panels_of_onsets_go_on_in_a_second_row(tables, tmp_path):
    rows = pd.read_csv(tables / "emergence_onsets.csv", skiprows=1)
    counts = ("", "-bg1", "-bg4", "-bg9")
    ids = [rows["id"].str.replace(r"^(\w+/[\w-]+)", rf"\1{count}", regex=True) for count in counts]
    wide = [
        rows.assign(method=rows["method"] + count, id=named)
        for count, named in zip(counts, ids, strict=True)
    ]
    toy_tables.write(pd.concat(wide).to_dict("records"), tmp_path, "emergence_onsets")
    (tmp_path / "probes_onsets.csv").symlink_to(tables / "probes_onsets.csv")
    (drawing,) = onsets.draw(tmp_path)
    titles = [ax.get_title() for ax in drawing.figure.axes]
    assert len(titles) == 2 * len(counts)
    assert titles[1] == "coinrun,\n1 training background"
