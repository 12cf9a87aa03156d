"""Pictures and networks of which it is known what the background does to decisions.

The upper half of a picture is background: eight stripes, of which one is bright. The lower half
is the state: eight stripes of random brightness. A network reads the mean of each stripe into 16
features and decides from some of them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from analysis.policies.subjects import Subject
from analysis.scenes.bank import Bank, StateList
from analysis.scenes.twin_sets import TwinSet
from analysis.studies.erasure.interventions import SplitTwins
from checkpoints.policy.adapters import Adapted
from checkpoints.policy.store import Provenance

STRIPES = 8
BACKGROUNDS = 4


class Stripes(nn.Module):
    """Mean brightness of the 16 stripes, mixed by a rotation so that no feature is one stripe."""

    def __init__(self) -> None:
        super().__init__()
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
        self.turn = nn.Parameter(torch.from_numpy(turn.astype(np.float32)))

    def forward(self, frames: Tensor) -> Tensor:
        halves = frames[..., 0].float().reshape(len(frames), 2, 32, STRIPES, 8)
        return halves.mean(dim=(2, 4)).flatten(1) / 255 @ self.turn


class Cells(Stripes):
    """The same stripes, unmixed, as two rows of eight cells: background above, state below."""

    def forward(self, frames: Tensor) -> Tensor:
        return (super().forward(frames) @ self.turn.T).reshape(-1, 1, 2, STRIPES)


class Network(nn.Module):
    """Logits and value are a fixed function of background and state stripes."""

    def __init__(self, decide: Callable[[Tensor, Tensor], Tensor], read: Stripes) -> None:
        super().__init__()
        self.read, self.decide = read, decide

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        stripes = self.read(frames).flatten(1)
        if not isinstance(self.read, Cells):
            stripes = stripes @ self.read.turn.T
        signal = 4 * self.decide(stripes[:, :STRIPES], stripes[:, STRIPES:])
        logits = torch.cat([signal, torch.zeros(len(frames), 15 - STRIPES)], dim=1)
        return logits, signal[:, 0]


def only_background(background: Tensor, state: Tensor) -> Tensor:
    return background


def only_sprites(background: Tensor, state: Tensor) -> Tensor:
    return state


def both(background: Tensor, state: Tensor) -> Tensor:
    return background + state


def product(background: Tensor, state: Tensor) -> Tensor:
    """The background acts with a sign that the state gives: its mean effect on logits is 0."""
    return background * torch.sign(state[:, :1] - 0.5)


def nothing(background: Tensor, state: Tensor) -> Tensor:
    return 1e-4 * (background + state)


def subject(decide: Callable[[Tensor, Tensor], Tensor], read: type[Stripes] = Stripes) -> Subject:
    made = Provenance("starpilot/ppo/0", {}, 0, {}, {}, "planted")
    policy = Adapted(Network(decide, read()), ("read",), name="planted")
    return Subject.of(policy, made)


def pictures(states: int, seed: int = 0) -> np.ndarray:
    """``(state, background, 64, 64, 3)``: every state in front of every background."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((states, BACKGROUNDS, 2, 32, STRIPES, 8, 3), dtype=np.uint8)
    frames[:, :, 1] = rng.integers(0, 256, (states, 1, 1, STRIPES, 1, 1))
    for b in range(BACKGROUNDS):
        frames[:, b, 0, :, b] = 255
    return frames.reshape(states, BACKGROUNDS, 64, 64, 3)


def split_pictures(
    folder: Path, states: int = 60, *, per_level: int = 3, replicates: int = 100
) -> SplitTwins:
    """A twin set of :func:`pictures`, some states a level, as the renderer would have drawn it."""
    frames = pictures(states)
    np.save(folder / "frames.npy", frames)
    zeros = np.zeros(states, dtype=np.int64)
    levels = np.arange(states) // per_level
    bank = Bank(StateList.of([b"state"] * states), frames[:, 0], levels, zeros, zeros)
    twins = TwinSet("starpilot", bank, tuple(range(BACKGROUNDS)), zeros, folder / "frames.npy")
    mask = np.zeros((states, 64, 64), dtype=bool)
    mask[:, :32] = True
    return SplitTwins(twins, mask, seed=0, replicates=replicates)
