"""Game by game: what an expert would ask, against what Procgen then does."""

import dataclasses

import numpy as np
import pytest

from checkpoints.world.codecs import ENTITY
from checkpoints.world.game_fields import with_tail
from checkpoints.world.states import read_state, write_state
from probes.factors import maze
from probes.factors.general import ACTIONS, SIDES
from probes.factors.targets import sheet, view
from tests.support.grid_ways import library_steps
from tests.support.played import play
from tests.support.wander import NONE, column, moved_agent, step, touching, wander


def test_a_fish_eaten_is_counted_and_makes_the_agent_grow():
    states = [on for _, on in touching("bigfish", "goal")]
    after, rewards, ended = step("bigfish", states, NONE)
    kept = ~np.array(ended)
    ate = np.array(rewards)[kept]
    gained = (column("bigfish", after, "progress") - column("bigfish", states, "progress"))[kept]
    grown = (column("bigfish", after, "agent_size") - column("bigfish", states, "agent_size"))[kept]
    assert (ate >= 1).all()
    np.testing.assert_allclose(gained, ate / 30, atol=1e-6)
    np.testing.assert_allclose(grown, ate / 30, atol=1e-5)  # from 1 to 2 in easy mode


def test_larger_fish_come_nearer_when_they_come():
    states = [moved_agent(state, 0, 0) for state in wander("bigfish", "hard", 48, seed=12)]
    after, _, ended = step("bigfish", states, NONE)
    comes, was, now = (
        column("bigfish", *pair)
        for pair in ((states, "hazard_comes"), (states, "hazard_dx"), (after, "hazard_dx"))
    )
    # Less than a step of any fish: the nearest one is the same still.
    same = (np.abs(now - was) < 0.4) & (np.abs(was) > 0.4) & ~np.array(ended)
    np.testing.assert_array_equal((np.abs(now) < np.abs(was))[same], comes[same] == 1)
    assert set(comes[same]) == {0, 1}


def test_a_diamond_taken_is_no_longer_counted():
    states = [on for _, on in touching("miner", "diamond")]
    after, rewards, ended = step("miner", states, NONE)
    kept = ~np.array(ended)
    gone = (column("miner", states, "count_diamond") - column("miner", after, "count_diamond"))[
        kept
    ]
    np.testing.assert_array_equal(gone, np.array(rewards)[kept])
    progress = column("miner", after, "progress")[kept]
    np.testing.assert_allclose(progress, 1 - column("miner", after, "count_diamond")[kept] / 3)


def test_the_direction_of_the_path_leads_to_the_cheese_in_its_length():
    states = wander("maze", "easy", 12, seed=6)
    left = column("maze", states, "path_length")
    arrived = np.full(len(states), np.nan)
    for steps in range(1, int(left.max()) + 1):
        way = column("maze", states, "path_direction").astype(int)
        moves = [step("maze", [s], [*SIDES][w]) for s, w in zip(states, way, strict=True)]
        rewards = np.array([reward[0] for _, reward, _ in moves])
        arrived[(rewards > 0) & np.isnan(arrived)] = steps
        states = [after[0] for after, _, _ in moves]
    np.testing.assert_array_equal(arrived, left)


def test_the_length_of_the_path_is_that_of_a_library():
    for state in play("maze", "hard").states:
        seen = view("maze", state)
        free = seen.state.grid != sheet("maze").cells["wall"]
        x, y = (seen.cells("cheese")[0] - 0.5).astype(int)
        steps = maze.steps_to_cheese(seen)
        np.testing.assert_array_equal(steps.ravel(), library_steps(free, x, y))


def test_targets_hit_are_the_reward():
    env, rng, rewarded = play("plunder").env, np.random.default_rng(0), 0.0
    env.set_states(play("plunder").states)
    before = column("plunder", env.get_states(), "progress")
    for _ in range(150):
        shots = np.full(4, ACTIONS.index("D"))
        _, rewards, ended, _, _ = env.step(np.where(rng.random(4) < 0.5, shots, NONE))
        after = column("plunder", env.get_states(), "progress")
        np.testing.assert_allclose((after - before)[~ended], rewards[~ended] / 20, atol=1e-6)
        before, rewarded = after, rewarded + rewards[~ended].sum()
    assert rewarded >= 3


