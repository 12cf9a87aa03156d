"""Networks to explain: one that prefers some actions, and one whose integrals are known."""

import numpy as np
import torch
from torch import nn

from checkpoints.policy.encoders import Policy


def policy(encoder: str = "nature", dropout: float = 0.0) -> Policy:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Policy(encoder, 64, dropout)  # type: ignore[arg-type]
        # As a trained one, it prefers some actions: the initial actor is almost uniform.
        nn.init.normal_(made.actor.weight, std=0.3)
    return made.eval()


class Quadratic(nn.Module):
    """15 logits of 0, and the value Σ w x²: its integrated gradients are w (x² − x'²)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 64 * 64 * 3).reshape(64, 64, 3))

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value = (self.weight * (frames / 255) ** 2).sum((1, 2, 3))
        return torch.zeros(len(frames), 15), value


def pixels(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
