"""Recurrent policies and stacks of frames: what is carried through episodes, row by row."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from analysis.policies.edits import patched
from analysis.policies.features import read
from analysis.scenes.episodes import Stage
from checkpoints.console import UserError
from checkpoints.policy.adapters import Adapted
from checkpoints.policy.encoders import Policy
from checkpoints.policy.memory import Playing, row_axes


class Recurrent(nn.Module):
    """One step of an LSTM, time first, as recurrent libraries call it."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.lstm, self.head = nn.AvgPool2d(16), nn.LSTM(48, 12), nn.Linear(12, 16)

    def forward(self, frames: Tensor, memory):
        pooled = self.pool(frames.permute(0, 3, 1, 2) / 255).flatten(1)
        out, memory = self.lstm(pooled[None], memory)
        both = 4 * self.head(out[0])
        return both[:, :15], both[:, 15], memory


def begin(rows: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(1, rows, 12), torch.zeros(1, rows, 12)


@pytest.fixture
def recurrent() -> Adapted:
    torch.manual_seed(0)
    return Adapted(Recurrent(), ["pool", "lstm"], memory=begin)


@pytest.fixture
def frames() -> Tensor:
    draws = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (5, 4, 64, 64, 3), generator=draws, dtype=torch.uint8)


def unrolled(network: Recurrent, moments: Tensor) -> Tensor:
    """Logits at each moment of one episode, by the whole sequence at once."""
    with torch.no_grad():
        pooled = network.pool(moments.permute(0, 3, 1, 2) / 255).flatten(1)
        return 4 * network.head(network.lstm(pooled[:, None])[0][:, 0])[:, :15]


def test_the_state_goes_with_its_episode_also_when_others_have_ended(recurrent, frames):
    playing = Playing(recurrent, 4)
    rows = [np.arange(4), np.arange(4), np.array([1, 3]), np.array([3]), np.array([3])]
    found = [playing.at(here)(moment[here])[0] for here, moment in zip(rows, frames, strict=True)]
    for episode, last in ((0, 2), (1, 3), (2, 2), (3, 5)):
        wanted = unrolled(recurrent.encoder, frames[:last, episode])
        mine = [found[t][list(rows[t]).index(episode)] for t in range(last)]
        torch.testing.assert_close(torch.stack(mine), wanted, rtol=1e-5, atol=1e-5)
    assert (found[1][0] - recurrent(frames[1])[0][0]).abs().max() > 1e-3  # it does remember


def test_a_new_episode_begins_anew(recurrent, frames):
    one = Playing(recurrent, 4)
    first = one(frames[0])[0]
    one(frames[1])
    torch.testing.assert_close(Playing(recurrent, 4)(frames[0])[0], first)
    torch.testing.assert_close(recurrent(frames[0])[0], first)


def test_the_layer_of_a_recurrent_module_has_a_row_a_frame_and_can_be_changed(recurrent, frames):
    reading = read(cast(Policy, recurrent), frames[0].numpy())
    assert reading.layers["lstm"].shape == (4, 12)
    with torch.no_grad():
        head = recurrent.encoder.head
        logits = 4 * head(torch.from_numpy(reading.layers["lstm"]))[:, :15]
        torch.testing.assert_close(recurrent(frames[0])[0], logits)
        with patched(cast(Policy, recurrent), {"lstm": torch.zeros_like}):
            silent = recurrent(frames[0])[0]
    torch.testing.assert_close(silent, (4 * head.bias[:15]).expand(4, -1))


def test_a_stack_is_filled_with_the_first_frame_and_then_moves(frames):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64 * 9, 16))

    def decide(stacked):
        out = network(stacked.float() / 255)
        return out[:, :15], out[:, 15]

    one = Adapted(network, ["1"], decide, stack=3)
    playing = Playing(one, 4)
    found = [playing(moment)[0] for moment in frames]
    seen = [0, 0, 0, 1, 2, 3, 4]
    for t in range(5):
        stacked = torch.cat([frames[k] for k in seen[t : t + 3]], dim=-1)
        torch.testing.assert_close(found[t], decide(stacked)[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one(frames[0])[0], found[0])


def test_episodes_are_played_with_it(recurrent):
    stage = Stage("coinrun", "easy", 4, 0)
    remembering = stage.play(cast(Policy, recurrent), "none", ())
    torch.manual_seed(0)
    forgetful = Recurrent()

    def each_alone(frames):
        return forgetful(frames, begin(len(frames)))[:2]

    without = stage.play(cast(Policy, Adapted(forgetful, ["pool"], each_alone)), "none", ())
    again = stage.play(cast(Policy, recurrent), "none", ())
    assert (again.steps == remembering.steps).all() and (again.actions == remembering.actions).all()
    assert (without.actions != remembering.actions).any()


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (lambda n: torch.zeros(4), r"got shapes \(4,\) for 2 rows and \(4,\) for 3; begin it with"),
        (lambda n: torch.zeros(n, n), r"got shapes \(2, 2\) for 2 rows and \(3, 3\) for 3"),
        (lambda n: (torch.zeros(n), 3), "expected a memory of tensors in tuples, got int"),
    ],
)
def test_a_memory_without_one_place_for_rows_is_refused(memory, message):
    with pytest.raises(UserError, match=message):
        row_axes(memory)


def test_a_forward_that_does_not_hand_its_memory_on_is_refused():
    network = Recurrent()
    with pytest.raises(UserError, match="logits, values and the next memory, got tuple of 2"):
        Adapted(network, ["pool"], lambda f, m: network(f, m)[:2], memory=begin)
    with pytest.raises(UserError, match="expected a stack of at least 1, got 0"):
        Adapted(network, ["pool"], memory=begin, stack=0)
