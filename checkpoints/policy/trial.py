"""A module tried on some frames: what would go wrong, or go unseen, is refused before a measure."""

from typing import Any

import torch
from torch import Tensor

from checkpoints.console import UserError
from checkpoints.policy.layer_output import rows_of

ALIKE, SAME = 1e-3, 1e-5
"""Largest difference, of the largest number, between a frame read alone and in a batch, where a
device may compute otherwise; and between batches of one size."""


def try_out(policy: Any) -> int:
    """Number of actions that an ``Adapted`` module decides between.

    Raises:
        UserError: no parameters, a call that fails, outputs of other shapes or that are not finite,
            layers without a row a frame, rows that depend on other rows or on earlier calls.
    """
    name = policy.architecture
    weight = next(policy.parameters(), None)
    if weight is None:
        raise UserError(
            f"{name}: expected a module with parameters, which say what device "
            "frames go to, got none"
        )
    noise = _noise(policy.image_shape).to(weight.device)
    (logits, values), seen = _watched(policy, noise[:3])
    shapes = tuple(logits.shape), tuple(values.shape)
    if len(shapes[0]) != 2 or shapes[0][0] != 3 or shapes[0][1] < 2 or shapes[1] != (3,):
        raise UserError(
            f"{name}: expected logits (n, actions) and values (n,), got "
            f"{shapes[0]} and {shapes[1]} for 3 frames; give forward="
        )
    together = torch.column_stack([logits, values])
    if not bool(together.isfinite().all()):
        raise UserError(
            f"{name}: expected finite logits and values, got NaN or infinity; load other weights"
        )
    elsewhere, seen_elsewhere = _watched(policy, noise[[3, 4, 0]])
    alone = torch.cat([_one(policy, frame[None]) for frame in noise[:3]])
    again = _one(policy, noise[:3])
    first = torch.column_stack(elsewhere)[2]
    _check_same(policy, "decision", again, together, "at a second call than at the first")
    _check_same(policy, "decision", first, together[0], "beside some frames than beside others")
    _check_same(policy, "decision", alone, together, "alone than in a batch", most=ALIKE)
    for layer in seen:
        here, there = (_rows(policy, layer, one[layer]) for one in (seen, seen_elsewhere))
        what = f"output of layer {layer!r}"
        _check_same(policy, what, there[2], here[0], "beside some frames than beside others")
    return shapes[0][1]


def _rows(policy: Any, layer: str, outputs: list[Any]) -> Tensor:
    """What the one call of a layer gave of each of three frames."""
    rows = rows_of(policy.encoder.get_submodule(layer), outputs[0]) if outputs else None
    if len(outputs) != 1 or not isinstance(rows, Tensor) or len(rows) != 3:
        raise UserError(
            f"{policy.architecture}: expected layer {layer!r} to be called once a pass and "
            f"to give one tensor with a row a frame, got {len(outputs)} calls giving "
            f"{[getattr(o, 'shape', type(o).__name__) for o in outputs]}; name another"
        )
    if not bool(rows.isfinite().all()):
        raise UserError(
            f"{policy.architecture}: expected finite output of layer {layer!r}, got NaN or "
            "infinity; load other weights, or name another layer"
        )
    return rows.flatten(1).float()


def _check_same(
    policy: Any, what: str, found: Tensor, wanted: Tensor, why: str, *, most: float = SAME
) -> None:
    """Refuse rows that other frames or earlier calls change."""
    room = most * max(float(wanted.abs().max()), float(found.abs().max()))
    if not torch.allclose(found, wanted, rtol=most, atol=room):
        raise UserError(
            f"{policy.architecture}: expected each frame to decide by itself, got another {what} "
            f"of the same frame {why}; call .eval() on every network that forward= uses, take "
            "noise out, and give memory= where it is recurrent"
        )


def _watched(policy: Any, frames: Tensor) -> tuple[Any, dict[str, list[Any]]]:
    """Decisions, and all that each layer gave on the way."""
    seen: dict[str, list[Any]] = {layer: [] for layer in policy.layers}
    handles = [
        policy.encoder.get_submodule(layer).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: seen[layer].append(output)
        )
        for layer in policy.layers
    ]
    try:
        return _called(policy, frames), seen
    finally:
        for handle in handles:
            handle.remove()


def _called(policy: Any, frames: Tensor) -> tuple[Tensor, Tensor]:
    try:
        with torch.inference_mode():
            return policy(frames)
    except UserError:
        raise
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        raise UserError(
            f"{policy.architecture}: expected a call on {len(frames)} uint8 frames of shape "
            f"{tuple(policy.image_shape)}, rows first, got {type(error).__name__}: {first}; give a "
            "forward= that takes any number of them"
        ) from error


def _one(policy: Any, frames: Tensor) -> Tensor:
    return torch.column_stack(_called(policy, frames))


def _noise(shape: tuple[int, ...]) -> Tensor:
    """Five frames of noise, of three brightnesses."""
    draws = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 86, (5, *shape), generator=draws, dtype=torch.uint8)
    brightness = torch.tensor([0, 85, 170, 85, 170], dtype=torch.uint8)
    return frames + brightness.view(5, 1, 1, 1)
