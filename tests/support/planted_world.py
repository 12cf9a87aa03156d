"""Planted worlds in files: what depends on the state, and what on the variant, is known.

A patch in the middle is the state, drawn alike in all variants; all around it is the variant, a
colour with noise drawn anew for each state and variant. A policy that looks at the patch alone
ignores the nuisance, one that looks at a corner alone sees nothing else.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

VARIANTS = 5
SHAPES = {
    "planted-small": ((64, 64, 3), 17),
    "planted-stack": ((84, 84, 4), 5),
    "planted-large": ((210, 160, 3), 9),
}
PATCH = 8
_POLICY = """
import torch
from torch import nn

from checkpoints.policy.adapters import Adapted

SHAPE, ACTIONS, WORLD = {shape}, {actions}, "{world}"


class Looks(nn.Module):
    def __init__(self, top, left):
        super().__init__()
        self.top, self.left = top, left
        self.conv = nn.Conv2d(SHAPE[2], 6, 4, 4)
        self.hidden = nn.Linear(6 * {cells}, 12)
        self.pi, self.v = nn.Linear(12, ACTIONS), nn.Linear(12, 1)

    def forward(self, frames):
        part = frames[:, self.top:self.top + {patch}, self.left:self.left + {patch}]
        conv = torch.tanh(self.conv(part.permute(0, 3, 1, 2) / 255))
        features = self.hidden(conv.flatten(1))
        return 5 * self.pi(features), self.v(features)


def _made(name, top, left):
    torch.manual_seed(0)
    return Adapted(Looks(top, left), ("conv", "hidden"), id=f"{{WORLD}}/{{name}}/0",
                   image_shape=SHAPE)


def ignores():
    return _made("ignores", {top}, {left})


def sees():
    return _made("sees", 0, 0)
"""


def planted(world: str, *, levels: int = 24, per_level: int = 6, seed: int = 0) -> dict[str, Any]:
    """Arrays of a world's file, by their names in it."""
    (height, width, channels), actions = SHAPES[world]
    rng = np.random.default_rng(seed)
    states = levels * per_level
    top, left = height // 2 - PATCH // 2, width // 2 - PATCH // 2
    colours = np.linspace(100, 150, VARIANTS)[None, :, None, None, None]
    noise = colours + rng.uniform(-90, 90, (states, VARIANTS, PATCH, PATCH, channels))
    repeats = (1, 1, -(-height // PATCH), -(-width // PATCH), 1)
    frames = np.tile(noise.astype(np.uint8), repeats)[:, :, :height, :width]
    inside = slice(top, top + PATCH), slice(left, left + PATCH)
    light = rng.uniform(50, 200, (states, 1, 1, 1, 1))
    patch = (light + rng.uniform(-50, 50, (states, 1, PATCH, PATCH, channels))).astype(np.uint8)
    frames[:, :, *inside] = patch
    mask = np.ones((states, height, width), dtype=bool)
    mask[:, *inside] = False
    meta = {"world": world, "variants": [f"v{k}" for k in range(VARIANTS)], "actions": actions}
    return {
        "frames": frames,
        "level": np.repeat(np.arange(levels), per_level),
        "own": rng.integers(-1, VARIANTS, states),
        "time": np.tile(np.arange(per_level), levels),
        "mask": mask,
        "factor/brightness": patch.mean(axis=(1, 2, 3, 4)),
        "factor/bright": patch.mean(axis=(1, 2, 3, 4)) > 127.5,
        "meta": np.array(json.dumps(meta)),
    }


def write_world(path: Path, world: str = "planted-small", **changes: Any) -> Path:
    """A world's file, some arrays of which are others, or None: left out."""
    arrays = planted(world) | changes
    kept = {name: one for name, one in arrays.items() if one is not None}
    np.savez_compressed(path, **kept)
    return path


def write_policy(folder: Path, world: str = "planted-small") -> str:
    """A Python file with two policies; its path."""
    shape, actions = SHAPES[world]
    top, left = shape[0] // 2 - PATCH // 2, shape[1] // 2 - PATCH // 2
    path = folder / "looks.py"
    text = _POLICY.format(
        **{"shape": shape, "actions": actions, "world": world, "top": top, "left": left},
        **{"patch": PATCH, "cells": (PATCH // 4) ** 2},
    )
    path.write_text(text)
    return str(path)
