"""Policies that somebody damaged or forged: read as what they are, or refused in words."""

from pathlib import Path

import numpy as np
import torch

from checkpoints.console import UserError
from checkpoints.policy.store import load_policy
from tests.support.hostile_files import changed_tensors
from tests.support.saved import saved

INPUTS = 600


def test_changed_policies_are_refused_or_sound(tmp_path: Path):
    _, path = saved(tmp_path)
    sound, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(INPUTS):
        path.write_bytes(changed_tensors(sound, "twinscope", rng))
        try:
            policy, made = load_policy(path)
        except UserError:
            refused += 1
            continue
        assert made.settings() and all(p.isfinite().all() for p in policy.parameters())
        assert {p.dtype for p in policy.parameters()} == {torch.float32}
    assert 0.7 * INPUTS < refused < INPUTS, refused
