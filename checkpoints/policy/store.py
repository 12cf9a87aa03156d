"""Policy files: one safetensors file each, its provenance in the header; no pickle anywhere."""

import hashlib
import json
import math
import os
import platform
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from checkpoints.console import UserError
from checkpoints.doors.reading import convert, parse_json, shown
from checkpoints.doors.tensors import (
    TensorSpec,
    check_tensors,
    read_header,
    read_tensors,
    write_tensors,
)
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id
from checkpoints.policy.recipes import Recipe, from_dict

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy

PACKAGE = Path(__file__).parents[1]
ZOO = PACKAGE / "zoo"
_KEY = "twinscope"
_FORMAT = 1
_PRECISIONS = ("float32", "float16")


@dataclass(frozen=True)
class Provenance:
    """Where a policy comes from; stands as JSON in the header of its file."""

    id: str
    recipe: dict[str, Any]
    steps: int
    """environment steps this policy was trained for"""
    returns: dict[str, float]
    """mean episode return by split (``train``, ``unseen``) when it was saved; may be empty"""
    versions: dict[str, str]
    code: str
    """hash of the training code; empty if nothing was trained"""

    def __post_init__(self) -> None:
        """Hold the recipe as it stands in a header, where tuples are lists."""
        object.__setattr__(self, "recipe", json.loads(json.dumps(self.recipe)))

    @property
    def policy_id(self) -> PolicyId:
        """The id, parsed."""
        return parse_id(self.id)

    def settings(self) -> Recipe:
        """The recipe, checked."""
        return from_dict(self.recipe)


