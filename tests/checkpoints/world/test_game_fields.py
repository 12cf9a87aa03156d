"""Each game's own fields: read, written back byte for byte, changed, and refused when damaged."""

import dataclasses

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.world.codecs import ENTITY
from checkpoints.world.game_fields import LAYOUTS, read_tail, with_tail
from checkpoints.world.games import GAMES
from checkpoints.world.states import read_state, write_state
from tests.support.played import play

every_game = pytest.mark.parametrize("game", GAMES)


def test_every_game_has_a_layout():
    assert [*LAYOUTS] == [*GAMES]


@every_game
@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_unedited_tails_are_written_back_byte_for_byte(game, mode):
    for data in play(game, mode).states:
        state = read_state(data)
        assert with_tail(state).tail == state.tail
        assert [*read_tail(state)] == [*LAYOUTS[game]]


@every_game
def test_values_are_plausible(game):
    """Fields read at a wrong place would be huge, tiny or no booleans."""
    for data in play(game).states:
        for name, value in read_tail(read_state(data)).items():
            if name == "spawners":
                assert value.dtype == ENTITY
                continue
            flat = np.atleast_1d(value)
            assert (np.abs(flat) < 10_000).all(), (name, value)
            if flat.dtype.kind == "f":
                assert ((flat == 0) | (np.abs(flat) > 1e-4)).all(), (name, value)


@pytest.mark.parametrize(
    ("game", "name", "expected"),
    [
        ("coinrun", "gravity", 0.2),
        ("coinrun", "air_control", 0.15),
        ("ninja", "air_control", 0.15),
        ("ninja", "jump_charge_inc", 1),  # in easy mode
        ("climber", "air_control", 0.15),
        ("plunder", "min_agent_x", 5.5),
        ("plunder", "target_quota", 20),
        ("maze", "world_dim", 15),
        ("bigfish", "r_inc", 1 / 30),
    ],
)
def test_constants_of_the_games_are_found_in_their_place(game, name, expected):
    for data in play(game).states:
        assert read_tail(read_state(data))[name] == pytest.approx(expected)


@every_game
def test_an_edit_changes_its_field_and_no_other(game):
    state = read_state(play(game).states[0])
    before = read_tail(state)
    for name, kind in LAYOUTS[game].items():
        if kind not in (int, bool, float):
            continue
        value = kind(not before[name]) if kind is bool else kind(before[name] + 1)
        after = read_tail(read_state(write_state(with_tail(state, **{name: value}))))
        assert after[name] == pytest.approx(value)
        same = [key for key in before if np.array_equal(before[key], after[key])]
        assert same == [key for key in before if key != name]


def test_sequences_may_change_their_length():
    state = read_state(play("plunder").states[0])
    edited = with_tail(state, target_bools=(True, False), lane_vels=(0.5,))
    tail = read_tail(edited)
    assert (tail["target_bools"], tail["lane_vels"]) == ((True, False), (0.5,))
    assert tail["juice_left"] == read_tail(state)["juice_left"]


def test_unknown_fields_are_refused_with_the_nearest():
    state = read_state(play("bigfish").states[0])
    with pytest.raises(UserError, match=r"bigfish field 'fish_eatn'.*Did you mean 'fish_eaten'"):
        with_tail(state, fish_eatn=3)


@pytest.mark.parametrize(
    ("game", "change", "expected"),
    [
        ("bigfish", {"fish_eaten": "three"}, "'fish_eaten': expected a whole number of 32 bits"),
        ("bigfish", {"r_inc": None}, "'r_inc': expected a number that fits"),
        ("plunder", {"lane_vels": ("fast",)}, "'lane_vels': expected a sequence of float"),
        ("starpilot", {"spawners": np.zeros(3)}, "'spawners': expected a vector of dtype ENTITY"),
    ],
)
def test_values_that_do_not_fit_are_refused(game, change, expected):
    with pytest.raises(UserError, match=expected):
        with_tail(read_state(play(game).states[0]), **change)


@pytest.mark.parametrize("game", [game for game in GAMES if LAYOUTS[game]])
def test_damaged_tails_are_refused(game):
    state = read_state(play(game).states[0])
    for tail in (state.tail[4:], state.tail[:-4], bytes(4) + state.tail, b"", state.tail[:-1]):
        damaged = dataclasses.replace(state, tail=tail)
        with pytest.raises(UserError, match=f"expected the tail of a {game} state, got"):
            read_tail(damaged)
