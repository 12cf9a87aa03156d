"""Pixels to features to decisions: Nature, IMPALA and its kin, with named layers.

Every ReLU is a module and none works in place, so a hook on any named layer sees, and may keep,
exactly what the next layer reads.
"""

from collections import OrderedDict

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from checkpoints.policy.recipes import LAYERS, EncoderName, Recipe
from checkpoints.world.games import NUM_ACTIONS


def _relu_after(module: nn.Module) -> nn.Sequential:
    return nn.Sequential(module, nn.ReLU())


class ResidualBlock(nn.Module):
    """``x + conv(relu(conv(relu(x))))``; shape ``(n, channels, h, w)`` in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to its input."""
        return x + self.branch(x)


def _impala_block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.MaxPool2d(3, stride=2, padding=1),
        ResidualBlock(channels_out),
        ResidualBlock(channels_out),
    )


def nature(features: int, dropout: float = 0.0, width: int = 1) -> nn.Sequential:
    """Mnih et al. 2015, on 64 x 64 pixels: three convolutions, 1,024 units, then ``features``."""
    few, many = 32 * width, 64 * width
    return nn.Sequential(
        OrderedDict(
            conv1=_relu_after(nn.Conv2d(3, few, 8, stride=4)),
            conv2=_relu_after(nn.Conv2d(few, many, 4, stride=2)),
            conv3=_relu_after(nn.Conv2d(many, many, 3)),
            flatten=nn.Flatten(),
            hidden=_relu_after(nn.Linear(many * 16, features)),
            dropout=nn.Dropout(dropout),
        )
    )


def impala(features: int, dropout: float = 0.0, width: int = 1) -> nn.Sequential:
    """Espeholt et al. 2018, the large residual network, as in Cobbe et al. 2020."""
    channels = 3, 16 * width, 32 * width, 32 * width
    blocks = {
        f"block{i}": _impala_block(channels[i - 1], channels[i]) for i in range(1, len(channels))
    }
    return nn.Sequential(
        OrderedDict(
            **blocks,
            flatten=nn.Sequential(nn.Flatten(), nn.ReLU()),
            hidden=_relu_after(nn.Linear(channels[-1] * 64, features)),
            dropout=nn.Dropout(dropout),
        )
    )


def impoola(features: int, dropout: float = 0.0, width: int = 1) -> nn.Sequential:
    """IMPALA with global average pooling in place of flattening (Trumpp et al. 2025)."""
    network = impala(features, dropout, width)
    parts = OrderedDict(network.named_children())
    head = OrderedDict(
        pooled=nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        hidden=_relu_after(nn.Linear(32 * width, features)),
        dropout=parts.pop("dropout"),
    )
    del parts["flatten"], parts["hidden"]
    return nn.Sequential(parts | head)


def impala_relu(features: int, dropout: float = 0.0, width: int = 1) -> nn.Sequential:
    """IMPALA whose residual blocks add to what a ReLU leaves of their input, not to the input.

    The network of the public code of Raileanu et al. 2021 (arXiv 2006.12862), where that ReLU works
    in place. Here to read such weights; the names of its tensors are its own.
    """
    network = impala(features, dropout, width)
    for layer in ("block1", "block2", "block3"):
        conv, pool, *residual = network.get_submodule(layer).children()
        rectified = [part for block in residual for part in (nn.ReLU(), block)]
        setattr(network, layer, nn.Sequential(conv, pool, *rectified))
    return network


_BUILDERS = {"nature": nature, "impala": impala, "impoola": impoola, "impala-relu": impala_relu}


class Policy(nn.Module):
    """An encoder with an actor and a critic on top.

    The heads always compute in float32, whatever the encoder's precision, because the ratio of
    two probabilities leaves no room for rounding.
    """

    def __init__(
        self, encoder: EncoderName, features: int = 256, dropout: float = 0.0, width: int = 1
    ) -> None:
        """Build with fresh weights from torch's global generator.

        Args:
            encoder: ``nature``, ``impala``, ``impoola`` or ``impala-relu``.
            features: width of the last hidden layer.
            dropout: probability of dropping a unit of that layer in training mode.
            width: multiplies the channels of every convolution and ``features``.
        """
        super().__init__()
        self.architecture, self.width = encoder, width
        features *= width
        self.encoder = _BUILDERS[encoder](features, dropout, width)
        self.actor = nn.Linear(features, NUM_ACTIONS)
        self.critic = nn.Linear(features, 1)
        # The reference's initial heads: an almost uniform policy, a critic of unit gain.
        nn.init.orthogonal_(self.actor.weight, 0.01)
        nn.init.orthogonal_(self.critic.weight, 1.0)
        nn.init.zeros_(self.actor.bias)
        nn.init.zeros_(self.critic.bias)
        nn.Module.to(self, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def of(cls, recipe: Recipe) -> "Policy":
        """A fresh policy as ``recipe`` wants it."""
        return cls(recipe.encoder, recipe.features, recipe.dropout, recipe.width)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the encoder's layers, in order."""
        return LAYERS[self.architecture]

    def encode(self, frames: UInt8[Tensor, "state 64 64 3"]) -> Float[Tensor, "state feature"]:
        """Features of the last hidden layer, float32."""
        device = frames.device.type
        dtype = (
            torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
        )
        pixels = frames.permute(0, 3, 1, 2).to(dtype).div_(255)
        return self.encoder(pixels).float()

    def forward(
        self, frames: UInt8[Tensor, "state 64 64 3"]
    ) -> tuple[Float[Tensor, "state action"], Float[Tensor, " state"]]:
        """Action logits and values of uint8 frames."""
        features = self.encode(frames)
        with torch.autocast(frames.device.type, enabled=False):
            return self.actor(features), self.critic(features).squeeze(1)