@cache
def source_hash(package: Path = PACKAGE) -> str:
    """First 16 hex digits of the SHA-256 of a package's source, file by file; of this one's if none
    is named.

    Read once a process, when its work begins, so that it names the code that ran even if the files
    change meanwhile.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def versions() -> dict[str, str]:
    """Versions of what a policy's numbers depend on."""
    found = {"python": platform.python_version()}
    for package in ("torch", "numpy", "procgen-mirror"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """What stands in the header of a policy, typed as it must be."""

    format: int
    id: str
    recipe: dict[str, Any]
    steps: Annotated[int, msgspec.Meta(ge=0)]
    returns: dict[str, float]
    versions: dict[str, str]
    code: str


def weights_of(recipe: Recipe, dtypes: tuple[str, ...] = _PRECISIONS) -> dict[str, TensorSpec]:
    """Name -> shape and precision of each weight of a policy, without making one."""
    import torch

    from checkpoints.policy.encoders import Policy

    with torch.device("meta"):
        weights = Policy.of(recipe).state_dict()
    return {name: TensorSpec(tuple(value.shape), dtypes) for name, value in weights.items()}


def save_policy(
    policy: "Policy", provenance: Provenance, path: Path, *, half: bool = False
) -> None:
    """Write a policy, in half precision if asked (loading returns float32 either way).

    Raises:
        UserError: what could not be loaded again: weights that are not finite (in half precision,
            65,504 at most) or not those of the recipe's network, as those of an adapted module.
    """
    import torch

    dtype = torch.float16 if half else torch.float32
    tensors = {key: value.to(dtype) for key, value in policy.state_dict().items()}
    check_tensors(tensors, weights_of(provenance.settings()), f"policy {provenance.id}")
    header = {_KEY: json.dumps({"format": _FORMAT, **asdict(provenance)}, sort_keys=True)}
    write_tensors(tensors, header, path)


def _provenance(header: dict[str, str], path: Path) -> Provenance:
    if _KEY not in header:
        raise UserError(
            f"expected a Twinscope policy, but {path} carries no provenance: it was written by "
            "another program. Convert it with: python -m checkpoints.convert"
        )
    where = f"{path}, header"
    fields = parse_json(header[_KEY], dict[str, Any], where=where)
    if fields.get("format") != _FORMAT:
        raise UserError(f"expected file format {_FORMAT}, but {path} has another; update Twinscope")
    found = convert(fields, _Header, where=where)
    made = Provenance(
        found.id, found.recipe, found.steps, found.returns, found.versions, found.code
    )
    try:
        made.settings()
        own = made.policy_id
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    if own.peer is None or own.step != made.steps:
        raise UserError(
            f"{where}: expected an id with its peer and its {made.steps:,} steps, got {made.id!r}"
        )
    if not all(math.isfinite(value) for value in made.returns.values()):
        raise UserError(f"{where}: expected finite returns, got {shown(made.returns)}")
    _check_place(own, path)
    return made


def _check_place(own: PolicyId, path: Path) -> None:
    """Refuse a policy in the place of another: where the last folders make an id, it is its own."""
    place = "/".join(Path(os.path.abspath(path)).with_suffix("").parts[-5:])
    try:
        named = parse_id(place)
    except UserError:
        return  # a file by itself, under whatever name
    if named != own:
        raise UserError(
            f"{path}: expected the policy {named}, as its place says, got {own}; put it in its own "
            "place"
        )


def read_provenance(path: Path) -> Provenance:
    """Where a policy comes from, without importing torch."""
    return _provenance(read_header(path), path)


def load_policy(path: Path) -> "tuple[Policy, Provenance]":
    """A policy in evaluation mode, float32, and where it comes from.

    Raises:
        UserError: no such file, one that is damaged or of another kind, weights of another shape or
            precision or that are not finite, or the policy of another place.
    """
    from checkpoints.policy.encoders import Policy

    tensors, header = read_tensors(path)
    provenance = _provenance(header, path)
    recipe = provenance.settings()
    check_tensors(tensors, weights_of(recipe), f"{path}, a policy with {recipe.encoder}")
    policy = Policy.of(recipe)
    policy.load_state_dict({key: value.float() for key, value in tensors.items()})
    return policy.eval(), provenance


def untrained(like: Provenance, seed: int, peer: int = 0) -> "tuple[Policy, Provenance]":
    """A policy with the fresh weights that ``like``'s recipe starts from at ``seed``."""
    from checkpoints.policy.encoders import Policy
    from checkpoints.policy.seeds import Purpose, seed_torch

    recipe = like.settings()
    with seed_torch(seed, peer, Purpose.WEIGHTS):
        policy = Policy.of(recipe)
    name = PolicyId(like.policy_id.game, UNTRAINED, seed, peer, 0)
    return policy.eval(), Provenance(str(name), like.recipe, 0, {}, versions(), "")


def policy_path(root: Path, policy_id: PolicyId) -> Path:
    """Where a kept policy lies under ``root``."""
    return root / f"{policy_id}.safetensors"


def list_policies(root: Path = ZOO) -> list[PolicyId]:
    """Every kept policy under ``root``, sorted."""
    paths = root.glob("*/*/*/peer*/step*.safetensors")
    return sorted(parse_id(path.relative_to(root).with_suffix("").as_posix()) for path in paths)


def _not_there(wanted: PolicyId, known: list[PolicyId], root: Path) -> str:
    """What there is instead: the kept steps of the run, or the runs."""
    if wanted.method == UNTRAINED:
        return (
            f"no policy {str(wanted)!r} under {root}: untrained networks are made, not kept; "
            "expected the id of a trained one, beside which commands make them with --untrained"
        )
    steps: dict[int, None] = {kept.step or 0: None for kept in known if kept.run == wanted.run}
    if steps:
        peers = sorted({kept.peer or 0 for kept in known if kept.run == wanted.run})
        return (
            f"no policy {str(wanted)!r} under {root}; of {wanted.run} are kept the steps "
            f"{', '.join(map(str, steps))} of peer {', '.join(map(str, peers))}"
        )
    runs = sorted({str(kept.run) for kept in known})
    return (
        f"no policy {str(wanted)!r} under {root}; there are: {', '.join(runs) or 'none'}. "
        f"Train it with: python -m checkpoints.train {wanted.run}"
    )


def find_policies(wanted: PolicyId, root: Path = ZOO) -> list[PolicyId]:
    """The kept policies an id means: with no step given, the last one of each peer."""
    known = list_policies(root)
    found = [kept for kept in known if wanted.covers(kept)]
    if not found:
        raise UserError(_not_there(wanted, known, root))
    if wanted.step is None:
        last: dict[int | None, PolicyId] = {kept.peer: kept for kept in found}
        found = list(last.values())
    return found
