"""Flights of shots, against known answers and Procgen."""

import numpy as np
import pytest

from checkpoints.world.codecs import ENTITY
from probes.factors.general import ACTIONS
from probes.factors.shots import first_hit, impact_time
from probes.factors.targets import measure, view
from tests.support.played import play
from tests.support.wander import alone, wander

NONE = ACTIONS.index("none")


def thing(
    x: float, y: float, r: float, vx: float = 0.0, vy: float = 0.0, **more: int
) -> np.ndarray:
    """One entity, as an array."""
    found = np.zeros(1, ENTITY)
    for name, value in {"x": x, "y": y, "rx": r, "ry": r, "vx": vx, "vy": vy, **more}.items():
        found[name] = value
    return found


def test_a_shot_hits_the_first_thing_in_its_way():
    things = np.concatenate([thing(9, 0, 0.5), thing(5, 0.9, 0.5), thing(3, 2, 0.5)])
    right, half = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    here = np.zeros(2)
    assert first_hit(here, right, half, 20, things) == (1, 5)  # boxes that touch do not overlap
    assert first_hit(here, right, half / 2, 20, things) == (0, 9)
    assert first_hit(here, right, half / 2, 8, things) is None  # falls short
    assert first_hit(here, -right, half, 20, things) is None
    assert first_hit(here, right, half, 20, things[:0]) is None


def test_an_impact_is_in_as_many_steps_as_the_gap_takes():
    seen = view("bossfight", play("bossfight").states[0])
    (x, y), half = seen.here, float(seen.agent["rx"])
    none = np.zeros(0, ENTITY)
    shot = thing(x + half + 0.5 + 2.25, y, 0.5, vx=-0.5, expire_time=50)
    assert impact_time(seen, shot, none) == 5  # a gap of 2.25 at half a cell a step
    assert np.isnan(impact_time(seen, thing(x - 9, y, 0.5, vx=-0.5, expire_time=50), none))
    assert np.isnan(impact_time(seen, thing(x + 9, y, 0.5, vx=-0.5, expire_time=5), none))
    assert np.isnan(impact_time(seen, shot, thing(x + half + 1.5, y, 0.2)))
    assert np.isnan(impact_time(seen, none, none))


@pytest.mark.parametrize(
    ("game", "without", "shot"),
    [("dodgeball", ("enemy", "door"), "ball"), ("bossfight", (), "bullet")],
)
def test_shots_in_flight_hit_when_they_should(game, without, shot):
    """Nobody fires anew in dodgeball; of the boss's bullets those fired later may come first."""
    states = [alone(game, state, *without) for state in wander(game, "easy", 120, seed=13)]
    states = [state for state in states if len(view(game, state).things(shot))]
    said = measure(game, states, ["impact_time"]).values["impact_time"]
    ended = first_end(game, states, 12)
    soon = said <= 12
    if without:
        np.testing.assert_array_equal(ended[soon], said[soon])
        assert np.isnan(ended[~soon]).all()
    else:
        assert (ended[soon] <= said[soon]).all()
        assert (ended[soon] == said[soon]).mean() > 0.7
    assert 3 < soon.sum() < len(soon)


def first_end(game: str, states: list[bytes], steps: int) -> np.ndarray:
    """In how many steps the episode ends if the agent does nothing; NaN if later."""
    env, ends = play(game).env, np.full(len(states), np.nan)
    for start in range(0, len(states), 4):
        part = states[start : start + 4]
        env.set_states(part + part[-1:] * (4 - len(part)))
        for step in range(1, steps + 1):
            _, _, ended, _, _ = env.step(np.full(4, NONE))
            new = ended[: len(part)] & np.isnan(ends[start : start + len(part)])
            ends[start : start + len(part)][new] = step
    return ends
