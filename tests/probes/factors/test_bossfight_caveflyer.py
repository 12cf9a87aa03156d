"""Bossfight and caveflyer: their own factors against the picture and Procgen."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from checkpoints.world.game_fields import read_tail, with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors.caveflyer import SIDES, nose
from probes.factors.targets import sheet, view
from tests.support.played import play
from tests.support.wander import (
    NONE,
    alone,
    changed_pixels,
    column,
    far_from,
    hold,
    moved_agent,
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


# -- bossfight -------------------------------------------------------------------------------


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


# -- caveflyer -------------------------------------------------------------------------------


def still_cave(data: bytes, *without: str) -> bytes:
    """The state less shots and some things, all that is left at rest."""

    def rest(entities: np.ndarray) -> None:
        for speed in ("vx", "vy", "vrot"):
            entities[speed] = 0

    return alone("caveflyer", data, "own_bullet", "exhaust", *without, change=rest)


def turned(data: bytes, angle: float) -> bytes:
    """The ship turned to an angle, clockwise from up."""
    state = read_state(data)
    state.entities["rotation"][state.entities["type"] == 0] = angle
    return write_state(state)


def near_a(kind: str, *without: str, seed: int) -> list[bytes]:
    """States at rest, the ship in a free cell near such a thing and turned about towards it."""
    rng, found = np.random.default_rng(seed), []
    for data in wander("caveflyer", "hard", 96, seed=seed):
        state, seen = still_cave(data, *without), view("caveflyer", data)
        gap, free = seen.gap(lambda v: v.places(kind), shown=False), seen.cells("space")
        if gap is None:
            continue
        close = free[np.hypot(*(free - seen.here - gap).T) < 6]
        place = close[rng.integers(len(close))]
        state = moved_agent(state, *(place - seen.here))
        way = seen.here + gap - place
        found.append(turned(state, float(np.arctan2(*way) + rng.normal(0, 0.2))))
    return found


@pytest.mark.parametrize(("way", "sign"), [("left", -1), ("right", 1)])
def test_the_ship_turns_where_it_was_sent(way, sign):
    states = [still_cave(state) for state in wander("caveflyer", "easy", 24, seed=1)]
    after, _, ended = step("caveflyer", states, way)
    was, now = (
        np.arctan2(*(column("caveflyer", s, f"heading_{axis}") for axis in "xy"))
        for s in (states, after)
    )
    clockwise = ((now - was + np.pi) % (2 * np.pi) - np.pi)[~np.array(ended)]
    speed = column("caveflyer", after, "agent_vrot")[~np.array(ended)]
    np.testing.assert_allclose(clockwise, speed, atol=1e-5)
    np.testing.assert_allclose(speed, sign * np.radians(7.5), atol=1e-5)


@pytest.mark.parametrize(("action", "sign"), [("up", 1), ("down", -1)])
def test_the_ship_flies_along_its_nose(action, sign):
    states = [still_cave(state) for state in wander("caveflyer", "hard", 40, seed=1)]
    after, _, ended = step("caveflyer", states, action)
    speed = np.stack([column("caveflyer", after, f"agent_v{axis}") for axis in "xy"])
    ways = np.stack([column("caveflyer", states, f"heading_{axis}") for axis in "xy"])
    free = ~np.array(ended) & (np.hypot(*speed) > (0.08 if sign > 0 else 0.02))
    along = (speed * ways).sum(axis=0) / np.maximum(np.hypot(*speed), 1e-9)
    np.testing.assert_allclose(along[free], sign, atol=1e-3)
    assert free.mean() > 0.6


def test_shots_hit_targets_in_line():
    states = near_a("target", "enemy", seed=3)  # none overlaps a target
    aimed = column("caveflyer", states, "in_line") == 1
    after, _, ended = step("caveflyer", states, "D")
    hit = np.zeros(len(states), dtype=bool)
    for _ in range(12):
        after, _, ends = step("caveflyer", after, NONE)
        ended = np.array(ended) | np.array(ends)
        health = [view("caveflyer", state).things("target")["health"] for state in after]
        hit |= np.array([(h < 5).any() for h in health])
    kept = ~np.array(ended)
    np.testing.assert_array_equal(hit[kept], aimed[kept])
    assert 5 < aimed[kept].sum() < kept.sum() - 5


def test_the_wall_ahead_is_where_a_walk_along_the_nose_meets_it():
    for state in near_a("target", seed=4)[:40]:
        seen = view("caveflyer", state)
        ways = np.arange(0, seen.reach / 2, 0.005)
        cells = [seen.cell(*(seen.here + way * nose(seen))) for way in ways]
        wall = np.flatnonzero(np.array(cells) == seen.sheet.cells["wall"])
        expected = ways[wall[0]] if len(wall) else seen.reach / 2
        assert one("caveflyer", state, "wall_ahead_distance") == pytest.approx(expected, abs=0.006)


def test_a_hazard_ahead_is_met_at_its_distance_and_not_before():
    met = 0
    for state in near_a("enemy", seed=5):
        ahead = one("caveflyer", state, "hazard_ahead_distance")
        if np.isnan(ahead) or step("caveflyer", [state], NONE)[2] == [True]:
            continue
        met += 1
        way = nose(view("caveflyer", state))
        on, short = (moved_agent(state, *(way * far)) for far in (ahead, ahead - 0.126))
        assert step("caveflyer", [on, short], NONE)[2] == [True, False]
    assert met > 10


def test_the_side_of_the_goal_turns_against_the_ship():
    for state in wander("caveflyer", "easy", 24, seed=2)[::5]:
        seen = view("caveflyer", state)
        gap = seen.gap(sheet("caveflyer").marks["goal"], shown=False)
        ahead = float(np.arctan2(*gap))
        for quarter, side in ((0, "ahead"), (1, "left"), (2, "behind"), (3, "right")):
            now = turned(state, ahead + quarter * np.pi / 2 + 0.3)
            assert SIDES[int(one("caveflyer", now, "goal_side"))] == side
