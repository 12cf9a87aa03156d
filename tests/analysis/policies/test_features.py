"""Layers as the next layer reads them: names, shapes, copies, no side effects."""

import numpy as np
import pytest
import torch
from torch import nn

from analysis.policies.features import read, recorded, stream
from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.recipes import LAYERS

WIDTHS = {
    "nature": [32 * 15 * 15, 64 * 6 * 6, 64 * 4 * 4, 24],
    "impala": [16 * 32 * 32, 32 * 16 * 16, 32 * 8 * 8, 24],
    "impala-relu": [16 * 32 * 32, 32 * 16 * 16, 32 * 8 * 8, 24],
    "impoola": [16 * 32 * 32, 32 * 16 * 16, 32 * 8 * 8, 32, 24],
}


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)


def made(encoder: str) -> Policy:
    torch.manual_seed(0)
    return Policy(encoder, 24, 0.5).eval()


@pytest.mark.parametrize("encoder", sorted(LAYERS))
def test_every_named_layer_is_read_with_its_width(encoder: str, frames: np.ndarray):
    reading = read(made(encoder), frames)
    assert tuple(reading.layers) == LAYERS[encoder]
    assert [layer.shape for layer in reading.layers.values()] == [(10, d) for d in WIDTHS[encoder]]
    assert np.exp(reading.log_probs).sum(1) == pytest.approx(np.ones(10), abs=1e-5)


@pytest.mark.parametrize("encoder", sorted(LAYERS))
def test_the_heads_read_what_the_last_layer_recorded(encoder: str, frames: np.ndarray):
    policy, reading = made(encoder), read(made(encoder), frames)
    hidden = torch.from_numpy(reading.layers["hidden"])
    with torch.no_grad():
        values = policy.critic(hidden).squeeze(1).numpy()
    assert reading.values == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize("encoder", sorted(LAYERS))
def test_relus_are_modules_and_none_works_in_place(encoder: str):
    relus = [m for m in made(encoder).modules() if isinstance(m, nn.ReLU)]
    assert relus and not any(relu.inplace for relu in relus)


def test_batches_do_not_change_what_is_read(frames: np.ndarray):
    policy = made("nature")
    whole, parts = read(policy, frames), list(stream(policy, frames, batch=3))
    assert [len(part.values) for part in parts] == [3, 3, 3, 1]
    joined = np.concatenate([part.layers["conv2"] for part in parts])
    assert joined == pytest.approx(whole.layers["conv2"], abs=1e-5)


def spoil(module, inputs, output) -> None:
    inputs[0].zero_()


def test_what_was_recorded_is_a_copy(frames: np.ndarray):
    policy = made("nature")
    policy.encoder.conv2.register_forward_hook(spoil)
    assert read(policy, frames, ["conv1"]).layers["conv1"].any()


def test_hooks_are_gone_afterwards_even_after_an_error(frames: np.ndarray):
    policy = made("nature")
    with pytest.raises(RuntimeError, match="oh"), recorded(policy, ["conv1"]):
        raise RuntimeError("oh")
    assert not policy.encoder.conv1._forward_hooks


def test_only_the_layers_asked_for(frames: np.ndarray):
    assert list(read(made("impala"), frames, ["block2"]).layers) == ["block2"]
    assert read(made("impala"), frames, []).layers == {}


def test_wrong_requests(frames: np.ndarray):
    policy = made("nature")
    with pytest.raises(UserError, match=r"unknown layer of nature 'conv9'.*conv1, conv2"):
        read(policy, frames, ["conv9"])
    with pytest.raises(UserError, match="at least one frame"):
        read(policy, frames[:0])
    with pytest.raises(UserError, match=r"in training mode: call .eval\(\)"):
        read(policy.train(), frames)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda x: (x / 255).astype(np.float32), "got ndarray of float32 with shape"),
        (lambda x: x.astype(np.int64), "got ndarray of int64"),
        (lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2)), r"shape \(\d+, 3, 64, 64\)"),
        (lambda x: x[:, :32, :32], r"with shape \(\d+, 32, 32, 3\)"),
        (lambda x: x[0], r"with shape \(64, 64, 3\)"),
        (torch.from_numpy, "got Tensor of torch.uint8"),
        (np.ndarray.tolist, "got list of None"),
    ],
    ids=["0 to 1", "whole", "channels first", "another size", "one frame", "tensor", "list"],
)
def test_frames_are_taken_as_procgen_gives_them_or_refused(frames: np.ndarray, changed, told: str):
    """Divided by 255 once more, frames from 0 to 1 would all look black."""
    policy = made("nature")
    expected = r"expected frames as a numpy array of uint8 \(n, 64, 64, 3\), 0 to 255 .*"
    with pytest.raises(UserError, match=expected + told):
        read(policy, changed(frames))
