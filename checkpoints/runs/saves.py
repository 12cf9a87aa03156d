"""What a save must hold: every part checked against the recipe before a run takes any of it.

Fused Adam reads memory and trusts shapes: a moment of another shape or precision would be read, and
written, past its end. Nothing of a save therefore reaches a group that is not what it should be.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from checkpoints.console import UserError
from checkpoints.doors.reading import convert
from checkpoints.doors.tensors import TensorSpec, check_tensors, read_tensors
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import weights_of
from checkpoints.runs.folder import Content, run_content
from checkpoints.world.environments import Levels
from checkpoints.world.games import Mode
from checkpoints.world.states import read_state

if TYPE_CHECKING:
    from torch import Tensor

MOMENTS = ("exp_avg", "exp_avg_sq")
_MODES: dict[Mode, int] = {"easy": 0, "hard": 1}
"""How Procgen stores a difficulty."""
_FLOAT, _DOUBLE = ("float32",), ("float64",)


class Log(msgspec.Struct, forbid_unknown_fields=True):
    """What a run tells of itself, beside its tensors."""

    rows: list[dict[str, int | float]]
    """of progress.csv, a row an iteration and peer; values may be NaN"""
    recent: list[Annotated[list[float], msgspec.Meta(max_length=100)]]
    """the last training returns of each peer"""


class Checked(msgspec.Struct):
    """A save whose every part fits its recipe."""

    content: Content
    log: Log
    tensors: "dict[str, Tensor]"

    def part(self, prefix: str) -> "dict[str, Tensor]":
        """The tensors whose names begin with ``prefix``, without it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.tensors.items()
            if name.startswith(prefix)
        }


def wanted_tensors(recipe: Recipe, peers: Iterable[int], *, begun: bool) -> dict[str, TensorSpec]:
    """Name -> what it must be, for every tensor of a save.

    Args:
        recipe: of the run.
        peers: their indices.
        begun: whether Adam has made a step, and so holds moments.
    """
    weights, envs = weights_of(recipe, _FLOAT), recipe.num_envs
    found: dict[str, TensorSpec] = {}
    moments = []
    for peer in peers:
        own = {f"policy.{name}": wanted for name, wanted in weights.items()}
        own |= {
            "env.bytes": TensorSpec((None,), ("uint8",)),
            "env.lengths": TensorSpec((envs,), ("int64",)),
            "scale.discounted": TensorSpec((envs,), _DOUBLE),
            "scale.moments": TensorSpec((3,), _DOUBLE),
            "running": TensorSpec((envs,), _DOUBLE),
        }
        found |= {f"peer{peer}/{name}": wanted for name, wanted in own.items()}
        moments += list(weights.values())
    for index, weight in enumerate(moments if begun else ()):
        found[f"group/adam.{index}.step"] = TensorSpec((), _FLOAT)
        found |= {f"group/adam.{index}.{name}": weight for name in MOMENTS}
    return found


def read_checked(path: Path, game: str, peers: Iterable[int] | None = None) -> Checked:
    """The save at ``path``, if every part of it is what a run of ``game`` saves.

    Args:
        path: of the save.
        game: of the run that it is to be.
        peers: their indices; from 0 on, as many as the recipe says, if none are given.

    Raises:
        UserError: damage, a missing or strange tensor, one of another shape or precision, numbers
            that are not finite or cannot be, states of another game or of other levels.
    """
    tensors, header = read_tensors(path)
    content = run_content(header, path)
    recipe = content.settings
    log = convert(content.extra, Log, where=f"{path}, header, extra")
    indices = list(range(recipe.peers) if peers is None else peers)
    wanted = wanted_tensors(recipe, indices, begun=content.iteration > 0)
    check_tensors(tensors, wanted, f"{path}, a save of {recipe.encoder}")
    checked = Checked(content, log, tensors)
    _check_rows(log.rows, indices, content.iteration * recipe.batch, path)
    if len(log.recent) != len(indices):
        raise _broken(path, f"the returns of {len(log.recent)} peers instead of {len(indices)}")
    _check_adam(
        checked.part("group/"), content.iteration * recipe.epochs * recipe.minibatches, path
    )
    for peer in indices:
        own = checked.part(f"peer{peer}/")
        _mean, variance, count = own["scale.moments"].tolist()
        if variance < 0 or count <= 0:
            raise _broken(path, f"rewards with variance {variance:g} over {count:g} steps")
        _check_states(states_of(own, path), game, recipe, path)
    return checked


def _check_rows(
    rows: list[dict[str, int | float]], peers: list[int], last: int, path: Path
) -> None:
    """Refuse a log that a run which goes on could not add to, or print."""
    for place, row in enumerate(rows):
        missing = [name for name in ("step", "peer", "train_return") if name not in row]
        if missing:
            raise _broken(path, f"a log without {missing[0]!r} in row {place}")
        if row["peer"] not in peers or not 0 < row["step"] <= last:
            raise _broken(
                path, f"peer {row['peer']:g} at step {row['step']:g} in row {place} of its log"
            )


def _check_adam(moments: "Mapping[str, Tensor]", steps: int, path: Path) -> None:
    for name, value in moments.items():
        if name.endswith(".step") and value.item() != steps:
            raise _broken(path, f"{name} {value.item():g} instead of {steps:,} updates")
        if name.endswith(".exp_avg_sq") and bool((value < 0).any()):
            raise _broken(path, f"mean squares below 0 in {name}")


def states_of(peer: "Mapping[str, Tensor]", path: Path) -> list[bytes]:
    """Procgen's states of one peer's environments, cut out of their one array."""
    content, lengths = peer["env.bytes"].numpy().tobytes(), peer["env.lengths"].tolist()
    if any(length < 0 for length in lengths) or sum(lengths) != len(content):
        raise _broken(path, f"{len(content):,} bytes of states instead of {sum(lengths):,}")
    found, start = [], 0
    for length in lengths:
        found.append(content[start : start + length])
        start += length
    return found


def _check_states(states: list[bytes], game: str, recipe: Recipe, path: Path) -> None:
    """Refuse environments of another game, difficulty or range of levels than the run trains on."""
    levels = Levels.train(recipe.levels)
    wanted = {
        "game": game,
        "distribution_mode": _MODES[recipe.mode],
        "level_seed_low": levels.start,
        "level_seed_high": levels.start + levels.count,
    }
    for data in states:
        try:
            state = read_state(data)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        for name, value in wanted.items():
            if getattr(state, name) != value:
                raise UserError(
                    f"{path}: the save is of another {name.replace('_', ' ')} "
                    f"({getattr(state, name)} → {value}); keep runs apart"
                )


def _broken(path: Path, what: str) -> UserError:
    return UserError(
        f"{path}: expected a save as training writes it, got one with {what}: it is damaged. Put "
        "back a copy, or train the run anew in another --output"
    )
