"""Jobs taking turns: who goes on when, and that peers see and do the same as one after another."""

from dataclasses import replace

import pytest
import torch

from checkpoints.policy.recipes import Recipe
from checkpoints.training.group import Group
from checkpoints.training.interleave import Turns, take_turns
from checkpoints.training.peer import training_levels

PAIR = Recipe(encoder="nature", features=16, num_envs=4, num_steps=24, peers=2, alpha=1.0)
PAIR = replace(PAIR, minibatches=2, epochs=1, mode="easy", levels=20)


def test_each_goes_on_in_turn_until_all_have_ended():
    heard: list[str] = []

    def job(name: str, rounds: int) -> Turns[str]:
        for k in range(rounds):
            heard.append(f"{name}{k}")
            yield
        return name.upper()

    assert take_turns([job("a", 1), job("b", 3), job("c", 0), job("d", 2)]) == list("ABCD")
    assert heard == ["a0", "b0", "d0", "b1", "d1", "b2"]


def test_a_fault_in_one_job_is_not_hidden():
    def job() -> Turns[int]:
        yield
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        take_turns([job(), job()])


def collected(num_threads: int, together: bool) -> list[dict[str, torch.Tensor]]:
    group = Group(training_levels("bigfish", num_threads), PAIR, 3)
    with group.precision():
        if together:
            return take_turns(peer.collect(0) for peer in group.peers)
        return [take_turns([peer.collect(0)])[0] for peer in group.peers]


@pytest.mark.parametrize(("num_threads", "together"), [(0, True), (1, True), (2, True), (2, False)])
def test_neither_turns_nor_procgens_threads_change_what_is_collected(num_threads, together):
    wanted, found = collected(0, False), collected(num_threads, together)
    assert len(wanted) == len(found) == 2
    for one, other in zip(wanted, found, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert not torch.equal(found[0]["frames"], found[1]["frames"])
