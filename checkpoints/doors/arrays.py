"""Arrays that a user brings: files without pickle, and whatever in memory stands for numbers."""

import lzma
import math
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from checkpoints.console import UserError
from checkpoints.doors.reading import MIB, check_file, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 2048 * MIB
"""Bytes of an array at most, in its file and unpacked."""
SUFFIXES = (".npy", ".npz", ".safetensors")
ArrayLike = Any
"""What :func:`as_array` takes: an array, lists, a pandas table, a torch tensor."""
NUMBERS = "fiub"
"""Kinds of numbers as NumPy has them: floats, whole numbers with and without sign, yes and no."""
_DAMAGE = (
    *(OSError, ValueError, EOFError, SyntaxError, RuntimeError, MemoryError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tokenize.TokenError),
)


def as_array(values: Any, name: str) -> np.ndarray:
    """Numbers as an array: the one rule for all that public functions take.

    Args:
        values: an array, nested lists of one length, a pandas table of numbers, or a torch tensor,
            which may hold a gradient; half precision and bfloat16 become float32, other kinds stay.
        name: how an error calls them.

    Raises:
        UserError: text, objects, complex numbers, masked entries, lists of unequal lengths, a
            sparse matrix.
    """
    if type(values).__module__.partition(".")[0] == "torch" and hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16" or values.is_sparse:
            values = values.to_dense().float()
        values = values.numpy()
    if np.ma.is_masked(values):
        raise UserError(
            f"{name}: expected numbers in every place, got an array with masked entries; leave "
            "these rows out"
        )
    try:
        found = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{name}: expected an array of numbers, got {type(values).__name__} that is none "
            f"({shown(str(error))}); give rows of one length"
        ) from error
    if found.dtype.kind not in NUMBERS:
        raise UserError(
            f"{name}: expected an array of real numbers, got {type(values).__name__} of "
            f"{found.dtype}; convert it with np.asarray(…, dtype=float)"
        )
    return found.astype(np.float32) if found.dtype == np.float16 else found


def as_labels(values: Any, name: str, *, missing: bool = False) -> np.ndarray:
    """One number or text a row, such as its level: text as text, whatever held it.

    Args:
        values: (n,) numbers or text; objects only where all of them are text.
        name: how an error calls them.
        missing: whether NaN may stand for what is not known.

    Raises:
        UserError: another shape, other objects, NaN unless it may be.
    """
    try:
        found = np.asarray(values)
        if found.dtype.kind == "O" and all(isinstance(one, str) for one in found.ravel()):
            found = found.astype(str)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(
            f"{name}: expected one number or text a row, got {type(values).__name__} "
            f"({shown(str(error))}); give a vector"
        ) from error
    if found.ndim != 1 or found.dtype.kind not in NUMBERS + "US":
        raise UserError(
            f"{name}: expected one number or text a row, got {type(values).__name__} of "
            f"{found.dtype} with shape {found.shape}; give a vector"
        )
    if found.dtype.kind == "f" and not missing and np.isnan(found).any():
        raise UserError(f"{name}: expected a label in every row, got NaN; leave these rows out")
    return found


def read_array(path: Path, what: str, *, text: bool = False) -> np.ndarray:
    """The one array of a ``.npy``, ``.npz`` or ``.safetensors`` file, in the machine's byte order.

    Nothing is unpickled, and nothing is read before its size is known from its header.

    Args:
        path: the file.
        what: what was expected, such as ``features``.
        text: whether names will do as well as numbers.

    Returns:
        Half precision as float32; all else as it was written.

    Raises:
        UserError: no such file, another format, damage, too large, several arrays in it, an array
            of objects or of another kind than wanted; NaN or infinity in floats.
    """
    check_file(path, limit=LARGEST, what=f"a file of {what}")
    if path.suffix not in SUFFIXES:
        raise UserError(f"expected {what} in {', '.join(SUFFIXES)}, got {path}; save it as one")
    with told(path, what):
        if path.suffix == ".safetensors":
            found = _of_tensors(path)
        elif path.suffix == ".npz":
            found = _of_archive(path)
        else:
            with open(path, "rb") as file:
                found = of_stream(file, path.stat().st_size, str(path))
    if found.dtype.kind not in NUMBERS + "US" * text:
        raise UserError(
            f"{path}: expected {what} as real numbers{' or text' * text}, got {found.dtype}; "
            "convert it before saving"
        )
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        place = tuple(int(one) for one in np.argwhere(~np.isfinite(found))[0])
        raise UserError(
            f"{path}: expected finite {what}, got NaN or infinity, first at {place} of "
            f"{found.shape}; leave these rows out of all files"
        )
    if found.dtype == np.float16:
        return found.astype(np.float32)
    return found.astype(found.dtype.newbyteorder("="), copy=False)


