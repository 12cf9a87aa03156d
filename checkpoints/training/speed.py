"""How fast this machine trains in each precision.

A processor without AVX-512 or AMX emulates bfloat16, nine times slower than float32; one that has
them may be twice as fast in it.
"""

import time
from dataclasses import replace
from typing import get_args

from checkpoints.policy.recipes import Precision, Recipe

FRAMES = 64
"""In a pass that is timed: enough to tell a factor of two, and half a second where it is slow."""
SLOWER = 1.3
"""Factor from which the other precision is recommended."""


def frames_a_second(recipe: Recipe, device: str = "cpu") -> float:
    """Frames that go through a network of the recipe in a second of learning.

    Counted as ``Recipe.work`` counts them, where a backward pass stands for two frames: the unit
    of ``Recipe.cost`` for a network of width 1. Takes half a second at most on a processor.
    """
    import torch

    from checkpoints.policy.encoders import Policy

    state = torch.get_rng_state()
    policy = Policy.of(replace(recipe, width=1)).to(device)
    frames = torch.zeros((FRAMES, 64, 64, 3), dtype=torch.uint8, device=device)
    low = recipe.precision == "bfloat16"

    def learn() -> float:
        started = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=low):
            logits, values = policy(frames)
        (logits.square().mean() + values.square().mean()).backward()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    learn()
    torch.set_rng_state(state)
    return 3 * FRAMES / min(learn() for _ in range(1 if low else 5))


def compare_precisions(recipe: Recipe, device: str = "cpu") -> str:
    """A sentence: the rate of each precision, and which to take where the recipe's is slower."""
    rates = {
        name: frames_a_second(replace(recipe, precision=name), device)
        for name in get_args(Precision)
    }
    listed = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    said = f"frames a second through the network here: {listed}"
    fastest = max(rates, key=lambda name: rates[name])
    times = rates[fastest] / rates[recipe.precision]
    if times < SLOWER:
        return said
    return (
        f"{said}. This run computes in {recipe.precision}, {times:.1f} times slower than "
        f"{fastest}; a new run takes --recipe.precision {fastest}, one that has begun keeps its own"
    )
