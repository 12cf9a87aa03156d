"""Any torch module in the place of a policy: five lines, nothing to subclass.

::

    network = MyNetwork().eval()
    network.load_state_dict(my_weights)
    def decide(frames): return network(frames.permute(0, 3, 1, 2) / 255)
    policy = Adapted(network, ("trunk.2", "trunk.5"), decide)
    reading = analysis.policies.features.read(policy, frames)
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from checkpoints.console import UserError, one_of
from checkpoints.policy.trained import Training
from checkpoints.world.games import IMAGE_SHAPE, NUM_ACTIONS


class Adapted(nn.Module):
    """A module with named submodules, read as ``checkpoints.policy.encoders.Policy`` is.

    It has what the measures ask of a policy: ``layers``, ``architecture``, ``encoder`` (the
    module itself, by whose submodules layers are found) and a call from frames to decisions.
    """

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[str],
        forward: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None,
        *,
        name: str | None = None,
        id: str = "",
        trained: Training = Training(),  # noqa: B008 - it is frozen
    ) -> None:
        """Take ``module`` as it is, try it on some frames and leave it in evaluation mode.

        Args:
            module: the network; not copied.
            layers: names of submodules (``module.named_modules()``) in order; a layer's activation
                is the output of that submodule, one tensor a frame.
            forward: maps ``(n, 64, 64, 3)`` uint8 frames to logits ``(n, 15)`` and values ``(n,)``
                or ``(n, 1)``; ``module`` itself if None. Return zeros where there is no critic.
            name: what messages call it; the module's class if None.
            id: what commands and tables call it, ``game/method/seed``, such as
                ``starpilot/mine/0``; needed for ``--policy``.
            trained: difficulty, backgrounds and levels that it was trained on.

        Raises:
            UserError: a name that is no submodule, a submodule that the call does not pass once
                with one row a frame, outputs of another shape or that are not finite, rows that
                depend on other frames or on earlier calls, or a module without parameters.
        """
        super().__init__()
        self.encoder = module
        self.layers = tuple(layers)
        self.architecture = name or type(module).__name__
        self.id, self.trained = id, trained
        # The bound call, not the module: assigned, it would be registered a second time.
        self._decide = forward or module.__call__
        known = [found for found, _ in module.named_modules() if found]
        for layer in self.layers:
            one_of(f"submodule of {self.architecture}", layer, known)
        self.eval()
        self._try()

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Action logits ``(n, 15)`` and values ``(n,)`` of uint8 frames, float32."""
        # So laid out, frames.permute(0, 3, 1, 2) is contiguous, as networks that call view expect.
        laid_out = frames.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
        logits, values = self._decide(laid_out)
        return logits.float(), values.float().reshape(len(values), -1).squeeze(1)

    def _try(self) -> None:
        """Refuse now what would go wrong, or go unseen, in the middle of a measure."""
        weight = next(self.parameters(), None)
        if weight is None:
            raise UserError(
                f"{self.architecture}: expected a module with parameters, which say what device "
                "frames go to, got none"
            )
        seen: dict[str, list[Any]] = {layer: [] for layer in self.layers}
        handles = [
            self.encoder.get_submodule(layer).register_forward_hook(
                lambda _module, _inputs, output, layer=layer: seen[layer].append(output)
            )
            for layer in self.layers
        ]
        frames = _noise(weight.device)
        count = len(frames)
        try:
            with torch.inference_mode():
                logits, values = self(frames)
        finally:
            for handle in handles:
                handle.remove()
        shapes = tuple(logits.shape), tuple(values.shape)
        if shapes != ((count, NUM_ACTIONS), (count,)):
            raise UserError(
                f"{self.architecture}: expected logits (n, {NUM_ACTIONS}) and values (n,), got "
                f"{shapes[0]} and {shapes[1]} for {count} frames; give forward="
            )
        self._try_rows(frames, torch.column_stack([logits, values]))
        for layer, outputs in seen.items():
            fits = len(outputs) == 1 and isinstance(outputs[0], Tensor) and len(outputs[0]) == count
            if not fits:
                raise UserError(
                    f"{self.architecture}: expected layer {layer!r} to be called once a pass and "
                    f"to give one tensor with a row a frame, got {len(outputs)} calls giving "
                    f"{[getattr(o, 'shape', type(o).__name__) for o in outputs]}; name another"
                )

    def _try_rows(self, frames: Tensor, together: Tensor) -> None:
        """Refuse numbers that are none, and rows that other frames or earlier calls change."""
        if not bool(together.isfinite().all()):
            raise UserError(
                f"{self.architecture}: expected finite logits and values, got NaN or infinity; "
                "load other weights"
            )
        with torch.inference_mode():
            alone = torch.cat([torch.column_stack(self(frame[None])) for frame in frames])
        if not torch.allclose(alone, together, rtol=1e-3, atol=1e-3 * float(together.abs().max())):
            raise UserError(
                f"{self.architecture}: expected each frame to decide by itself, got other logits "
                "or values for frames read alone than for the same ones in a batch; give a forward "
                "without memory of other rows or earlier calls, such as that of an LSTM"
            )


def _noise(device: torch.device) -> Tensor:
    """Three frames of noise, of three brightnesses."""
    draws = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 86, (3, *IMAGE_SHAPE), generator=draws, dtype=torch.uint8)
    return (frames + 85 * torch.arange(3, dtype=torch.uint8).view(3, 1, 1, 1)).to(device)
