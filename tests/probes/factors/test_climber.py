"""Climber: its own factors against the picture and Procgen."""

import numpy as np
import pytest

from checkpoints.world.game_fields import read_tail
from checkpoints.world.states import read_state, write_state
from probes.factors.climber import next_platform
from probes.factors.targets import sheet, view
from tests.support.wander import (
    NONE,
    alone,
    column,
    moved_agent,
    one,
    starts,
    step,
    touching,
    wander,
)


def test_a_coin_taken_is_no_longer_left():
    states = [on for _, on in touching("climber", "goal")]
    after, rewards, ended = step("climber", states, NONE)
    kept = ~np.array(ended)
    left, fewer = (column("climber", s, "coins_left") for s in (states, after))
    np.testing.assert_array_equal((left - fewer)[kept], np.array(rewards)[kept])
    np.testing.assert_array_equal(np.array(rewards) > 10, left == 1)
    done = column("climber", after, "progress")[kept]
    quota = np.array([read_tail(read_state(state))["coin_quota"] for state in states])[kept]
    np.testing.assert_allclose(done * quota, quota - fewer[kept])
    assert kept.sum() > 5


def test_jumps_need_ground_in_climber():
    states = [moved_agent(state, 0, 0) for state in wander("climber", "easy", 48, seed=9)]
    after, _, ended = step("climber", states, "up")
    kept = ~np.array(ended)
    rises = column("climber", after, "agent_vy")[kept] > 0.5  # less than 1.5 below a platform
    np.testing.assert_array_equal(rises, column("climber", after, "on_ground")[kept] == 1)
    assert set(rises) == {False, True}


def test_the_next_platform_carries_the_agent_and_the_one_after_is_a_jump_higher():
    jumps = set()
    for _, data in starts("climber", "hard", 5):
        state = alone("climber", data, "enemy", "coin")
        seen = view("climber", state)
        while (gap := seen.gap(next_platform, shown=True)) is not None:
            state = moved_agent(state, gap[0], gap[1] + 1)  # stands on its nearest cell
            (after,), _, ended = step("climber", [state], NONE)
            assert not ended[0]
            assert one("climber", after, "on_ground") == 1
            seen = view("climber", state)
            above = one("climber", state, "platform_dy")
            jumps |= set() if np.isnan(above) else {round(above) + 1}
        assert one("climber", state, "climbed") == pytest.approx(1)
    assert {3} < jumps <= {3, 4, 5}


def test_an_enemy_moved_over_the_next_platform_guards_it():
    tried = 0
    for data in wander("climber", "hard", 24, seed=9):
        seen = view("climber", data)
        platform = seen.gap(next_platform, shown=True)
        if platform is None or not len(seen.things("enemy")):
            continue
        top = seen.here[1] + platform[1] + 0.5
        for dy, guarded in ((1.5, 1), (-0.6, 0)):
            fields = read_state(data)
            enemies = fields.entities["type"] == sheet("climber").things["enemy"]
            fields.entities["y"][enemies] = top + dy
            assert one("climber", write_state(fields), "platform_guarded") == guarded
        tried += 1
    assert tried > 5
