"""Policies that remember: earlier frames, or a recurrent state. Both begin anew with an episode."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from checkpoints.console import UserError

Memory = Any
"""A tensor, or a tuple of such, nested or not; each has a dimension with a row an episode."""


def each(function: Callable[..., Any], *memories: Memory) -> Memory:
    """The memory that a function of tensors makes of others, tensor by tensor."""
    first = memories[0]
    if isinstance(first, tuple | list):
        return tuple(each(function, *parts) for parts in zip(*memories, strict=True))
    if not isinstance(first, Tensor):
        raise UserError(
            f"expected a memory of tensors in tuples, got {type(first).__name__}; return those"
        )
    return function(*memories)


def row_axes(begin: Callable[[int], Memory]) -> Memory:
    """Which dimension of each tensor of a memory has the rows: it grows with their number.

    Args:
        begin: number of rows -> the memory at the start of an episode.

    Raises:
        UserError: a tensor with no such dimension, or with several.
    """

    def axis(two: Tensor, three: Tensor) -> Tensor:
        sizes = zip(two.shape, three.shape, strict=False)
        found = [place for place, pair in enumerate(sizes) if pair == (2, 3)]
        if len(found) != 1 or two.ndim != three.ndim:
            raise UserError(
                "expected a memory with one dimension for the rows, got shapes "
                f"{tuple(two.shape)} for 2 rows and {tuple(three.shape)} for 3; begin it with "
                "torch.zeros(…, rows, …)"
            )
        return torch.tensor(found[0])

    return each(axis, begin(2), begin(3))


def pushed(stack: Tensor, frames: Tensor) -> Tensor:
    """A stack ``(n, h, w, k·c)``, oldest first, with ``frames (n, h, w, c)`` as the newest."""
    return torch.cat([stack[..., frames.shape[-1] :], frames], dim=-1)


class Playing:
    """A policy in episodes that begin together and end apart: what it remembers goes with each.

    Of a policy without memory this is the policy.
    """

    def __init__(self, policy: Any, episodes: int) -> None:
        """Begin ``episodes`` episodes."""
        self.policy, self.episodes = policy, episodes
        self._rows: np.ndarray = np.arange(episodes)
        self._memory: Memory = None
        self._stack: Tensor | None = None

    def at(self, rows: Int[np.ndarray, " row"]) -> "Playing":
        """The same, about to be called with the frames of the episodes ``rows``, 0, 1, …"""
        self._rows = rows
        return self

    def parameters(self) -> Iterator[nn.Parameter]:
        """The policy's weights."""
        return self.policy.parameters()

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and values of each row's frame, at the next step of its episode."""
        policy = self.policy
        if getattr(policy, "stack", 1) == 1 and getattr(policy, "memory", None) is None:
            return policy(frames)
        here = torch.as_tensor(self._rows, device=frames.device)
        stacked = self._seen(frames, here)
        if policy.memory is None:
            return policy.decide(stacked)[:2]
        if self._memory is None:
            self._memory = each(torch.clone, policy.memory(self.episodes))
        axes = policy.row_axes
        mine = each(lambda one, axis: one.index_select(int(axis), here), self._memory, axes)
        logits, values, after = policy.decide(stacked, mine)
        self._memory = each(
            lambda one, axis, new: one.index_copy(int(axis), here, new.to(one.dtype)),
            *(self._memory, axes, after),
        )
        return logits, values

    def _seen(self, frames: Tensor, here: Tensor) -> Tensor:
        """The stack of each episode, whose first frame stands for those before it."""
        many = self.policy.stack
        if many == 1:
            return frames
        if self._stack is None:
            first = frames.repeat(1, 1, 1, many)
            self._stack = first.new_zeros((self.episodes, *first.shape[1:]))
            self._stack[here] = first
        else:
            self._stack[here] = pushed(self._stack[here], frames)
        return self._stack[here]
