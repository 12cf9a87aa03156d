"""Heist: its own factors against the picture and Procgen."""

import numpy as np
import pytest

from checkpoints.world.game_fields import with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors import heist
from probes.factors.general import SIDES
from probes.factors.targets import sheet, view
from tests.support.wander import NONE, changed_pixels, hold, moved_agent, one, step, wander

both_modes = pytest.mark.parametrize("mode", ["easy", "hard"])


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
    assert states
    for state in states[::6]:
        keys = read_state(state)
        have = (True, *view("heist", state).tail["has_keys"][1:])
        after = write_state(with_tail(keys, has_keys=have))
        assert one("heist", after, "has_blue_key") == 1
        assert one("heist", after, "keys_held") == one("heist", state, "keys_held") + 1
        rows, columns = changed_pixels("heist", state, after).T
        assert rows.max() < 8
        assert columns.min() > 56
