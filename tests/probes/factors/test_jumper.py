"""Jumper: its own factors against the picture and Procgen."""

import numpy as np
import pytest

from probes.factors.targets import view
from tests.support.played import renderer
from tests.support.wander import column, one, step, wander

both_modes = pytest.mark.parametrize("mode", ["easy", "hard"])


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
