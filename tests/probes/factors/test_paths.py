"""Shortest ways, against known answers and those of a library."""

import numpy as np
import pytest

from probes.factors.paths import length, steps_to, way_done
from probes.factors.targets import view
from tests.support.grid_ways import library_steps
from tests.support.played import play

MAZE = np.array([[1, 1, 1, 0], [0, 0, 1, 0], [1, 1, 1, 0]], dtype=bool)


def test_a_way_goes_round_walls():
    expected = [[0, 1, 2, -1], [-1, -1, 3, -1], [6, 5, 4, -1]]
    np.testing.assert_array_equal(steps_to(np.array([[0.5, 0.5]]), MAZE), expected)


def test_the_nearest_of_two_places_counts():
    places = np.array([[0.5, 0.5], [0.9, 2.1]])
    expected = [[0, 1, 2, -1], [-1, -1, 3, -1], [0, 1, 2, -1]]
    np.testing.assert_array_equal(steps_to(places, MAZE), expected)


def test_nowhere_to_go_and_no_way_are_missing():
    assert (steps_to(np.empty((0, 2)), MAZE) == -1).all()
    closed = steps_to(np.array([[1.5, 1.5]]), np.eye(3, dtype=bool))
    np.testing.assert_array_equal(closed, [[-1, -1, -1], [-1, 0, -1], [-1, -1, -1]])


@pytest.mark.parametrize("game", ["chaser", "heist", "jumper"])
def test_ways_are_those_of_a_library(game):
    for state in play(game).states:
        seen = view(game, state)
        walls = [type_ for name, type_ in seen.sheet.cells.items() if name.startswith("wall")]
        free = ~np.isin(seen.state.grid, walls)
        goals = seen.found(seen.sheet.marks["goal"], shown=False)
        steps = steps_to(goals, free)
        np.testing.assert_array_equal(steps.ravel(), library_steps(free, *goals.astype(int).T))
        here = steps[int(seen.here[1]), int(seen.here[0])]
        assert length(steps, seen) == here
        assert way_done(steps, seen) == pytest.approx(1 - here / steps.max())
