"""Chaser: its own factors against the picture and Procgen."""

import numpy as np
import pytest

from checkpoints.world.game_fields import read_tail
from checkpoints.world.states import read_state
from probes.factors.targets import view
from tests.support.wander import (
    NONE,
    changed_pixels,
    column,
    far_from,
    hold,
    moved_agent,
    one,
    step,
    tailed,
    touching,
    wander,
)

SOFT = 1.5  # pixels: sprites are scaled smoothly


def test_an_orb_taken_is_no_longer_counted():
    states = [on for _, on in touching("chaser", "goal")]
    after, rewards, ended = step("chaser", states, NONE)
    kept = ~np.array(ended) & (np.array(rewards) < 0.05)
    gone = column("chaser", states, "count_orb") - column("chaser", after, "count_orb")
    np.testing.assert_allclose(gone[kept], np.array(rewards)[kept] / 0.04, rtol=1e-5)
    total = np.array([read_tail(read_state(state))["total_orbs"] for state in states])
    left = 1 - column("chaser", after, "progress")
    np.testing.assert_allclose((left * total)[kept], column("chaser", after, "count_orb")[kept])
    assert kept.sum() > 20


def test_a_large_orb_makes_enemies_vulnerable_for_75_steps():
    states = [tailed(on, eat_time=-75) for _, on in touching("chaser", "large_orb")][:8]
    assert not column("chaser", states, "enemies_vulnerable").any()
    after, _, _ = step("chaser", states, NONE)
    assert (column("chaser", after, "vulnerable_time") == 75).all()
    later, alive = hold("chaser", after, "none", 3)
    assert alive.any()
    assert (column("chaser", later, "vulnerable_time")[alive] == 72).all()


@pytest.mark.parametrize(("left", "dies"), [(0, True), (1, True), (2, False), (40, False)])
def test_enemies_kill_or_are_eaten_as_the_time_left_says(left, dies):
    tried = 0
    for data in wander("chaser", "easy", 48, seed=5):
        seen = view("chaser", data)
        gap = seen.gap(lambda v: v.places("enemy"), shown=True)
        if gap is None:
            continue
        on = tailed(moved_agent(data, *gap), eat_time=seen.state.cur_time - 75 + left)
        assert one("chaser", on, "vulnerable_time") == left
        assert one("chaser", on, "enemies_vulnerable") == (left > 0)
        hazard = one("chaser", on, "hazard_distance")
        assert np.isnan(hazard) if left else hazard == pytest.approx(0, abs=1e-4)
        (after,), _, ended = step("chaser", [on], NONE)
        assert ended == [dies]
        if not dies:
            assert one("chaser", after, "count_enemy") < one("chaser", on, "count_enemy")
        tried += 1
    assert tried > 5


def test_vulnerable_enemies_look_it():
    tried = 0
    for data in wander("chaser", "easy", 48, seed=5)[::5]:
        seen = view("chaser", data)
        if not len(seen.things("enemy")):
            continue
        tried += 1
        now = seen.state.cur_time
        weak, strong = (tailed(data, eat_time=now - ago) for ago in (0, 75))
        pixels = changed_pixels("chaser", weak, strong)
        far = far_from(seen.screen(seen.places("enemy")), pixels)
        assert len(far)
        assert far.max() < np.hypot(0.5, 0.5) * seen.scale + SOFT
    assert tried > 5


def test_eggs_hatch_when_they_should():
    states = [s for s in wander("chaser", "easy", 48, seed=6) if one("chaser", s, "count_egg")]
    due = column("chaser", states, "hatch_time")
    after, ended, tried = states, np.zeros(len(states), dtype=bool), 0
    for steps in range(1, 13):
        before = column("chaser", after, "count_enemy")
        after, _, ends = step("chaser", after, NONE)
        ended |= np.array(ends)
        rises = (column("chaser", after, "count_enemy") > before)[(due == steps) & ~ended]
        assert rises.all()
        tried += len(rises)
    assert tried > 2


@pytest.mark.parametrize("way", ["left", "right", "up", "down"])
def test_walls_beside_an_agent_in_the_middle_of_a_cell_stop_it(way):
    states = wander("chaser", "easy", 48, seed=11)
    there = np.stack([column("chaser", states, f"agent_{axis}") for axis in "xy"])
    middle = (np.abs(there % 1 - 0.5) < 1e-3).all(axis=0)
    wall = np.isin(column("chaser", states, f"cell_{way}"), [1, 3])  # or outside
    after, _, ended = step("chaser", states, way)
    axis = "agent_x" if way in ("left", "right") else "agent_y"
    gone = np.abs(column("chaser", after, axis) - column("chaser", states, axis))
    kept = middle & ~np.array(ended)
    np.testing.assert_allclose(gone[kept], np.where(wall, 0, 0.5)[kept], atol=1e-3)
    assert set(wall[kept]) == {False, True}
