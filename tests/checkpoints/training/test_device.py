"""No tensor is left on another device, asked without a GPU: fake CUDA tensors know only shapes.

A build of torch without CUDA can run forward passes on them; gradients and generators it cannot.
"""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from checkpoints.policy.recipes import Recipe
from checkpoints.training.group import Group
from tests.support.worlds import colour_world

TINY = Recipe(encoder="nature", features=16, num_envs=8, num_steps=16, minibatches=4)
ROWS = 32
CHANGES = {
    "ppo": {},
    "mutual": {"peers": 2, "alpha": 1.0},
    "drac": {"drac": 0.1},
    "penalties": {"l2": 1e-4, "dropout": 0.1},
    "impala": {"encoder": "impala"},
}


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks without values: filling or moving fake CUDA tensors needs a CUDA build."""
    for kind in (torch.nn.Linear, torch.nn.modules.conv._ConvNd):
        monkeypatch.setattr(kind, "reset_parameters", lambda self: None)
    for name in ("orthogonal_", "zeros_"):
        monkeypatch.setattr(torch.nn.init, name, lambda *_: None)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *_, **__: self)


def minibatch(recipe: Recipe, device: str) -> dict[str, torch.Tensor]:
    frames = torch.empty(ROWS, 64, 64, 3, dtype=torch.uint8, device=device)
    part = {"frames": frames, "actions": torch.empty(ROWS, dtype=torch.int64, device=device)}
    numbers = ("log_probs", "values", "advantages", "targets")
    part |= {name: torch.empty(ROWS, device=device) for name in numbers}
    return part | ({"views": frames} if recipe.drac else {})


def losses_on(device: str, parts_on: str, recipe: Recipe) -> list[list[torch.Tensor]]:
    with FakeTensorMode(), torch.device(device), torch.no_grad():
        group = Group(colour_world, recipe, 0, device=device)
        return group.losses([minibatch(recipe, parts_on) for _ in range(recipe.peers)])


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize("name", CHANGES)
def test_every_term_of_the_loss_stays_on_the_device(name: str):
    recipe = replace(TINY, **CHANGES[name])
    terms = losses_on("cuda", "cuda", recipe)
    assert len(terms) == recipe.peers
    assert {term.device.type for peer in terms for term in peer} == {"cuda"}
    assert {term.dtype for peer in terms for term in peer} == {torch.float32}


@pytest.mark.usefixtures("no_weights")
def test_a_tensor_left_behind_would_be_found():
    with pytest.raises(RuntimeError, match=r"same device|at least two devices"):
        losses_on("cuda", "cpu", TINY)
