"""Fruitbot, heist and jumper: their own factors against the picture and Procgen."""

import numpy as np
import pytest

from checkpoints.world.game_fields import with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors import heist
from probes.factors.general import SIDES
from probes.factors.targets import sheet, view
from tests.support.played import renderer
from tests.support.wander import (
    NONE,
    alone,
    changed_pixels,
    column,
    hold,
    moved_agent,
    moved_thing,
    one,
    step,
    touching,
    wander,
)

LONG_AGO = -1000
both_modes = pytest.mark.parametrize("mode", ["easy", "hard"])


# -- fruitbot --------------------------------------------------------------------------------

FOOD = ("fruit", "junk")


@both_modes
def test_a_wall_is_passed_where_it_is_aligned_and_not_locked(mode):
    met = set()
    for state in wander("fruitbot", mode, 28, seed=31):
        bare = alone("fruitbot", state, *FOOD)
        dx, dy, width = (one("fruitbot", bare, f"gap_{name}") for name in ("dx", "dy", "width"))
        if not 1.5 < dy < 7:  # also NaN, without a wall
            continue
        seen = view("fruitbot", bare)
        half = float(seen.agent["rx"])
        # Just clear of both ends of the gap, and just not.
        room = width / 2 - half
        for to in dx + np.array([-room - 0.1, 0.1 - room, room - 0.1, room + 0.1]):
            if not half <= seen.here[0] + to <= seen.width - half:
                continue
            before = moved_agent(bare, to, dy - 1.2)
            aligned = one("fruitbot", before, "gap_aligned") == 1
            locked = one("fruitbot", before, "gap_locked") == 1
            _, (alive,) = hold("fruitbot", [before], "none", 12)
            assert alive == (aligned and not locked)
            met.add((aligned, locked))
    assert {(True, False), (False, False)} <= met


@both_modes
def test_the_gap_is_where_no_wall_is_drawn(mode):
    tried = 0
    for state in wander("fruitbot", mode, 24, seed=32):
        before = alone("fruitbot", state, *FOOD, "key")
        dx, dy, width = (one("fruitbot", before, f"gap_{name}") for name in ("dx", "dy", "width"))
        seen = view("fruitbot", before)
        if not 1 < dy < 8 or one("fruitbot", before, "gap_locked"):
            continue
        y = seen.here[1] + dy

        def without_wall(entities: np.ndarray, y: float = y) -> None:
            entities["y"][np.abs(entities["y"] - y) < 0.01] = 59.9

        rows, columns = changed_pixels(
            "fruitbot", before, alone("fruitbot", before, change=without_wall)
        ).T
        (x, row), half = seen.screen(seen.here[None] + [dx, dy])[0], width / 2 * seen.scale
        assert np.abs(rows - row).max() < 0.3 * seen.scale + 1
        assert np.abs(columns - x).min() == pytest.approx(half, abs=1)
        # The wall is drawn from the gap to both sides of the picture.
        assert (np.abs(columns - x) < half + 2).any()
        tried += 1
    assert tried > 5


def test_half_a_wall_leaves_no_gap():
    states = wander("fruitbot", "easy", 12, seed=32)
    state = next(s for s in states if not np.isnan(one("fruitbot", s, "gap_dx")))
    dy, width = (one("fruitbot", state, f"gap_{name}") for name in ("dy", "width"))
    seen = view("fruitbot", state)
    halves = seen.places("wall")
    half = halves[np.abs(halves[:, 1] - seen.here[1] - dy) < 0.01][0]
    after = moved_thing(state, half, 0, -0.1)
    assert after is not None and width > 0
    assert np.isnan(one("fruitbot", after, "gap_dx"))


def test_a_key_thrown_at_the_lock_opens_the_gap():
    opened = []
    for state in wander("fruitbot", "hard", 300, seed=5):
        dx, dy, wall = (one("fruitbot", state, name) for name in ("lock_dx", "lock_dy", "gap_dy"))
        if len(opened) == 4 or not (3 < dy < 9 and abs(dy - wall) < 0.5):
            continue
        assert one("fruitbot", state, "gap_locked") == 1
        below = moved_agent(alone("fruitbot", state, *FOOD), dx, dy - 3)
        ready = write_state(with_tail(read_state(below), last_fire_time=LONG_AGO))
        (after,), _, _ = step("fruitbot", [ready], "D")
        (after,), (alive,) = hold("fruitbot", [after], "none", 7)
        opened.append(alive and one("fruitbot", after, "gap_locked") == 0)
    assert opened == [True] * 4


@pytest.mark.parametrize(("mark", "reward"), [("goal", 1), ("hazard", -4)])
def test_food_ahead_pays_what_it_should(mark, reward):
    _, rewards, _ = step("fruitbot", [on for _, on in touching("fruitbot", mark)], NONE)
    assert np.median(rewards) == reward
    assert (np.sign(rewards) == np.sign(reward)).mean() > 0.85


