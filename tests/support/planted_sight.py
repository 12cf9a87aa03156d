"""Networks of which it is known where they look: at the blue background, or at the red sprite.

The background is blue of some brightness, the sprite red, and a convolution tells them apart; all
else is cut off before it by a ReLU, so that even a blurred or a noisy picture cannot leak through.
"""

import numpy as np
import torch
from torch import Tensor, nn

from checkpoints.policy.adapters import Adapted

SPRITE = slice(24, 48)
"""Rows and columns of the sprite, whole windows of the occlusion."""


class Looking(nn.Module):
    """Logits and value of the mean brightness, cell by cell, of one colour."""

    def __init__(self, colour: int) -> None:
        super().__init__()
        self.colours = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU())
        self.cells = nn.AvgPool2d(8)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64, 16))
        with torch.no_grad():
            self.colours[0].weight.fill_(-2.0)
            self.colours[0].weight[0, colour] = 2.0
            self.colours[0].bias.fill_(-0.3)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        found = self.head(self.cells(self.colours(frames.permute(0, 3, 1, 2) / 255)))
        return 5 * found[:, :15], 5 * found[:, 15]


def looking_at(place: str) -> Adapted:
    """A policy that sees only the ``background`` or only the ``sprite``."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Looking({"background": 2, "sprite": 0}[place])
    return Adapted(network, ("colours", "head"), name=f"looking at the {place}")


def scenes(states: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures and their twins ``(state, 64, 64, 3)``, and the mask of their backgrounds."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((2, states, 64, 64, 3), dtype=np.uint8)
    blocks = rng.integers(120, 250, (2, states, 8, 8)).astype(np.uint8)
    frames[..., 2] = blocks.repeat(8, 2).repeat(8, 3)
    frames[:, :, SPRITE, SPRITE] = 0
    frames[:, :, SPRITE, SPRITE, 0] = rng.integers(120, 250, (states, 24, 24))
    mask = np.ones((states, 64, 64), dtype=bool)
    mask[:, SPRITE, SPRITE] = False
    return frames[0], frames[1], mask
