"""Random 3 × 3 convolutions: other colours and textures for the same game (Lee et al. 2020).

They recolour and blur sprites as well as the background: what they make is no twin.
"""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import conv2d, pad

SPREAD = math.sqrt(2 / (27 + 27))
"""Standard deviation of a filter's normal weights, as after Glorot and Bengio 2010."""
SHARERS = 32
"""States of a minibatch that one random filter recolours."""


def convolve(
    frames: UInt8[Tensor, "state h w 3"], filters: Float[Tensor, "view 3 3 3 3"]
) -> UInt8[Tensor, "state view h w 3"]:
    """Every frame under every filter, as pictures; a filter is (channel out, channel in, y, x).

    Note:
        Lee et al. hand the result to the network as it is. Here it is stretched to 0 … 255, all
        channels of a view together, for it has to be a picture; edges repeat the border.
    """
    pixels = pad(frames.permute(0, 3, 1, 2).float(), (1, 1, 1, 1), mode="replicate")
    made = conv2d(pixels, filters.flatten(0, 1)).unflatten(1, (-1, 3))
    low, high = (end((2, 3, 4), keepdim=True) for end in (made.amin, made.amax))
    stretched = 255 * (made - low) / (high - low).clamp_min(1e-6)
    return stretched.round().clamp(0, 255).byte().permute(0, 1, 3, 4, 2)


def recolour(
    frames: UInt8[Tensor, "state h w 3"], draws: torch.Generator
) -> UInt8[Tensor, "state h w 3"]:
    """One view of each frame; every 32 frames, in their order, share a random filter.

    So do those of one process in the code of Raileanu et al. 2021 (DrAC).

    Args:
        frames: in random order.
        draws: on the device of the frames.
    """
    parts = frames.split(SHARERS)
    shape = (len(parts), 1, 3, 3, 3, 3)
    filters = SPREAD * torch.randn(shape, generator=draws, device=frames.device)
    return torch.cat(
        [convolve(part, chosen)[:, 0] for part, chosen in zip(parts, filters, strict=True)]
    )
