"""Layer activations and decisions of a policy on frames, streamed batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

from checkpoints.console import UserError, one_of
from checkpoints.world.games import IMAGE_SHAPE

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.utils.hooks import RemovableHandle

    from checkpoints.policy.encoders import Policy


@dataclass(frozen=True)
class Reading:
    """What a policy makes of a batch of frames."""

    layers: dict[str, Float[np.ndarray, "state feature"]]
    """activation of each layer asked for, flattened, float32"""
    log_probs: Float[np.ndarray, "state action"]
    """log-probabilities of the actions, in nats"""
    values: Float[np.ndarray, " state"]
    """the critic's value, in units of scaled discounted reward"""


@contextmanager
def recorded(policy: "Policy", layers: Sequence[str]) -> Iterator[dict[str, "Tensor"]]:
    """A dictionary that each forward pass fills with the named layers' activations.

    Activations are copies, so that nothing a later layer does can change them.

    Raises:
        UserError: an unknown layer, or a policy left in training mode (dropout would be on).
    """
    for layer in layers:
        one_of(f"layer of {policy.architecture}", layer, policy.layers)
    if policy.training:
        raise UserError(
            "expected a policy in evaluation mode, got one in training mode: call .eval()"
        )
    seen: dict[str, Tensor] = {}

    from checkpoints.policy.layer_output import rows_of

    def keep(layer: str) -> "RemovableHandle":
        def hook(module: "Module", inputs: object, output: Any) -> None:
            seen[layer] = rows_of(module, output).detach().clone()

        return policy.encoder.get_submodule(layer).register_forward_hook(hook)

    handles = [keep(layer) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def stream(
    policy: "Policy",
    frames: UInt8[np.ndarray, "state h w c"],
    layers: Sequence[str] | None = None,
    *,
    batch: int = 256,
) -> Iterator[Reading]:
    """Read ``frames`` in batches of ``batch``, in order.

    Args:
        policy: in evaluation mode.
        frames: Procgen observations.
        layers: names out of ``policy.layers``; all of them if None. An empty list reads decisions
            only.
        batch: frames a forward pass.
    """
    import torch

    wanted = policy.layers if layers is None else tuple(layers)
    device = next(policy.parameters()).device
    with torch.inference_mode(), recorded(policy, wanted) as seen:
        for start in range(0, len(frames), batch):
            part = torch.from_numpy(np.ascontiguousarray(frames[start : start + batch]))
            logits, values = policy(part.to(device))
            yield Reading(
                {layer: seen[layer].flatten(1).float().cpu().numpy() for layer in wanted},
                logits.log_softmax(-1).cpu().numpy(),
                values.cpu().numpy(),
            )


def image_shape_of(policy: Any) -> tuple[int, int, int]:
    """Height, width and channels of the frames that a policy takes."""
    shape: tuple[int, int, int] = getattr(policy, "image_shape", IMAGE_SHAPE)
    return shape


def check_frames(frames: object, wanted: tuple[int, int, int] = IMAGE_SHAPE) -> None:
    """Raise ``UserError`` unless these are frames of the ``wanted`` shape, uint8."""
    sizes = ", ".join(map(str, wanted))
    shape, dtype = getattr(frames, "shape", ()), getattr(frames, "dtype", None)
    if not isinstance(frames, np.ndarray) or dtype != np.uint8 or shape[1:] != wanted:
        raise UserError(
            f"expected frames as a numpy array of uint8 (n, {sizes}), 0 to 255 with colours "
            f"last, got {type(frames).__name__} of {dtype} with shape {shape}; convert them first"
        )


def read(
    policy: "Policy", frames: Any, layers: Sequence[str] | None = None, *, batch: int = 256
) -> Reading:
    """All of ``frames`` at once: ``(state, feature)`` per layer, kept in memory.

    Raises:
        UserError: frames that are not ``(n, h, w, c)`` uint8 as the policy takes them, an unknown
            layer, no frame, or a policy in training mode.
    """
    check_frames(frames, image_shape_of(policy))
    parts = list(stream(policy, frames, layers, batch=batch))
    if not parts:
        raise UserError("expected at least one frame, got none")
    return Reading(
        {
            layer: np.concatenate([part.layers[layer] for part in parts])
            for layer in parts[0].layers
        },
        np.concatenate([part.log_probs for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
