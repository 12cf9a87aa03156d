"""Weights of other programs: recognised by the names and shapes of their tensors, and renamed.

Known programs stand in ``checkpoints.policy.tensor_names``. Files of ``torch.save`` are read as
tensors only (``weights_only=True``), so that no code in them is run. For any other network see
``checkpoints.policy.adapters``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkpoints.console import UserError
from checkpoints.doors.reading import check_file, shown
from checkpoints.doors.tensors import LARGEST, TensorSpec, check_tensors, read_tensors
from checkpoints.policy.tensor_names import PARTS, SOURCES, Layout

if TYPE_CHECKING:
    from torch import Tensor

    from checkpoints.policy.encoders import Policy

WRAPPINGS = ("module", "_orig_mod")
"""What ``DataParallel`` and ``torch.compile`` put into the names of what they wrap."""
_PRECISIONS = ("float32", "float16", "bfloat16", "float64")
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_LFS = b"version https://git-lfs"
_DAMAGES: tuple[type[Exception], ...] = (
    *(OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    *(OverflowError, MemoryError, AssertionError),
)


def recognise(names: set[Any]) -> str:
    """Which of :data:`checkpoints.policy.tensor_names.SOURCES` writes exactly these tensors.

    Raises:
        UserError: none does; says what the nearest one would hold.
    """
    for name in names:
        if not isinstance(name, str):
            raise UserError(
                f"expected tensors under their names, got one under {shown(name)}; save the "
                "agent's state_dict()"
            )
    expected = {source: set(layout.tensors()) for source, layout in SOURCES.items()}
    near = max(expected, key=lambda source: len(expected[source] & names))
    missing, extra = expected[near] - names, names - expected[near]
    if not missing and not extra:
        return near
    # Only heads of these names are saved in files of their own.
    heads = {f"{head}.{part}" for head in ("actor", "critic") for part in PARTS}
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
    """The tensors under the names that they have in a known program, if there is a way to them.

    What ``DataParallel`` and ``torch.compile`` put in, wherever it stands, is left out, and then
    what all names have in common, such as ``agent.``, where the rest is known.
    """
    if not all(isinstance(name, str) for name in tensors):
        return tensors
    parts = {name: [p for p in name.split(".") if p not in WRAPPINGS] for name in tensors}
    bare = {".".join(kept): tensors[name] for name, kept in parts.items()}
    if len(bare) < len(tensors):
        return tensors
    known = [set(layout.tensors()) for layout in SOURCES.values()]
    names, before = set(bare), ""
    while all(name.startswith(before) for name in names):
        if {name.removeprefix(before) for name in names} in known:
            return {name.removeprefix(before): value for name, value in bare.items()}
        first, dot, _ = min(names).removeprefix(before).partition(".")
        if not dot:
            break
        before += f"{first}."
    return bare


def _some(names: set[str]) -> str:
    first = sorted(names)[:6]
    return f"{', '.join(first) or 'none'}{f' and {len(names) - 6} more' if len(names) > 6 else ''}"


def convert(tensors: "Mapping[str, Tensor]") -> "tuple[Policy, str]":
    """The policy that another program's tensors make, and which program that is.

    Args:
        tensors: a state dict with encoder, actor and critic; any floating type.

    Returns:
        A policy in evaluation mode, float32, and a name out of
        :data:`checkpoints.policy.tensor_names.SOURCES`.

    Raises:
        UserError: unknown names, a tensor of another shape (other channels, other actions), or
            weights that are no finite floats.
    """
    tensors = without_wrapping(tensors)
    source = recognise(set(tensors))
    layout = SOURCES[source]
    policy = _alike(layout, tensors)
    wanted, theirs_of = policy.state_dict(), layout.tensors(policy.architecture)
    ours = {mine: tensors[theirs] for theirs, mine in theirs_of.items()}
    for theirs, mine in theirs_of.items():
        if ours[mine].shape != wanted[mine].shape:
            raise UserError(
                f"{theirs}: expected shape {tuple(wanted[mine].shape)}, got "
                f"{tuple(ours[mine].shape)}; only IMPALA of channels (16, 32, 32), or a multiple, "
                "on 64 x 64 pixels with 15 actions can be converted: use another network through "
                "checkpoints.policy.adapters"
            )
    shapes = {name: TensorSpec(tuple(value.shape), _PRECISIONS) for name, value in wanted.items()}
    check_tensors(ours, shapes, f"weights of {source}")
    policy.load_state_dict({name: value.float() for name, value in ours.items()})
    return policy.eval(), source


def _alike(layout: Layout, tensors: "Mapping[str, Tensor]") -> "Policy":
    """A policy of the width, the features and the pooling that the tensors' shapes tell."""
    from checkpoints.policy.encoders import Policy

    channels = tensors[f"{layout.conv_of(0)}.weight"].shape[0]
    hidden = tensors[f"{layout.hidden}.weight"].shape
    width = channels // 16 if channels and channels % 16 == 0 else 1
    if hidden[0] % width:
        width = 1
    pooled = layout.may_pool and hidden[-1] == 32 * width
    return Policy("impoola" if pooled else layout.encoder, hidden[0] // width, width=width)


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
    inside = [name for name, value in found.items() if _is_state(value)]
    if len(inside) == 1 and not _is_state(found):
        return found[inside[0]]
    other = [name for name, value in found.items() if not isinstance(value, torch.Tensor)]
    if other:
        several = f" ({', '.join(map(shown, inside))} would each do)" if inside else ""
        raise UserError(
            f"{path}: expected tensors by name, but {shown(other[0])} is a "
            f"{type(found[other[0]]).__name__}{several}; save the agent's state_dict() alone"
        )
    return found


def _is_state(value: object) -> bool:
    """Whether this is a state dict: tensors by name, one at least."""
    from torch import Tensor

    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(one, Tensor) for one in value.values())
    )
