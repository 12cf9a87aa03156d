"""Does half precision change what a policy decides? Asked before one is kept at half the size."""

from pathlib import Path

from checkpoints.policy.store import load_policy

TOLERANCE = 0.005
"""Largest total variation between the action distributions before and after half precision."""


def half_precision_shift(policy_file: Path, shipped_file: Path) -> float:
    """Largest total variation (0 to 1) over 256 frames of noise and of the policy's own game."""
    import numpy as np
    import torch

    from checkpoints.world.environments import Levels, ProcgenVectorEnv

    (before, made), (after, _) = load_policy(policy_file), load_policy(shipped_file)
    env = ProcgenVectorEnv(
        made.policy_id.game, levels=Levels.unseen(), mode=made.settings().mode, num_envs=128
    )
    noise = np.random.default_rng(0).integers(0, 256, (128, 64, 64, 3), dtype=np.uint8)
    frames = torch.from_numpy(np.concatenate([env.reset()[0], noise]))
    with torch.no_grad():
        p, q = (policy(frames)[0].softmax(-1) for policy in (before, after))
    return float(0.5 * (p - q).abs().sum(-1).max())
