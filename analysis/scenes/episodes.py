"""Episodes from the same first states, whoever plays them and on whatever background.

From each first state one episode is played to its end, so that short episodes are not counted
more often than long ones.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int

from checkpoints.console import UserError
from checkpoints.world.games import NUM_ACTIONS, Mode, get_game
from checkpoints.world.states import for_drawing, with_background

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy
    from checkpoints.policy.memory import Playing
    from checkpoints.world.environments import Levels

Swap = Literal["none", "episode", "step"]
SWAPS: tuple[Swap, ...] = ("none", "episode", "step")
Pool = Literal["all", "seen", "unseen"]
_FEWEST = 8  # environments of the smallest world: below, a step costs more than what it steps


class Played(NamedTuple):
    """One episode from each first state."""

    returns: Float[np.ndarray, " episode"]
    """undiscounted"""
    steps: Int[np.ndarray, " episode"]
    backgrounds: Int[np.ndarray, " episode"]
    """of each first state, as it was played"""
    actions: Int[np.ndarray, " action"]
    """how often each was taken, in all episodes together"""


def other_than(
    pool: Sequence[int], own: Int[np.ndarray, " state"], rng: np.random.Generator
) -> Int[np.ndarray, " state"]:
    """For each state one background of ``pool`` that is not its own, uniformly drawn.

    Raises:
        UserError: a state for which the pool holds no other.
    """
    choices = np.array(sorted(set(pool)), dtype=np.int64)
    place = np.searchsorted(choices, own)
    inside = np.isin(own, choices)
    left = len(choices) - inside
    if left.min() < 1:
        raise UserError(
            f"expected a background other than {own[left.argmin()]} to draw a state on, got only "
            f"{choices.tolist()}; draw from more"
        )
    drawn = rng.integers(0, left)
    return choices[drawn + (inside & (drawn >= place))]


class Stage:
    """Levels of a game, unseen ones unless others are given, met in the same states every time.

    Episodes end at different times. Those still playing move to ever smaller worlds, which saves
    stepping the ended ones; all worlds are kept, since Procgen leaks memory with each.
    """

    def __init__(
        self, game: str, mode: Mode, episodes: int, seed: int, levels: "Levels | None" = None
    ) -> None:
        """Draw the first states; the same arguments draw the same."""
        from checkpoints.training.evaluate import Evaluation
        from checkpoints.world.environments import Levels, ProcgenVectorEnv
        from checkpoints.world.renderer import Renderer

        self.game, self.episodes, self.seed = game, episodes, seed
        levels = levels or Levels.unseen()
        there = Evaluation(game, mode, levels=levels, num_envs=episodes, seed=seed)
        self.first, self.levels = there.first, there.levels
        self.own = np.array([for_drawing(state, game).own for state in self.first])
        """(episode,) the background on which each level is met"""
        self._worlds = [there.env]
        while (size := self._worlds[-1].num_envs // 2) >= _FEWEST:
            self._worlds.append(ProcgenVectorEnv(game, levels=levels, mode=mode, num_envs=size))
        self._renderer = Renderer(game)

    def met(self, narrowed: Sequence[int] = ()) -> Int[np.ndarray, " episode"]:
        """The background of each level where training drew every level on one of ``narrowed``.

        The rule is that of ``ProcgenVectorEnv(backgrounds=)``; none leaves the game's own.
        """
        return np.array(narrowed)[self.levels % len(narrowed)] if narrowed else self.own

    def play(
        self, policy: "Policy", swap: Swap, pool: Sequence[int], narrowed: Sequence[int] = ()
    ) -> Played:
        """One episode from each first state.

        Args:
            policy: in evaluation mode; its actions are sampled, with the same random numbers for
                every swap.
            swap: ``none`` keeps each level's background; ``episode`` edits its first state;
                ``step`` shows every step on a background drawn anew.
            pool: backgrounds to draw from; each level's own is left out.
            narrowed: what training drew its levels on, see :meth:`met`.
        """
        from checkpoints.policy.memory import Playing

        draws, wallpaper = (np.random.default_rng([self.seed, k]) for k in (0, 1))
        met, first = self.met(narrowed), self.first
        begun = other_than(pool, met, wallpaper) if swap == "episode" else met
        if (begun != self.own).any():
            edits = zip(first, begun.tolist(), strict=True)
            first = [with_background(state, self.game, index) for state, index in edits]
        playing = Playing(policy, self.episodes)
        total, steps = np.zeros(self.episodes), np.zeros(self.episodes, dtype=np.int64)
        taken = np.zeros(NUM_ACTIONS, dtype=np.int64)
        rows = slots = np.arange(self.episodes)
        world = self._worlds[0]
        frames = world.set_states(first)
        while len(rows):
            if swap == "step":
                shown = other_than(pool, met, wallpaper)[rows].tolist()
                states = world.get_states(slots.tolist())
                frames = self._renderer.render_each(states, shown)
            else:
                frames = frames[slots]
            actions = np.zeros(world.num_envs, dtype=np.int32)
            actions[slots] = act(playing.at(rows), frames, draws.random(self.episodes)[rows])
            taken += np.bincount(actions[slots], minlength=NUM_ACTIONS)
            frames, rewards, dones, _, _ = world.step(actions)
            total[rows] += rewards[slots]
            steps[rows] += 1
            rows, slots = rows[~dones[slots]], slots[~dones[slots]]
            smaller = [one for one in self._worlds if len(rows) <= one.num_envs < world.num_envs]
            if len(rows) and smaller:
                kept = world.get_states(slots.tolist())
                world, slots = smaller[-1], np.arange(len(rows))
                frames = world.set_states(kept + kept[:1] * (world.num_envs - len(kept)))
        return Played(total, steps, begun, taken)


def blind(actions: Int[np.ndarray, " action"]) -> "Policy":
    """A policy that takes each action as often as another one did, whatever it is shown.

    What it earns is the floor: a policy that earns no more may as well not look.
    """
    import torch
    from torch import nn

    class Blind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shares = nn.Parameter(torch.from_numpy(actions / actions.sum()))

        def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            # An action never taken stays so, and its logarithm finite.
            logits = self.shares.clamp_min(1e-30).log().expand(len(frames), -1)
            return logits, logits.new_zeros(len(frames))

    return cast("Policy", Blind().eval())


def act(
    policy: "Policy | Playing", frames: np.ndarray, uniform: Float[np.ndarray, " state"]
) -> Int[np.ndarray, " state"]:
    """The action at which the cumulated probability first exceeds ``uniform``, for each frame.

    Equal decisions and equal numbers give equal actions: common random numbers.
    """
    import torch

    from checkpoints.training.evaluate import check_decisions

    device = next(policy.parameters()).device
    with torch.inference_mode():
        logits, _ = policy(torch.from_numpy(np.ascontiguousarray(frames)).to(device))
    check_decisions(logits)
    cumulated = logits.double().softmax(-1).cumsum(-1).cpu().numpy()
    return (uniform[:, None] >= cumulated[:, :-1]).sum(1)


def pool_of(kind: Pool, game: str, trained: Sequence[int]) -> tuple[int, ...]:
    """The backgrounds to draw from; may be empty."""
    there = range(get_game(game).backgrounds)
    return tuple(b for b in there if kind == "all" or (b in trained) == (kind == "seen"))
