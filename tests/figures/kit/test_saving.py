"""Figures at a width, for slides, in formats: sizes, type and what has no room."""

import re
import subprocess
from pathlib import Path
from shutil import which

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from checkpoints.console import MachineTrouble, UserError
from figures.kit.crowding import crowded
from figures.kit.printing import TALK, Print, formats_of, own_of
from figures.kit.saving import fit, save
from figures.kit.style import Drawing, paper
from tests.support.disk import full_after

ROWS = pd.DataFrame({"x": [1.0, 2.0], "low": [0.5, 1.5], "high": [1.5, 2.5]})


def plain(width: float = 4.0, title: str = "one", label: str = "step") -> Drawing:
    with paper():
        figure = Figure(figsize=(width, 2.0))
        ax = figure.subplots()
        ax.plot(ROWS["x"], ROWS["high"], marker="o")
        ax.set(title=title, xlabel=label)
    return Drawing("plain", figure, ROWS)


def media_box(pdf: Path) -> tuple[float, float]:
    """Width and height in inches, as a PDF states them."""
    found = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf.read_bytes())
    assert found
    return float(found[1]) / 72, float(found[2]) / 72


@pytest.mark.parametrize("width", [3.25, 6.75])
def test_a_figure_is_as_wide_as_asked_in_each_format(tmp_path, width):
    from PIL import Image

    drawing, printed = plain(), Print(width, formats=("pdf", "png", "svg"))
    assert fit(drawing.figure, printed) == []
    pdf, png, svg, rows = save(drawing, tmp_path, printed)
    assert media_box(pdf) == pytest.approx((width, 2.0), abs=1e-6)
    with Image.open(png) as opened:
        assert opened.size == (round(200 * width), 400)
    assert f'width="{72 * width:g}pt"' in svg.read_text()
    assert b"/FontFile2" in pdf.read_bytes() and b"/Type3" not in pdf.read_bytes()
    assert "<text" not in svg.read_text(), "letters must not hang on the reader's fonts"
    assert (pd.read_csv(rows) == ROWS).all(axis=None)


@pytest.mark.skipif(which("pdffonts") is None, reason="pdffonts (poppler-utils) is not installed")
def test_every_font_is_embedded(tmp_path):
    pdf, *_ = save(plain(), tmp_path)
    listed = subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout
    fonts = [line.split() for line in listed.splitlines()[2:]]
    assert fonts and all(line[-5] == "yes" for line in fonts)


def test_the_same_figure_gives_the_same_bytes_in_each_format(tmp_path):
    printed = Print(formats=("pdf", "png", "svg"))
    first = save(plain(), tmp_path / "first", printed)
    second = save(plain(), tmp_path / "second", printed)
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in second]


@pytest.mark.parametrize("ending", ["pdf", "png", "svg"])
def test_a_full_disk_is_a_message_and_leaves_nothing(ending: str, tmp_path: Path):
    drawing, printed = plain(), Print(formats=(ending,))
    with full_after(1000), pytest.raises(MachineTrouble, match=r"to write .*File too large"):
        save(drawing, tmp_path, printed)
    assert not list(tmp_path.iterdir())


def test_a_slide_is_half_as_large_again_with_its_type_and_lines():
    page, slide = plain().figure, plain().figure
    fit(page, Print())
    fit(slide, Print(style="talk"))
    assert slide.get_size_inches() == pytest.approx(TALK * page.get_size_inches())
    for pick in (
        lambda ax: ax.title.get_fontsize(),
        lambda ax: ax.xaxis.get_ticklabels()[0].get_fontsize(),
        lambda ax: ax.lines[0].get_linewidth(),
        lambda ax: ax.lines[0].get_markersize(),
    ):
        assert pick(slide.axes[0]) == pytest.approx(TALK * pick(page.axes[0]))


def test_own_settings_are_laid_over_the_style_and_others_are_not():
    with mpl.rc_context({"lines.linewidth": 3.5, "font.family": ["serif"]}):
        assert own_of(mpl.rcParams)["lines.linewidth"] == 3.5
        with Print(style="own").settings():
            own = plain().figure.axes[0]
        with Print().settings():
            ours = plain().figure.axes[0]
    assert own.lines[0].get_linewidth() == 3.5
    assert own.title.get_fontfamily() == ["serif"]
    assert ours.lines[0].get_linewidth() == pytest.approx(1.1)
    assert ours.title.get_fontfamily() == ["DejaVu Sans"]


# -- what has no room ------------------------------------------------------------------------


def test_a_word_wider_than_the_page_is_named():
    drawing = plain(title="fartoolongawordtostandoverafigureofsofewinches" * 2)
    (said,) = fit(drawing.figure, Print(3.25))
    assert said.startswith("the panel 'fartoolong") and said.endswith("leaves the page")


def test_labels_over_labels_are_named_and_only_those_in_view():
    figure = plain().figure
    ax = figure.axes[0]
    ax.set_xticks([1.0, 1.01, 9.0], ["first label", "second label", "out of view"])
    ax.set_xlim(0.9, 2.1)
    figure.draw_without_rendering()
    assert crowded(figure) == ["'first label' runs into 'second label'"]
    # Turned, too, they are less than a line apart.
    assert fit(figure, Print(3.25)) == ["'first label' runs into 'second label'"]


def test_titles_of_neighbours_that_meet_are_named():
    with paper():
        figure = Figure(figsize=(3, 2))
        for ax, title in zip(
            figure.subplots(1, 2), ("left of the two", "right of them"), strict=True
        ):
            ax.set_title(title * 2)
        figure.draw_without_rendering()
    assert any("runs into" in one for one in crowded(figure))


def test_panels_that_vanish_are_named():
    drawing = plain(label="\n".join("a label of many lines".split() * 40))
    assert fit(drawing.figure, Print(3.25)) == ["its panels vanish"]


def test_without_a_width_nothing_is_asked():
    assert fit(plain(title="long " * 60).figure, Print()) == []


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.2, -1.0, 200.0, float("nan")])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(UserError, match="width: expected inches from 1 to 40, got"):
        Print(width)


def test_formats_are_read_between_commas():
    assert formats_of("pdf, svg") == ("pdf", "svg")
    with pytest.raises(UserError, match="unknown format 'eps'; expected one of: pdf, png, svg"):
        Print(formats=formats_of("eps"))
    for given in ("", "pdf,pdf"):
        with pytest.raises(UserError, match="one or more of pdf, png, svg, each once, got"):
            Print(formats=formats_of(given))
