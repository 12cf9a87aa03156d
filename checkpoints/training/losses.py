"""What a peer minimises, as pure functions of arrays.

Schulman et al. 2017 (PPO, arXiv 1707.06347), the mutual term of arXiv 2501.02481 and the
regulariser of Raileanu et al. 2021 (DrAC, arXiv 2006.12862).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def clipped_surrogate(
    log_prob: Float[Tensor, " step"],
    old_log_prob: Float[Tensor, " step"],
    advantage: Float[Tensor, " step"],
    clip: float,
) -> Float[Tensor, ""]:
    """Negative of PPO's clipped objective (PPO, eq. 7)."""
    ratio = (log_prob - old_log_prob).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.min(ratio * advantage, bounded * advantage).mean()


def clipped_value(
    value: Float[Tensor, " step"],
    old_value: Float[Tensor, " step"],
    target: Float[Tensor, " step"],
    clip: float,
) -> Float[Tensor, ""]:
    """Half the squared error, or that of a value moved at most ``clip``, whichever is larger."""
    bounded = old_value + (value - old_value).clamp(-clip, clip)
    return 0.5 * torch.max((value - target) ** 2, (bounded - target) ** 2).mean()


def entropy(log_probs: Float[Tensor, "step action"]) -> Float[Tensor, ""]:
    """Mean entropy of the action distribution, in nats (0 to log 15)."""
    return -(log_probs.exp() * log_probs).sum(-1).mean()


def mutual_kl(
    own: Float[Tensor, "step action"], other: Float[Tensor, "step action"]
) -> Float[Tensor, ""]:
    """Mean KL(other || own) in nats, with gradient through both (arXiv 2501.02481, eq. 10).

    Args:
        own: log-probabilities of the peer that collected the states.
        other: log-probabilities of the peer it learns from, on the same states.

    Note:
        The authors add 1e-8 to probabilities before the logarithm; log-probabilities need none.
    """
    return (other.exp() * (other - own)).sum(-1).mean()


def view_gap(
    log_probs: Float[Tensor, "step action"],
    value: Float[Tensor, " step"],
    view_log_probs: Float[Tensor, "step action"],
    view_value: Float[Tensor, " step"],
) -> Float[Tensor, ""]:
    """Mean KL(π(·|s) || π(·|view)) plus mean (V(s) - V(view))²: DrAC's G_π and G_V.

    Gradient flows through the view alone: what is thought of the state itself is the target.

    Note:
        The authors' code halves the squared difference and replaces the KL by the cross-entropy of
        one sampled action, which has the same expected gradient. Here both are as in the paper.
    """
    kl = mutual_kl(own=view_log_probs, other=log_probs.detach())
    return kl + (value.detach() - view_value).square().mean()


def standardise(advantage: Float[Tensor, " step"]) -> Float[Tensor, " step"]:
    """Zero mean and unit (unbiased) deviation within a minibatch, as the reference does."""
    return (advantage - advantage.mean()) / (advantage.std() + 1e-8)


def chosen(
    log_probs: Float[Tensor, "step action"], action: Int[Tensor, " step"]
) -> Float[Tensor, " step"]:
    """The log-probability of the action taken."""
    return log_probs.gather(1, action.unsqueeze(1)).squeeze(1)
