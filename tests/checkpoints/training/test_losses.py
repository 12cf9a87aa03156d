"""Losses, advantages and reward scaling against closed forms and hand computations."""

import math

import numpy as np
import pytest
import torch

from checkpoints.training import losses
from checkpoints.training.rollouts import RewardScale, generalised_advantage


def test_entropy_of_a_uniform_policy_is_log_15():
    assert losses.entropy(torch.zeros(4, 15).log_softmax(-1)).item() == pytest.approx(math.log(15))


def test_surrogate_by_hand():
    # Ratios 1.5, 0.5, 1.1 with advantages 1, 1, -1 and clip 0.2: min gives 1.2, 0.5, -1.1.
    log_prob = torch.tensor([1.5, 0.5, 1.1]).log()
    loss = losses.clipped_surrogate(
        log_prob, torch.zeros(3), torch.tensor([1.0, 1.0, -1.0]), clip=0.2
    )
    assert loss.item() == pytest.approx(-(1.2 + 0.5 - 1.1) / 3)


def test_surrogate_stops_pushing_beyond_the_clip():
    log_prob = torch.tensor([1.5]).log().requires_grad_()
    losses.clipped_surrogate(log_prob, torch.zeros(1), torch.ones(1), clip=0.2).backward()
    assert log_prob.grad.item() == 0


def test_value_by_hand():
    # Old value 0, target 1: 0.5 is clipped to 0.2 (error .8 > .5), -1 to -0.2 (2 > 1.2).
    loss = losses.clipped_value(torch.tensor([0.5, -1.0]), torch.zeros(2), torch.ones(2), clip=0.2)
    assert loss.item() == pytest.approx(0.5 * (0.8**2 + 2.0**2) / 2)


def test_mutual_kl_by_hand_and_zero_only_for_equals():
    p, q = torch.tensor([[0.5, 0.25, 0.25]]), torch.tensor([[0.25, 0.5, 0.25]])
    expected = 0.5 * math.log(2) + 0.25 * math.log(0.5)
    assert losses.mutual_kl(own=q.log(), other=p.log()).item() == pytest.approx(expected)
    assert losses.mutual_kl(own=p.log(), other=p.log()).item() == pytest.approx(0, abs=1e-7)


def test_mutual_kl_is_not_symmetric():
    p, q = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([[0.5, 0.5]]).log()
    assert losses.mutual_kl(p, q).item() != pytest.approx(losses.mutual_kl(q, p).item(), abs=1e-3)


def test_mutual_kl_has_gradient_on_both_sides():
    own = torch.randn(5, 15, requires_grad=True)
    other = torch.randn(5, 15, requires_grad=True)
    losses.mutual_kl(own.log_softmax(-1), other.log_softmax(-1)).backward()
    assert own.grad.abs().sum() > 0 and other.grad.abs().sum() > 0


def test_view_gap_by_hand_and_zero_only_for_equals():
    # KL as for the mutual term; value differences 1 and 3, so a mean square of 5.
    p, q = torch.tensor([[0.5, 0.25, 0.25]] * 2), torch.tensor([[0.25, 0.5, 0.25]] * 2)
    kl = 0.5 * math.log(2) + 0.25 * math.log(0.5)
    value, view_value = torch.tensor([1.0, 2.0]), torch.tensor([2.0, -1.0])
    found = losses.view_gap(p.log(), value, q.log(), view_value)
    assert found.item() == pytest.approx(kl + 5)
    assert losses.view_gap(p.log(), value, p.log(), value).item() == pytest.approx(0, abs=1e-7)


def test_view_gap_is_not_symmetric():
    p, q, value = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([[0.5, 0.5]]).log(), torch.ones(1)
    there, back = losses.view_gap(p, value, q, value), losses.view_gap(q, value, p, value)
    assert there.item() != pytest.approx(back.item(), abs=1e-3)


def test_view_gap_has_gradient_on_the_side_of_the_view_alone():
    logits, views = (torch.randn(5, 15, requires_grad=True) for _ in range(2))
    values, view_values = (torch.randn(5, requires_grad=True) for _ in range(2))
    gap = losses.view_gap(logits.log_softmax(-1), values, views.log_softmax(-1), view_values)
    gap.backward()
    assert logits.grad is None and values.grad is None
    assert views.grad.abs().sum() > 0
    # d/dV mean (v - V)² = -2 (v - V) / n
    expected = (-2 * (values - view_values) / 5).tolist()
    assert view_values.grad.tolist() == pytest.approx(expected)


def test_standardised_advantages():
    standard = losses.standardise(torch.tensor([1.0, 2.0, 3.0]))
    assert standard.tolist() == pytest.approx([-1, 0, 1], abs=1e-6)


def test_advantage_of_constant_rewards_and_values_in_closed_form():
    # δ = r + γv − v at every step, so A_t = δ (1 − (γλ)^(T−t)) / (1 − γλ).
    steps, r, v, discount, decay = 20, 0.7, 2.0, 0.99, 0.9
    full = torch.full((steps, 3), v)
    advantages = generalised_advantage(
        torch.full((steps, 3), r),
        full,
        torch.zeros(steps, 3, dtype=torch.bool),
        full[0],
        discount=discount,
        decay=decay,
    )
    delta, shrink = r + discount * v - v, discount * decay
    expected = [delta * (1 - shrink ** (steps - t)) / (1 - shrink) for t in range(steps)]
    assert advantages[:, 1].tolist() == pytest.approx(expected, rel=1e-5)


def test_advantage_with_decay_one_is_return_minus_value_and_stops_at_ends():
    rng = np.random.default_rng(0)
    rewards, values = torch.tensor(rng.normal(size=(2, 9, 4)))
    dones = torch.tensor(rng.random((9, 4)) < 0.3)
    last = torch.tensor(rng.normal(size=4))
    found = generalised_advantage(rewards, values, dones, last, discount=0.9, decay=1.0)
    for env in range(4):
        for t in range(9):
            total, weight, alive = 0.0, 1.0, True
            for later in range(t, 9):
                total += weight * rewards[later, env].item()
                weight *= 0.9
                if dones[later, env]:
                    alive = False
                    break
            total += weight * last[env].item() * alive
            assert found[t, env].item() == pytest.approx(total - values[t, env].item())


def test_reward_scale_equals_the_deviation_of_all_discounted_returns():
    rng = np.random.default_rng(1)
    scale = RewardScale.fresh(5)
    running, seen = np.zeros(5), []
    for _ in range(200):
        rewards, dones = rng.normal(2, 3, 5), rng.random(5) < 0.1
        running = running * 0.9 + rewards
        seen.append(running.copy())
        running[dones] = 0
        scaled = scale(rewards, dones, discount=0.9)
        assert np.abs(scaled).max() <= 10
    assert scale.variance == pytest.approx(np.var(seen), rel=1e-4)
    assert scaled == pytest.approx(rewards / np.std(seen), rel=1e-4)
