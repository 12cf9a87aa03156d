"""The figures of settings: backgrounds in training, and strengths of L2 and dropout."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.records.runs import RETURNS, runs_of
from checkpoints.policy.recipes import METHODS
from figures.kit.style import METHOD_STYLES, Drawing, method_styles
from figures.kit.varied import COLUMNS, plot, shared_step
from figures.plots import backgrounds, strengths
from tests.support import toy_tables
from tests.support.looks import MARKERS
from tests.support.planted_runs import STEPS, planted, varied

LINES = {"ppo": METHOD_STYLES["ppo"]}


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return varied()


@pytest.fixture
def tables(values, tmp_path):
    return folder_of(values, tmp_path)


def folder_of(values: pd.DataFrame, folder):
    toy_tables.write(values.to_dict("records"), folder, "emergence")
    toy_tables.write([{"game": "starpilot", "backgrounds_trained": 13}], folder, "twins")
    return folder


def panels(drawing: Drawing) -> list:
    return [ax for part in drawing.figure.subfigs for ax in part.axes]


def words(drawing: Drawing) -> str:
    figure = drawing.figure
    notes = [part.get_supxlabel() for part in figure.subfigs]
    titles = [part.get_suptitle() for part in figure.subfigs]
    inside = [text.get_text() for ax in panels(drawing) for text in ax.texts]
    return "\n".join([*titles, *notes, *inside, *(text.get_text() for text in figure.texts)])


def dots(ax) -> list[float]:
    found = [float(line.get_ydata()[0]) for line in ax.lines if line.get_marker() in MARKERS]
    return sorted(y for y in found if np.isfinite(y))


# -- backgrounds in training -----------------------------------------------------------------


def test_every_run_is_a_dot_and_every_setting_a_place(tables):
    (drawing,) = backgrounds.draw(tables)
    rows = drawing.rows
    assert list(rows["measure"].unique()) == [
        measure for measure, _ in backgrounds.MEASURES.values()
    ]
    for ax, (measure, _) in zip(panels(drawing), backgrounds.MEASURES.values(), strict=True):
        assert dots(ax) == sorted(rows.loc[rows["measure"] == measure, "value"].dropna())
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "4", "9", "13 (all)"]
    assert set(rows["line"]) == {"ppo", "mutual"}  # nothing else was varied
    assert set(rows["step"]) == {2**21}
    assert rows[rows["measure"] == "ratio"].groupby("setting").size().to_dict() == {
        "1": 1,
        "4": 2,
        "9": 6,
        "13 (all)": 2,
    }


def test_numbers_are_those_of_the_table(tables, values):
    (drawing,) = backgrounds.draw(tables)
    of = drawing.rows.set_index(["method", "seed", "measure"])
    table = values[(values["step"] == 2**21) & (values["layer"] == "decisions")]
    table = table.set_index(["method", "seed", "measure", "peer"])["value"].to_dict()
    one = of.loc[("mutual-bg4", 0, "ratio")]
    assert one["value"] == pytest.approx(table["mutual-bg4", 0, "ratio", 0])
    assert one["low"] < one["value"] < one["high"]


def test_means_are_geometric_for_factors_only(tables):
    (drawing,) = backgrounds.draw(tables)
    for ax, measure in zip(panels(drawing), backgrounds.MEASURES.values(), strict=True):
        own = drawing.rows[drawing.rows["measure"] == measure[0]]
        nine = own[(own["method"] == "ppo-bg9")]["value"]
        mean = nine.mean() if measure == RETURNS else np.exp(np.log(nine).mean())
        line = next(
            one
            for one in ax.lines
            if one.get_color() == METHOD_STYLES["ppo"].colour and one.get_marker() == "_"
        )
        assert line.get_ydata()[2] == pytest.approx(mean)


def test_nothing_is_drawn_through_a_run_that_stands_alone(tables):
    (drawing,) = backgrounds.draw(tables)
    rows = drawing.rows[drawing.rows["measure"] == "ratio"]
    counts = rows[rows["line"] == "ppo"].groupby("place")["value"].count()
    assert sorted(set(counts)) == [1, 3]
    ax = panels(drawing)[2]
    of = [line for line in ax.lines if line.get_color() == METHOD_STYLES["ppo"].colour]
    means = next(line for line in of if line.get_marker() == "_").get_ydata()
    assert [bool(np.isfinite(mean)) for mean in means] == [
        counts.get(place, 0) > 1 for place in range(4)
    ]
    rings = [line for line in of if line.get_markerfacecolor() == "white"]
    assert len(rings) == (counts == 1).sum()


def test_what_is_missing_or_vacuous_is_said(tables):
    (drawing,) = backgrounds.draw(tables)
    assert "no run: ppo on 1" in words(drawing)
    unseen = panels(drawing)[1]
    assert [text.get_text() for text in unseen.texts] == ["vacuous"]


def test_a_run_far_behind_is_named_and_not_waited_for(values, tmp_path):
    late = values["method"].eq("mutual-bg1") & values["step"].gt(2**17)
    (drawing,) = backgrounds.draw(folder_of(values[~late], tmp_path))
    assert set(drawing.rows["step"]) == {2**21}
    assert "not so far: mutual-bg1/0 (131k)" in words(drawing)
    assert "no run" in {text.get_text() for ax in panels(drawing) for text in ax.texts}


def test_one_set_of_backgrounds_is_nothing_to_compare(tmp_path):
    (drawing,) = backgrounds.draw(folder_of(planted(), tmp_path))
    assert "No method was trained on two sets of backgrounds" in words(drawing)
    assert drawing.rows.empty
    assert tuple(drawing.rows) == COLUMNS


def test_a_measure_that_is_not_there_is_said(values, tmp_path):
    (drawing,) = backgrounds.draw(folder_of(values[values["measure"] != "ratio_unseen"], tmp_path))
    assert {text.get_text() for text in panels(drawing)[1].texts} == {"not measured"}
    assert dots(panels(drawing)[2])


# -- strengths -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(strengths.KINDS))
def test_strengths_are_those_of_the_recipes(kind):
    found = strengths.strengths_of(kind)
    assert list(found) == ["ppo", f"ppo-{kind}-weak", f"ppo-{kind}", f"ppo-{kind}-strong"]
    assert list(found.values()) == sorted(found.values())
    assert all(getattr(METHODS[name], kind) == strength for name, strength in found.items())


@pytest.mark.parametrize(
    ("strength", "text"), [(0.0, "0"), (1e-5, "1e-5"), (1e-3, "1e-3"), (0.03, "0.03"), (0.3, "0.3")]
)
def test_strengths_are_short(strength, text):
    assert strengths.name_of(strength) == text


def test_a_row_of_panels_a_regulariser_at_one_step(tables):
    (drawing,) = strengths.draw(tables)
    assert len(panels(drawing)) == 2 * 3
    assert set(drawing.rows["step"]) == {2**20}  # though PPO and others go on
    measures = list(drawing.rows["measure"].unique())
    assert measures == ["return", "ratio_unseen", "tv_between"]
    assert [ax.get_yscale() for ax in panels(drawing)] == ["linear", "log", "linear"] * 2
    dropout = [tick.get_text() for tick in panels(drawing)[3].get_xticklabels()]
    assert dropout == ["0", "0.03", "0.1", "0.3"]
    assert "9 training backgrounds, after 1M steps" in words(drawing)


def test_what_is_undecided_is_shown_as_such(tables):
    (drawing,) = strengths.draw(tables)
    _, ratio, _ = panels(drawing)[3:]
    assert [text.get_text() for text in ratio.texts] == ["undecided"]
    means = next(line for line in ratio.lines if line.get_color() == "0.6").get_ydata()
    runs = drawing.rows[drawing.rows["measure"] == "ratio_unseen"]
    runs = runs[runs["line"] == "dropout"].groupby("place")["value"].count()
    assert np.isfinite(means).tolist() == [runs[place] > 1 for place in range(4)]
    assert set(runs) >= {1} and runs.max() > 1


def test_a_strength_that_has_only_begun_is_named(tables):
    (drawing,) = strengths.draw(tables)
    assert "not so far: ppo-l2-weak-bg9/0 (66k)" in words(drawing)
    assert [text.get_text() for text in panels(drawing)[0].texts] == ["no run"]
    assert not drawing.rows["method"].eq("ppo-l2-weak-bg9").any()


def test_without_strengths_the_figure_says_so(tmp_path):
    (drawing,) = strengths.draw(folder_of(planted(), tmp_path))
    assert "No strengths of L2 or dropout" in words(drawing)
    assert drawing.rows.empty


def test_without_unseen_backgrounds_all_are_shown(values, tmp_path):
    strong = values[values["method"].isin(["ppo-bg9", "ppo-l2-bg9"])]
    lost = strong["measure"].eq("ratio_unseen")
    strong = strong.assign(
        value=strong["value"].mask(lost), verdict=strong["verdict"].mask(lost, "vacuous")
    )
    (drawing,) = strengths.draw(folder_of(strong, tmp_path))
    assert set(drawing.rows["measure"]) == {"return", "ratio", "tv_between"}
    assert len(panels(drawing)) == 3
    assert "all backgrounds" in panels(drawing)[1].get_ylabel()


@pytest.mark.parametrize("figure", [backgrounds, strengths])
def test_the_text_says_that_the_floor_is_untrained_and_what_bars_resample(figure, values, tmp_path):
    (drawing,) = figure.draw(folder_of(values, tmp_path))
    title = drawing.figure.legends[0].get_title().get_text().replace("\n", " ")
    assert "its bar over levels, of decisions over backgrounds too;" in title
    assert "untrained networks; the blind floor was not measured here" in title


# -- both ------------------------------------------------------------------------------------


def test_the_shared_step_waits_for_those_that_are_near(values):
    runs = {run.name: run for run in runs_of(values)}
    ppo = [runs["starpilot/ppo-bg9/0"]]
    weak, strong = ([runs[f"starpilot/ppo-l2-{end}-bg9/0"]] for end in ("weak", "strong"))
    assert shared_step([ppo, strong]) == STEPS[6]
    assert shared_step([ppo, strong, weak, []]) == STEPS[6]
    assert shared_step([weak]) == STEPS[2]
    assert shared_step([[]]) == shared_step([]) == 0


def test_a_bar_spans_its_interval(tables):
    (drawing,) = backgrounds.draw(tables)
    rows = drawing.rows[(drawing.rows["measure"] == "ratio") & (drawing.rows["seed"] == 0)]
    one = rows[rows["method"] == "ppo-bg4"]
    ax = plot(Figure().subplots(), one, ["1", "4"], method_styles(["ppo-bg4"]), LINES)
    ends = [segment[:, 1].tolist() for bars in ax.collections for segment in bars.get_segments()]
    assert ends == [[one["low"].item(), one["high"].item()]]
    assert [text.get_text() for text in ax.texts] == ["no run"]
