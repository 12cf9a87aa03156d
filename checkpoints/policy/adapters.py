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
    ) -> None:
        """Take ``module`` as it is, try it on two frames and leave it in evaluation mode.

        Args:
            module: the network; not copied.
            layers: names of submodules (``module.named_modules()``) in order; a layer's activation
                is the output of that submodule, one tensor a frame.
            forward: maps ``(n, 64, 64, 3)`` uint8 frames to logits ``(n, 15)`` and values ``(n,)``
                or ``(n, 1)``; ``module`` itself if None. Return zeros where there is no critic.
            name: what messages call it; the module's class if None.

        Raises:
            UserError: a name that is no submodule, a submodule that the call does not pass once
                with one row a frame, outputs of another shape, or a module without parameters.
        """
        super().__init__()
        self.encoder = module
        self.layers = tuple(layers)
        self.architecture = name or type(module).__name__
        # The bound call, not the module: assigned, it would be registered a second time.
        self._decide = forward or module.__call__
        known = [found for found, _ in module.named_modules() if found]
        for layer in self.layers:
            one_of(f"submodule of {self.architecture}", layer, known)
        self.eval()
        self._try()

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Action logits ``(n, 15)`` and values ``(n,)`` of uint8 frames, float32."""
        logits, values = self._decide(frames)
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
        frames = torch.zeros(2, *IMAGE_SHAPE, dtype=torch.uint8, device=weight.device)
        try:
            with torch.inference_mode():
                logits, values = self(frames)
        finally:
            for handle in handles:
                handle.remove()
        shapes = tuple(logits.shape), tuple(values.shape)
        if shapes != ((2, NUM_ACTIONS), (2,)):
            raise UserError(
                f"{self.architecture}: expected logits (n, {NUM_ACTIONS}) and values (n,), got "
                f"{shapes[0]} and {shapes[1]} for 2 frames; give forward="
            )
        for layer, outputs in seen.items():
            fits = len(outputs) == 1 and isinstance(outputs[0], Tensor) and len(outputs[0]) == 2
            if not fits:
                raise UserError(
                    f"{self.architecture}: expected layer {layer!r} to be called once a pass and "
                    f"to give one tensor with a row a frame, got {len(outputs)} calls giving "
                    f"{[getattr(o, 'shape', type(o).__name__) for o in outputs]}; name another"
                )
