"""The training step: gradient flow, equalities to the bit, and a world it must solve."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.recipes import METHODS, Recipe
from checkpoints.training.group import Group
from checkpoints.training.interleave import take_turns
from checkpoints.training.peer import training_levels
from tests.support.worlds import EPISODE, colour_world

TINY = Recipe(encoder="nature", features=16, num_envs=8, num_steps=16, minibatches=4)
MUTUAL = replace(TINY, peers=2, alpha=1.0)
DECIDED = 10.0
"""Deviation of an actor's weights with which it prefers some actions clearly."""


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
    pair = Group(colour_world, replace(MUTUAL, alpha=0.0), 0)
    norms = [peer["grad_norm"] for iteration in range(2) for peer in pair.iterate(iteration)]
    assert max(norms) < MUTUAL.max_grad_norm  # for what clipping does, see the next test
    for k in range(2):
        alone = replace(TINY, max_grad_norm=1.0, adam_eps=2e-5)
        single = trained(alone, first_peer=k)
        assert weights(single.peers[0]) == weights(pair.peers[k])


def test_where_gradients_are_clipped_the_last_digits_part():
    pair = trained(replace(MUTUAL, alpha=0.0, max_grad_norm=0.01), iterations=1)
    alone = replace(TINY, max_grad_norm=0.02, adam_eps=2e-5)
    single = trained(alone, iterations=1)
    assert (weights(single.peers[0]) == weights(pair.peers[0])) is False
    both = (group.peers[0].policy.parameters() for group in (single, pair))
    assert all(torch.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(*both, strict=True))


def test_alpha_one_differs_from_alpha_zero():
    pair, apart = trained(MUTUAL), trained(replace(MUTUAL, alpha=0.0))
    assert weights(pair.peers[0]) != weights(apart.peers[0])


def minibatches(group: Group) -> list[dict[str, torch.Tensor]]:
    data = take_turns(peer.collect(0) for peer in group.peers)
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
        loss, surrogate, value, entropy, found, _ = (term.item() for term in terms[k])
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
    loss, surrogate, value, entropy, *_ = (t.item() for t in group.losses(minibatches(group))[0])
    squares = sum(w.square().sum().item() for w in group.peers[0].policy.parameters())
    assert loss == pytest.approx(
        surrogate + 0.5 * value - 0.01 * entropy + 0.05 * squares, rel=1e-5
    )


@pytest.mark.parametrize("recipe", [TINY, MUTUAL], ids=["ppo", "mutual"])
def test_a_weight_that_no_float_feels_is_ppo_to_the_bit(recipe: Recipe):
    # So views disturb no other random number, and nothing but the term depends on them.
    plain, with_views = trained(recipe), trained(replace(recipe, drac=1e-30))
    for k in range(recipe.peers):
        assert weights(plain.peers[k]) == weights(with_views.peers[k])
    assert weights(trained(replace(recipe, drac=0.1)).peers[0]) != weights(plain.peers[0])


def test_drac_loss_against_numpy():
    group = Group(colour_world, replace(TINY, drac=0.3), 0)
    torch.nn.init.normal_(group.peers[0].policy.actor.weight, std=DECIDED)
    (part,) = minibatches(group)
    part["views"] = part["frames"].flip(3)
    loss, surrogate, value, entropy, _, gap = (term.item() for term in group.losses([part])[0])
    with torch.no_grad():
        read = [group.peers[0].policy(part[key]) for key in ("frames", "views")]
    p, q = (logits.softmax(-1).double().numpy() for logits, _ in read)
    v, w = (values.double().numpy() for _, values in read)
    expected = (p * np.log(p / q)).sum(1).mean() + ((v - w) ** 2).mean()
    assert gap == pytest.approx(expected, rel=1e-4) and gap > 0
    assert loss == pytest.approx(surrogate + 0.5 * value - 0.01 * entropy + 0.3 * gap, abs=1e-6)


def test_drac_closes_the_gap_that_it_measures():
    recipe = replace(TINY, learning_rate=2e-3)
    gaps = []
    for weight in (1e-30, 1.0):
        group = Group(colour_world, replace(recipe, drac=weight), 0)
        measured = [group.iterate(iteration)[0]["view_gap"] for iteration in range(8)]
        gaps.append(np.mean(measured[4:]))
    assert gaps[1] < 0.5 * gaps[0]


