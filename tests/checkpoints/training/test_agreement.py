"""The fast path learns what the plain one learns, and a group what its members would alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from analysis.records.tables import read_table, write_table
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import ZOO, load_policy, policy_path
from checkpoints.training.group import Group
from checkpoints.training.interleave import take_turns
from checkpoints.training.peer import training_levels
from tests.benchmarks.bench_agreement import KEPT, PATHS, SCHEMA, Settings, areas, compare, main
from tests.support.worlds import colour_world

SMALL = Recipe(encoder="nature", features=16, num_envs=8, num_steps=16, minibatches=4, mode="easy")
PAIR = replace(SMALL, peers=2)


def weights(group: Group) -> list[bytes]:
    """All bytes of each peer's weights."""
    peers = [peer.policy.parameters() for peer in group.peers]
    return [b"".join(weight.detach().numpy().tobytes() for weight in each) for each in peers]


# -- groups ----------------------------------------------------------------------------------


def pair_and_singles(recipe: Recipe) -> tuple[Group, list[Group]]:
    """Two peers with α = 0 and each alone, after two iterations of starpilot.

    The mean over two halves gradients before they are clipped: clipping norm and Adam's ε double.
    """
    alone = replace(recipe, peers=1, max_grad_norm=2 * recipe.max_grad_norm, adam_eps=2e-5)
    pair = Group(training_levels("starpilot"), recipe, 5)
    singles = [Group(training_levels("starpilot"), alone, 5, first_peer=k) for k in (0, 1)]
    for iteration in range(2):
        together = pair.iterate(iteration)
        for k, single in enumerate(singles):
            (apart,) = single.iterate(iteration)
            apart["grad_norm"] /= 2
            # What is reported is averaged in another order.
            assert together[k] == pytest.approx(apart, rel=1e-5, abs=1e-6)
    return pair, singles


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_alpha_zero_in_a_game_is_two_single_runs_to_the_bit(precision):
    recipe = replace(PAIR, precision=precision, backgrounds=(0, 4), max_grad_norm=50.0)
    pair, singles = pair_and_singles(recipe)
    same = weights(pair) == [weights(single)[0] for single in singles]
    assert same


def flat(group: Group, k: int) -> torch.Tensor:
    """All weights of peer ``k`` in one row."""
    return torch.cat([w.detach().flatten() for w in group.peers[k].policy.parameters()])


def test_where_gradients_are_clipped_they_are_so_up_to_rounding():
    # Torch adds 1e-6 to a norm before it divides by it, which does not halve with the gradient;
    # Adam then makes whole steps of gradients that are little but rounding.
    pair, singles = pair_and_singles(PAIR)
    fresh = Group(training_levels("starpilot"), PAIR, 5)
    same = weights(pair) == [weights(single)[0] for single in singles]
    assert not same
    for k, single in enumerate(singles):
        moved = (flat(pair, k) - flat(fresh, k)).norm()
        assert (flat(pair, k) - flat(single, 0)).norm() < 0.005 * moved


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_peers_exchanged_give_exchanged_results_to_the_bit(precision):
    recipe = replace(PAIR, alpha=1.0, precision=precision)
    group, other = (Group(colour_world, recipe, 0) for _ in range(2))
    other.peers.reverse()
    for iteration in range(2):
        measured = group.iterate(iteration)
        assert other.iterate(iteration) == measured[::-1]
        assert measured[0] != measured[1]
    same = weights(other) == weights(group)[::-1]
    assert same


# -- one update ------------------------------------------------------------------------------


def trained_pair(game: str) -> tuple[Group, list[dict[str, torch.Tensor]]]:
    """The shipped mutual pair, data that it collected, and one iteration of learning from it."""
    recipe = Recipe(encoder="nature", num_envs=16, num_steps=16, peers=2, alpha=1.0, mode="easy")
    group = Group(training_levels(game), recipe, 0)
    for k, peer in enumerate(group.peers):
        shipped = parse_id(f"{game}/mutual/0/peer{k}/step2097152")
        peer.policy.load_state_dict(load_policy(policy_path(ZOO, shipped))[0].state_dict())
    parts = take_turns(peer.collect(0) for peer in group.peers)
    group.learn(parts, 0)
    return group, parts


def update(group: Group, parts: list[dict[str, torch.Tensor]]) -> tuple[np.ndarray, torch.Tensor]:
    """Loss terms, (peer, term), and gradients, (peer, weight), of one update from where it is."""
    group.optimiser.zero_grad()
    terms = group.losses(parts)
    torch.stack([term[0] for term in terms]).mean().backward()
    grads = [
        torch.cat([weight.grad.flatten() for weight in peer.policy.parameters()])
        for peer in group.peers
    ]
    return np.array([[value.item() for value in term] for term in terms]), torch.stack(grads)


