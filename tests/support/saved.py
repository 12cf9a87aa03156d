"""A policy with random weights in its file, and where it says that it comes from."""

from dataclasses import asdict
from pathlib import Path

import torch

from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import Provenance, policy_path, save_policy

NAME = "starpilot/ppo/0/peer0/step2048"
RECIPE = Recipe(encoder="nature", features=8, mode="easy")


def provenance(name: str = NAME, recipe: Recipe = RECIPE) -> Provenance:
    return Provenance(name, asdict(recipe), 2048, {"unseen": 3.5}, {"torch": "x"}, "abc")


def saved(root: Path, name: str = NAME, half: bool = False) -> tuple[Policy, Path]:
    torch.manual_seed(0)
    policy = Policy("nature", 8)
    path = policy_path(root, parse_id(name))
    save_policy(policy, provenance(name), path, half=half)
    return policy, path
