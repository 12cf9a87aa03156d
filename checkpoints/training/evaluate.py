"""Episode returns of a policy on a fixed set of levels."""

import numpy as np
import torch
from torch import Tensor

from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.memory import Playing
from checkpoints.policy.seeds import Purpose, derive, generator
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import Mode


def check_decisions(logits: Tensor) -> None:
    """Raise ``UserError`` on logits that are not finite: no action follows from them."""
    if not bool(logits.isfinite().all()):
        raise UserError(
            "expected finite logits, got NaN or infinity: the policy's weights are broken. Take "
            "another step of it, or train it anew"
        )


class Evaluation:
    """One episode in each of ``num_envs`` environments, the same first states every time.

    Every environment plays exactly one episode to its end, so that short episodes are not
    counted more often than long ones. The environments are kept, since Procgen leaks memory
    when they are destroyed.
    """

    def __init__(
        self, game: str, mode: Mode, *, levels: Levels, num_envs: int = 64, seed: int = 0
    ) -> None:
        """Draw the first states; the same arguments draw the same."""
        self.seed = seed
        self.env = ProcgenVectorEnv(
            game,
            levels=levels,
            mode=mode,
            num_envs=num_envs,
            seed=derive(seed, 0, Purpose.EVALUATION),
        )
        self.env.reset()
        self.first = self.env.get_states()
        self.levels = self.env.level_seeds()
        """(num_envs,) the level of each episode"""

    @torch.no_grad()
    def returns(self, policy: Policy) -> np.ndarray:
        """Undiscounted return of each episode, ``(num_envs,)``; actions are sampled."""
        was_training = policy.training
        policy.eval()
        device = next(policy.parameters()).device.type
        draws = generator(self.seed, 1, Purpose.EVALUATION, device=device)
        frames = self.env.set_states(self.first)
        remembering = Playing(policy, self.env.num_envs)
        total = np.zeros(self.env.num_envs)
        playing = np.ones(self.env.num_envs, dtype=bool)
        actions = np.zeros(self.env.num_envs, dtype=np.int32)
        while playing.any():
            shown = torch.from_numpy(frames[playing]).to(device)
            logits, _ = remembering.at(np.flatnonzero(playing))(shown)
            check_decisions(logits)
            sampled = torch.multinomial(logits.softmax(-1), 1, generator=draws)
            actions[playing] = sampled.squeeze(1).cpu().numpy()
            frames, rewards, dones, _, _ = self.env.step(actions)
            total[playing] += rewards[playing]
            playing &= ~dones
        policy.train(was_training)
        return total
