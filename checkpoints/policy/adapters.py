"""Any torch module in the place of a policy: five lines, nothing to subclass.

::

    network = MyNetwork().eval()
    network.load_state_dict(my_weights)
    def decide(frames): return network(frames.permute(0, 3, 1, 2) / 255)
    policy = Adapted(network, ("trunk.2", "trunk.5"), decide)
    reading = analysis.policies.features.read(policy, frames)

On the command line it is ``--policy FILE.py:FUNCTION``, see ``checkpoints.policy.from_file``.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from checkpoints.console import UserError, one_of
from checkpoints.policy.memory import Memory, row_axes
from checkpoints.policy.trained import Training
from checkpoints.policy.trial import try_out
from checkpoints.world.games import IMAGE_SHAPE


class Adapted(nn.Module):
    """A module with named submodules, read as ``checkpoints.policy.encoders.Policy`` is.

    It has what the measures ask of a policy: ``layers``, ``architecture``, ``encoder`` (the
    module itself, by whose submodules layers are found) and a call from frames to decisions.
    """

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[str],
        forward: Callable[..., tuple[Tensor, ...]] | None = None,
        *,
        name: str | None = None,
        id: str = "",
        trained: Training = Training(),  # noqa: B008 - it is frozen
        stack: int = 1,
        memory: Callable[[int], Memory] | None = None,
        image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    ) -> None:
        """Take ``module`` as it is, try it on some frames and leave it in evaluation mode.

        Args:
            module: the network; not copied.
            layers: names of submodules (``module.named_modules()``) in order; a layer's activation
                is the output of that submodule, one row a frame, of a tuple the first.
            forward: maps ``(n, h, w, c)`` uint8 frames to logits ``(n, actions)`` and values
                ``(n,)`` or ``(n, 1)``; ``module`` itself if None. Return zeros where there is no
                critic.
            name: what messages call it; the module's class if None.
            id: what commands and tables call it, ``game/method/seed``, such as
                ``starpilot/mine/0``; needed for ``--policy``.
            trained: difficulty, backgrounds and levels that it was trained on.
            stack: frames that it looks at together. ``forward`` then gets ``(n, h, w, stack·c)``,
                the oldest first. A state by itself is shown as an episode begins, repeated.
            memory: of a recurrent network: the state of ``n`` rows at the start of an episode, a
                tensor or tuple of tensors. ``forward`` then maps frames and memory to logits,
                values and the next memory. It is carried through episodes; a state by itself is
                shown as an episode begins.
            image_shape: ``(h, w, c)`` of one frame.

        Raises:
            UserError: a name that is no submodule, a submodule that the call does not pass once
                with one row a frame, outputs of another shape or that are not finite, rows that
                depend on other frames or on earlier calls, or a module without parameters.
        """
        super().__init__()
        self.encoder = module
        self.layers = tuple(layers)
        self.architecture = name or type(module).__name__
        self.id, self.trained, self.image_shape = id, trained, tuple(image_shape)
        self.stack, self.memory = stack, memory
        # The bound call, not the module: assigned, it would be registered a second time.
        self._decide = forward or module.__call__
        known = [found for found, _ in module.named_modules() if found]
        for layer in self.layers:
            one_of(f"submodule of {self.architecture}", layer, known)
        if stack < 1:
            raise UserError(f"{self.architecture}: expected a stack of at least 1, got {stack}")
        self.row_axes = None if memory is None else row_axes(memory)
        self.eval()
        self.num_actions = try_out(self)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Action logits ``(n, actions)`` and values ``(n,)`` of uint8 frames, float32."""
        memory = () if self.memory is None else (self.memory(len(frames)),)
        return self.decide(frames.repeat(1, 1, 1, self.stack), *memory)[:2]

    def decide(self, stacked: Tensor, *memory: Memory) -> Any:
        """Logits, values and, where there is a memory, the next one.

        Args:
            stacked: ``(n, h, w, stack·c)``.
            memory: of each row, where it has one.
        """
        # So laid out, frames.permute(0, 3, 1, 2) is contiguous, as networks that call view expect.
        laid_out = stacked.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
        found = self._decide(laid_out, *memory)
        wanted = 2 + len(memory)
        if not isinstance(found, tuple) or len(found) != wanted:
            raise UserError(
                f"{self.architecture}: expected forward to return logits, values"
                f"{' and the next memory' if memory else ''}, got {type(found).__name__} of "
                f"{len(found) if isinstance(found, tuple) else 1}; give forward="
            )
        logits, values = found[:2]
        return logits.float(), values.float().reshape(len(values), -1).squeeze(1), *found[2:]
