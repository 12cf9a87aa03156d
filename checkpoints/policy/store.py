"""Policy files: one safetensors file each, its provenance in the header; no pickle anywhere."""

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkpoints.console import MachineTrouble, UserError
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id
from checkpoints.policy.recipes import Recipe, from_dict

if TYPE_CHECKING:
    from torch import Tensor

    from checkpoints.policy.encoders import Policy

PACKAGE = Path(__file__).parents[1]
ZOO = PACKAGE / "zoo"
_KEY = "twinscope"
_FORMAT = 1


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
def code_hash() -> str:
    """First 16 hex digits of the SHA-256 of this package's source, file by file.

    Read once a process, when a run begins, so that it names the code that ran even if the files
    change meanwhile.
    """
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
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


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary neighbour of ``path`` to write, put in its place when complete.

    A kill at any moment leaves the old file or the new one. A full or read-only folder raises
    ``MachineTrouble`` and leaves nothing behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise MachineTrouble(
            f"expected to write {path}, but: {error}. Free room or choose another folder"
        ) from error
    finally:
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)


def write_tensors(tensors: "dict[str, Tensor]", header: dict[str, str], path: Path) -> None:
    """Write a safetensors file atomically."""
    from safetensors.torch import save

    payload = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, header)
    with atomic(path) as temporary:
        temporary.write_bytes(payload)


def read_tensors(path: Path) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """Tensors and header of a safetensors file; damage and absence raise ``UserError``."""
    with _opened(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}


@contextmanager
def _opened(path: Path, framework: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UserError(f"expected a policy file, but there is none at {path}")
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"expected a complete safetensors file, but {path} is truncated, corrupted or of "
            f"another format ({error}). Copy it again from its source"
        ) from error


def save_policy(
    policy: "Policy", provenance: Provenance, path: Path, *, half: bool = False
) -> None:
    """Write a policy, in half precision if asked (loading returns float32 either way)."""
    import torch

    dtype = torch.float16 if half else torch.float32
    tensors = {key: value.to(dtype) for key, value in policy.state_dict().items()}
    header = {_KEY: json.dumps({"format": _FORMAT, **asdict(provenance)}, sort_keys=True)}
    write_tensors(tensors, header, path)


def _provenance(header: dict[str, str], path: Path) -> Provenance:
    if _KEY not in header:
        raise UserError(
            f"expected a Twinscope policy, but {path} carries no provenance: it was written by "
            "another program. Load its weights and write it with "
            "checkpoints.policy.store.save_policy"
        )
    fields = json.loads(header[_KEY])
    if fields.pop("format", None) != _FORMAT:
        raise UserError(f"expected file format {_FORMAT}, but {path} has another; update Twinscope")
    return Provenance(**fields)


def read_header(path: Path) -> dict[str, str]:
    """The header alone, without importing torch."""
    with _opened(path, "np") as file:
        return file.metadata() or {}


def is_half(path: Path) -> bool:
    """Whether a policy is written in half precision, without importing torch."""
    with _opened(path, "np") as file:
        return all(file.get_slice(key).get_dtype() == "F16" for key in file.keys())


def read_provenance(path: Path) -> Provenance:
    """Where a policy comes from, without importing torch."""
    return _provenance(read_header(path), path)


def load_policy(path: Path) -> "tuple[Policy, Provenance]":
    """A policy in evaluation mode, float32, and where it comes from."""
    from checkpoints.policy.encoders import Policy

    tensors, header = read_tensors(path)
    provenance = _provenance(header, path)
    recipe = provenance.settings()
    policy = Policy.of(recipe)
    wanted = {key: tuple(value.shape) for key, value in policy.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if wanted != found:
        wrong = sorted(key for key in wanted | found if wanted.get(key) != found.get(key))
        raise UserError(
            f"{path} says it holds a {recipe.encoder} policy, but its weights are of another "
            f"architecture: expected {wanted.get(wrong[0])} for {wrong[0]!r}, "
            f"got {found.get(wrong[0])}"
        )
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