# -- heist -----------------------------------------------------------------------------------


@both_modes
def test_the_shortest_ways_lead_over_all_keys_to_the_gem(mode):
    keys = 0
    for state in wander("heist", mode, 4, seed=6):
        seen = view("heist", state)
        now = moved_agent(state, *(np.floor(seen.here) + 0.5 - seen.here))
        over = False
        while not over:
            left, target = one("heist", now, "path_length"), int(one("heist", now, "target"))
            way = [*SIDES.values()][int(one("heist", now, "path_direction"))]
            progress = one("heist", now, "progress")
            (after,), rewards, (over,) = step("heist", [moved_agent(now, *way)], NONE)
            if left > 1:
                assert one("heist", after, "path_length") == left - 1
                assert one("heist", after, "target") == target
            elif target == 0:
                assert (over, rewards) == (True, [10])
            else:
                had, has = (
                    one("heist", s, f"has_{heist.COLOURS[target - 1]}_key") for s in (now, after)
                )
                assert (had, has) == (0, 1)
                assert one("heist", after, "progress") > progress
                keys += 1
            now = after
    assert keys > 2


def test_doors_let_the_agent_through_with_their_key_only():
    met = set()
    for state in wander("heist", "hard", 60, seed=8)[::3]:
        seen = view("heist", state)
        for door in seen.things("locked_door"):
            for way, (dx, dy) in SIDES.items():
                place = np.array([door["x"] - dx, door["y"] - dy], dtype=np.float64)
                if seen.cell(*place) == sheet("heist").cells["wall"]:
                    continue
                beside = moved_agent(state, *(place - seen.here))
                (after,), (alive,) = hold("heist", [beside], way, 4)
                moved = (np.floor(view("heist", after).here) != np.floor(place)).any()
                has = heist.held(seen)[door["image_theme"]]
                if alive:  # the gem lay elsewhere
                    assert moved == has
                    met.add(bool(has))
    assert met == {False, True}


def test_keys_held_are_shown_in_the_upper_right_corner():
    states = [s for s in wander("heist", "easy", 24) if one("heist", s, "has_blue_key") == 0]
    for state in states[::6]:
        keys = read_state(state)
        have = (True, *view("heist", state).tail["has_keys"][1:])
        after = write_state(with_tail(keys, has_keys=have))
        assert one("heist", after, "has_blue_key") == 1
        assert one("heist", after, "keys_held") == one("heist", state, "keys_held") + 1
        rows, columns = changed_pixels("heist", state, after).T
        assert rows.max() < 8
        assert columns.min() > 56


# -- jumper ----------------------------------------------------------------------------------


@both_modes
def test_the_agent_jumps_when_it_can_and_has_one_jump_less(mode):
    states = wander("jumper", mode, 64, seed=9)
    can, left = (column("jumper", states, name) for name in ("can_jump", "jumps_left"))
    after, _, ended = step("jumper", states, "up")
    tails = [seen.tail for seen in (view("jumper", state) for state in after)]
    jumped = np.array([tail["jump_delta"] < 0 for tail in tails])
    count = np.array([tail["jump_count"] for tail in tails])
    kept = ~np.array(ended)
    np.testing.assert_array_equal(jumped[kept], can[kept] == 1)
    np.testing.assert_array_equal(count[kept], (left - jumped)[kept])
    assert set(can) == {0, 1}
    assert set(left) == {0, 1, 2}


@both_modes
def test_the_compass_points_at_the_carrot_wherever_it_is(mode):
    bar_error, cosines = [], []
    for state in wander("jumper", mode, 40, seed=10):
        seen = view("jumper", state)
        dim, edge = seen.tail["compass_dim"] * seen.scale, 0.25 * seen.scale
        gold = (
            np.abs(renderer("jumper").redraw([state])[0].astype(int) - (252, 186, 3)).sum(-1) < 60
        )
        y, x = np.mgrid[:64, :64] + 0.5
        right, up = x - (64 - edge - dim / 2), edge + dim / 2 - y
        disc = gold & (np.hypot(right, up) < 0.45 * dim)
        bar = gold & (right > -dim / 2 - 1) & (up < -dim / 2) & (up > -0.65 * dim)
        needle = np.array([right[disc].mean(), up[disc].mean()])
        way = np.array([one("jumper", state, f"compass_{axis}") for axis in "xy"])
        cosines.append(needle @ way / np.hypot(*needle))
        length = one("jumper", state, "compass_distance") * dim
        bar_error.append(bar.any(axis=0).sum() - length)
    assert np.mean(cosines) > 0.9
    assert np.abs(bar_error).max() < 1.5  # pixels
