"""The listing: every factor in the table, and marks in the picture where the factors say."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from checkpoints.console import UserError
from probes.factors.frame import choice, number
from probes.factors.targets import factors, measure, view
from probes.studies.listing import annotate, in_words, range_of, show
from tests.support.played import play


def test_show_prints_every_factor_and_writes_a_picture(tmp_path, capsys):
    path = show("maze", tmp_path / "new")
    assert path == tmp_path / "new" / "factors-maze.png"
    assert imread(path).shape[2] == 4
    printed = capsys.readouterr().out
    for factor in factors("maze"):
        assert f"│ {factor.name} " in printed
    for word in ("task", "nuisance", "picture", "motion", "cells a step", "0 to 500"):
        assert word in printed
    with pytest.raises(UserError, match=r"factors-maze.png exists and is kept; give --overwrite"):
        show("maze", tmp_path / "new")


def test_an_unknown_game_is_refused(tmp_path):
    with pytest.raises(UserError, match="unknown game 'mace'"):
        show("mace", tmp_path)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("game", ["bigfish", "coinrun"])
def test_marks_stand_where_the_factors_say(game):
    state, picture = play(game).states[0], play(game).observations[0]
    axes = annotate(Figure().subplots(), view(game, state), picture)
    lines = {line.get_label().split(":")[0]: line for line in axes.get_lines()}
    seen = view(game, state)
    here = np.concatenate(lines["agent"].get_data())
    np.testing.assert_allclose(here, seen.screen(seen.here[None])[0])
    values = {name: value[0] for name, value in measure(game, [state]).values.items()}
    if game == "bigfish":
        assert here == pytest.approx([values["agent_screen_x"], values["agent_screen_y"]])
    for name in ("goal", "hazard"):
        there = np.concatenate(lines[name].get_data())
        if not len(there):
            assert lines[name].get_label() == f"{name}: none in view"
            continue
        gap = (there - here) / seen.scale
        assert gap == pytest.approx([values[f"{name}_dx"], -values[f"{name}_dy"]], abs=1e-6)


def test_ranges_and_values_are_readable():
    length = number("length", "cells", 0, 28.2843, "far", lambda view: 0)
    few = choice("few", ("no", "yes"), "is it", lambda view: 0)
    many = choice("many", tuple("abcdefg"), "which", lambda view: 0)
    assert [range_of(factor) for factor in (length, few, many)] == [
        "0 to 28.3",
        "no, yes",
        "7 classes, a … g",
    ]
    assert [in_words(few, 1.0), in_words(length, 2.34567), in_words(many, np.nan)] == [
        "yes",
        "2.346",
        "–",
    ]
