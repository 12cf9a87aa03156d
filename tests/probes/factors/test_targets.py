"""Factors against independent facts: pixels, what actions did, levels made again, and Procgen."""

import dataclasses

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.world.games import GAMES
from probes.factors.frame import number
from probes.factors.general import direction_of
from probes.factors.targets import SHEETS, factors, measure, sheet, view
from tests.support.played import play
from tests.support.wander import starts, wander

every_game = pytest.mark.parametrize("game", SHEETS)

# -- the frame -------------------------------------------------------------------------------


def test_every_game_has_a_sheet():
    assert [*SHEETS] == [*GAMES]


@every_game
def test_factors_are_well_formed(game):
    names = [factor.name for factor in factors(game)]
    assert len(set(names)) == len(names)
    assert {"agent_x", "agent_y", "agent_vx", "agent_vy", "progress", "time"} <= {*names}
    assert {"last_action", "background"} <= {*names}
    assert sheet(game).game == game
    for factor in factors(game):
        assert factor.low < factor.high or factor.name == "background"
        assert factor.meaning and factor.unit
        if factor.kind == "class":
            assert (factor.low, factor.high) == (0, len(factor.classes) - 1)
            assert len(set(factor.classes)) == len(factor.classes)
    roles = [factor.role for factor in factors(game)]
    assert roles == sorted(roles, reverse=True)  # the task's first


@every_game
@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_factors_keep_their_ranges_and_vary(game, mode):
    targets = measure(game, wander(game, mode, 104))
    for factor in targets.factors:
        values = targets.values[factor.name]
        present = values[~np.isnan(values)]
        assert np.isfinite(present).all(), factor.name
        inside = (present >= factor.low - 1e-6) & (present <= factor.high + 1e-6)
        assert inside.all(), (factor.name, present[~inside][:5])
        if factor.kind == "class":
            assert (present == np.round(present)).all(), factor.name
    task = [factor for factor in targets.factors if factor.role == "task"]
    constant = targets.constant
    assert sum(factor.name not in constant for factor in task) > 0.6 * len(task)


@every_game
def test_levels_made_again_have_equal_factors(game):
    first: dict[int, dict] = {}
    again = 0
    for level, state in starts(game, "easy", 18):
        values = measure(game, [state]).values
        if level in first:
            again += 1
            for name, value in values.items():
                np.testing.assert_array_equal(value, first[level][name], err_msg=name)
        first.setdefault(level, values)
    assert again > 10
    assert len(first) > 10


# -- refusals --------------------------------------------------------------------------------


def test_unknown_names_are_refused_with_the_nearest():
    state = play("bigfish").states[0]
    with pytest.raises(UserError, match=r"unknown game 'bigfsh'.*Did you mean 'bigfish'"):
        factors("bigfsh")
    with pytest.raises(UserError, match=r"factor of bigfish 'agentx'.*Did you mean 'agent_x'"):
        measure("bigfish", [state], ["agent_y", "agentx"])
    with pytest.raises(UserError, match=r"unknown thing in bigfish 'fishes'.*Did you mean 'fish'"):
        view("bigfish", state).things("fishes")
    with pytest.raises(UserError, match=r"unknown cell in bigfish 'wall'; expected one of: space"):
        view("bigfish", state).cells("wall")


def test_states_that_do_not_fit_are_refused():
    state = play("bigfish").states[0]
    with pytest.raises(UserError, match="expected a state of coinrun, got one of bigfish"):
        measure("coinrun", [state])
    with pytest.raises(UserError, match="expected the whole state of a Procgen game"):
        measure("bigfish", [state[:-3]])
    with pytest.raises(UserError, match="at least one state of bigfish, got none"):
        measure("bigfish", [])


def test_constant_and_missing_factors_are_listed_and_stay():
    states = play("coinrun").states
    targets = measure("coinrun", states, ["agent_x", "background", "enemy_dx", "hazard_dx"])
    assert [factor.name for factor in targets.factors] == [*targets.values]
    assert targets.constant["background"] == 0
    assert np.isnan(targets.constant["enemy_dx"])  # easy mode has no enemies
    assert targets.missing["enemy_dx"] == 1
    assert 0 < targets.missing["hazard_dx"] < 1
    assert "agent_x" not in targets.constant


def test_a_factor_named_twice_is_read_once():
    assert [*measure("maze", play("maze").states, ["time", "time"]).values] == ["time"]


def test_a_factor_of_your_own_is_read_beside_the_others():
    own = number("fish", "things", 0, 60, "fish", lambda view: len(view.things("fish")))
    targets = measure("bigfish", play("bigfish").states, [own, "count_fish"])
    assert [factor.name for factor in targets.factors] == ["fish", "count_fish"]
    assert (targets.values["fish"] >= targets.values["count_fish"]).all()
    with pytest.raises(UserError, match="expected one factor 'fish', got two different ones"):
        measure("bigfish", play("bigfish").states, [own, dataclasses.replace(own, high=9)])


@pytest.mark.parametrize("place", range(8))
def test_directions_go_round_anticlockwise_from_the_right(place):
    angle = place * np.pi / 4
    assert direction_of(float(np.cos(angle)), float(np.sin(angle))) == place
    assert np.isnan(direction_of(0, 0))
