"""A policy out of a Python file of the user's: ``FILE.py:FUNCTION``, which returns an ``Adapted``.

Naming such a file runs it, as ``python FILE.py`` would. Nothing else that is read is ever run:
policy files, tables and arrays hold data only.
"""

import importlib.util
import inspect
import sys
import traceback
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from checkpoints.console import UserError, one_of, path_of
from checkpoints.doors.reading import short_hash, shown

if TYPE_CHECKING:
    from checkpoints.policy.adapters import Adapted

EXAMPLE = "my_policy.py:make"


def split_name(text: str) -> tuple[Path, str]:
    """File and function of ``FILE.py:FUNCTION``; nothing is run.

    Raises:
        UserError: another form, or a file that is not there.
    """
    file, colon, function = text.rpartition(":")
    if not colon or not file.endswith(".py") or not function.isidentifier():
        raise UserError(
            f"--policy: expected a Python file and a function in it, such as {EXAMPLE}, got "
            f"{shown(text)}; ids and policy files go without --policy"
        )
    path = path_of(file)
    if not path.is_file():
        raise UserError(f"--policy: expected a Python file, there is none at {path}")
    return path, function


def hash_of(text: str) -> str:
    """First 16 hex digits of the SHA-256 of the file, as provenance names code."""
    return short_hash(split_name(text)[0])


def policy_from(text: str) -> "Adapted":
    """Run ``FILE.py``, call ``FUNCTION()`` and return the policy that it makes.

    Each call makes the policy anew. The file's folder may be imported from while it runs.

    Raises:
        UserError: no such file or function, an error in either, a result that is no ``Adapted``.
    """
    from checkpoints.policy.adapters import Adapted

    path, function = split_name(text)
    module = _run(path)
    functions = [name for name, value in vars(module).items() if _own(value, module)]
    one_of(f"function in {path}", function, functions)
    found = _call(getattr(module, function), f"{path}:{function}")
    if not isinstance(found, Adapted):
        raise UserError(
            f"{text}: expected {function}() to return a checkpoints.policy.adapters.Adapted, got "
            f"{type(found).__name__}; wrap the network in Adapted(network, layers, forward)"
        )
    return found


def _own(value: object, module: ModuleType) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__


def _run(path: Path) -> ModuleType:
    name = f"twinscope_policy_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"--policy: expected a Python file, got {path}")
    module = importlib.util.module_from_spec(spec)
    # Classes of the file find their module under its name, as dataclasses do.
    sys.modules[name] = module
    loader = spec.loader
    folder = str(path.resolve().parent)
    sys.path.append(folder)
    try:
        _call(lambda: loader.exec_module(module), str(path))
    finally:
        sys.path.remove(folder)
    return module


def _call(function: Any, where: str) -> Any:
    """Call what the user wrote; an error in it is told with its own line."""
    try:
        return function()
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"{where}: expected a policy, got {type(error).__name__}: {error} (line {last.lineno} "
            f"of {last.filename}); run the file by itself to see more"
        ) from error
