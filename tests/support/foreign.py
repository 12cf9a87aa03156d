"""State dicts as two other programs write them, and what their networks compute.

Written from a description of the networks, with functional calls only, so that nothing of
``checkpoints.policy.encoders`` can make both sides of a comparison agree.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

WIDTHS = (16, 32, 32)


def foreign_state(prefix: str, *, features: int = 256, actions: int = 15) -> dict[str, Tensor]:
    """Random tensors under the names of another program."""
    draws = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def add(name: str, *shape: int) -> None:
        fan_in = torch.Size(shape[1:]).numel()
        state[f"{name}.weight"] = torch.randn(shape, generator=draws) * (2 / fan_in) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=draws)

    for i, (before, width) in enumerate(zip((3, *WIDTHS), WIDTHS, strict=False)):
        add(f"{prefix}{i}.conv", width, before, 3, 3)
        for r in range(2):
            for c in range(2):
                add(f"{prefix}{i}.res_block{r}.conv{c}", width, width, 3, 3)
    add(f"{prefix}5", features, 2048)
    add("actor", actions, features)
    add("critic", 1, features)
    return state


def foreign_forward(state: dict[str, Tensor], prefix: str, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and values of uint8 frames ``(n, 64, 64, 3)``."""

    def parts(name: str) -> tuple[Tensor, Tensor]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    x = frames.permute(0, 3, 1, 2) / 255.0
    for i in range(3):
        x = F.max_pool2d(F.conv2d(x, *parts(f"{prefix}{i}.conv"), padding=1), 3, 2, 1)
        for r in range(2):
            kept = x
            for c in range(2):
                weights = parts(f"{prefix}{i}.res_block{r}.conv{c}")
                x = F.conv2d(torch.relu(x), *weights, padding=1)
            x = x + kept
    x = torch.relu(F.linear(torch.relu(x.flatten(1)), *parts(f"{prefix}5")))
    return F.linear(x, *parts("actor")), F.linear(x, *parts("critic"))[:, 0]
