"""Factors after real steps agree with what the actions did, and Procgen with what they point at."""

import numpy as np
import pytest

from probes.factors.general import ACTIONS, SIDES
from probes.factors.targets import SHEETS, factors, measure
from tests.support.wander import NONE, column, hold, step, touching, wander

every_game = pytest.mark.parametrize("game", SHEETS)


# -- how the agent moves -----------------------------------------------------------------------

TURNS = {"caveflyer"}  # left and right turn the ship
UP_AND_DOWN = {
    "bigfish",
    "bossfight",
    "chaser",
    "dodgeball",
    "heist",
    "leaper",
    "maze",
    "miner",
    "starpilot",
}


@pytest.mark.parametrize("game", [game for game in SHEETS if game not in TURNS])
def test_right_and_left_part_the_agents(game):
    states = wander(game, "easy", 12, seed=2)
    (right, alive), (left, lives) = (hold(game, states, way, 5) for way in ("right", "left"))
    gap = (column(game, right, "agent_x") - column(game, left, "agent_x"))[alive & lives]
    assert (gap >= -1e-4).all()
    assert gap.mean() > 0.5
    assert (column(game, right, "agent_vx") >= -1e-4)[alive].mean() > 0.9


@pytest.mark.parametrize("game", sorted(UP_AND_DOWN & {*SHEETS}))
def test_up_and_down_part_the_agents(game):
    states = wander(game, "easy", 12, seed=2)
    (up, alive), (down, lives) = (hold(game, states, way, 5) for way in ("up", "down"))
    gap = (column(game, up, "agent_y") - column(game, down, "agent_y"))[alive & lives]
    assert (gap >= -1e-4).all()
    assert gap.mean() > 0.5


FALLS_AFTER = {"jumper": 0.15}  # gravity acts once the agent has moved


@every_game
def test_speeds_are_differences_of_positions(game):
    names, gaps = ["agent_x", "agent_y", "agent_vx", "agent_vy"], []
    fell = np.array([[0], [FALLS_AFTER.get(game, 0)]])
    states = wander(game, "easy", 24, seed=3)
    for action in ("right", "up"):
        after, _, ended = step(game, states, action)
        was, now = (np.stack([*measure(game, s, names).values.values()]) for s in (states, after))
        gaps.append(np.abs(now[:2] - was[:2] - now[2:] - fell)[:, ~np.array(ended)])
    # A wall, a log or a push moves or stops the agent otherwise.
    assert (np.hstack(gaps) < 1e-4).mean() > 0.75


@every_game
def test_time_and_last_action_follow_the_steps(game):
    states = wander(game, "easy", 8, seed=4)
    for action in ("left", "D"):
        after, alive = hold(game, states, action, 3)
        gone = column(game, after, "time") - column(game, states, "time")
        assert alive.any()
        assert (gone[alive] == 3).all()
        assert (column(game, after, "last_action")[alive] == ACTIONS.index(action)).all()


@pytest.mark.parametrize("game", [g for g in SHEETS if "facing" in {f.name for f in factors(g)}])
@pytest.mark.parametrize("way", ["left", "right"])
def test_the_agent_faces_where_it_was_sent(game, way):
    after, _, ended = step(game, wander(game, "easy", 12, seed=4), way)
    kept = ~np.array(ended)
    assert set(column(game, after, "facing")[kept]) == {("left", "right").index(way)}


@pytest.mark.parametrize(
    ("game", "stops", "may_stop"), [("maze", "wall", set()), ("miner", "outside", {"boulder"})]
)
def test_cells_beside_the_agent_stop_it_or_do_not(game, stops, may_stop):
    met = set()
    for way in SIDES:
        states = wander(game, "easy", 48, seed=11)
        classes = next(f.classes for f in factors(game) if f.name == f"cell_{way}")
        beside = [classes[int(cell)] for cell in column(game, states, f"cell_{way}")]
        after, _, ended = step(game, states, way)
        axis = "agent_x" if way in ("left", "right") else "agent_y"
        stayed = column(game, after, axis) == column(game, states, axis)
        for cell, stood, end in zip(beside, stayed, ended, strict=True):
            if not end and cell not in may_stop:
                assert stood == (cell == stops), cell
                met.add(cell)
    assert {stops, "free"} <= met


# -- what Procgen does to an agent that is put onto a thing ------------------------------------

TOUCH = {
    ("bigfish", "goal"): "reward",
    ("bigfish", "hazard"): "end",
    ("bossfight", "goal"): "end",
    ("bossfight", "hazard"): "end",
    ("caveflyer", "goal"): "reward",
    ("caveflyer", "hazard"): "end",
    ("chaser", "goal"): "reward",
    ("chaser", "hazard"): "end",
    ("chaser", "large_orb"): "reward",
    ("climber", "goal"): "reward",
    ("climber", "hazard"): "end",
    ("coinrun", "goal"): "reward",
    ("coinrun", "hazard"): "end",
    ("dodgeball", "hazard"): "end",
    ("fruitbot", "goal"): "reward",
    ("heist", "goal"): "reward",
    ("jumper", "goal"): "reward",
    ("jumper", "hazard"): "end",
    ("leaper", "hazard"): "end",
    ("maze", "goal"): "reward",
    ("miner", "diamond"): "reward",
    ("ninja", "goal"): "reward",
    ("ninja", "hazard"): "end",
    ("starpilot", "hazard"): "end",
}


@pytest.mark.parametrize(("game", "mark"), [pair for pair in TOUCH if pair[0] in SHEETS])
def test_marked_things_do_what_they_are_marked_for(game, mark):
    apart, on = (list(states) for states in zip(*touching(game, mark), strict=True))
    outcomes = []
    for states in (apart, on):
        _, rewards, ended = step(game, states, NONE)
        found = np.array(rewards) > 0 if TOUCH[game, mark] == "reward" else np.array(ended)
        outcomes.append(found.mean())
    assert outcomes[0] < 0.2
    assert outcomes[1] > 0.85  # a charged jump may carry the agent away in time
