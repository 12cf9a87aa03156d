"""Lists of states: they behave like lists, and cut states out when they are asked for."""

import pytest

from analysis.scenes.state_list import StateList


def test_lists_of_states_behave_like_lists():
    plain = [b"one", b"", b"three"]
    states = StateList.of(plain)
    assert list(states) == plain
    assert (len(states), states[-1], states[:2], states[::-1]) == (
        3,
        b"three",
        plain[:2],
        plain[::-1],
    )
    with pytest.raises(IndexError, match="out of range"):
        states[3]
