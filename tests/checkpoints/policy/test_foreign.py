"""Networks of other programs: the same decisions under our names, by whatever they are wrapped."""

import pytest
import torch
from torch import Tensor

from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.foreign import convert, recognise
from checkpoints.policy.tensor_names import SOURCES
from tests.support.foreign import PROGRAMS, foreign_forward, foreign_state

EACH = pytest.mark.parametrize("source", PROGRAMS)
CLEANRL, APART = "cleanrl ppo_procgen", "arXiv 2501.02481, encoder and heads"


def frames(count: int = 3) -> Tensor:
    draws = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 64, 64, 3), generator=draws, dtype=torch.uint8)


def test_every_known_program_is_described_here():
    assert set(PROGRAMS) == set(SOURCES)


@EACH
def test_the_converted_policy_decides_as_the_original(source):
    state = foreign_state(source)
    policy, found = convert(state)
    assert found == source
    with torch.no_grad():
        logits, values = policy(frames())
    wanted = foreign_forward(state, source, frames())
    torch.testing.assert_close((logits, values), wanted, rtol=1e-4, atol=1e-4)
    assert logits.std() > 0.1  # the comparison is not one of zeros


def test_residual_blocks_that_rectify_in_place_are_told_apart():
    """Read as plain IMPALA, auto-drac's weights would decide otherwise: that must be seen."""
    state = foreign_state("auto-drac")
    under = {ours: state[theirs] for theirs, ours in SOURCES["auto-drac"].tensors("impala").items()}
    plain = Policy("impala").eval()
    plain.load_state_dict(under)
    with torch.no_grad():
        far = (plain(frames())[0] - convert(state)[0](frames())[0]).abs().max()
    assert far > 0.1


@pytest.mark.parametrize("kind", ["impala", "impoola"])
def test_pooling_is_told_from_dropout_by_the_shape(kind):
    state = foreign_state("impoola, pooled or with dropout")
    if kind == "impala":
        state["encoder.network.6.weight"] = torch.zeros(256, 4096)
    policy, source = convert(state)
    assert (policy.architecture, policy.width) == (kind, 2)
    assert source == "impoola, pooled or with dropout"


@EACH
def test_every_tensor_has_its_place(source):
    """Each filled with a number of its own: none is dropped, doubled or swapped."""
    state = foreign_state(source)
    numbered = {name: torch.full_like(state[name], i) for i, name in enumerate(state)}
    policy, _ = convert(numbered)
    found = policy.state_dict()
    place = {ours: theirs for theirs, ours in SOURCES[source].tensors(policy.architecture).items()}
    assert sorted(place.values()) == sorted(state) and set(place) == set(found)
    assert all(torch.equal(found[mine], numbered[place[mine]]) for mine in found)


def test_another_width_and_half_precision_are_read():
    state = {name: value.half() for name, value in foreign_state(APART, features=64).items()}
    policy, _ = convert(state)
    assert policy.actor.in_features == 64 and policy.actor.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda name: f"module.{name}",
        lambda name: f"_orig_mod.{name}",
        lambda name: f"module._orig_mod.{name}",
        lambda name: f"agent.policy.module.{name}",
        lambda name: name.replace("network.", "network._orig_mod."),
    ],
)
def test_wrapped_networks_are_known(wrapped):
    state = foreign_state(CLEANRL)
    policy, source = convert({wrapped(name): value for name, value in state.items()})
    assert source == CLEANRL
    torch.testing.assert_close(policy.actor.weight, state["actor.weight"])


def test_names_that_wrapping_would_confuse_stay_apart():
    state = foreign_state(CLEANRL)
    both = state | {f"module.{name}": value for name, value in state.items()}
    with pytest.raises(UserError, match=r"not known module\.actor\.bias"):
        convert(both)


def test_weights_that_are_no_finite_floats_are_refused():
    state = foreign_state(CLEANRL)
    with pytest.raises(UserError, match=r"float64, got .* of int8"):
        convert({name: (100 * value).to(torch.int8) for name, value in state.items()})
    state["actor.bias"][0] = torch.nan
    with pytest.raises(UserError, match=r"finite numbers in 'actor.bias'"):
        convert(state)
    with pytest.raises(UserError, match="tensors under their names, got one under 1"):
        recognise({1})
