"""The figures of saliency maps: which rows, which tiles, what stands under them, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from checkpoints.console import UserError
from figures.kit.rows import MissingTable
from figures.kit.style import method_styles
from figures.plots import saliency, saliency_sheet
from tests.support import toy_saliency
from tests.support.looks import MARKERS
from tests.support.toy_rows import write


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Synthetic tables and tiles."""
    rng = np.random.default_rng(0)
    write(toy_saliency.saliency(rng), tmp_path, "saliency")
    rows = toy_saliency.saliency_sheet(rng, tmp_path / "saliency")
    write(rows, tmp_path, "saliency_sheet")
    return tmp_path


# -- scores ----------------------------------------------------------------------------------


def test_the_page_shows_the_maps_of_buttons(tables):
    (drawing,) = saliency.draw(tables)
    assert set(drawing.rows["target"]) == {"button"}
    assert len(drawing.rows) == 2 * 4 * 5
    assert len(drawing.figure.axes) == 2 * len(saliency.PANELS)


def test_maps_of_actions_are_asked_for_anew(tables):
    path = tables / "saliency.csv"
    path.write_text(path.read_text().replace(",button,", ",action,"))
    with pytest.raises(MissingTable, match="target button, got action, value: earlier versions"):
        next(iter(saliency.draw(tables)))


@pytest.mark.parametrize("score", list(saliency.PANELS))
def test_every_score_is_a_point_and_what_is_fixed_is_not(tables, score):
    (drawing,) = saliency.draw(tables)
    rows = drawing.rows[drawing.rows["game"] == "coinrun"]
    ax = saliency.plot_scores(Figure().subplots(), rows, score, method_styles(rows["method"]))
    drawn = [y for line in ax.lines if line.get_marker() in MARKERS for y in line.get_ydata()]
    shown = rows if score == "faithful_amount" else rows[rows["attribution"] != "ig-twin"]
    assert sorted(drawn) == sorted(shown[score])
    assert len(ax.patches) == (score != "faithful_amount")
    controls = [line for line in ax.lines if line.get_marker() == "_"]
    assert len(controls) == (score == "faithful_amount")


def test_methods_stand_in_one_order():
    names = pd.Series([*toy_saliency.ATTRIBUTIONS, "occlusion"])
    order = ["gradient", "ig-black", "ig-twin", "occlusion", "gradcam-conv1", "gradcam-conv2"]
    assert saliency.in_attribution_order(names) == order


# -- the sheet -------------------------------------------------------------------------------


def test_every_map_has_its_number_under_it(tables):
    (drawing,) = saliency_sheet.draw(tables)
    under = [ax.get_xlabel() for ax in drawing.figure.axes]
    wanted = [saliency_sheet.ratio_of(value) for value in drawing.rows["mass_over_area"]]
    assert len(wanted) == 40 and wanted.count("–") == 1
    assert [text for text in under if text in wanted] == wanted
    assert under.count("coinrun") == under.count("starpilot") == 2


def test_tiles_are_found_where_the_table_says(tables):
    (drawing,) = saliency_sheet.draw(tables)
    maps = [
        ax.images[0].get_array()
        for ax in drawing.figure.axes
        if ax.images and ax.images[0].get_array().ndim == 2
    ]
    assert [int(np.round(255 * one.mean())) for one in maps] == list(range(40))
    names = [ax.get_ylabel() for ax in drawing.figure.axes if ax.get_ylabel()]
    assert names == ["mutual/0\nTV 0.25", "ppo/0\nTV 0.25"] * 4


def test_missing_tiles_say_what_writes_them(tables):
    (tables / "saliency" / "maps.png").unlink()
    with pytest.raises(UserError, match=r"tiles at .*maps.png.*python -m analysis\.saliency"):
        list(saliency_sheet.draw(tables))


@pytest.mark.parametrize("shape", [(128, 192), (512, 128), (500, 192)])
def test_tiles_of_another_size_are_refused(tmp_path, shape):
    from matplotlib.image import imsave

    imsave(tmp_path / "maps.png", np.zeros((*shape, 3)))
    with pytest.raises(UserError, match="expected 8 lines of 3 tiles of 64 pixels, got"):
        saliency_sheet.read_tiles(tmp_path / "maps.png", 8, 3)
