"""Description length: what says nothing, what says all, known noise."""

import numpy as np

from probes.readers.crossfit import Task
from probes.readers.description import blocks, description_bits, uniform_bits
from tests.support.probe_world import N, World


def test_blocks_double_and_keep_levels_whole():
    levels = np.repeat(np.arange(160), 3)
    block = blocks(levels)
    assert np.bincount(block).tolist() == [30, 30, 60, 120, 240]
    assert all(len(set(block[levels == level].tolist())) == 1 for level in range(160))
    assert (block != blocks(levels, seed=1)).any()


def test_what_says_nothing_costs_the_entropy():
    world = World()
    coin = Task("coin", world.rng.integers(0, 2, N).astype(float), 2)
    skewed = Task("skewed", (world.rng.random(N) < 0.1).astype(float), 2)
    flat = Task("flat", world.rng.random(N))
    bits = description_bits(world.noise[0], [coin, skewed, flat], world.levels)
    assert 1.0 < bits[0] < 1.1
    entropy = -(0.1 * np.log2(0.1) + 0.9 * np.log2(0.9))  # .469
    # The first sixteenth costs 1 bit a state, the penalty and the rest of the learning some more.
    assert entropy < bits[1] < entropy + 0.15
    # A normal density instead of a flat one costs log2(sqrt(2πe/12)) = .25 bits.
    assert 8.1 < bits[2] < 8.5
    assert [uniform_bits(one) for one in (coin, skewed, flat)] == [1, 1, 8]


def test_a_layer_of_nothing_leaves_the_frequencies():
    world = World()
    nothing = np.zeros((N, 1))
    skewed = Task("skewed", (world.rng.random(N) < 0.1).astype(float), 2)
    bits = description_bits(nothing, [skewed, world.tasks[0]], world.levels, penalties=(1.0,))
    assert 0.469 < bits[0] < 0.6
    x, _ = world.layer(task=1, leak=0)
    assert description_bits(x, world.tasks[:1], world.levels)[0] < bits[1] - 1


def test_what_is_easier_to_read_is_shorter():
    world = World()
    tasks = world.tasks
    clear, faint, none = (
        description_bits(world.layer(task=t, leak=t)[0], tasks, world.levels) for t in (2, 0.3, 0)
    )
    assert (clear < faint - 0.1).all()
    assert (faint < none - 0.1).all()


def test_the_code_of_numbers_comes_to_the_known_noise():
    """Known noise σ in steps of the range: log2(σ √(2πe)) bits in the end, some more to learn."""
    rng = np.random.default_rng(0)
    levels = np.arange(4000)
    x = rng.uniform(-1, 1, size=(4000, 3))
    y = x @ np.array([1.0, 2.0, 3.0]) + 0.1 * rng.normal(size=4000)
    bits = description_bits(x, [Task("y", y)], levels)[0]
    known = np.log2(0.1 / (np.ptp(y) / 256) * np.sqrt(2 * np.pi * np.e))
    first = (uniform_bits(Task("y", y)) - known) / 16
    assert known + first - 0.02 < bits < known + first + 0.1


def test_missing_states_are_not_sent():
    world = World()
    x, _ = world.layer(task=1, leak=1)
    holes = np.where(world.rng.random(N) < 0.5, np.nan, world.truth)
    labels = np.where(np.isnan(holes), np.nan, world.first)
    some = description_bits(x, [Task("t", holes), Task("b", labels, 3)], world.levels)
    every = description_bits(
        x, [Task("t", world.truth), Task("b", world.first.astype(float), 3)], world.levels
    )
    assert np.isfinite(some).all()
    assert (some > every).all()
