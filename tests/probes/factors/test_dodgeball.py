"""Dodgeball's own factors against the picture and Procgen; throws of fruitbot too."""

import numpy as np
import pytest

from checkpoints.world.game_fields import with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors import dodgeball
from probes.factors.general import ACTIONS, DIRECTIONS
from probes.factors.targets import sheet, view
from tests.support.played import play
from tests.support.wander import (
    NONE,
    alone,
    changed_pixels,
    column,
    moved_agent,
    one,
    step,
    touching,
    wander,
)

LONG_AGO = -1000
both_modes = pytest.mark.parametrize("mode", ["easy", "hard"])


@pytest.mark.parametrize("game", ["dodgeball", "heist"])
@pytest.mark.parametrize("way", DIRECTIONS)
def test_the_agent_heads_where_it_was_sent(game, way):
    action = next(a for a in ACTIONS if {*a.split("-")} == {*way.split("-")})
    after, _, ended = step(game, wander(game, "easy", 8, seed=3), action)
    assert set(column(game, after, "heading")[~np.array(ended)]) == {DIRECTIONS.index(way)}


def still_enemies(data: bytes, *, fire_time: int) -> bytes:
    """No balls, and enemies that stay where they are; they fire again 50 steps after a time."""

    def change(entities: np.ndarray) -> None:
        enemies = entities["type"] == sheet("dodgeball").things["enemy"]
        entities["vx"][enemies] = entities["vy"][enemies] = 0
        entities["spawn_time"][enemies] = 10_000
        entities["fire_time"][enemies] = fire_time

    state = alone("dodgeball", data, "ball", "own_ball", "dust", change=change)
    return write_state(with_tail(read_state(state), last_fire_time=LONG_AGO))


@both_modes
def test_balls_thrown_in_line_hit_and_others_miss(mode):
    states = [s for s in wander("dodgeball", mode, 60, seed=21) if one("dodgeball", s, "time") > 0]
    states = [still_enemies(state, fire_time=10_000) for state in states]
    aimed = column("dodgeball", states, "in_line")
    was = column("dodgeball", states, "progress")
    after, rewards, ended = step("dodgeball", states, "D")
    assert (column("dodgeball", after, "count_own_ball")[~np.array(ended)] <= 1).all()
    rewards, over = np.array(rewards), np.array(ended)
    for _ in range(45):
        now = column("dodgeball", after, "progress")
        np.testing.assert_allclose((now - was)[~over] * 6, rewards[~over] / 2, atol=1e-6)
        after, more, ends = step("dodgeball", after, NONE)
        rewards, over = rewards + np.array(more) * ~over, over | np.array(ends)
    np.testing.assert_array_equal(rewards > 0, aimed == 1)
    assert set(aimed) == {0, 1}


@both_modes
def test_enemies_throw_at_an_agent_that_is_exposed(mode):
    raw = wander("dodgeball", mode, 64, seed=22)
    states = [still_enemies(state, fire_time=LONG_AGO) for state in raw]
    off = [
        np.abs(dodgeball.enemies(seen) - seen.here)
        for seen in (view("dodgeball", state) for state in states)
    ]
    clear = np.array([(np.abs(gaps - 1) > 0.2).all() for gaps in off])
    after, _, ended = step("dodgeball", states, NONE)
    kept = clear & ~np.array(ended)
    thrown = column("dodgeball", after, "count_ball") > 0
    exposed = column("dodgeball", states, "exposed") == 1
    np.testing.assert_array_equal(thrown[kept], exposed[kept])
    assert set(exposed[kept]) == {False, True}


@both_modes
def test_walls_kill_at_their_nearest_point_and_not_short_of_it(mode):
    raw = wander("dodgeball", mode, 24, seed=4)
    states = [alone("dodgeball", state, "enemy", "ball", "door") for state in raw]
    gaps = np.column_stack([column("dodgeball", states, f"wall_d{axis}") for axis in "xy"])
    _, _, at = step("dodgeball", [moved_agent(s, *g) for s, g in zip(states, gaps, strict=True)], 4)
    assert all(at)
    # Along the axis where the box of the agent is still clear of the wall.
    half = np.array(
        [float(seen.agent["rx"]) for seen in (view("dodgeball", state) for state in states)]
    )
    clear = (np.abs(gaps) > half[:, None] + 0.05).any(axis=1)
    _, _, short = step("dodgeball", [s for s, c in zip(states, clear, strict=True) if c], NONE)
    assert not any(short)
    assert clear.sum() > 5


@pytest.mark.parametrize("enemies_left", [0, 1])
def test_the_door_is_open_once_no_enemy_is_left(enemies_left):
    touched = list(touching("dodgeball", "goal"))[:6]
    assert touched
    for state, on in touched:
        bare = [alone("dodgeball", s, "enemy", "ball") for s in (state, on)]
        # The step counts enemies itself, once the door was touched.
        state, on = (write_state(with_tail(read_state(s), num_enemies=enemies_left)) for s in bare)
        assert one("dodgeball", state, "door_open") == 1 - enemies_left
        _, rewards, ended = step("dodgeball", [on], NONE)
        assert (rewards, ended) == (([10], [True]) if not enemies_left else ([0], [False]))


def test_an_open_door_looks_open():
    state = play("dodgeball").states[0]
    opened = write_state(with_tail(read_state(state), num_enemies=0))
    seen = view("dodgeball", state)
    x, y = seen.screen(seen.places("door"))[0]
    rows, columns = changed_pixels("dodgeball", state, opened).T
    assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=0.6)
    half = float(seen.things("door")["rx"][0]) * seen.scale
    assert max(np.abs(columns - x).max(), np.abs(rows - y).max()) < half


@pytest.mark.parametrize(("game", "shot"), [("dodgeball", "own_ball"), ("fruitbot", "key")])
def test_throws_leave_when_they_can(game, shot):
    states = wander(game, "easy", 32, seed=7)
    can = column(game, states, "can_throw")
    after, _, ended = step(game, states, "D")
    thrown = [
        seen.things(shot)["life_time"].tolist()[-1:] == [0]
        for seen in (view(game, state) for state in after)
    ]
    kept = ~np.array(ended)
    np.testing.assert_array_equal(np.array(thrown)[kept], can[kept] == 1)
    assert set(can) == {0, 1}
