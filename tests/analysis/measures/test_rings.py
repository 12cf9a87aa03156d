"""Turns are permutations of whole levels of equal size, and p-values over them are exact."""

import numpy as np
import pytest

from analysis.measures.rings import level_rings
from checkpoints.console import UserError


@pytest.mark.parametrize(
    ("sizes", "rounds"),
    [([3] * 40, 1), ([2] * 7 + [5] * 9, 1), ([4] * 6, 5), ([1, 1, 1, 2, 2, 2, 9], 3)],
    ids=["one ring", "two rings", "fewer turns than draws", "a level alone"],
)
def test_whole_levels_of_equal_size_change_places(sizes: list[int], rounds: int):
    rng = np.random.default_rng(0)
    levels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    rings = level_rings(levels, 25, seed=1)
    found = list(rings.permutations())
    assert len(found) == 26 and len(rings.rounds) == rounds
    assert np.array_equal(found[0], np.arange(len(levels)))
    for one in found:
        assert np.array_equal(np.sort(one), np.arange(len(levels)))
        for level in range(len(sizes)):
            came = one[levels == level]
            # From one level of as many states, in their order.
            assert len(set(levels[came])) == 1 and (np.diff(came) > 0).all()
    if rounds == 1:
        assert len({one.tobytes() for one in found}) == 26


def test_the_seed_decides():
    levels = np.arange(60) // 3
    one, same, other = (list(level_rings(levels, 9, seed=k).permutations()) for k in (0, 0, 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_too_few_ways_are_refused():
    with pytest.raises(UserError, match="change places in 6 ways, got 3 levels with 6"):
        level_rings(np.arange(6) // 2, 6, seed=0)


@pytest.mark.parametrize("levels", [5, 30], ids=["several orders", "one order"])
def test_p_is_uniform_where_nothing_is_shared(levels: int):
    """The statistic is an inner product of two vectors over levels, drawn anew 400 times."""
    rng, p = np.random.default_rng(0), []
    for seed in range(400):
        x, y = rng.normal(size=(2, levels))
        rings = level_rings(np.arange(levels), 19, seed)
        draws = np.array([x @ y[one] for one in rings.permutations()])
        p.append((draws >= draws[0] - 1e-12).mean())
    # Each of 20 values of p comes 20 times of 400, with a standard deviation of 4.4.
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * 0.011
    assert np.histogram(p, 4, (0, 1.001))[0] == pytest.approx([100] * 4, abs=35)
