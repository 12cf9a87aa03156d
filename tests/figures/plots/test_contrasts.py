"""The figure of contrasts: every policy, every factor, and what is missing said in words."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.studies.contrasts.rows import contrast_rows
from analysis.studies.contrasts.sources import beside_of
from checkpoints.runs.study import read_study
from figures.kit.contrasted import Line
from figures.kit.noted import notes
from figures.kit.style import METHOD_STYLES, in_method_order, method_styles
from figures.plots import contrasts
from tests.support import toy_tables
from tests.support.looks import MARKERS
from tests.support.planted_runs import STEPS, planted, untrained, values_of


def tables(folder, values: pd.DataFrame, root):
    rows = contrast_rows(values, read_study(root / "study.yaml"), beside_of(values))
    toy_tables.write(values.to_dict("records"), folder, "emergence")
    toy_tables.write(rows.to_dict("records"), folder, "contrasts")
    return folder


@pytest.fixture
def root(request) -> object:
    return request.config.rootpath


def words(drawing) -> str:
    figure = drawing.figure
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    labels = [ax.get_xlabel() for ax in figure.axes]
    ticks = [tick.get_text() for ax in figure.axes for tick in ax.get_yticklabels()]
    return "\n".join([*texts, *labels, *ticks])


def test_every_policy_and_every_factor_is_drawn(tmp_path, root):
    (drawing,) = contrasts.draw(tables(tmp_path, planted(0.5), root))
    left, right = drawing.figure.axes
    dots = [line for line in left.lines if line.get_marker() in MARKERS]
    assert len(dots) == 3 + 3 + 2 * 3  # PPO at two steps, mutual's two peers
    assert not any(line.get_markerfacecolor() == "white" for line in dots)
    mine = [line for line in left.lines if line.get_color() == METHOD_STYLES["mutual"].colour]
    joined = [line for line in mine if len(set(line.get_ydata())) == 2]
    assert len(joined) == 3  # the peers of a run
    factors = [line for line in right.lines if line.get_marker() in ("o", "D")]
    assert sorted(line.get_marker() for line in factors) == ["D", "o"]
    found = {line.get_marker(): line.get_xdata()[0] for line in factors}
    rows = drawing.rows.set_index("match")["effect"]
    assert found == {"D": rows["frames"], "o": rows["steps"]}
    assert "declared" in words(drawing)
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        *("ppo, 2.1 M", "ppo, 4.2 M", "mutual, 2.1 M")
    ]


def test_what_is_missing_is_said(tmp_path, root):
    values = planted()
    values = values[~values["id"].str.startswith("starpilot/mutual-bg9/2")]
    (drawing,) = contrasts.draw(tables(tmp_path, values, root))
    assert "not trained so far: mutual-bg9/2" in words(drawing)


def test_one_run_is_a_ring_without_a_bar(tmp_path, root):
    values = planted()
    values = values[~values["id"].str.contains(r"mutual-bg9/[12]")]
    (drawing,) = contrasts.draw(tables(tmp_path, values, root))
    left, right = drawing.figure.axes
    factors = [line for line in right.lines if line.get_marker() in ("o", "D")]
    assert all(line.get_markerfacecolor() == "white" for line in factors)
    assert not any(len(line.get_xdata()) == 2 and line.get_ydata()[0] > 0 for line in right.lines)
    faces = [line.get_markerfacecolor() for line in left.lines if line.get_marker() == "s"]
    assert faces == ["white"] * 2
    ticks = [part for part in left.collections if len(part.get_segments())]
    assert len(ticks) == 2  # means of PPO at two steps, of one run none


def test_undecided_and_blind_runs_are_written_out(tmp_path, root):
    values = planted()
    blind = values[values["measure"].eq("return") & values["method"].ne("untrained")]
    over = np.where(blind["method"].eq("mutual-bg9"), 0.1, 2.0)
    blind = blind.assign(measure="return_over_blind", value=over, low=over - 1, high=over + 1)
    values = pd.concat([values, blind], ignore_index=True)
    here = values["method"].eq("mutual-bg9") & values["measure"].eq("ratio_unseen")
    values.loc[here & values["seed"].eq(0), ["value", "low", "high"]] = np.nan
    values.loc[here & values["seed"].eq(0), "verdict"] = "undecided"
    (drawing,) = contrasts.draw(tables(tmp_path, values, root))
    said = words(drawing)
    assert "undecided" in said
    assert "mutual: 0 of 3 runs see" in said
    assert "not measured" not in said


def test_whose_seeing_was_not_measured_is_said(tmp_path, root):
    (drawing,) = contrasts.draw(tables(tmp_path, planted(), root))
    assert words(drawing).count("seeing not measured") == 1
    rows = drawing.rows.assign(sees_treatment=2.0)
    assert notes(rows).replace("\n", " ") == (
        "mutual: 2 of 3 runs see; seeing not measured but of mutual"
    )
    rows = rows.assign(sees_control=np.where(rows["match"] == "frames", 3.0, np.nan))
    assert notes(rows).replace("\n", " ").endswith("but of mutual, ppo 4.2 M")


def test_the_text_says_what_the_bars_resample(tmp_path, root):
    values = planted()
    for some, over in (
        (values, "of decisions over backgrounds too"),
        (values[values["layer"] != "buttons"], "backgrounds as they are"),
    ):
        (drawing,) = contrasts.draw(tables(tmp_path, some, root))
        title = drawing.figure.legends[0].get_title().get_text().replace("\n", " ")
        assert f"its bar over levels, {over}" in title


def test_a_panel_for_each_set_of_backgrounds_the_declared_one_first(tmp_path, root):
    values = planted()
    more = [row for seed in (0, 1) for row in values_of(f"coinrun/ppo/{seed}", STEPS)]
    more += values_of("coinrun/mutual/0", STEPS, 2) + untrained("coinrun")
    values = pd.concat([values, pd.DataFrame(more)])
    more = values_of("starpilot/ppo/0", STEPS) + values_of("starpilot/mutual/0", STEPS, 2)
    more += values_of("starpilot/ppo-l2-strong-bg9/0", STEPS)
    more += values_of("starpilot/mutual-alpha0-bg9/0", STEPS, 2)
    values = pd.concat([values, pd.DataFrame(more)])
    declared, others = contrasts.draw(tables(tmp_path, values, root))
    titles = [
        [ax.get_title(loc="left") for ax in drawing.figure.axes[::2]]
        for drawing in (declared, others)
    ]
    assert titles == [
        ["starpilot, 9 training backgrounds: unseen twins"],
        ["coinrun: unseen twins", "starpilot: unseen twins"],
    ]
    assert not declared.rows["treatment"].str.contains("strong").any()
    for ax, of_policies in zip(others.figure.axes, [True, False] * 2, strict=True):
        low, high = ax.get_xlim()
        dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() in MARKERS]
        # One run a side has no factor.
        assert bool(dots) == of_policies and all(low < x < high for x in dots)


def test_a_method_keeps_its_colour_and_place_on_other_backgrounds():
    found = method_styles(["ppo-bg9", "mutual", "drac-twins-bg4"])
    assert found["ppo-bg9"] is METHOD_STYLES["ppo"]
    assert found["drac-twins-bg4"] == METHOD_STYLES["drac-twins"]
    assert in_method_order(["mutual-bg9", "ppo", "ppo-bg9"]) == ["ppo", "ppo-bg9", "mutual-bg9"]


def test_a_whisker_spans_its_interval():
    rows = pd.DataFrame(values_of("starpilot/ppo-bg9/0", STEPS[-1:]))
    rows = rows[rows["measure"] == "ratio_unseen"]
    lines = [Line("ppo-bg9", STEPS[-1])]
    ax = contrasts.plot_policies(Figure().subplots(), rows, lines, method_styles(["ppo-bg9"]))
    whisker = next(line for line in ax.lines if len(line.get_xdata()) == 2)
    assert list(whisker.get_xdata()) == [rows["low"].iloc[0], rows["high"].iloc[0]]
