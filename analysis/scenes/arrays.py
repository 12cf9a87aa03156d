"""Arrays in place of policies: files of features whose rows are the same states."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar

import numpy as np

from analysis.measures.hsic import check_finite
from analysis.records.command import Output
from analysis.scenes.cache import digest_of
from checkpoints.console import UserError, path_of, say
from checkpoints.doors.arrays import read_array, tensor_names
from checkpoints.doors.numbers import Seed, whole

EACH = "each"
"""Given in place of a file of levels: every row is a level of its own."""
ROWS = ("rows", "features")
_S = TypeVar("_S")
_OF_ARRAYS = ("levels", "factor")
_OF_POLICIES = ("layers", "factors", "policy")


@dataclass(frozen=True)
class ArraySettings(Output):
    """What decides a table of arrays, as the command that takes them has it, and where it goes."""

    levels: str = ""
    """a file of the level of each row; ``each`` where every row stands alone; or nothing: then
    there is neither interval nor chance level"""
    replicates: Annotated[int, whole(20, 10**5)] = 500
    """bootstrap replicates behind the interval"""
    seed: Seed = 0
    """of everything drawn"""


def are_arrays(names: Sequence[str]) -> bool:
    """Whether files of arrays are named, and not policies.

    A ``.safetensors`` file of one tensor is an array; policies have many.

    Raises:
        UserError: some are arrays and some are not.
    """
    told = [_is_array(name) for name in names]
    if any(told) and not all(told):
        policy = names[told.index(False)]
        raise UserError(
            f"expected policies or arrays, got both: {names[told.index(True)]} is an array and "
            f"{policy} is none; export the policy's layer to .npy first"
        )
    return any(told)


def arrays_settings(settings: Any, kind: type[_S]) -> _S | None:
    """What a command that takes policies or arrays does with what it was given.

    Args:
        settings: of the command; ``ids`` names policies or arrays.
        kind: settings that decide the table of arrays, each of which the command has, too.

    Returns:
        The settings for arrays; None where policies are named.

    Raises:
        UserError: some are arrays and some are not; a setting of the other kind is given.
    """
    arrays = are_arrays(settings.ids)
    for name in _OF_POLICIES if arrays else _OF_ARRAYS:
        if getattr(settings, name, None):
            wanted, got = ("policies", "arrays")[:: 1 if arrays else -1]
            why = ", which are one layer each" if arrays else "; leave it out"
            raise UserError(f"--{name}: expected {wanted}, got {got}{why}")
    if not arrays:
        return None
    return kind(**{one.name: getattr(settings, one.name) for one in fields(kind)})  # type: ignore[arg-type]


def _is_array(name: str) -> bool:
    if name.endswith((".npy", ".npz")):
        return True
    path = path_of(name)
    return path.suffix == ".safetensors" and path.is_file() and len(tensor_names(path)) == 1


@dataclass(frozen=True, eq=False)
class Arrays:
    """Features of the same states, as a user brings them.

    Attributes:
        features: name as typed -> (n, …) numbers, every one of the same states.
        levels: (n,) number of each state's level; None where nothing is known of them.
        files: name as typed -> hash of the file, for the provenance.
    """

    features: dict[str, np.ndarray]
    levels: np.ndarray | None
    files: dict[str, str]

    @property
    def states(self) -> int:
        """Rows of every array."""
        return len(next(iter(self.features.values())))

    @property
    def provenance(self) -> dict[str, Any]:
        """What decides numbers and is no setting."""
        return {"arrays": self.files}


def read_arrays(
    names: Sequence[str], levels: str, *, least: int = 1, axes: Sequence[str] = ROWS
) -> Arrays:
    """Read and check all files before anything is measured.

    Args:
        names: files of one array each.
        levels: a file of one label a row, ``each``, or nothing.
        least: arrays that must be given.
        axes: what the axes of every array are.

    Raises:
        UserError: fewer arrays, one named twice, another number of axes, unequal rows, an array
            that does not vary; errors of :func:`checkpoints.doors.arrays.read_array`.
    """
    if len(names) < least:
        raise UserError(
            f"expected at least {least} arrays of the same states, got {len(names)}; name more"
        )
    say(f"reading {len(names)} array{'s' if len(names) > 1 else ''}")
    if len(set(names)) < len(names):
        raise UserError(f"expected each array once, got {', '.join(names)}; name each once")
    features = {name: _features(name, axes) for name in names}
    sizes = {len(x) for x in features.values()}
    if len(sizes) > 1:
        told = ", ".join(f"{len(x):,} in {name}" for name, x in features.items())
        raise UserError(
            f"expected arrays of the same states, row by row, got {told} rows; compute all of "
            "them on one set of states, in one order"
        )
    files = {name: digest_of(path_of(name)) for name in names}
    labels = None
    if levels == EACH:
        labels, files["levels"] = np.arange(sizes.pop()), EACH
    elif levels:
        labels, files["levels"] = read_levels(levels, sizes.pop()), digest_of(path_of(levels))
    return Arrays(features, labels, files)


def _features(name: str, axes: Sequence[str]) -> np.ndarray:
    x = read_array(path_of(name), "features")
    if x.ndim != len(axes) or 0 in x.shape:
        wanted = ", ".join(axes)
        raise UserError(
            f"{name}: expected an array of shape ({wanted}), none of them 0, got {x.shape}; "
            f"{'flatten what is one state to a row' if x.ndim > len(axes) else 'save it so'}"
        )
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    check_finite(x, name)
    if (x == x[:1]).all():
        raise UserError(
            f"{name}: expected rows that differ, got the same one {len(x):,} times; leave the "
            "array out, nothing can be said of its likeness"
        )
    return x


def read_levels(name: str, states: int) -> np.ndarray:
    """The label of each state's level, numbers or text.

    Raises:
        UserError: no vector, another number of labels than states, fewer than 2 levels.
    """
    found = read_array(path_of(name), "levels", text=True)
    if found.shape != (states,):
        raise UserError(
            f"{name}: expected the level of each of {states:,} rows, shape ({states},), got "
            f"{found.shape}; save one label a row"
        )
    if len(np.unique(found)) < 2:
        raise UserError(
            f"{name}: expected at least 2 levels, got one; leave --levels out if rows have no "
            f"levels, or give --levels {EACH} if each stands alone"
        )
    return found
