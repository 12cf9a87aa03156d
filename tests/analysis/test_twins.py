"""Renderings, masks and the command that shows them, for each of the 16 games."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from analysis import twins
from analysis.records import tables
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.masks import exact_mask, twin_distance
from analysis.studies import twins as study
from checkpoints.console import UserError
from checkpoints.world.games import GAMES
from checkpoints.world.renderer import Renderer
from checkpoints.world.states import read_state, write_state
from tests.support.played import play, renderer

TWIN_GAMES = [game for game in GAMES if game != "chaser"]
every_game = pytest.mark.parametrize("game", GAMES)
every_twin = pytest.mark.parametrize("game", TWIN_GAMES)


def black(state: bytes) -> bytes:
    """The state with its backgrounds off, which Procgen paints black."""
    return write_state(dataclasses.replace(read_state(state), use_backgrounds=0))


# -- drawing ---------------------------------------------------------------------------------


@every_game
def test_states_redraw_bit_for_bit(game):
    played = play(game)
    np.testing.assert_array_equal(renderer(game).redraw(played.states), played.observations)


@every_game
def test_hard_states_redraw_in_the_same_renderer(game):
    played = play(game, "hard")
    np.testing.assert_array_equal(renderer(game).redraw(played.states), played.observations)


@every_twin
def test_twins_differ_only_where_the_mask_says(game):
    states, last = play(game).states, GAMES[game].backgrounds - 1
    # The mask comes from renderings that leave the tested background out.
    others = renderer(game).render(states, range(last))
    off = renderer(game).redraw([black(state) for state in states])
    mask = exact_mask(np.concatenate([others, off[:, None]], axis=1))
    tested = renderer(game).render(states, [last])[:, 0]
    changed = (tested != play(game).observations).any(-1)
    assert not (changed & ~mask).any()
    assert changed.any()


@every_twin
def test_another_agent_changes_pixels_outside_the_mask(game):
    data = play(game).states[0]
    state = read_state(data)
    # A sprite that does not hide: the one test that must see a change sees it.
    entities = state.entities.copy()
    entities["x"] += 1.5
    moved = write_state(dataclasses.replace(state, entities=entities))
    renderings = renderer(game).render([data], pick_backgrounds(game))
    changed = (renderer(game).redraw([moved]) != renderer(game).redraw([data])).any(-1)
    assert (changed & ~exact_mask(renderings)).any()


@every_game
def test_backgrounds_switched_off_are_black(game):
    played = play(game)
    off = renderer(game).redraw([black(state) for state in played.states])
    dark = (off == 0).all(-1)
    if game == "chaser":
        assert dark.any()
        return
    mask = exact_mask(renderer(game).render(played.states, pick_backgrounds(game)))
    np.testing.assert_array_equal(off[~mask], played.observations[~mask])
    assert (dark & mask).sum() > 0.6 * mask.sum()


def test_streams_give_what_rendering_gives():
    states = play("miner").states
    whole = renderer("miner").render(states, (0, 5, 61))
    chunks = list(renderer("miner").stream(states, (0, 5, 61), chunk=3))
    assert [len(chunk) for chunk in chunks] == [3, 1]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)
    assert whole.shape == (4, 3, 64, 64, 3)
    assert whole.dtype == np.uint8


def test_each_state_can_have_its_own_background():
    states, backgrounds = play("jumper").states, [3, 60, 3, 0]
    whole = renderer("jumper").render(states, backgrounds)
    each = renderer("jumper").render_each(states, backgrounds)
    np.testing.assert_array_equal(each, whole[np.arange(4), np.arange(4)])
    with pytest.raises(UserError, match="one background a state, got 4 states and 2 backgrounds"):
        renderer("jumper").render_each(states, [0, 1])


def test_rendering_depends_on_no_order():
    states = play("ninja").states
    forward = renderer("ninja").render(states, (3, 9))
    backward = renderer("ninja").render(states[::-1], (9, 3))
    np.testing.assert_array_equal(forward, backward[::-1, ::-1])


def test_nothing_gives_nothing():
    assert renderer("maze").render([], (0, 1)).shape == (0, 2, 64, 64, 3)
    assert renderer("maze").render(play("maze").states, ()).shape == (4, 0, 64, 64, 3)
    assert renderer("maze").redraw([]).shape == (0, 64, 64, 3)
    assert list(renderer("maze").stream([], (0, 1))) == []


def test_what_procgen_would_die_of_never_reaches_it(monkeypatch):
    maze, state = renderer("maze"), play("maze").states[0]

    def reached(states):
        raise AssertionError("reached Procgen")

    monkeypatch.setattr(maze._env, "set_states", reached)
    with pytest.raises(UserError, match="maze: expected a background from 0 to 8, got 9"):
        maze.render([state], (0, 9))
    with pytest.raises(UserError, match="expected a state of maze, got one of heist"):
        maze.render([state, *play("heist").states], (0, 1))
    with pytest.raises(UserError, match="expected the whole state of a Procgen game"):
        maze.redraw([state, state[:-1]])
    with pytest.raises(UserError, match="expected at least 1 state, got 0"):
        list(maze.stream([state], (0, 1), chunk=0))
    with pytest.raises(AssertionError, match="reached Procgen"):
        maze.render([state], (0, 8))


def test_unknown_games_are_refused():
    with pytest.raises(UserError, match="unknown game 'mazes'"):
        Renderer("mazes")


# -- masks -----------------------------------------------------------------------------------


def test_masks_of_a_known_answer():
    renderings = np.zeros((2, 4, 64, 64, 3), dtype=np.uint8)
    renderings[0, 3, 5, 6, 2] = 1  # one channel of one pixel in one rendering
    renderings[1, :, 7] = 9  # the same in all
    mask = exact_mask(renderings)
    assert mask[0, 5, 6]
    assert mask.sum() == 1


def test_masks_depend_on_no_order():
    renderings = renderer("heist").render(play("heist").states, range(9))
    np.testing.assert_array_equal(exact_mask(renderings), exact_mask(renderings[:, ::-1]))


def test_masks_grow_with_renderings_and_hardly_so():
    renderings = renderer("leaper").render(play("leaper").states, range(9))
    few, many = exact_mask(renderings[:, ::2][:, :4]), exact_mask(renderings)
    assert (many | few).sum() == many.sum()
    assert many.sum() - few.sum() < 0.01 * many.sum()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_masks_need_four_renderings(count):
    renderings = renderer("plunder").render(play("plunder").states, range(count))
    with pytest.raises(UserError, match=f"at least 4 renderings of a state.*, got {count}"):
        exact_mask(renderings)


def test_twin_distance_of_a_known_answer():
    renderings = np.zeros((1, 3, 64, 64, 3), dtype=np.uint8)
    renderings[0, 0, :32] = 30  # differs from the two others, which are equal, in half the pixels
    share, size = twin_distance(renderings)
    assert share == pytest.approx(2 / 3 * 0.5)
    assert size == pytest.approx(2 / 3 * 0.5 * 30)
    with pytest.raises(UserError, match="at least 2 renderings of a state, got 1: no twins"):
        twin_distance(renderings[:, :1])


# -- choosing backgrounds --------------------------------------------------------------------


@every_twin
def test_four_backgrounds_can_be_had_everywhere(game):
    chosen = pick_backgrounds(game)
    assert len(set(chosen)) == 4
    assert set(chosen) <= set(range(GAMES[game].backgrounds))


def test_backgrounds_are_spread_and_kept_apart():
    assert pick_backgrounds("coinrun", 4) == (0, 15, 31, 46)
    assert pick_backgrounds("coinrun", 61, seen=False) == tuple(range(1, 62))
    assert pick_backgrounds("coinrun", 62, mode="hard", seen=True) == tuple(range(62))
    assert pick_backgrounds("plunder", 4, seen=True) == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("game", "count", "seen", "expected"),
    [
        ("chaser", 4, None, "chaser has one background, no twins"),
        ("plunder", 5, None, "4 backgrounds; expected 2 to 4, got a count of 5"),
        ("maze", 1, None, "9 backgrounds; expected 2 to 9, got a count of 1"),
        ("coinrun", 2, True, "1 background seen in training; too few for a count of 2"),
        ("bigfish", 2, False, "0 backgrounds never seen in training; too few for a count of 2"),
    ],
)
def test_backgrounds_that_are_not_there_are_refused(game, count, seen, expected):
    with pytest.raises(UserError, match=expected):
        pick_backgrounds(game, count, seen=seen)


# -- the command -----------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path):
    return twins.Settings(games=("chaser", "heist"), states=8, output=tmp_path)


def test_the_command_writes_a_table_and_lossless_pictures(settings, capsys):
    twins.main(settings)
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == str(settings.output / "twins.csv")
    frame = tables.read_table(settings.output / "twins.csv", study.SCHEMA).set_index("game")
    heist = frame.loc["heist"]
    assert heist["low"] <= heist["mask_area"] <= heist["high"]
    assert 0 < heist["pixels_changed"] <= heist["mask_area"]
    picture = np.asarray(Image.open(settings.output / "twins" / "heist.png"))
    row, expected = study.measure_game("heist", mode="easy", states=8, backgrounds=6, seed=0)
    np.testing.assert_array_equal(picture, expected)
    assert row["shown"] == heist["shown"]
    original, *others, mask = np.split(picture, 5, axis=1)
    assert set(np.unique(mask)) == {0, 255}
    for other in others:
        assert ((other == original).all(-1) | (mask[..., 0] == 255)).all()


def test_chaser_is_named_vacuous_and_not_dropped(settings):
    twins.main(settings)
    frame = tables.read_table(settings.output / "twins.csv", study.SCHEMA).set_index("game")
    assert frame["vacuous"].to_dict() == {"chaser": True, "heist": False}
    assert frame.loc["chaser", list(study.MEASURES)].isna().all()
    assert frame.loc["chaser", "shown"] == "0"
    picture = np.asarray(Image.open(settings.output / "twins" / "chaser.png"))
    assert picture[:, :64].any()
    assert not picture[:, 64:].any()


def test_the_same_seed_gives_the_same_files_and_another_others(settings, tmp_path):
    def written(**changes):
        twins.main(dataclasses.replace(settings, **changes))
        files = sorted(changes["output"].rglob("*.*"))
        return {file.name: file.read_bytes() for file in files}

    first = written(output=tmp_path / "a")
    assert first == written(output=tmp_path / "b")
    other = written(output=tmp_path / "c", seed=1)
    assert not any(first[name] == other[name] for name in first)


def test_the_command_refuses_before_it_works(settings):
    with pytest.raises(UserError, match=r"--backgrounds: expected .* from 4 to 62, got 3"):
        twins.main(dataclasses.replace(settings, backgrounds=3))
    with pytest.raises(UserError, match=r"unknown game .chasers.; .* Did you mean .chaser.\?"):
        twins.main(dataclasses.replace(settings, games=("chasers",)))
    (settings.output / "twins").mkdir()
    (settings.output / "twins" / "heist.png").touch()
    with pytest.raises(UserError, match=r"heist.png exists and is kept"):
        twins.main(settings)
    twins.main(dataclasses.replace(settings, overwrite=True))
