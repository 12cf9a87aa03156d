"""Procgen's games as worlds: states gathered by playing, backgrounds drawn by Procgen itself."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, UInt8

from analysis.scenes.bank import Bank, BankPlan, Behaviour, load_or_gather
from checkpoints.policy.shipped import usual_policies
from checkpoints.policy.store import ZOO, find_policies, load_policy, policy_path
from checkpoints.world.environments import Levels
from checkpoints.world.games import Mode, get_game
from checkpoints.world.states import for_drawing

if TYPE_CHECKING:
    from checkpoints.policy import encoders
    from checkpoints.world.renderer import Renderer

PER_LEVEL = 6
"""States of a level at most, unless another number is asked for."""


def sampled(policy: "encoders.Policy", seed: int) -> Behaviour:
    """How a policy acts in a state bank: actions drawn from its distribution, repeatably."""
    import torch

    draws = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def act(frames: np.ndarray) -> np.ndarray:
        logits, _ = policy(torch.from_numpy(np.ascontiguousarray(frames)))
        return torch.multinomial(logits.softmax(-1), 1, generator=draws).squeeze(1).numpy()

    return act


class ProcgenWorld:
    """One of the 16 games; see :class:`analysis.scenes.worlds.World`."""

    def __init__(self, name: str) -> None:
        """Nothing is drawn yet; ``UserError`` for an unknown game."""
        self._facts = get_game(name)
        self.name = name

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return self._facts.image_shape

    @property
    def num_actions(self) -> int:
        """Procgen's 15."""
        return self._facts.num_actions

    @property
    def variants(self) -> tuple[str, ...]:
        """Its backgrounds have numbers only."""
        return tuple(map(str, range(self._facts.backgrounds)))

    @cached_property
    def _renderer(self) -> "Renderer":
        from checkpoints.world.renderer import Renderer

        return Renderer(self.name)

    def bank(
        self,
        states: int,
        seed: int = 0,
        *,
        mode: Mode = "easy",
        per_level: int | None = None,
        thin: int = 16,
        num_envs: int = 32,
    ) -> Bank:
        """States on levels that no policy was trained on; see ``common.common_bank``."""
        kept = {k.run: k for k in usual_policies() if k.game == self.name}
        last = [one for run in kept for one in find_policies(run, ZOO)]
        behaviours: Mapping[str, Behaviour] = {}
        for number, one in enumerate(last):
            path = policy_path(ZOO, one)
            policy, made = load_policy(path)
            if made.settings().mode == mode:
                name = hashlib.sha256(path.read_bytes()).hexdigest()
                behaviours = {**behaviours, name: sampled(policy, seed + number)}
        plan = BankPlan(
            self.name,
            mode,
            levels=Levels.unseen(),
            num_states=states,
            seed=seed,
            thin=thin,
            per_level=PER_LEVEL if per_level is None else per_level,
            num_envs=num_envs,
        )
        return load_or_gather(plan, behaviours)

    def own(self, states: Sequence[bytes]) -> Int[np.ndarray, " state"]:
        """The background on which each state was met."""
        return np.array([for_drawing(state, self.name).own for state in states], dtype=np.int64)

    def render(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state background h w c"]:
        """Each state on each background; see ``checkpoints.world.renderer.Renderer.render``."""
        return self._renderer.render(states, backgrounds)

    def render_each(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state h w c"]:
        """State i on background ``backgrounds[i]``."""
        return self._renderer.render_each(states, backgrounds)

    def stream(
        self, states: Sequence[bytes], backgrounds: Sequence[int], chunk: int = 64
    ) -> Iterator[UInt8[np.ndarray, "state background h w c"]]:
        """Like :meth:`render`, ``chunk`` states at a time."""
        return self._renderer.stream(states, backgrounds, chunk)

    def masks(self, states: Sequence[bytes]) -> None:
        """Renderings tell: ``analysis.scenes.masks.exact_mask``."""
        return

    def factors(self, states: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        """None come with the states: they are read off them."""
        return {}
