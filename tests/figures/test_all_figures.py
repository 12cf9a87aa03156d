"""Figures on synthetic tables: files, rows, bytes and errors."""

import hashlib
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from checkpoints.console import UserError
from figures.__main__ import NAMES, WHICH, Settings, main
from figures.kit import style
from figures.kit.drawn import draw_of
from figures.kit.rows import load_rows
from figures.plots import cka_map, curves, twins_panel
from tests.support import toy_tables
from tests.support.tree import ROOT


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic tables."""
    return toy_tables.write_all(tmp_path_factory.mktemp("synthetic"))


@pytest.fixture
def one_game(tables: Path, tmp_path: Path) -> Path:
    """The synthetic tables cut down to what draws fast: one game, four strips."""
    for name in sorted(path.stem for path in tables.glob("*.csv")):
        rows = pd.read_csv(tables / f"{name}.csv", skiprows=1)
        games = ["bigfish", "chaser"] if name == "twins" else ["coinrun"]
        toy_tables.write(rows[rows["game"].isin(games)].to_dict("records"), tmp_path, name)
    for name in ("twins", "saliency"):
        (tmp_path / name).symlink_to(tables / name)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def axes_of() -> Axes:
    return Figure().subplots()


def test_every_name_has_a_figure_and_none_is_without_a_name():
    files = {path.stem for path in (ROOT / "figures" / "plots").glob("[a-z]*.py")}
    assert {import_module(f"figures.plots.{name}").NAME for name in files} == files == set(NAMES)
    assert all(name in WHICH for name in NAMES)


# -- files -----------------------------------------------------------------------------------


def test_every_figure_is_drawn_and_twice_the_same(one_game, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    main(Settings(tables=one_game, output=first))
    names = {f"{name}-coinrun" if name in toy_tables.PER_GAME else name for name in NAMES}
    assert {file.name for file in first.iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("pdf", "png", "csv")
    }
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert printed.strip().endswith(str(first))
    main(Settings(tables=one_game, output=second))
    assert digests(first) == digests(second)
    with pytest.raises(UserError, match="exists and is kept; give --overwrite"):
        main(Settings(names=("curves",), tables=one_game, output=first))
    main(Settings(names=("cka_contrast",), tables=one_game, output=first, overwrite=True))
    assert digests(first) == digests(second)


def test_other_rows_give_other_bytes(one_game, tmp_path):
    rows = toy_tables.cka_contrast(np.random.default_rng(1))
    toy_tables.write(rows, tmp_path / "other", "cka_contrast")
    for folder in (one_game, tmp_path / "other"):
        main(Settings(names=("cka_contrast",), tables=folder, output=folder / "out"))
    assert not set(digests(one_game / "out").values()) & set(
        digests(tmp_path / "other" / "out").values()
    )


def test_letters_stay_letters_and_no_date_is_written(one_game, tmp_path):
    main(Settings(names=("cka_contrast",), tables=one_game, output=tmp_path / "out"))
    pdf = (tmp_path / "out" / "cka_contrast.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


# -- what is shown is what is written --------------------------------------------------------


def test_curves_show_their_rows(tables):
    (drawing,) = curves.draw(tables)
    pd.testing.assert_frame_equal(drawing.rows, load_rows(tables, curves.SCHEMA))
    panel = next(ax for ax in drawing.figure.axes if "jumper (easy), unseen" in ax.get_title())
    rows = drawing.rows.query("game == 'jumper' and split == 'unseen' and method == 'mutual'")
    for peer in (0, 1):
        run = rows[rows["peer"] == peer].sort_values("step")
        drawn = [line.get_ydata() for line in panel.lines if len(line.get_ydata()) == len(run)]
        assert any(np.array_equal(run["episode_return"], ydata) for ydata in drawn)
    assert drawing.figure.legends[0].get_texts()[-1].get_text().startswith("R_min, R_max of Cobbe")


def test_only_kept_policies_are_marked():
    known = dict(method="ppo", seed=0, peer=0, low=4.0, high=7.0)
    rows = pd.DataFrame(dict(**known, step=[10, 20], episode_return=[5.0, 6.0], kept=[True, False]))
    ax = axes_of()
    assert curves.plot_curves(ax, rows, style.METHOD_STYLES) is ax
    line, marks = ax.lines
    assert list(line.get_xdata()) == [10, 20]
    assert list(marks.get_xdata()) == [10]


def test_a_far_bound_is_named_and_a_near_one_drawn():
    rows = pd.DataFrame(
        dict(blind_return=[2.0], max_return=[64.0], episode_return=[5.0], high=[6.0])
    )
    far = curves.plot_bounds(axes_of(), rows)
    near = curves.plot_bounds(axes_of(), rows.assign(max_return=8.0))
    assert [text.get_text() for text in far.texts] == ["↑ highest 64"]
    assert [len(ax.lines) for ax in (far, near)] == [1, 2]
    assert not near.texts


def test_maps_print_and_keep_the_mean_over_pairs(tables):
    drawing = next(drawing for drawing in cka_map.draw(tables) if "coinrun" in drawing.name)
    rows = load_rows(tables, cka_map.SCHEMA).query("game == 'coinrun'")
    cell = rows.query(
        "pair == 'ppo seeds' and rendering == 'twin' and layer_x == 'conv2' and layer_y == 'hidden'"
    )
    kept = drawing.rows.query(
        "panel == 'ppo seeds, y sees the twin' and layer_x == 'conv2' and layer_y == 'hidden'"
    )
    assert kept["cka"].item() == pytest.approx(cell["cka"].mean())
    assert kept["pairs"].item() == len(cell) == 2
    panel = next(a for a in drawing.figure.axes if a.get_title().startswith("ppo seeds,\ny sees"))
    printed = [text.get_text() for text in panel.texts]
    # Rows of the map are layers of x: conv2 is the second of four, hidden the fourth column.
    assert printed[1 * 4 + 3] == cka_map.number(cell["cka"].mean())
    assert len(drawing.figure.axes) - 1 == 3 * cka_map.PANELS_A_ROW


def test_self_maps_are_split_by_method(tables):
    drawing = next(iter(cka_map.draw(tables)))
    panels = set(drawing.rows["panel"])
    assert {f"{m} with itself, y sees the twin" for m in ("ppo", "mutual", "untrained")} <= panels
    assert not any(panel.startswith("self") or "vs untrained" in panel for panel in panels)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.931, ".93"), (1.0, "1.00"), (-0.021, "−.02"), (-0.001, "0"), (0.0, "0"), (np.nan, "–")],
)
def test_numbers_in_cells(value, text):
    assert cka_map.number(value) == text


@pytest.mark.parametrize(("colour", "type_"), [((1, 1, 1), "black"), ((0, 0, 0.4), "white")])
def test_type_is_readable_on_its_cell(colour, type_):
    assert cka_map.readable_on(colour) == type_


def test_colours_are_clamped_and_numbers_are_not():
    from matplotlib.colors import Normalize

    grid = pd.DataFrame([[-0.2, 0.0], [1.0, np.nan]], index=["a", "b"], columns=["a", "b"])
    ax = cka_map.plot_map(axes_of(), grid, Normalize(0, 1, clip=True))
    colours = ax.images[0].to_rgba(ax.images[0].get_array())
    np.testing.assert_array_equal(colours[0, 0], colours[0, 1])
    assert [text.get_text() for text in ax.texts] == ["−.20", "0", "1.00", "–"]


def test_a_game_with_one_background_is_shown_as_vacuous(tables):
    (drawing,) = twins_panel.draw(tables)
    tiles = {ax.get_title(loc="left").split(" · ")[0]: len(ax.images) for ax in drawing.figure.axes}
    assert len(tiles) == len(drawing.rows) == 16
    assert tiles.pop("chaser") == 1
    assert set(tiles.values()) == {len(twins_panel.TILES)}


def test_strips_show_the_shipped_pixels(tables):
    strip = twins_panel.read_strip(tables / "twins" / "bigfish.png")
    ax = twins_panel.plot_strip(axes_of(), strip, "bigfish")
    shown = np.concatenate([image.get_array() for image in ax.images], axis=1)
    np.testing.assert_array_equal(shown, strip)


def test_figures_fit_a_page_and_can_be_read(one_game):
    for draw in map(draw_of, NAMES):
        for drawing in draw(one_game):
            width, height = drawing.figure.get_size_inches()
            assert width <= style.PAGE_WIDTH + 1e-9 and height <= 9.5, drawing.name
            sizes = [text.get_fontsize() for text in drawing.figure.findobj(Text)]
            assert min(sizes) >= 6, drawing.name


# -- looks and orders ----------------------------------------------------------------------


def test_a_method_keeps_its_looks_whoever_stands_beside_it():
    alone = style.method_styles(["mutual"])
    among = style.method_styles(["own", "mutual", "ppo", "other"])
    assert among["mutual"] == alone["mutual"] == style.METHOD_STYLES["mutual"]
    assert len(set(among.values())) == 4
    assert among["own"] == style.method_styles(["own"])["own"]


def test_every_method_of_the_project_has_looks():
    from checkpoints.policy.recipes import METHODS

    assert set(METHODS) <= set(style.METHOD_STYLES)


def test_every_layer_of_the_project_has_a_place():
    from checkpoints.policy.encoders import LAYERS

    for layers in LAYERS.values():
        assert style.in_layer_order(reversed(layers)) == list(layers)


@pytest.mark.parametrize(
    ("step", "text"), [(0, "0"), (500, "500"), (16384, "16k"), (2097152, "2.1M"), (3e7, "30M")]
)
def test_steps_are_short(step, text):
    assert curves.short(step) == text


# -- errors ----------------------------------------------------------------------------------


def test_unknown_figure_lists_the_known():
    with pytest.raises(UserError, match=r"unknown figure 'curve'.*cka_map.*Did you mean 'curves'"):
        main(Settings(names=("curve",)))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_missing_table_says_what_writes_it(name, tmp_path):
    with pytest.raises(
        UserError, match=r"expected a table at .* write it with: python -m (analysis|probes)"
    ):
        main(Settings(names=(name,), tables=tmp_path, output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_has_no_table_yet_is_left_out_and_named(one_game, tmp_path, capsys):
    for path in one_game.glob("*.csv"):
        if path.stem == "robustness":  # a table without a row
            path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
        elif path.stem not in ("curves", "cka_contrast"):
            path.unlink()
    main(Settings(tables=one_game, format="svg"))
    done, left = capsys.readouterr()
    assert {file.name for file in (one_game / "figures").iterdir()} == {
        f"{name}.{ending}" for name in ("curves", "cka_contrast") for ending in ("svg", "csv")
    }
    named = set(re.findall(r"^left out: (\w+): .*expected a", left, flags=re.MULTILINE))
    assert named == set(NAMES) - {"curves", "cka_contrast"}
    assert done.endswith(f"written to {one_game / 'figures'}\n")


def test_no_table_at_all_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"expected a figure to draw, got none; \w+: expected a"):
        main(Settings(tables=tmp_path))


def test_what_has_no_room_is_left_out_and_named(one_game, tmp_path, capsys):
    names = ("similarity", "cka_contrast")
    main(Settings(names=names, tables=one_game, output=tmp_path / "out", width=3.25))
    assert "left out: similarity-coinrun: no room at 3.25 in: " in capsys.readouterr().err
    assert not (tmp_path / "out" / "similarity-coinrun.pdf").exists()
    assert (tmp_path / "out" / "cka_contrast.pdf").exists()


def test_missing_strip_says_what_writes_it(one_game, tmp_path):
    (one_game / "twins").unlink()
    with pytest.raises(UserError, match=r"strip of tiles at .*bigfish.png"):
        main(Settings(names=("twins_panel",), tables=one_game, output=tmp_path / "out"))


def test_strip_of_another_size_is_refused(tmp_path):
    from matplotlib.image import imsave

    imsave(tmp_path / "bigfish.png", np.zeros((64, 64, 3)))
    with pytest.raises(UserError, match="expected 64 x 320 pixels, got 64 x 64"):
        twins_panel.read_strip(tmp_path / "bigfish.png")