def teacher_of(recipe: Recipe) -> Policy:
    """A policy of another shape that has made up its mind."""
    torch.manual_seed(7)
    policy = Policy(recipe.encoder, 8).eval().requires_grad_(False)
    policy.actor.weight.normal_(std=DECIDED)
    return policy


ONEWAY = replace(TINY, alpha=1.0, teacher="bigfish/ppo/1/peer0/step64")


def test_a_teacher_is_never_changed_and_its_student_comes_to_agree():
    teacher = teacher_of(TINY)
    before = {key: value.clone() for key, value in teacher.state_dict().items()}
    recipe = replace(ONEWAY, learning_rate=2e-3, alpha=3.0)
    group = Group(colour_world, recipe, 0, teacher=teacher)
    kl = [group.iterate(iteration)[0]["mutual_kl"] for iteration in range(8)]
    assert kl[-1] < 0.5 * kl[0]
    assert all(torch.equal(value, before[key]) for key, value in teacher.state_dict().items())
    assert all(weight.grad is None for weight in teacher.parameters())
    owned = {id(weight) for part in group.optimiser.param_groups for weight in part["params"]}
    assert owned == {id(weight) for weight in group.peers[0].policy.parameters()}


def test_oneway_loss_against_numpy():
    group = Group(colour_world, replace(ONEWAY, alpha=0.7), 0, teacher=teacher_of(TINY))
    (part,) = minibatches(group)
    part["taught"] = group._taught(group.teacher, part["frames"], lambda _: None)
    loss, surrogate, value, entropy, found, _ = (t.item() for t in group.losses([part])[0])
    with torch.no_grad():
        own, other = (p(part["frames"])[0] for p in (group.peers[0].policy, group.teacher))
    p, q = (logits.double().softmax(-1).numpy() for logits in (other, own))
    assert found == pytest.approx((p * np.log(p / q)).sum(1).mean(), rel=1e-4)
    assert loss == pytest.approx(surrogate + 0.5 * value - 0.01 * entropy + 0.7 * found, abs=1e-5)


def test_a_teacher_that_cannot_be_heard_is_no_teacher():
    student = trained(replace(ONEWAY, alpha=1e-30), teacher=teacher_of(TINY))
    assert weights(student.peers[0]) == weights(trained(TINY).peers[0])


def test_a_teacher_joins_the_peers():
    recipe = replace(MUTUAL, teacher=ONEWAY.teacher)
    with_teacher = trained(recipe, teacher=teacher_of(TINY))
    for taught, untaught in zip(with_teacher.peers, trained(MUTUAL).peers, strict=True):
        assert weights(taught) != weights(untaught)


@pytest.mark.parametrize("recipe", [TINY, ONEWAY], ids=["one too many", "none"])
def test_a_recipe_and_its_teacher_belong_together(recipe: Recipe):
    teacher = None if recipe.teacher else teacher_of(TINY)
    with pytest.raises(UserError, match="expected the policy of the recipe's teacher"):
        Group(colour_world, recipe, 0, teacher=teacher)


@pytest.mark.parametrize("method", METHODS)
def test_progress_counts_every_frame_that_passes(method: str):
    small = {"features": 8, "num_envs": 4, "num_steps": 8, "minibatches": 2, "encoder": "nature"}
    recipe = replace(METHODS[method], **small)
    teacher = teacher_of(TINY) if recipe.teacher else None
    world = training_levels("starpilot") if recipe.views == "twins" else colour_world
    group, ticks = Group(world, recipe, 0, teacher=teacher), []
    group.iterate(0, ticks.append)
    assert sum(ticks) == recipe.work


@pytest.mark.parametrize("recipe", [TINY, MUTUAL], ids=["ppo", "mutual"])
def test_the_loop_solves_a_trivial_world(recipe: Recipe):
    larger = {"features": 64, "num_envs": 16, "num_steps": 32, "minibatches": 8}
    recipe = replace(recipe, **larger, discount=0.5, learning_rate=2e-3, entropy=0.0)
    group = trained(recipe, iterations=14)
    for peer in group.peers:
        assert np.mean(peer.finished) > 0.9 * EPISODE