@contextmanager
def told(path: Path, what: str) -> "Iterator[None]":
    """Tell in one line what is wrong with a file that is damaged or of another format."""
    try:
        yield
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(
            f"expected {what} in a complete {path.suffix} file, but {path} is truncated, damaged "
            f"or of another format ({shown(str(error))}); save it again"
        ) from error


def header_of(
    file: Any, size: int, where: str, limit: int | None = None
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether by columns, and type of a ``.npy`` stream of so many bytes, read up to there.

    Raises:
        UserError: objects, or more than ``limit`` bytes, :data:`LARGEST` unless given.
        ValueError: damage, or as many bytes as the header does not say.
    """
    version = np.lib.format.read_magic(file)
    headers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in headers:
        raise ValueError(f"format {version} of .npy, which holds no plain numbers")
    with warnings.catch_warnings():
        # Of headers that Python 2 wrote, which are read all the same.
        warnings.simplefilter("ignore")
        shape, by_columns, dtype = headers[version](file)
    if dtype.hasobject:
        raise UserError(
            f"{where}: expected numbers, got an array of objects, which takes pickle to read and "
            "could run anything; save it with dtype=float"
        )
    if any(n < 0 for n in shape) or dtype.names or dtype.subdtype:
        raise ValueError(f"shape {shape} of {dtype}")
    count = math.prod(shape)
    _check_size(count * dtype.itemsize, where, limit)
    # A file has a place to stand at, a member of an archive as well: what is left must be there.
    left = size - file.tell()
    if left != count * dtype.itemsize:
        raise ValueError(f"{left:,} bytes for shape {shape} of {dtype}")
    return shape, by_columns, dtype


def of_stream(file: Any, size: int, where: str) -> np.ndarray:
    """The array of a ``.npy`` stream of so many bytes; errors as in :func:`header_of`."""
    shape, by_columns, dtype = header_of(file, size, where)
    left = math.prod(shape) * dtype.itemsize
    raw = bytearray(file.read(left))
    if len(raw) != left:
        raise ValueError(f"{len(raw):,} of {left:,} bytes")
    found = np.frombuffer(raw, dtype=dtype) if dtype.itemsize else np.empty(0, dtype)
    return found.reshape(shape, order="F" if by_columns else "C")


def _check_size(count: int, where: str, limit: int | None = None) -> None:
    limit = LARGEST if limit is None else limit
    if count > limit:
        raise UserError(
            f"{where}: expected an array of at most {limit:,} bytes, got {count:,}; take fewer "
            "rows, or save it as float32"
        )


def _of_archive(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) != 1:
            names = shown([one.filename.removesuffix(".npy") for one in members[:4]])
            raise UserError(
                f"{path}: expected one array, got {len(members)} ({names}); save each by itself"
            )
        _check_size(members[0].file_size, str(path))
        with archive.open(members[0]) as file:
            return of_stream(file, members[0].file_size, str(path))


def tensor_names(path: Path) -> list[str]:
    """Names of the tensors of a safetensors file, without reading them."""
    from checkpoints.doors.tensors import opened

    with opened(path, "np", "a file of tensors") as file:
        return list(file.keys())


def _of_tensors(path: Path) -> np.ndarray:
    from checkpoints.doors.tensors import opened

    names = tensor_names(path)
    if len(names) != 1:
        raise UserError(
            f"{path}: expected one tensor, got {len(names)} ({shown(names[:4])}); save each by "
            "itself"
        )
    with opened(path, "np", "a file of tensors") as file:
        kind = file.get_slice(names[0]).get_dtype()
        if kind != "BF16":
            if kind.startswith("F8"):
                raise UserError(f"{path}: expected float16 or wider, got {kind}; convert it")
            found: np.ndarray = file.get_tensor(names[0])
            return found
    with opened(path, "pt", "a file of tensors") as file:
        return as_array(file.get_tensor(names[0]), str(path))
