"""Fruitbot: its own factors against the picture and Procgen."""

import numpy as np
import pytest

from checkpoints.world.game_fields import with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors.targets import view
from tests.support.wander import (
    NONE,
    alone,
    changed_pixels,
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
