"""Figures on a column of a page: lines are broken, legends grow downwards, and panels keep."""

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.kit.narrow import panel_height
from figures.kit.printing import Print
from figures.kit.saving import HIGHEST, fit
from figures.kit.style import one_column, paper

TITLE = "a title that has room over a page, though by no means over a column of one [0.27, 0.71]"


def wide(**changed: str) -> Figure:
    """Two panels side by side on a page, with a legend of four columns."""
    with paper():
        figure = Figure(figsize=(6.75, 2.5))
        for ax in figure.subplots(1, 2):
            ax.plot([0, 1, 2], [0, 1, 0])
            ax.set(title="seen on the backgrounds of training", xlabel="steps", **changed)
        handles = [Line2D([], [], label=f"the method number {n}") for n in range(4)]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, title=TITLE)
        figure.draw_without_rendering()
    return figure


def test_lines_are_broken_and_nothing_is_lost_but_room():
    before, figure = wide(), wide()
    assert fit(figure, Print(3.25)) == []
    for old, new in zip(before.axes, figure.axes, strict=True):
        assert new.get_title().replace("\n", " ") == old.get_title()
        assert "\n" in new.get_title() and "\n" not in new.get_xlabel()
    (legend,) = figure.legends
    lines = legend.get_title().get_text().split("\n")
    assert " ".join(lines) == TITLE and len(lines) > 1
    assert any("[0.27, 0.71]" in line for line in lines), "an interval is not broken"
    (old,) = before.legends
    texts = [[one.get_text() for one in some.get_texts()] for some in (old, legend)]
    assert texts[0] == texts[1]
    assert legend._ncols < old._ncols


def test_panels_keep_their_height_and_the_figure_grows():
    before, figure = wide(), wide()
    fit(figure, Print(3.25))
    assert figure.get_size_inches()[0] == 3.25
    assert 2.5 < figure.get_size_inches()[1] < HIGHEST
    assert panel_height(figure) == pytest.approx(panel_height(before), rel=0.05)


def test_a_figure_that_has_room_is_left_as_it_is():
    figure = wide()
    assert fit(figure, Print(6.75)) == []
    assert tuple(figure.get_size_inches()) == (6.75, 2.5)
    assert figure.axes[0].get_title() == "seen on the backgrounds of training"
    assert figure.legends[0]._ncols == 4


def test_names_at_an_axis_are_turned_and_numbers_get_fewer():
    named, numbered = wide(), wide()
    for ax in named.axes:
        ax.set_xticks([0, 1, 2], ["the first of all", "the second", "the third one"])
    for ax in numbered.axes:
        ax.set_xticks([0.0, 0.2, 0.4, 1.0, 1.2, 1.4], minor=False)
        ax.xaxis.set_major_formatter("{x:.6f}")
    assert fit(named, Print(3.25)) == []
    assert {one.get_rotation() for one in named.axes[0].get_xticklabels()} <= {45.0, 90.0}
    assert len(named.axes[0].get_xticks()) == 3
    fit(numbered, Print(3.25))
    assert 1.0 in numbered.axes[0].get_xticks() and len(numbered.axes[0].get_xticks()) < 6
    assert {one.get_rotation() for one in numbered.axes[0].get_xticklabels()} == {0.0}


@pytest.mark.parametrize(
    ("printed", "below"),
    [
        (Print(), False),
        (Print(6.75), False),
        (Print(3.25), True),
        (Print(6.75, "talk"), False),
        (Print(4.5, "talk"), True),
    ],
)
def test_panels_are_told_of_a_column(printed, below):
    with printed.settings():
        assert one_column() == below
    assert not one_column()
