"""Bossfight: its own factors against the picture and Procgen."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from checkpoints.world.game_fields import read_tail, with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors.targets import sheet, view
from tests.support.played import play
from tests.support.wander import (
    NONE,
    alone,
    changed_pixels,
    column,
    far_from,
    hold,
    one,
    step,
    tailed,
    wander,
)

SOFT = 1.5  # pixels: sprites are scaled smoothly
SHOTS = ("bullet", "own_bullet", "reflected_bullet")
QUIET: dict[str, Any] = {
    "attack_mode": 9,
    "base_fire_prob": 0.0,
    "curr_vel_timeout": 10_000,
    "last_fire_time": 0,
    "damaged_until_time": 0,
}


def still_boss(data: bytes, *without: str, **changes: Any) -> bytes:
    """The state less some things, its agent at rest, and a boss that neither moves nor fires."""

    def rest(entities: np.ndarray) -> None:
        boss = entities["type"] == sheet("bossfight").things["boss"]
        entities["vx"][boss] = entities["vy"][boss] = 0

    return tailed(alone("bossfight", data, *without, change=rest), **QUIET | changes)


def with_health(data: bytes, health: int) -> bytes:
    state = read_state(data)
    state.entities["health"][state.entities["type"] == sheet("bossfight").things["boss"]] = health
    return write_state(state)


def test_the_boss_moves_as_fast_as_said():
    states = wander("bossfight", "easy", 40, seed=1)
    after, _, ended = step("bossfight", states, NONE)
    kept = ~np.array(ended)
    for axis in "xy":
        was, now = (column("bossfight", s, f"boss_{axis}") for s in (states, after))
        speed = column("bossfight", states, f"boss_v{axis}")
        np.testing.assert_allclose((now - was)[kept], speed[kept], atol=1e-5)
        assert len(np.unique(speed)) > 5


def test_bullets_hit_an_agent_that_stays_when_they_should():
    states = [still_boss(state) for state in wander("bossfight", "easy", 80, seed=13)]
    states = [state for state in states if one("bossfight", state, "count_bullet")]
    said = column("bossfight", states, "impact_time")
    ended = np.full(len(states), np.nan)
    for steps in range(1, 26):
        states, _, ends = step("bossfight", states, NONE)
        ended[np.array(ends) & np.isnan(ended)] = steps
    np.testing.assert_array_equal(ended, np.where(said < 26, said, np.nan))
    assert 5 < np.isfinite(ended).sum() < len(states)


@pytest.mark.parametrize("shields", [False, True])
def test_shots_hit_the_boss_in_line_unless_its_shields_are_up(shields):
    states = [
        still_boss(s, *SHOTS, shields_are_up=shields)
        for s in wander("bossfight", "easy", 48, seed=2)
    ]
    aimed = column("bossfight", states, "in_line") == 1
    before = column("bossfight", states, "boss_health")
    after, _, ended = step("bossfight", states, "D")
    thrown_back = np.zeros(len(states), dtype=bool)
    for _ in range(25):
        after, _, ends = step("bossfight", after, NONE)
        ended = np.array(ended) | np.array(ends)
        back = [len(view("bossfight", s).things("reflected_bullet")) > 0 for s in after]
        thrown_back |= np.array(back)
    kept = ~np.array(ended)
    lost = before - column("bossfight", after, "boss_health")
    np.testing.assert_array_equal(lost[kept], aimed[kept] & (not shields))
    assert (thrown_back[kept] <= shields).all()
    assert (thrown_back >= aimed)[kept].all() or not shields
    assert set(aimed[kept]) == {False, True}


def test_a_lost_round_is_read_from_all_that_it_changes():
    tried = 0
    for data in wander("bossfight", "easy", 48, seed=2):
        state = still_boss(data, "barrier", *SHOTS, shields_are_up=False)
        tail = read_tail(read_state(state))
        if not one("bossfight", state, "in_line") or tail["num_rounds"] < 2:
            continue
        full = tail["round_health"] * tail["num_rounds"]
        state = with_health(state, full - tail["round_health"] + 1)
        state = tailed(state, round_num=0)
        (after,), _, _ = step("bossfight", [state], "D")
        rewards: list[float] = []
        while not rewards or (rewards[-1] == 0 and len(rewards) < 30):
            (after,), reward, _ = step("bossfight", [after], NONE)
            rewards += reward
        left = [one("bossfight", s, "rounds_left") for s in (state, after)]
        assert (rewards[-1], left[0] - left[1]) == (1, 1)
        assert one("bossfight", after, "progress") == pytest.approx(1 / tail["num_rounds"])
        assert one("bossfight", after, "shields_up") == one("bossfight", after, "boss_damaged") == 1
        after, _ = hold("bossfight", [after], "none", 40)
        assert one("bossfight", after[0], "boss_damaged") == 0
        tried += 1
    assert tried > 2


@pytest.mark.parametrize(("attack", "bullets"), [*enumerate([5, 4, 8, 1])])
def test_the_boss_fires_as_its_attack_says(attack, bullets):
    data = dataclasses.replace(read_state(play("bossfight").states[0]), cur_time=39)
    calm = {"shields_are_up": True, "attack_mode": attack, "curr_vel_timeout": 99}
    for damaged, expected in ((0, bullets), (40, 0)):
        state = write_state(with_tail(data, **calm, damaged_until_time=damaged))
        after, _, _ = step("bossfight", [state], NONE)
        fresh = view("bossfight", after[0]).things("bullet")["life_time"] == 0
        assert fresh.sum() == expected
        assert one("bossfight", state, "boss_damaged") == (expected == 0)
        said = one("bossfight", state, "attack")
        assert np.isnan(said) if damaged else said == attack


def test_shields_are_drawn_round_the_boss():
    for state in wander("bossfight", "easy", 20, seed=2)[::5]:
        seen = view("bossfight", state)
        shields = seen.things("shields")[0]
        up, down = (tailed(state, shields_are_up=are) for are in (True, False))
        far = far_from(seen.screen(seen.places("boss")), changed_pixels("bossfight", up, down))
        assert len(far)
        assert far.max() < np.hypot(shields["rx"], shields["ry"]) * seen.scale + SOFT
