"""Caveflyer: its own factors against the picture and Procgen."""

import numpy as np
import pytest

from checkpoints.world.states import read_state, write_state
from probes.factors.caveflyer import SIDES, nose
from probes.factors.targets import sheet, view
from tests.support.wander import NONE, alone, column, moved_agent, one, step, wander


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
    assert len(speed)
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
    met = set()
    for state in near_a("target", seed=4)[:40]:
        seen = view("caveflyer", state)
        ways = np.arange(0, seen.reach / 2, 0.005)
        cells = [seen.cell(*(seen.here + way * nose(seen))) for way in ways]
        wall = np.flatnonzero(np.array(cells) == seen.sheet.cells["wall"])
        expected = ways[wall[0]] if len(wall) else seen.reach / 2
        assert one("caveflyer", state, "wall_ahead_distance") == pytest.approx(expected, abs=0.006)
        met.add(len(wall) > 0)
    assert True in met


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
