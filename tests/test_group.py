"""The training step: gradient flow, equalities to the bit, and a world it must solve."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from worlds import EPISODE, colour_world

from checkpoints.group import Group
from checkpoints.recipes import Recipe

TINY = Recipe(encoder="nature", features=16, num_envs=8, num_steps=16, minibatches=4)
MUTUAL = replace(TINY, peers=2, alpha=1.0)


def weights(peer) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in peer.policy.parameters())


def trained(recipe: Recipe, iterations: int = 2, seed: int = 0, **keywords) -> Group:
    group = Group(colour_world, recipe, seed, **keywords)
    for iteration in range(iterations):
        group.iterate(iteration)
    return group


def test_same_seed_same_bytes_other_seed_other_bytes():
    first, again, other = trained(MUTUAL), trained(MUTUAL), trained(MUTUAL, seed=1)
    for k in range(2):
        assert weights(first.peers[k]) == weights(again.peers[k])
        assert weights(first.peers[k]) != weights(other.peers[k])


def test_alpha_zero_equals_two_ppos_to_the_bit():
    # The mean over two peers halves gradients before they are clipped: clipping norm and Adam's
    # ε double, which powers of two leave exact.
    pair = trained(replace(MUTUAL, alpha=0.0))
    for k in range(2):
        alone = replace(TINY, max_grad_norm=1.0, adam_eps=2e-5)
        single = trained(alone, first_peer=k)
        assert weights(single.peers[0]) == weights(pair.peers[k])


def test_alpha_one_differs_from_alpha_zero():
    pair, apart = trained(MUTUAL), trained(replace(MUTUAL, alpha=0.0))
    assert weights(pair.peers[0]) != weights(apart.peers[0])


def minibatches(group: Group) -> list[dict[str, torch.Tensor]]:
    data = [peer.collect(0) for peer in group.peers]
    return [{key: array[:32] for key, array in part.items()} for part in data]


def test_mutual_loss_against_numpy():
    group = Group(colour_world, replace(MUTUAL, alpha=0.7), 0)
    parts = minibatches(group)
    terms = group.losses(parts)
    for k in range(2):
        frames = parts[k]["frames"]
        with torch.no_grad():
            own, other = (group.peers[j].policy(frames)[0].numpy() for j in (k, 1 - k))
        p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (other, own))
        kl = (p * np.log(p / q)).sum(1).mean()
        loss, surrogate, value, entropy, found = (term.item() for term in terms[k])
        assert found == pytest.approx(kl, abs=1e-6)
        assert loss == pytest.approx(
            surrogate + 0.5 * value - 0.01 * entropy + 0.7 * found, abs=1e-6
        )


def test_gradient_of_each_kl_reaches_both_peers():
    group = Group(colour_world, MUTUAL, 0)
    group.losses(minibatches(group))[0][4].backward()
    for peer in group.peers:
        assert peer.policy.actor.weight.grad.abs().sum() > 0


def test_alpha_zero_keeps_peers_apart():
    group = Group(colour_world, replace(MUTUAL, alpha=0.0), 0)
    group.losses(minibatches(group))[0][0].backward()
    assert group.peers[1].policy.actor.weight.grad is None


def test_each_peer_is_clipped_by_itself():
    group = Group(colour_world, replace(MUTUAL, max_grad_norm=1e-3), 0)
    parts = minibatches(group)
    group._step(parts)
    for peer in group.peers:
        norm = torch.stack([w.grad.norm() for w in peer.policy.parameters()]).norm()
        assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_l2_and_dropout_change_what_is_learned():
    plain = trained(TINY)
    assert weights(trained(replace(TINY, l2=0.1)).peers[0]) != weights(plain.peers[0])
    assert weights(trained(replace(TINY, dropout=0.5)).peers[0]) != weights(plain.peers[0])


def test_l2_adds_half_the_squared_norm():
    group = Group(colour_world, replace(TINY, l2=0.1), 0)
    loss, surrogate, value, entropy, _ = (t.item() for t in group.losses(minibatches(group))[0])
    squares = sum(w.square().sum().item() for w in group.peers[0].policy.parameters())
    assert loss == pytest.approx(
        surrogate + 0.5 * value - 0.01 * entropy + 0.05 * squares, rel=1e-5
    )


@pytest.mark.parametrize("recipe", [TINY, MUTUAL], ids=["ppo", "mutual"])
def test_the_loop_solves_a_trivial_world(recipe: Recipe):
    larger = {"features": 64, "num_envs": 16, "num_steps": 32, "minibatches": 8}
    recipe = replace(recipe, **larger, discount=0.5, learning_rate=2e-3, entropy=0.0)
    group = trained(recipe, iterations=14)
    for peer in group.peers:
        assert np.mean(peer.finished) > 0.9 * EPISODE
