"""The complete state of a run in one safetensors file, so that a killed run goes on exactly.

Kept: weights, Adam's moments, reward scales, running episode returns and Procgen's own states.
Random numbers need no keeping (see ``checkpoints.policy.seeds``).
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from checkpoints.console import UserError
from checkpoints.doors.tensors import write_tensors
from checkpoints.policy.recipes import differences
from checkpoints.runs.folder import RUN_KEY, STATE, read_save
from checkpoints.runs.saves import MOMENTS, Log, read_checked, states_of
from checkpoints.training.group import Group
from checkpoints.training.peer import Peer


def _peer_state(peer: Peer) -> dict[str, Tensor]:
    states = peer.env.get_states()
    scale = peer.scale
    return {
        **{f"policy.{key}": value for key, value in peer.policy.state_dict().items()},
        "env.bytes": torch.from_numpy(np.frombuffer(b"".join(states), dtype=np.uint8).copy()),
        "env.lengths": torch.tensor([len(state) for state in states]),
        "scale.discounted": torch.from_numpy(scale.discounted.copy()),
        "scale.moments": torch.tensor(
            [scale.mean, scale.variance, scale.count], dtype=torch.float64
        ),
        "running": torch.from_numpy(peer.running.copy()),
    }


def _set_peer_state(peer: Peer, state: dict[str, Tensor], states: list[bytes]) -> None:
    weights = {k.removeprefix("policy."): v for k, v in state.items() if k.startswith("policy.")}
    peer.policy.load_state_dict(weights)
    peer.frames = peer.env.set_states(states)
    peer.scale.discounted = state["scale.discounted"].numpy().copy()
    peer.scale.mean, peer.scale.variance, peer.scale.count = state["scale.moments"].tolist()
    peer.running = state["running"].numpy().copy()


def _adam_state(group: Group) -> dict[str, Tensor]:
    moments = group.optimiser.state_dict()["state"]
    return {
        f"adam.{index}.{name}": value
        for index, slot in moments.items()
        for name, value in slot.items()
    }


def _set_adam_state(group: Group, tensors: dict[str, Tensor]) -> None:
    content = group.optimiser.state_dict()
    weights = group.optimiser.param_groups[0]["params"]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        _, index, name = key.split(".")
        weight = weights[int(index)]
        if name in MOMENTS:
            # Fused Adam walks memory and does not look at strides: a moment that is not laid out
            # like its weight (channels last) would silently meet the wrong elements.
            value = torch.empty_like(weight).copy_(value)
        moments.setdefault(int(index), {})[name] = value
    group.optimiser.load_state_dict({**content, "state": moments})


def save_state(group: Group, iteration: int, folder: Path, extra: dict[str, Any]) -> None:
    """Write everything needed to go on after ``iteration``; ``extra`` is kept as JSON."""
    tensors = {
        f"peer{peer.index}/{key}": value
        for peer in group.peers
        for key, value in _peer_state(peer).items()
    }
    tensors |= {f"group/{key}": value for key, value in _adam_state(group).items()}
    header = {
        RUN_KEY: json.dumps(
            {"iteration": iteration, "recipe": asdict(group.recipe), "extra": extra}
        )
    }
    write_tensors(tensors, header, folder / STATE)


def load_state(group: Group, folder: Path) -> tuple[int, Log]:
    """Put a saved state into a fresh group; returns the last iteration done and the run's log.

    Everything is checked first: after an error the group is as it was.

    Raises:
        UserError: the run was made with another recipe or game, which the message names, or the
            save is damaged: see :func:`checkpoints.runs.saves.read_checked`.
    """
    path = folder / STATE
    kept = read_save(path).recipe
    changed = differences(kept, group.recipe)
    if changed:
        raise UserError(
            f"{folder} was trained with another recipe ({'; '.join(changed)}). Give the same "
            "settings to go on, or another --output to start anew"
        )
    game = group.peers[0].env.game
    save = read_checked(path, game, [peer.index for peer in group.peers])
    parts = [save.part(f"peer{peer.index}/") for peer in group.peers]
    worlds = [
        peer.env.try_states(states_of(part, path))
        for peer, part in zip(group.peers, parts, strict=True)
    ]
    for peer, part, states in zip(group.peers, parts, worlds, strict=True):
        _set_peer_state(peer, part, states)
    _set_adam_state(group, save.part("group/"))
    return save.content.iteration, save.log
