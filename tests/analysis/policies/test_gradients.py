"""Scores: a policy as a function of its pixels, buttons of several actions, refusals."""

import numpy as np
import pytest
import torch

from analysis.policies.gradients import Scores
from checkpoints.console import UserError
from checkpoints.policy.adapters import Adapted
from checkpoints.world.buttons import buttons, merged
from tests.support.explained import Quadratic, pixels, policy
from tests.support.planted_sight import looking_at, scenes


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("encoder", ["nature", "impala", "impoola"])
def test_floats_decide_as_whole_numbers_do(encoder, frames):
    one = policy(encoder)
    with torch.no_grad():
        found, (logits, values) = Scores(one)(pixels(frames)), one(torch.from_numpy(frames))
    np.testing.assert_allclose(found[:, :15], logits.log_softmax(-1), atol=1e-6)
    np.testing.assert_allclose(found[:, 15], values, atol=1e-6)


@pytest.mark.parametrize("encoder", ["nature", "impala", "impoola", "impala-relu"])
def test_an_affine_start_and_the_rest_are_the_whole(encoder, frames):
    scores, some = Scores(policy(encoder), buttons("coinrun")), pixels(frames)
    with torch.no_grad():
        first, last = scores.start(some), scores.start(some.flip(0))
        np.testing.assert_allclose(scores.finish(first), scores(some), atol=1e-6)
        between = scores.start(0.25 * some + 0.75 * some.flip(0))
    np.testing.assert_allclose(0.25 * first + 0.75 * last, between, atol=1e-5)


def test_an_adapted_module_decides_as_on_whole_numbers():
    one, (seen, _, _) = looking_at("background"), scenes(3)
    with torch.no_grad():
        found, (logits, values) = Scores(one)(pixels(seen)), one(torch.from_numpy(seen))
    np.testing.assert_allclose(found[:, :15], logits.log_softmax(-1), atol=1e-6)
    np.testing.assert_allclose(found[:, 15], values, atol=1e-6)


@pytest.mark.parametrize("game", ["coinrun", "starpilot", "ninja"])
def test_a_button_has_the_probability_of_all_its_actions(game, frames):
    one, some = policy(), pixels(frames).requires_grad_()
    scores = Scores(one, buttons(game))
    found = scores(some)
    p = merged(torch.softmax(one(torch.from_numpy(frames))[0], -1).detach().double().numpy(), game)
    np.testing.assert_allclose(found[:, :-1].detach(), np.log(p), atol=1e-5)
    assert scores.value == len(buttons(game)) == found.shape[1] - 1
    np.testing.assert_array_equal(found[:, -1].detach(), Scores(one)(some)[:, -1].detach())
    # d ln Σp = Σ dp / Σp: a gradient by the actions that are merged, each weighed by its share.
    for place, group in enumerate(buttons(game)):
        (whole,) = torch.autograd.grad(found[:, place].sum(), some, retain_graph=True)
        apart = Scores(one)(some)[:, list(group)]
        (parts,) = torch.autograd.grad((apart.softmax(-1).detach() * apart).sum(), some)
        np.testing.assert_allclose(whole, parts, atol=1e-5)


# -- refusals --------------------------------------------------------------------------------


def test_a_policy_in_training_mode_is_refused():
    with pytest.raises(UserError, match=r"got one in training mode: call \.eval\(\)"):
        Scores(policy(dropout=0.5).train())


class Rounded(Quadratic):
    """A forward that goes through whole numbers, as one might write it for uint8 frames."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(frames.round().to(torch.uint8))


class Cut(Quadratic):
    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            return super().forward(frames)


class Signed(Quadratic):
    """Decides by the type of its input."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(frames if frames.dtype == torch.uint8 else frames / 2)


@pytest.mark.parametrize(
    ("network", "what"),
    [(Cut, "no gradient"), (Rounded, "no gradient"), (Signed, "other decisions")],
)
def test_a_forward_that_pixels_cannot_be_traced_through_is_refused(network, what):
    with pytest.raises(UserError, match=f"got {what}; let its forward= compute with floats"):
        Scores(Adapted(network(), ()))
