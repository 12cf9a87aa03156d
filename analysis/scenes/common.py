"""What all policies of a game are shown: one bank of states, and a twin of each."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from analysis.scenes.backgrounds import other_backgrounds
from analysis.scenes.bank import Bank, BankPlan, Policy, load_or_gather
from checkpoints.policy.shipped import usual_policies
from checkpoints.policy.store import ZOO, find_policies, load_policy, policy_path
from checkpoints.world.environments import Levels
from checkpoints.world.games import Mode

if TYPE_CHECKING:
    from checkpoints.policy import encoders


def sampled(policy: "encoders.Policy", seed: int) -> Policy:
    """How a policy acts in a state bank: actions drawn from its distribution, repeatably."""
    import torch

    draws = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def act(frames: np.ndarray) -> np.ndarray:
        logits, _ = policy(torch.from_numpy(np.ascontiguousarray(frames)))
        return torch.multinomial(logits.softmax(-1), 1, generator=draws).squeeze(1).numpy()

    return act


def common_bank(
    game: str,
    mode: Mode,
    states: int,
    seed: int = 0,
    *,
    thin: int = 16,
    per_level: int = 6,
    num_envs: int = 32,
) -> Bank:
    """States of ``game`` on levels that no policy was trained on, the same for all policies.

    They come from random actions and from every shipped policy of the game at its last step, in
    equal shares; only from random actions where none is shipped. At most ``per_level`` states a
    level, at least ``thin`` steps apart.
    """
    kept = {k.run: k for k in usual_policies() if k.game == game}
    last = [one for run in kept for one in find_policies(run, ZOO)]
    behaviours: Mapping[str, Policy] = {}
    for number, one in enumerate(last):
        path = policy_path(ZOO, one)
        policy, made = load_policy(path)
        if made.settings().mode == mode:
            name = hashlib.sha256(path.read_bytes()).hexdigest()
            behaviours = {**behaviours, name: sampled(policy, seed + number)}
    plan = BankPlan(
        game,
        mode,
        levels=Levels.unseen(),
        num_states=states,
        seed=seed,
        thin=thin,
        per_level=per_level,
        num_envs=num_envs,
    )
    return load_or_gather(plan, behaviours)


def draw_twins(game: str, bank: Bank, seed: int = 0) -> UInt8[np.ndarray, "state 64 64 3"]:
    """Each state of the bank on a background other than its own."""
    from checkpoints.world.renderer import Renderer
    from checkpoints.world.states import for_drawing

    own = np.array([for_drawing(state, game).own for state in bank.states])
    return Renderer(game).render_each(bank.states, other_backgrounds(game, own, seed).tolist())