@pytest.mark.parametrize("game", ["starpilot", "coinrun"])
def test_an_update_in_bfloat16_is_that_in_float32_up_to_a_hundredth(game: str):
    # Policies far from uniform, ratios and KL that are not 0: measured are 0.3 % on terms, a
    # cosine of 0.9998 and 1.5 % on the gradients' norm.
    group, parts = trained_pair(game)
    plain, gradient = update(group, parts)
    group.recipe = replace(group.recipe, precision="bfloat16")
    fast, rough = update(group, parts)
    assert np.abs(plain[:, 1]).min() > 0.01 and plain[:, 4].min() > 1e-3
    assert fast == pytest.approx(plain, rel=0.01, abs=1e-4)
    assert torch.cosine_similarity(gradient, rough).min() > 0.999
    assert rough.norm(dim=1) / gradient.norm(dim=1) == pytest.approx(np.ones(2), abs=0.03)
    # Rounding is not nothing, and the bounds would see other data.
    assert not np.array_equal(fast, plain)
    half = [{key: array[::2] for key, array in part.items()} for part in parts]
    _, other = update(group, half)
    assert torch.cosine_similarity(gradient, other).max() < 0.99


# -- curves ----------------------------------------------------------------------------------


def curves(shift: float, noise: float, seeds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Rising curves of each seed, and the same with a shift and noise of each seed."""
    rng = np.random.default_rng(0)
    plain = np.linspace(1, 3, 9) + rng.normal(0, 0.1, (seeds, 1))
    return plain, plain + shift + noise * rng.normal(size=(seeds, 1))


def test_the_comparison_by_hand():
    # Areas 2, 3, 4 and differences 0, 1, 2: mean 1, error 1/√3; gains 1 each.
    plain = np.array([[1.0, 3.0], [2.0, 4.0], [3.0, 5.0]])
    test = compare(plain, plain + np.arange(3.0)[:, None])
    assert test.difference == pytest.approx(1)
    assert (test.low, test.high) == pytest.approx(
        (1 - 4.3027 / 3**0.5, 1 + 4.3027 / 3**0.5), rel=1e-4
    )
    assert test.reach == pytest.approx(1 + 2.9200 / 3**0.5, rel=1e-4)
    assert test.detectable == pytest.approx((4.3027 + 1.0607) / 3**0.5, rel=1e-4)
    assert (test.margin, test.spread) == pytest.approx((0.5, 1))
    assert not test.agree


def test_the_interval_is_scipys_paired_one():
    plain, fast = curves(0.05, 0.2, seeds=5)
    test = compare(plain, fast)
    known = stats.ttest_rel(fast.mean(1), plain.mean(1)).confidence_interval(0.95)
    assert (test.low, test.high) == pytest.approx((known.low, known.high))


@pytest.mark.parametrize(
    ("shift", "noise", "agree"), [(0.0, 0.05, True), (0.4, 0.05, False), (0.0, 1.0, False)]
)
def test_paths_agree_only_if_close_and_known_to_be(shift, noise, agree):
    assert compare(*curves(shift, noise)).agree == agree


def test_what_is_called_detectable_is_found_four_times_in_five():
    rng = np.random.default_rng(1)
    errors = rng.normal(size=(4_000, 6))
    # The difference that is detectable when errors have a deviation of exactly 1.
    unit = np.array([-1.0, -1, -1, 1, 1, 1]) / (6 / 5) ** 0.5
    plain = np.zeros((6, 2))
    shift = compare(plain, plain + unit[:, None]).detectable
    found = stats.ttest_1samp(errors + shift, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.04)


def test_other_seeds_or_one_seed_cannot_be_compared():
    with pytest.raises(UserError, match="expected curves of the same 2 or more seeds"):
        compare(np.ones((3, 4)), np.ones((2, 4)))
    with pytest.raises(UserError, match="expected curves of the same 2 or more seeds"):
        compare(np.ones((1, 4)), np.ones((1, 4)))


def test_unknown_paths_and_missing_curves_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"expected paths among float32 cpu.*'float16 cpu'"):
        main(Settings(paths=("float32 cpu", "float16 cpu")))
    row = {"path": PATHS[0], "id": "starpilot/ppo/0", "step": 16, "train_return": 1.0}
    path = write_table(pd.DataFrame([row]), SCHEMA, tmp_path / "a.csv", provenance={})
    with pytest.raises(UserError, match="expected curves of 'bfloat16 cpu'"):
        main(Settings(output=path))
    with pytest.raises(UserError, match=r"a\.csv exists and is kept; give --overwrite"):
        main(Settings(output=path, train=tmp_path))


def test_kept_curves_pass_the_stated_test(capsys):
    plain, fast = areas(read_table(KEPT, SCHEMA), PATHS[:2])
    assert plain.shape[0] >= 3 and compare(plain, fast).agree
    main(Settings())
    assert "the paths agree" in capsys.readouterr().out
