"""Files of tensors (safetensors): no pickle, their size and header held to limits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from checkpoints.console import UserError
from checkpoints.doors.reading import MIB, check_file, shown
from checkpoints.doors.writing import atomic

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 1024 * MIB
"""Bytes of a file of tensors at most."""
LARGEST_HEADER = 64 * MIB
"""Bytes of its header at most: a save keeps a run's log there, some 300 bytes an iteration."""


class TensorSpec(NamedTuple):
    """What a tensor must be."""

    shape: tuple[int | None, ...]
    """``None`` where any length will do"""
    dtypes: tuple[str, ...]
    """as ``str(tensor.dtype)`` without ``torch.``"""

    def fits(self, shape: tuple[int, ...], dtype: str) -> bool:
        """Whether a tensor is such a one."""
        lengths = len(shape) == len(self.shape) and all(
            mine in (None, theirs) for mine, theirs in zip(self.shape, shape, strict=True)
        )
        return lengths and dtype in self.dtypes

    def __str__(self) -> str:
        lengths = ", ".join("any" if n is None else str(n) for n in self.shape)
        return f"({lengths}) of {' or '.join(self.dtypes)}"


def write_tensors(tensors: "Mapping[str, Tensor]", header: dict[str, str], path: Path) -> None:
    """Write a safetensors file atomically."""
    from safetensors.torch import save

    payload = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, header)
    with atomic(path) as temporary:
        temporary.write_bytes(payload)


def read_tensors(path: Path) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """Tensors and header of a safetensors file; damage and absence raise ``UserError``."""
    with opened(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}


def read_header(path: Path) -> dict[str, str]:
    """The header alone, without importing torch."""
    with opened(path, "np") as file:
        return file.metadata() or {}


def is_half(path: Path) -> bool:
    """Whether all tensors are in half precision, without importing torch."""
    with opened(path, "np") as file:
        return all(file.get_slice(key).get_dtype() == "F16" for key in file.keys())


@contextmanager
def opened(path: Path, framework: str, what: str = "a policy file") -> Iterator[Any]:
    """A safetensors file, opened for ``np`` or ``pt``; damage and absence raise ``UserError``."""
    from safetensors import SafetensorError, safe_open

    size = check_file(path, limit=LARGEST, what=what)
    try:
        with open(path, "rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if LARGEST_HEADER < header <= size:
            raise OSError(f"a header of {header:,} bytes, at most {LARGEST_HEADER:,}")
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, OSError, RecursionError) as error:
        raise UserError(
            f"expected a complete safetensors file, but {path} is truncated, corrupted or of "
            f"another format ({shown(str(error))}). Copy it again from its source"
        ) from error


def check_tensors(
    tensors: "Mapping[str, Tensor]", wanted: Mapping[str, TensorSpec], what: str
) -> None:
    """Raise ``UserError`` unless these are the tensors wanted, each finite.

    Args:
        tensors: name -> tensor.
        wanted: name -> what it must be.
        what: names the file or the place in messages.
    """
    missing, strange = sorted(wanted.keys() - tensors), sorted(tensors.keys() - wanted)
    if missing or strange:
        raise UserError(
            f"{what}: expected {len(wanted)} tensors; {shown(missing[:3])} missing and "
            f"{shown(strange[:3])} not known, so they are of another architecture or damaged. "
            "Copy the file again from its source"
        )
    for name, one in wanted.items():
        tensor = tensors[name]
        shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        if not one.fits(shape, dtype):
            raise UserError(
                f"{what}: expected {name!r} as {one}, got {shape} of {dtype}: of another "
                "architecture or damaged. Copy the file again from its source"
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise UserError(
                f"{what}: expected finite numbers in {name!r}, got NaN or infinity: its training "
                "diverged, or the file is damaged. Take an earlier one, or copy it again"
            )
