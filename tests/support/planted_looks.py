"""Policies of which it is known how far a background moves them, and the world that they see.

A picture shows six codes of its state and six of its background, all of one list: the codes of
states of different levels differ just as those of backgrounds do. A policy's logits are small and
linear in both, with a weight for the background, so that its TV twins ÷ TV states is that weight.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from analysis.policies.subjects import Subject
from analysis.scenes.bank import Bank, StateList
from analysis.scenes.episodes import Played, Stage
from analysis.scenes.twin_sets import TwinSet
from analysis.studies.looks.runs import Scenes
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import Provenance, policy_path, save_policy
from checkpoints.world.buttons import buttons

GAME, CODES, VIEWS, PER_LEVEL = "coinrun", 6, 4, 3
FEATURES = 2 * CODES
STRENGTH = 0.4
"""Largest logit of a state: decisions differ enough to be decided, and are nearly linear."""


def planted(recipe: Recipe, background: float) -> Policy:
    """A Nature network that hands on one pixel in 8 x 8, with such a weight for backgrounds."""
    policy = Policy.of(recipe)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.zero_()
        for conv in (policy.encoder.conv1, policy.encoder.conv2, policy.encoder.conv3):
            conv[0].weight[0, 0, 0, 0] = 1.0
        policy.encoder.hidden[0].weight[:, :FEATURES] = torch.eye(FEATURES)
        for place, group in enumerate(buttons(GAME)):
            policy.actor.weight[list(group), place] = STRENGTH
            policy.actor.weight[list(group), CODES + place] = STRENGTH * background
    return policy


def keep(root: Path, run: PolicyId, recipe: Recipe, step: int, *backgrounds: float) -> None:
    """Policy files of a run's peers at a step, one for each weight."""
    for peer, background in enumerate(backgrounds):
        own = PolicyId(run.game, run.method, run.seed, peer, step)
        made = Provenance(str(own), asdict(recipe), step, {}, {}, "planted")
        save_policy(planted(recipe, background), made, policy_path(root, own))


class PlantedStage(Stage):
    """Episodes in which a policy earns 1 more than its actions drawn blind."""

    def __init__(self) -> None:
        self.levels = np.arange(8)

    def play(self, policy: Any, *_: Any) -> Played:
        """The same noise for both."""
        returns = np.random.default_rng(0).normal(size=8) + isinstance(policy, Policy)
        return Played(returns, np.ones(8, int), np.zeros(8, int), np.ones(15, int))


class PlantedScenes(Scenes):
    """In the place of ``analysis.studies.looks.runs.Scenes``."""

    def __init__(self, folder: Path) -> None:
        codes = np.random.default_rng(0).integers(256, size=(VIEWS, CODES))
        levels = np.repeat(np.arange(VIEWS), PER_LEVEL)
        grid = np.zeros((len(levels), VIEWS, 4, 4), dtype=np.uint8)
        shown = grid.reshape(len(levels), VIEWS, 16)
        shown[..., :CODES] = codes[levels][:, None]
        shown[..., CODES:FEATURES] = codes[None]
        frames = np.zeros((len(levels), VIEWS, 64, 64, 3), dtype=np.uint8)
        frames[:, :, :32:8, :32:8, 0] = grid
        np.save(folder / "frames.npy", frames)
        zeros = np.zeros(len(levels), dtype=np.int64)
        bank = Bank(StateList.of([b""] * len(levels)), frames[:, 0], levels, zeros, zeros)
        self.set = TwinSet(GAME, bank, tuple(range(VIEWS)), zeros, folder / "frames.npy")
        self.stage = PlantedStage()

    def twins(self, subject: Subject) -> TwinSet:
        """The same for all."""
        return self.set
