"""State dicts as other programs write them, and what their networks compute.

Written from a description of the networks, with functional calls only, so that nothing of
``checkpoints.policy.encoders`` can make both sides of a comparison agree.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

WIDTHS = (16, 32, 32)


class Program(NamedTuple):
    """Names of modules, by block, branch and convolution, counted from 0; and what is special."""

    conv: Callable[[int], str]
    branch: Callable[[int, int, int], str]
    hidden: str
    actor: str = "actor"
    critic: str = "critic"
    in_place: bool = False
    """a residual block rectifies its input in place, and so adds to what is left of it"""
    pooled: bool = False
    """the mean over positions is what the hidden units read"""
    width: int = 1


def _kit(prefix: str, hidden: int = 5, **more) -> Program:
    return Program(
        lambda i: f"{prefix}{i}.conv",
        lambda i, r, c: f"{prefix}{i}.res_block{r}.conv{c}",
        f"{prefix}{hidden}",
        **more,
    )


PROGRAMS = {
    "cleanrl ppo_procgen": _kit("network."),
    "arXiv 2501.02481, whole agent": _kit("encoder.encoder."),
    "arXiv 2501.02481, encoder and heads": _kit(""),
    "train-procgen-pytorch": Program(
        lambda i: f"embedder.block{i + 1}.conv",
        lambda i, r, c: f"embedder.block{i + 1}.res{r + 1}.conv{c + 1}",
        "embedder.fc",
        "fc_policy",
        "fc_value",
    ),
    "auto-drac": Program(
        lambda i: f"base.layer{i + 1}.0",
        lambda i, r, c: f"base.layer{i + 1}.{r + 2}.conv{c + 1}",
        "base.fc",
        "dist.linear",
        "base.critic_linear",
        in_place=True,
    ),
    "impoola": _kit("encoder.network.", width=2),
    "impoola, pooled or with dropout": _kit("encoder.network.", 6, pooled=True, width=2),
    "impoola, pooled and with dropout": _kit("encoder.network.", 7, pooled=True),
}


def foreign_state(
    source: str = "cleanrl ppo_procgen", *, features: int = 256, actions: int = 15
) -> dict[str, Tensor]:
    """Random tensors under the names of another program."""
    program = PROGRAMS[source]
    draws = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def add(name: str, *shape: int) -> None:
        fan_in = torch.Size(shape[1:]).numel()
        state[f"{name}.weight"] = torch.randn(shape, generator=draws) * (2 / fan_in) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=draws)

    widths = [program.width * width for width in WIDTHS]
    for i, (before, width) in enumerate(zip((3, *widths), widths, strict=False)):
        add(program.conv(i), width, before, 3, 3)
        for r in range(2):
            for c in range(2):
                add(program.branch(i, r, c), width, width, 3, 3)
    add(program.hidden, features, widths[-1] * (1 if program.pooled else 64))
    add(program.actor, actions, features)
    add(program.critic, 1, features)
    return state


def foreign_forward(state: dict[str, Tensor], source: str, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and values of uint8 frames ``(n, 64, 64, 3)``."""
    program = PROGRAMS[source]

    def parts(name: str) -> tuple[Tensor, Tensor]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    x = frames.permute(0, 3, 1, 2) / 255.0
    for i in range(3):
        x = F.max_pool2d(F.conv2d(x, *parts(program.conv(i)), padding=1), 3, 2, 1)
        for r in range(2):
            kept = x
            for c in range(2):
                x = F.relu(x, inplace=program.in_place)
                x = F.conv2d(x, *parts(program.branch(i, r, c)), padding=1)
            x = x + kept
    x = torch.relu(x)
    x = x.mean((2, 3)) if program.pooled else x.flatten(1)
    x = torch.relu(F.linear(x, *parts(program.hidden)))
    return F.linear(x, *parts(program.actor)), F.linear(x, *parts(program.critic))[:, 0]
