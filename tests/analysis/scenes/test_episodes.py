"""Actions drawn from decisions: the same for the same numbers, and none from what is no number."""

import math

import numpy as np
import pytest
import torch

from analysis.scenes.episodes import act
from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy

FRAMES = np.zeros((4, 64, 64, 3), dtype=np.uint8)


def test_the_action_is_the_first_whose_cumulated_probability_exceeds_the_number():
    policy = Policy("nature").eval()
    with torch.no_grad():
        policy.actor.weight.zero_()
        policy.actor.bias.zero_()  # every action 1 / 15
    numbers = np.array([0.0, 0.5 / 15, 7.5 / 15, 0.999])
    assert act(policy, FRAMES, numbers).tolist() == [0, 0, 7, 14]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_decisions_that_are_no_numbers_are_refused(value: float):
    """NaN exceeds nothing, so that action 0 would be played for ever, and a return of 0 written."""
    policy = Policy("nature").eval()
    with torch.no_grad():
        policy.actor.bias[0] = value
    with pytest.raises(UserError, match="expected finite logits, got NaN or infinity: the policy"):
        act(policy, FRAMES, np.full(4, 0.5))
