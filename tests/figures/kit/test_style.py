"""PNGs of few colours: what may be lost, and what is left as it is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figures.kit import style


def picture(fill: np.ndarray, path: Path) -> np.ndarray:
    """Save an RGB picture of bytes (h, w, 3) with a palette, if that does not show; read it."""
    Image.fromarray(fill).save(path, dpi=(200, 200))
    style.use_palette(path)
    with Image.open(path) as opened:
        assert opened.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        return np.asarray(opened.convert("RGB"))


def test_a_chart_keeps_its_colours_in_a_palette(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (200, 3), np.uint8)
    chart = np.full((300, 300, 3), 255, np.uint8)
    chart[50:250:2, ::2] = colours[np.arange(150) % 200]
    assert (picture(chart, tmp_path / "chart.png") == chart).all()
    with Image.open(tmp_path / "chart.png") as opened:
        assert opened.mode == "P"


def test_a_photograph_is_left_as_it_is(tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    assert (picture(photo, tmp_path / "photo.png") == photo).all()
