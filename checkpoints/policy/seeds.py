"""Every random number of a run follows from its seed, its peer and the iteration it falls in.

Nothing is carried from one iteration to the next, so a run that goes on after a kill draws the
same numbers as one that was never stopped, without any generator having been saved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a stream of random numbers is for; two purposes never share a stream."""

    WEIGHTS = 0
    LEVELS = 1
    ACTIONS = 2
    SHUFFLE = 3
    DROPOUT = 4
    EVALUATION = 5
    VIEWS = 6


def derive(seed: int, peer: int, purpose: Purpose, iteration: int = 0) -> int:
    """A seed in 0 <= x < 2**31 for one stream."""
    key = np.random.SeedSequence([seed, peer, int(purpose), iteration])
    return int(key.generate_state(1)[0] >> 1)


def generator(
    seed: int, peer: int, purpose: Purpose, iteration: int = 0, device: str = "cpu"
) -> torch.Generator:
    """A torch generator for one stream."""
    return torch.Generator(device).manual_seed(derive(seed, peer, purpose, iteration))


@contextmanager
def seed_torch(
    seed: int, peer: int, purpose: Purpose, iteration: int = 0, device: str = "cpu"
) -> Iterator[None]:
    """Torch's global generators of the CPU and of ``device`` set for one stream, and put back.

    Other devices are left asleep: asked for the state of its generator, a GPU takes memory.
    """
    drawn = derive(seed, peer, purpose, iteration)
    used = [] if device == "cpu" else [torch.cuda.current_device()]
    with torch.random.fork_rng(devices=used, device_type="cuda"):
        torch.default_generator.manual_seed(drawn)
        if used:
            torch.cuda.manual_seed(drawn)
        yield
