"""Policies trained elsewhere become Twinscope policies: what their headers say, and the file."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from checkpoints.console import UserError
from checkpoints.doors.numbers import whole
from checkpoints.policy.foreign import convert, read_weights
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id
from checkpoints.policy.recipes import METHODS, Recipe, base_method, get_recipe
from checkpoints.policy.store import Provenance, policy_path, save_policy, source_hash, versions
from checkpoints.world.games import Mode

if TYPE_CHECKING:
    from torch import Tensor

    from checkpoints.policy.encoders import Policy

ALL_LEVELS = 1_000_000
"""Kept as the number of training levels where all of Procgen's were allowed."""


@dataclass(frozen=True)
class Settings:
    """Write weights trained elsewhere as a Twinscope policy, with where they come from.

    State dicts of arXiv 2501.02481's public code, of CleanRL's ppo_procgen, of
    train-procgen-pytorch, auto-drac and impoola are recognised, as written by torch.save (tensors
    only: no code in the file is run) or as .safetensors.
    """

    file: Positional[Path]
    """state dict of the agent, or of its encoder alone"""
    id: Positional[str]
    """what it shall be called, such as starpilot/ppo/0 or starpilot/idaac/7; any method's name"""
    mode: Mode
    """Procgen's difficulty in training: hard in arXiv 2501.02481, easy in CleanRL's script"""
    levels: Annotated[int, whole(0, 10**6)]
    """training levels: 500 in arXiv 2501.02481; 0 for all, as in CleanRL's script"""
    steps: Annotated[int, whole(0, 10**12)]
    """environment steps it was trained for; the file does not say"""
    actor: Path | None = None
    """state dict of the actor, where FILE holds the encoder alone"""
    critic: Path | None = None
    """state dict of the critic, where FILE holds none"""
    without_critic: bool = False
    """where no critic was saved: write one of zeros, and read nothing into values"""
    output: Path = Path("runs")
    """folder of runs that receives the policy"""
    overwrite: bool = False
    """replace a policy that exists"""


def _recipe_of(method: str) -> Recipe:
    """The settings of a method of ours; of another, which may bear any name, those usual."""
    return get_recipe(method) if base_method(method) in METHODS else Recipe()


def _gather(settings: Settings) -> "dict[str, Tensor]":
    """All tensors of the agent, from as many files as it was saved in."""
    import torch

    tensors = read_weights(settings.file)
    for head, path in (("actor", settings.actor), ("critic", settings.critic)):
        if path is not None:
            tensors |= {f"{head}.{name}": value for name, value in read_weights(path).items()}
    if settings.without_critic:
        if "critic.weight" in tensors:
            raise UserError("the files hold a critic: leave out --without-critic")
        width = tensors["actor.weight"].shape[-1] if "actor.weight" in tensors else 1
        tensors |= {"critic.weight": torch.zeros(1, width), "critic.bias": torch.zeros(1)}
    return tensors


def provenance_of(settings: Settings, policy: "Policy", source: str) -> Provenance:
    """What the header says: the settings given, the program, and the hash of each file."""
    asked = parse_id(settings.id)
    if asked.method == UNTRAINED:
        raise UserError(f"{settings.id}: expected the method that trained it, got {UNTRAINED!r}")
    if settings.steps < 0 or asked.step not in (None, settings.steps):
        raise UserError(
            f"expected --steps to be 0 or more and to agree with the id, got {settings.steps:,} "
            f"for {settings.id}"
        )
    policy_id = PolicyId(asked.game, asked.method, asked.seed, asked.peer or 0, settings.steps)
    recipe = replace(
        _recipe_of(asked.method),
        encoder=policy.architecture,
        features=policy.actor.in_features // policy.width,
        width=policy.width,
        mode=settings.mode,
        levels=settings.levels or ALL_LEVELS,
    )
    made = {"source": source, "converter": source_hash(), **versions()}
    for part in ("file", "actor", "critic"):
        path = getattr(settings, part)
        if path is not None:
            made[f"sha256 of {part}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    if settings.without_critic:
        made["critic"] = "not saved: zeros, values mean nothing"
    return Provenance(str(policy_id), asdict(recipe), settings.steps, {}, made, "converted")


def main(settings: Settings) -> None:
    """Convert one policy and write it."""
    policy, source = convert(_gather(settings))
    made = provenance_of(settings, policy, source)
    path = policy_path(settings.output, made.policy_id)
    if path.exists() and not settings.overwrite:
        raise UserError(f"{path} exists and is kept; give --overwrite or another --output")
    save_policy(policy, made, path)
    print(f"{made.id}: recognised as {source}; use it with: python -m analysis.cka {path}")
    print(path)
