"""What a peer saw, did and got: trajectory storage, advantages, reward scaling."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor


def generalised_advantage(
    rewards: Float[Tensor, "time env"],
    values: Float[Tensor, "time env"],
    dones: Bool[Tensor, "time env"],
    last_values: Float[Tensor, " env"],
    *,
    discount: float,
    decay: float,
) -> Float[Tensor, "time env"]:
    """Generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438, eq. 16).

    Args:
        rewards: reward of each action.
        values: value of the state each action was taken in.
        dones: whether the action ended its episode.
        last_values: value of the states after the last action.
        discount: γ.
        decay: λ.
    """
    advantages = torch.empty_like(rewards)
    later = torch.zeros_like(last_values)
    next_values = last_values
    for t in reversed(range(len(rewards))):
        alive = 1.0 - dones[t].to(rewards.dtype)
        error = rewards[t] + discount * alive * next_values - values[t]
        later = error + discount * decay * alive * later
        advantages[t] = later
        next_values = values[t]
    return advantages


@dataclass
class RewardScale:
    """Divides rewards by the running deviation of the discounted return, then clips them.

    The estimate starts as that of 1e-4 observations with mean 0 and variance 1 and is updated
    before each division, as in the reference (gym's ``NormalizeReward``).
    """

    discounted: np.ndarray
    """(num_envs,) float64, discounted return so far of each running episode."""
    mean: float = 0.0
    variance: float = 1.0
    count: float = 1e-4

    @staticmethod
    def fresh(num_envs: int) -> "RewardScale":
        """Nothing seen yet."""
        return RewardScale(np.zeros(num_envs))

    def __call__(
        self, rewards: np.ndarray, dones: np.ndarray, *, discount: float, bound: float = 10.0
    ) -> np.ndarray:
        """Update with one reward per environment and return them scaled, in ±``bound``."""
        self.discounted = self.discounted * discount + rewards
        n = len(rewards)
        total = self.count + n
        shift = self.discounted.mean() - self.mean
        spread = self.variance * self.count + self.discounted.var() * n
        self.variance = float((spread + shift**2 * self.count * n / total) / total)
        self.mean = float(self.mean + shift * n / total)
        self.count = float(total)
        self.discounted[dones] = 0.0
        scaled = rewards / np.sqrt(self.variance + 1e-8)
        return np.clip(scaled, -bound, bound).astype(np.float32)


class Trajectory:
    """``num_steps`` steps of ``num_envs`` environments, allocated once and written in place."""

    def __init__(
        self, num_steps: int, num_envs: int, device: torch.device, *, views: bool = False
    ) -> None:
        """Allocate; frames, and a view of each if asked for, stay uint8 (12,288 bytes a step)."""
        shape = (num_steps, num_envs)
        self.frames = torch.empty((*shape, 64, 64, 3), dtype=torch.uint8, device=device)
        self.views = torch.empty_like(self.frames) if views else None
        self.actions = torch.empty(shape, dtype=torch.int64, device=device)
        self.log_probs = torch.empty(shape, device=device)
        self.values = torch.empty(shape, device=device)
        self.rewards = torch.empty(shape, device=device)
        self.dones = torch.empty(shape, dtype=torch.bool, device=device)

    def finish(self, last_values: Tensor, *, discount: float, decay: float) -> "dict[str, Tensor]":
        """Flat arrays ``(num_steps * num_envs, …)`` for the update, with advantages and targets."""
        advantages = generalised_advantage(
            self.rewards, self.values, self.dones, last_values, discount=discount, decay=decay
        )
        views = {} if self.views is None else {"views": self.views.flatten(0, 1)}
        return views | {
            "frames": self.frames.flatten(0, 1),
            "actions": self.actions.flatten(),
            "log_probs": self.log_probs.flatten(),
            "values": self.values.flatten(),
            "advantages": advantages.flatten(),
            "targets": (advantages + self.values).flatten(),
        }
