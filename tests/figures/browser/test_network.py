"""The page's network in plain JavaScript against torch: decisions, values, gradients, refusals."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from checkpoints.policy.encoders import Policy
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import Provenance, save_policy
from checkpoints.world.buttons import buttons, merged
from tests.support.node import ask, needs_node

pytestmark = needs_node
SCRIPT = Path(__file__).with_name("decide.mjs")
UNTRAINED = SCRIPT.with_name("untrained.mjs")
SHAPE = (64, 64, 3)
GROUPS = [list(group) for group in buttons("starpilot")]
KINDS = {
    "nature": Recipe(encoder="nature"),
    "nature, wide": Recipe(encoder="nature", width=2),
    "impala": Recipe(encoder="impala", features=32),
    "impoola": Recipe(encoder="impoola"),
    "impala-relu": Recipe(encoder="impala-relu", features=32),
}


def policy_of(kind: str) -> Policy:
    """A policy with weights far from those it is born with, so that it prefers something."""
    torch.manual_seed(3)
    policy = Policy.of(KINDS[kind]).eval()
    with torch.no_grad():
        policy.actor.weight.mul_(400)
        policy.actor.bias.normal_()
    return policy


def write(kind: str, path: Path, *, half: bool = True) -> Policy:
    """Write a policy, and round its own weights as the file does."""
    policy = policy_of(kind)
    made = Provenance("starpilot/ppo/0/peer0/step16384", vars(KINDS[kind]), 16384, {}, {}, "")
    save_policy(policy, made, path, half=half)
    return policy.half().float() if half else policy


def in_torch(policy: Policy, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of buttons, values, and the likeliest one's saliency, in double precision."""
    policy = policy.double()
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).double().div(255).requires_grad_()
    features = policy.encoder(pixels)
    probs = policy.actor(features).softmax(-1)
    grouped = torch.stack([probs[:, group].sum(-1) for group in GROUPS], 1)
    grouped.max(1).values.log().sum().backward()
    assert pixels.grad is not None
    maps = pixels.grad.abs().sum(1).numpy()
    values = policy.critic(features).squeeze(1).detach().numpy()
    return merged(probs.detach().numpy(), "starpilot"), values, maps


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_decisions_values_and_gradients_are_those_of_torch(kind, half, tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, *SHAPE), dtype=np.uint8)
    frames[1, 20:, :40] = 0
    policy = write(kind, tmp_path / "policy.safetensors", half=half)
    found = asked(tmp_path, frames)
    assert found["encoder"] == kind.split(",")[0]
    assert found["made"]["id"] == "starpilot/ppo/0/peer0/step16384"
    probs, values, maps = in_torch(policy, frames)
    ours = np.array([one["buttons"] for one in found["decisions"]])
    np.testing.assert_allclose(ours, probs, atol=2e-6)
    assert probs.max() < 0.99
    np.testing.assert_allclose([one["value"] for one in found["decisions"]], values, atol=2e-6)
    ours = np.array([one["map"] for one in found["decisions"]])
    close = np.abs(ours.reshape(maps.shape) - maps)
    assert close.max() <= 2e-5 * maps.max()


def asked(folder: Path, frames: np.ndarray | None = None) -> dict[str, Any]:
    """What the page's code says of the policy in a folder."""
    frames = np.zeros((1, *SHAPE), np.uint8) if frames is None else frames
    request = {
        "policy": str(folder / "policy.safetensors"),
        "shape": SHAPE,
        "frames": frames.reshape(len(frames), -1).tolist(),
        "buttons": GROUPS,
    }
    return ask(SCRIPT, request, folder)


