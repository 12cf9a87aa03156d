"""Weights of other programs: recognised by the names and shapes of their tensors, and renamed.

Two programs are known. Files of ``torch.save`` are
read as tensors only (``weights_only=True``), so that no code in them is run:

- the public code of arXiv 2501.02481, which saves the encoder and the actor of each agent in a
  file of its own and no critic;
- CleanRL's ``ppo_procgen.py`` (Huang et al. 2022), which saves nothing by itself: write
  ``torch.save(agent.state_dict(), path)`` at its end.

Both train the same network, and it is ours under other names: IMPALA (16, 32, 32) on frames
divided by 255, a ReLU after flattening and one after the 256 units, two linear heads. For any
other network see ``checkpoints.policy.adapters``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkpoints.console import UserError
from checkpoints.doors.reading import check_file, shown
from checkpoints.doors.tensors import LARGEST, Wanted, check_tensors, read_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from checkpoints.policy.encoders import Policy

SOURCES = {
    "cleanrl ppo_procgen": "network.",
    "arXiv 2501.02481, whole agent": "encoder.encoder.",
    "arXiv 2501.02481, encoder and heads": "",
}
"""Who writes such files -> what stands before the encoder's tensors in them."""
WRAPPINGS = ("module.", "_orig_mod.")
"""What ``DataParallel`` and ``torch.compile`` put before every name."""
_PRECISIONS = ("float32", "float16", "bfloat16", "float64")
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_LFS = b"version https://git-lfs"
_DAMAGES: tuple[type[Exception], ...] = (
    *(OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    *(OverflowError, MemoryError, AssertionError),
)


def tensor_names(prefix: str) -> dict[str, str]:
    """Their tensors' names -> ours, for an encoder whose names begin with ``prefix``."""
    modules = {f"{prefix}5": "encoder.hidden.0", "actor": "actor", "critic": "critic"}
    for i in range(3):
        modules[f"{prefix}{i}.conv"] = f"encoder.block{i + 1}.0"
        for r in range(2):
            for c in range(2):
                theirs = f"{prefix}{i}.res_block{r}.conv{c}"
                modules[theirs] = f"encoder.block{i + 1}.{2 + r}.branch.{1 + 2 * c}"
    parts = ("weight", "bias")
    return {f"{a}.{part}": f"{b}.{part}" for a, b in modules.items() for part in parts}


def recognise(names: set[Any]) -> str:
    """Which of :data:`SOURCES` writes exactly these tensors.

    Raises:
        UserError: none does; says what the nearest one would hold.
    """
    for name in names:
        if not isinstance(name, str):
            raise UserError(
                f"expected tensors under their names, got one under {shown(name)}; save the "
                "agent's state_dict()"
            )
    expected = {source: set(tensor_names(prefix)) for source, prefix in SOURCES.items()}
    near = max(expected, key=lambda source: len(expected[source] & names))
    missing, extra = expected[near] - names, names - expected[near]
    if not missing and not extra:
        return near
    heads = {f"{head}.{part}" for head in ("actor", "critic") for part in ("weight", "bias")}
    if not extra and missing <= heads:
        lacking = " and ".join(sorted({name.split(".")[0] for name in missing}))
        raise UserError(
            f"expected an encoder with an actor and a critic, got one without {lacking}: "
            "give its file with --actor or --critic; where no critic was saved, --without-critic "
            "writes one of zeros"
        )
    raise UserError(
        f"unknown architecture: expected the tensors of {' or of '.join(SOURCES)}; for {near} "
        f"missing {_some(missing)}, and not known {_some(extra)}. Use any other network through "
        "checkpoints.policy.adapters"
    )


def without_wrapping(tensors: "Mapping[str, Tensor]") -> "Mapping[str, Tensor]":
    """The tensors under the names they have without ``DataParallel`` and ``torch.compile``."""
    for prefix in WRAPPINGS:
        if tensors and all(isinstance(n, str) and n.startswith(prefix) for n in tensors):
            return without_wrapping({n.removeprefix(prefix): v for n, v in tensors.items()})
    return tensors


def _some(names: set[str]) -> str:
    first = sorted(names)[:6]
    return f"{', '.join(first) or 'none'}{f' and {len(names) - 6} more' if len(names) > 6 else ''}"


def convert(tensors: "Mapping[str, Tensor]") -> "tuple[Policy, str]":
    """The policy that another program's tensors make, and which program that is.

    Args:
        tensors: a state dict with encoder, actor and critic; any floating type.

    Returns:
        A policy in evaluation mode, float32, and a name out of :data:`SOURCES`.

    Raises:
        UserError: unknown names, a tensor of another shape (another width, other actions), or
            weights that are no finite floats.
    """
    from checkpoints.policy.encoders import Policy

    tensors = without_wrapping(tensors)
    source = recognise(set(tensors))
    prefix = SOURCES[source]
    features = tensors[f"{prefix}5.weight"].shape[0]
    policy = Policy("impala", features)
    wanted = policy.state_dict()
    ours = {mine: tensors[theirs] for theirs, mine in tensor_names(prefix).items()}
    for theirs, mine in tensor_names(prefix).items():
        if ours[mine].shape != wanted[mine].shape:
            raise UserError(
                f"{theirs}: expected shape {tuple(wanted[mine].shape)}, got "
                f"{tuple(ours[mine].shape)}; only IMPALA (16, 32, 32) on 64 x 64 pixels with 15 "
                "actions can be converted: use another network through checkpoints.policy.adapters"
            )
    shapes = {name: Wanted(tuple(value.shape), _PRECISIONS) for name, value in wanted.items()}
    check_tensors(ours, shapes, f"weights of {source}")
    policy.load_state_dict({name: value.float() for name, value in ours.items()})
    return policy.eval(), source


def read_weights(path: Path) -> "dict[str, Tensor]":
    """A state dict out of a .safetensors file or of one written by ``torch.save``.

    Raises:
        UserError: no such file, a damaged one, or one that holds anything but tensors by name;
            no code out of the file is run.
    """
    import pickle
    import warnings

    import torch

    check_file(path, limit=LARGEST, what="a policy file")
    with open(path, "rb") as file:
        head = file.read(64)
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        return read_tensors(path)[0]
    if not head.startswith(_PICKLES):
        hint = "fetch it with: git lfs pull" if head.startswith(_LFS) else "Copy it again"
        raise UserError(
            f"expected a file of torch.save or safetensors, but {path} is truncated or of another "
            f"format (it begins with {shown(head[:40])}). {hint}"
        )
    try:
        with warnings.catch_warnings():
            # Torch doubts other pickle protocols before it refuses what it does not know in them.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds more than tensors, and loading it could run any code: refused. Where "
            "you trust it, load it yourself and save its state_dict() as safetensors"
        ) from error
    except _DAMAGES as error:
        raise UserError(
            f"expected a file of torch.save, but {path} is truncated or of another format "
            f"({str(error).splitlines()[0] if str(error) else 'empty'}). Copy it again"
        ) from error
    if not isinstance(found, dict) or not found:
        raise UserError(f"{path}: expected a state dict, got {type(found).__name__}")
    other = [name for name, value in found.items() if not isinstance(value, torch.Tensor)]
    if other:
        raise UserError(
            f"{path}: expected tensors by name, but {shown(other[0])} is a "
            f"{type(found[other[0]]).__name__}; save the agent's state_dict() alone"
        )
    return found
