"""A folder of policies with random weights, under trained names."""

from dataclasses import asdict
from pathlib import Path

import torch

from analysis.policies.subjects import Subject
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import Provenance, policy_path, save_policy

RECIPE = Recipe(encoder="nature", features=8, mode="easy")


def subject(name: str, seed: int, recipe: Recipe = RECIPE) -> Subject:
    torch.manual_seed(seed)
    policy = Policy(recipe.encoder, recipe.features).eval()
    steps = parse_id(name).step or 64
    return Subject.of(policy, Provenance(name, asdict(recipe), steps, {}, {}, "code"))


def zoo(root: Path, *names: str, recipe: Recipe = RECIPE) -> Path:
    """Synthetic policies: random weights under trained names."""
    for seed, name in enumerate(names):
        one = subject(name, seed, recipe)
        save_policy(one.policy, one.provenance, policy_path(root, one.id))
    return root
