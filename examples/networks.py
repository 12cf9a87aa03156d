"""A small untrained network for each shipped world, for ``--policy examples/networks.py:NAME``.

Take your own in its place: a module, its layers by name, and an id that begins with the world.
"""

import torch
from torch import Tensor, nn

from checkpoints.policy.adapters import Adapted


class Small(nn.Module):
    """Two convolutions and a hidden layer, and heads of so many actions."""

    def __init__(self, shape: tuple[int, int, int], actions: int) -> None:
        """Of frames of a shape ``(h, w, c)``."""
        super().__init__()
        height, width, channels = shape
        self.conv1 = nn.Sequential(nn.Conv2d(channels, 16, 8, 4), nn.ReLU())
        self.conv2 = nn.Sequential(nn.Conv2d(16, 32, 4, 2), nn.ReLU())
        high, wide = (((side - 8) // 4 + 1 - 4) // 2 + 1 for side in (height, width))
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(32 * high * wide, 64), nn.ReLU())
        self.actor, self.critic = nn.Linear(64, actions), nn.Linear(64, 1)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and values of frames ``(n, h, w, c)``, 0 to 255."""
        features = self.hidden(self.conv2(self.conv1(frames.permute(0, 3, 1, 2) / 255)))
        return self.actor(features), self.critic(features)


def _small(world: str, shape: tuple[int, int, int], actions: int) -> Adapted:
    torch.manual_seed(7)  # untrained ones beside it have seeds 0, 1, …
    network = Small(shape, actions)
    layers = ("conv1", "conv2", "hidden")
    return Adapted(network, layers, id=f"{world}/small/0", image_shape=shape)


def crafter() -> Adapted:
    """For crafter_grass.npz."""
    return _small("crafter-grass", (64, 64, 3), 17)


def atari() -> Adapted:
    """For atari_palette.npz."""
    return _small("atari-maze", (210, 160, 3), 9)


def mujoco() -> Adapted:
    """For mujoco_floor.npz; its four outputs are means of torques, and nobody's logits."""
    return _small("mujoco-floor", (64, 64, 3), 4)
