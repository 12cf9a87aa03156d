"""Looks of methods, told apart by anybody; and what a PNG of few colours may lose."""

from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkpoints.policy.recipes import is_strength
from figures.kit import saving, style


def picture(fill: np.ndarray, path: Path) -> np.ndarray:
    """Save an RGB picture of bytes (h, w, 3) with a palette, if that does not show; read it."""
    drawn = BytesIO()
    Image.fromarray(fill).save(drawn, format="png", dpi=(200, 200))
    saving.use_palette(drawn, path)
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


# -- looks of methods --------------------------------------------------------------------------

# Machado, Oliveira and Fernandes 2009, table I, severity 1: on linear RGB.
BLINDNESS = {
    "protanopia": [
        *([0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216]),
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        *([0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413]),
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        *([1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602]),
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of a colour as somebody sees it."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.array(TO_XYZ) @ np.clip(seen @ linear, 0, 1) / (0.9505, 1.0, 1.089)
    f, g, h = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return np.array([116 * g - 16, 500 * (f - g), 200 * (g - h)])


def apart(one: style.Style, other: style.Style) -> float:
    """The smallest difference ΔE of two colours to anybody."""
    eyes = [np.eye(3), *map(np.array, BLINDNESS.values())]
    return min(float(np.linalg.norm(lab(one.colour, e) - lab(other.colour, e))) for e in eyes)


def test_simulated_eyes_see_what_is_known():
    grey, rose = style.METHOD_STYLES["untrained"], style.METHOD_STYLES["oneway"]
    assert apart(grey, rose) < 5  # one hue to some, though it is not to most
    ppo, mutual = style.METHOD_STYLES["ppo"], style.METHOD_STYLES["mutual"]
    assert apart(ppo, mutual) > 40
    white = lab("#ffffff", np.array(BLINDNESS["protanopia"]))
    assert white == pytest.approx([100, 0, 0], abs=0.6)


def test_any_two_methods_differ_by_marker_or_to_any_eye_by_colour():
    own = {f"own{n}": None for n in range(len(style.SPARE_STYLES))}
    looks = style.method_styles([*style.METHOD_STYLES, *own])
    for (a, one), (b, other) in combinations(looks.items(), 2):
        assert one.marker != other.marker or apart(one, other) > 10, (a, b)


def test_kinds_of_methods_differ_by_marker_and_families_by_line():
    kinds = {name: looks for name, looks in style.METHOD_STYLES.items() if not is_strength(name)}
    assert len({looks.marker for looks in kinds.values()}) == len(kinds)
    for family in {looks.family for looks in kinds.values()}:
        lines = [looks.line for looks in kinds.values() if looks.family == family]
        assert family == style.DISTILLED or len(set(lines)) == len(lines)


def test_a_stranger_looks_the_same_wherever_there_is_room():
    alone = style.method_styles(["own"])["own"]
    assert style.method_styles(["own", "ppo", "mutual-bg9"])["own"] == alone
    assert alone in style.SPARE_STYLES
    many = [f"own{n}" for n in range(len(style.SPARE_STYLES))]
    assert len(set(style.method_styles(many).values())) == len(many)
    assert style.method_styles([*many, "one-more"])["one-more"] in style.SPARE_STYLES


def test_strangers_keep_their_looks_when_others_come():
    names = ("idaac", "daac", "plr", "ucb-drac", "ibac-sni", "mixreg", "dcpg", "sil")
    alone = {name: style.method_styles([name])[name] for name in names}
    together = style.method_styles([*names, "ppo", "mutual"])
    assert sum(together[name] == alone[name] for name in names) >= len(names) - 1
    assert len({together[name] for name in names}) == len(names)
    assert all(style.method_styles([*names, "ppo"])[name] == together[name] for name in names)


def test_rings_and_points_of_one_method_differ_only_in_their_faces():
    filled, ring = (style.METHOD_STYLES["drac"].points(filled=kind) for kind in (True, False))
    assert {key for key in filled if filled[key] != ring[key]} == {"markerfacecolor"}
