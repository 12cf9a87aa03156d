"""Edit a layer and let the network go on: what the later layers make of the edit.

A policy here is a chain, so every layer is a full cut: giving state s on background a the *whole*
activation of its twin on background b gives exactly the twin's decision, at every layer. That
tells nothing apart and serves as a test. What can differ is the effect of a *part*:

- a subspace: only the component that an eraser would remove is exchanged with the twin's;
- cells: in a convolutional layer, only positions over nothing but background, or all others.

Limits: parts interact, so effects of a part and of the rest need not add up to the whole; an
edited activation may be one that no frame gives (off the manifold), so controls of equal rank
stand beside it; and a cell is a share of the frame, while its receptive field is larger: in
Nature's conv3 a cell is 16 pixels wide and reads 36, so that deep cells with a sprite mostly see
the background around it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from analysis.measures.leace import Eraser
from checkpoints.console import UserError, one_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.utils.hooks import RemovableHandle

    from checkpoints.policy.encoders import Policy

Change = Callable[["Tensor"], "Tensor"]
"""A layer's output ``(n, …)`` -> what the next layer shall read instead, of the same shape."""


@contextmanager
def patched(policy: "Policy", changes: Mapping[str, Change]) -> Iterator[None]:
    """Every forward pass inside reads the changed outputs of the layers named.

    Open ``analysis.policies.features.recorded`` inside it to record a layer after its change.

    Args:
        policy: in evaluation mode.
        changes: by layer; each gets the output and must not write into it.

    Raises:
        UserError: an unknown layer, a policy in training mode, or, in the forward pass, a change
            that returns another shape.
    """
    for layer in changes:
        one_of(f"layer of {policy.architecture}", layer, policy.layers)
    if policy.training:
        raise UserError(
            "expected a policy in evaluation mode, got one in training mode: call .eval()"
        )

    from checkpoints.policy.layer_output import rows_of, with_rows

    def replace(layer: str, change: Change) -> "RemovableHandle":
        def hook(module: "Module", inputs: object, output: Any) -> Any:
            rows = rows_of(module, output)
            changed = change(rows)
            if changed.shape != rows.shape:
                raise UserError(
                    f"{layer}: expected a change that keeps the shape {tuple(rows.shape)}, got "
                    f"{tuple(changed.shape)}"
                )
            return with_rows(module, output, changed.to(rows.dtype))

        return policy.encoder.get_submodule(layer).register_forward_hook(hook)

    handles = [replace(layer, change) for layer, change in changes.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def continued(
    policy: "Policy", layer: str
) -> Callable[[Float[np.ndarray, "n feature"], Change], tuple[np.ndarray, np.ndarray]] | None:
    """Decisions from a layer's activations on, so that what lies before it is not computed again.

    Returns:
        Of ``(n, feature)`` activations, as :func:`analysis.policies.features.read` gives them, and
        a change: log-probabilities of the actions and values. None where it is not known that
        nothing but the layer leads on: in networks that are not of this suite.
    """
    import torch

    from checkpoints.policy.encoders import Policy

    names = [name for name, _ in policy.encoder.named_children()]
    if not isinstance(policy, Policy) or layer not in names:
        return None
    rest, shape = policy.encoder[names.index(layer) + 1 :], shape_of(policy, layer)
    device = next(policy.parameters()).device

    @torch.inference_mode()
    def decide(x: np.ndarray, change: Change) -> tuple[np.ndarray, np.ndarray]:
        features = rest(change(torch.from_numpy(x).to(device).reshape(-1, *shape))).float()
        log_probs = policy.actor(features).log_softmax(-1)
        return log_probs.cpu().numpy(), policy.critic(features).squeeze(1).cpu().numpy()

    return decide


def _taken(eraser: Eraser) -> Callable[["Tensor"], "Tensor"]:
    """The linear part of :meth:`Eraser.component` on tensors ``(n, feature)``."""
    import torch

    readers, moves = (
        torch.from_numpy(part.astype(np.float32)) for part in (eraser.readers, eraser.moves)
    )
    return lambda flat: (flat @ readers.to(flat.device)) @ moves.to(flat.device).T


def erase(eraser: Eraser) -> Change:
    """Take the eraser's component away."""
    import torch

    taken, mean = _taken(eraser), torch.from_numpy(eraser.mean.astype(np.float32))

    def change(output: "Tensor") -> "Tensor":
        flat = output.flatten(1)
        return (flat - taken(flat - mean.to(flat.device))).reshape(output.shape)

    return change


def from_twin(output: "Tensor", backgrounds: int) -> "Tensor":
    """Each row's twin: rows are states × backgrounds, and background i takes from i + 1.

    The last background takes from the first.
    """
    blocks = output.reshape(-1, backgrounds, *output.shape[1:])
    return blocks.roll(-1, dims=1).reshape(output.shape)


def swap_component(eraser: Eraser, backgrounds: int) -> Change:
    """Exchange the eraser's component for the twin's, and leave the rest."""
    taken = _taken(eraser)

    def change(output: "Tensor") -> "Tensor":
        flat = output.flatten(1)
        return (flat + taken(from_twin(flat, backgrounds) - flat)).reshape(output.shape)

    return change


def swap_cells(cells: Bool[np.ndarray, "state h w"], backgrounds: int) -> Change:
    """Exchange the activations at ``cells`` for the twin's, all channels, and leave the rest."""
    import torch

    chosen = torch.from_numpy(np.repeat(cells, backgrounds, axis=0))[:, None]

    def change(output: "Tensor") -> "Tensor":
        return torch.where(chosen.to(output.device), from_twin(output, backgrounds), output)

    return change


def cells_under(
    mask: Bool[np.ndarray, "state height width"], shape: tuple[int, int]
) -> Bool[np.ndarray, "state h w"]:
    """Which cells of a ``shape`` grid over the frame hold nothing but background.

    Args:
        mask: of the background, from ``analysis.scenes.masks.exact_mask``.
        shape: height and width of a convolutional layer.
    """
    import torch

    sprites = torch.from_numpy(~mask).float()[:, None]
    return ~torch.nn.functional.adaptive_max_pool2d(sprites, shape)[:, 0].bool().numpy()


def shape_of(policy: "Policy", layer: str) -> tuple[int, ...]:
    """What a layer says of one frame: channels, height and width, or features."""
    import torch

    from analysis.policies.features import image_shape_of, recorded

    device = next(policy.parameters()).device
    with torch.inference_mode(), recorded(policy, [layer]) as seen:
        policy(torch.zeros(1, *image_shape_of(policy), dtype=torch.uint8, device=device))
    return tuple(seen[layer].shape[1:])


def grid_of(policy: "Policy", layer: str) -> tuple[int, int] | None:
    """Height and width of a layer's output; None where it has no positions."""
    shape = shape_of(policy, layer)
    return (shape[1], shape[2]) if len(shape) == 3 else None