def packed(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


TENSOR = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "fewer than 10 bytes"),
        (b"PK\x03\x04 a zip of something else", "its header would take"),
        (packed({}, length=2**40), "its header would take 1,099,511,627,776 bytes"),
        (packed(b"{not json}"), "header cannot be read"),
        (packed(b"[1, 2, 3, 4]"), "header cannot be read"),
        (packed({"a": 3}), "damaged where it describes “a”"),
        (packed({"a": TENSOR}, b"\0"), "cut short or damaged: “a”"),
        (packed({"a": TENSOR | {"shape": [3]}}, b"\0" * 4), "cut short or damaged: “a”"),
        (packed({"a": TENSOR | {"dtype": "I64"}}, b"\0" * 4), "kind I64; F16, BF16 and F32"),
        (packed({"a": TENSOR}, b"\x00\x7e\x00\x7e"), "“a” holds numbers that are not finite"),
        (packed({"a": TENSOR}, b"\0" * 4), "no known encoder; this page runs nature, impala"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_a_sentence(content, said, tmp_path):
    (tmp_path / "policy.safetensors").write_bytes(content)
    found = asked(tmp_path)
    assert found["kind"] == "Refused"
    assert said in found["refused"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("critic.bias"), "lacks “critic.bias”"),
        (lambda t: t.update(extra=torch.zeros(1)), "holds “extra”"),
        (
            lambda t: t.update({"actor.weight": torch.zeros(15, 9)}),
            "“actor.weight” is 15 × 9; 15 × 256 was expected",
        ),
        (
            lambda t: t.update({"encoder.conv1.0.weight": torch.zeros(32, 1, 8, 8)}),
            "32 × 1 × 8 × 8; 32 × 3 × 8 × 8 was expected",
        ),
        (lambda t: t.update({"critic.bias": torch.zeros(1, 1)}), "has 2 dimensions; 1 were"),
    ],
)
def test_weights_that_do_not_fit_are_named(change, said, tmp_path):
    from safetensors.torch import save_file

    tensors = dict(policy_of("nature").state_dict())
    change(tensors)
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    save_file(tensors, tmp_path / "policy.safetensors")
    assert said in asked(tmp_path)["refused"]


@pytest.mark.parametrize("encoder", ["vit", "<b>bold</b>", ["nature"], 3])
def test_an_encoder_that_is_not_known_is_named_whatever_its_tensors_are_called(encoder, tmp_path):
    from safetensors.torch import save_file

    tensors = {name: value.contiguous() for name, value in policy_of("nature").state_dict().items()}
    made = {"twinscope": json.dumps({"id": "a/b/0", "recipe": {"encoder": encoder}, "steps": 1})}
    save_file(tensors, tmp_path / "policy.safetensors", made)
    found = asked(tmp_path)
    assert found["kind"] == "Refused"
    said = "nature" if isinstance(encoder, list) else encoder
    assert found["refused"].startswith(f"its encoder is “{said}”; this page runs nature, impala,")


def test_frames_of_another_size_are_refused(tmp_path):
    write("nature", tmp_path / "policy.safetensors")
    request = {
        "policy": str(tmp_path / "policy.safetensors"),
        "shape": (84, 84, 3),
        "frames": [],
        "buttons": GROUPS,
    }
    assert "256 × 3136 was expected" in ask(SCRIPT, request, tmp_path)["refused"]


@pytest.mark.parametrize(("shape", "actions"), [((64, 64, 3), 17), ((210, 160, 3), 9)])
def test_an_untrained_network_is_the_same_of_a_seed_and_almost_uniform(shape, actions, tmp_path):
    from checkpoints.policy.encoders import nature

    frame = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    request = {"shape": shape, "actions": actions, "frame": frame.ravel().tolist()}
    one, again, other = (ask(UNTRAINED, request | {"seed": s}, tmp_path) for s in (0, 0, 1))
    assert one == again
    assert one["logits"] != other["logits"]
    assert len(one["logits"]) == actions
    assert 0 < np.ptp(one["logits"]) < 0.2
    fan_in = int(np.prod(one["shapes"]["encoder.conv1.0.weight"][1:]))
    assert one["spread"] == pytest.approx(np.sqrt(2 / fan_in), rel=0.05)
    heads = {f"{head}.{kind}" for head in ("actor", "critic") for kind in ("weight", "bias")}
    assert set(one["shapes"]) - heads == {f"encoder.{name}" for name in nature(64).state_dict()}
