"""Policies with weights made random again, from the top down, for the sanity of saliency maps.

Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292), cascading randomisation:
a map that does not change when what was learned is gone does not show what was learned.
"""

import copy
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import torch
from torch import nn

HEADS = "heads"


def cascade(policy: Any, seed: int = 0) -> Iterator[tuple[str, Any]]:
    """A policy with one more layer random each time: heads first, then down to the pixels.

    A module draws its weights as torch does at first (``reset_parameters``), or, where it does not
    know how, shuffles them.

    Args:
        policy: a ``Policy`` or an ``Adapted`` one. It is changed in place, for the call of an
            adapted one would find no copy, and has its weights again when the loop ends.
        seed: of the weights. Torch's global generator is left as it was.

    Yields:
        The layer made random last, ``heads`` for whatever lies outside the named layers, and the
        policy with it and all above it random.
    """
    kept = copy.deepcopy(policy.state_dict())
    owners = [
        (module, _layer_of(name, policy.layers))
        for name, module in policy.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    try:
        for step, (layer, group) in enumerate(groupby(reversed(owners), key=lambda one: one[1])):
            with torch.random.fork_rng():
                torch.manual_seed(seed + step)
                for module, _ in group:
                    _draw(module)
            yield layer, policy
    finally:
        policy.load_state_dict(kept)


def forget(policy: Any, seed: int = 0) -> Any:
    """The same policy with all weights made random, as :func:`cascade` makes them.

    Args:
        policy: a ``Policy`` or an ``Adapted`` one; changed.
        seed: of the weights. Torch's global generator is left as it was.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for module in policy.modules():
            if next(module.parameters(recurse=False), None) is not None:
                _draw(module)
    return policy


def _layer_of(module: str, layers: tuple[str, ...]) -> str:
    inside = module.removeprefix("encoder.")
    held = (layer for layer in layers if f"{inside}.".startswith(f"{layer}."))
    return next(held, HEADS)


@torch.no_grad()
def _draw(module: nn.Module) -> None:
    if callable(reset := getattr(module, "reset_parameters", None)):
        reset()
        return
    for weight in module.parameters(recurse=False):
        weight.copy_(weight.flatten()[torch.randperm(weight.numel())].reshape(weight.shape))
