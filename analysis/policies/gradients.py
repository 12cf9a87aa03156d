"""A policy as a differentiable function of its pixels: what saliency methods take."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from analysis.policies.features import image_shape_of
from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy


class Scores(nn.Module):
    """A policy as a differentiable function of pixels.

    Maps ``(n, c, h, w)`` float pixels, 0 to 1, to ``(n, buttons + 1)``: log-probabilities in nats,
    then the value. Equal to the policy's own call on uint8 frames.

    Attributes:
        value: the column that holds the value.
    """

    def __init__(self, policy: nn.Module, buttons: Sequence[Sequence[int]] = ()) -> None:
        """Wrap a ``Policy`` or an ``Adapted`` one, and try it.

        Args:
            policy: in evaluation mode.
            buttons: numbers of the actions that do the same, each of the policy's once: their
                probabilities are added. None: every action stands alone.

        Raises:
            UserError: training mode (dropout would be on), or a policy whose call on float frames
                (0 to 255) gives something else than on whole numbers, or has no gradient.
        """
        super().__init__()
        if policy.training:
            raise UserError(
                "expected a policy in evaluation mode, got one in training mode: call .eval()"
            )
        self.policy = policy
        actions = self._try()
        self.value = len(buttons) or actions
        # A button of fewer actions than the widest is filled up with one of no probability.
        widest = max(map(len, buttons), default=0)
        filled = [[*one, *[actions] * (widest - len(one))] for one in buttons]
        self._actions: Tensor
        self.register_buffer("_actions", torch.tensor(filled, dtype=torch.long))

    def forward(self, pixels: Tensor) -> Tensor:
        """Log-probabilities and value, side by side."""
        return self._side_by_side(*self._decide(pixels))

    def start(self, pixels: Tensor) -> Tensor:
        """The first convolution, which is affine; of an adapted policy the pixels themselves."""
        if not isinstance(self.policy, Policy):
            return pixels
        first: Tensor = _first_and_rest(self.policy)[0](pixels)
        return first

    def finish(self, started: Tensor) -> Tensor:
        """What the policy's call on pixels gives, from what :meth:`start` made of them."""
        if not isinstance(self.policy, Policy):
            return self._side_by_side(*self._decide(started))
        features = _first_and_rest(self.policy)[1](started)
        return self._side_by_side(*_heads(self.policy, features))

    def _side_by_side(self, log_probs: Tensor, values: Tensor) -> Tensor:
        if len(self._actions):
            nothing = log_probs.new_full((len(log_probs), 1), -torch.inf)
            log_probs = torch.cat([log_probs, nothing], 1)[:, self._actions].logsumexp(-1)
        return torch.cat([log_probs, values], dim=1)

    def _decide(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of actions, and the value as a column."""
        if isinstance(self.policy, Policy):
            # Its own call makes floats of whole numbers in place, which a gradient cannot follow.
            return _heads(self.policy, self.policy.encoder(pixels))
        logits, values = self.policy(255 * pixels.permute(0, 2, 3, 1))
        return logits.log_softmax(-1), values.reshape(-1, 1)

    @torch.enable_grad()
    def _try(self) -> int:
        """How many actions the policy has."""
        device = next(self.policy.parameters()).device
        draws = torch.Generator().manual_seed(0)
        frames = torch.randint(
            0, 256, (2, *image_shape_of(self.policy)), dtype=torch.uint8, generator=draws
        )
        frames = frames.to(device)
        pixels = (frames.permute(0, 3, 1, 2).float() / 255).requires_grad_()
        with torch.no_grad():
            logits, values = self.policy(frames)
        wanted = torch.cat([logits.log_softmax(-1), values.reshape(-1, 1)], dim=1)
        found = torch.cat(self._decide(pixels), dim=1)
        far = not torch.allclose(found, wanted, rtol=1e-3, atol=1e-3)
        # Weights alone may give a gradient: it has to reach the pixels.
        traced = found.requires_grad
        if traced:
            traced = torch.autograd.grad(found.sum(), pixels, allow_unused=True)[0] is not None
        if far or not traced:
            what = "other decisions" if far else "no gradient"
            raise UserError(
                "expected a policy that decides on float frames, 0 to 255, as on whole numbers, "
                f"with a gradient; got {what}; let its forward= compute with floats throughout"
            )
        return logits.shape[1]


def _heads(policy: Policy, features: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities of actions, and the value as a column."""
    features = features.float()
    return policy.actor(features).log_softmax(-1), policy.critic(features)


def _first_and_rest(policy: Policy) -> tuple[nn.Module, nn.Module]:
    """An encoder in two: every one begins with a convolution, which its first layer holds."""
    layer, *others = policy.encoder.children()
    first, *rest = layer.children()
    return first, nn.Sequential(*rest, *others)