@pytest.mark.parametrize(
    ("game", "name"), [("bossfight", "can_fire"), ("plunder", "can_fire"), ("ninja", "can_throw")]
)
def test_shots_leave_when_they_can(game, name):
    states = wander(game, "easy", 24, seed=7)
    can = column(game, states, name)
    kind = {"bossfight": "own_bullet", "plunder": "bullet", "ninja": "star"}[game]
    after, _, ended = step(game, states, "D")
    # The newest stand last, where the agent was when it fired.
    shots = [view(game, state).things(kind) for state in after]
    fired = np.array([len(s) > 0 and s["life_time"][-1] == 0 for s in shots])
    np.testing.assert_array_equal(fired[~np.array(ended)], can[~np.array(ended)] == 1)
    assert set(can) == {0, 1}


def test_a_log_carries_the_agent_and_water_does_not():
    rode = drowned = 0
    for state in wander("leaper", "hard", 24, seed=8):
        seen = view("leaper", state)
        logs = seen.in_view(seen.places("log"))
        logs = logs[(logs[:, 0] > 1) & (logs[:, 0] < seen.width - 3)]  # clear of the level's ends
        for on in (moved_agent(state, *(log - seen.here)) for log in logs[:2]):
            (after,), _, (ended,) = step("leaper", [on], NONE)
            moved = column("leaper", [after], "agent_x") - column("leaper", [on], "agent_x")
            speed = column("leaper", [moved_agent(on, 0, -1)], "lane_ahead_speed")
            assert (column("leaper", [on], "on_log"), ended) == (1, False)
            np.testing.assert_allclose(moved, speed, atol=1e-5)
            off = moved_agent(on, 1.4, 0)
            gaps = seen.places("log") - view("leaper", off).here
            if (np.abs(gaps).max(axis=1) > 0.7).all():
                assert column("leaper", [off], "on_log") == 0
                assert step("leaper", [off], NONE)[2] == [True]
                drowned += 1
            rode += 1
    assert min(rode, drowned) > 5


def test_a_jump_is_charged_on_the_ground_only():
    states = wander("ninja", "easy", 24, seed=9)
    after, _, ended = step("ninja", states, "up")
    support, charge = (column("ninja", after, name) for name in ("on_ground", "jump_charge"))
    kept = ~np.array(ended)
    np.testing.assert_array_equal(charge[kept], support[kept])  # full at once in easy mode
    assert set(support[kept]) == {0, 1}


def test_jumps_need_ground():
    states = wander("coinrun", "easy", 24, seed=9)
    after, _, ended = step("coinrun", states, "up")
    kept = ~np.array(ended)
    rises = column("coinrun", after, "agent_vy")[kept] > 1.2
    np.testing.assert_array_equal(rises, column("coinrun", after, "on_ground")[kept] == 1)
    assert set(rises) == {False, True}


def only_ships_at_rest(data: bytes) -> bytes:
    """The state with nothing but the agent and the ships in view, none of which moves or fires."""
    state = read_state(data)
    kinds = [0, sheet("starpilot").things["flyer"]]
    kept = np.isin(state.entities["type"], kinds) & (state.entities["x"] < state.main_width)
    entities = state.entities[kept]
    entities["vx"] = entities["vy"] = 0
    entities["fire_time"] = -1
    still = with_tail(state, spawners=np.zeros(0, ENTITY))
    return write_state(dataclasses.replace(still, entities=entities))


def test_shots_hit_what_is_in_line():
    states = [only_ships_at_rest(state) for state in wander("starpilot", "easy", 32, seed=10)]
    aimed = column("starpilot", states, "in_line") == 1
    after, rewards, ended = step("starpilot", states, "D")
    hit = np.array(rewards) > 0
    assert (column("starpilot", after, "count_own_bullet")[~np.array(ended)] <= 1).all()
    for _ in range(20):
        after, rewards, ends = step("starpilot", after, NONE)
        ended = np.array(ended) | np.array(ends)
        healths = [view("starpilot", state).things("flyer")["health"] for state in after]
        hit |= (np.array(rewards) > 0) | [(health < 2).any() for health in healths]
    fresh = [(view("starpilot", s).things("flyer")["health"] == 2).all() for s in states]
    kept = ~np.array(ended) & fresh
    np.testing.assert_array_equal(hit[kept], aimed[kept])
    assert set(aimed[kept]) == {False, True}
