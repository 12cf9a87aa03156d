"""How every command speaks: one error type, one entry point, one way to show progress."""

import errno
import sys
from collections.abc import Callable
from typing import Any

_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


class UserError(ValueError):
    """Something the user can put right.

    The message says what was expected, what came and what to do. Commands print it without a
    traceback and exit with code 2; library users catch it as a ``ValueError``.
    """


class MachineTrouble(UserError):
    """The machine, not what was asked of it: a full disk, a device that is not there."""


def run_command(
    main: Callable[[Any], None], config: type, *, name: str, default: Any = None
) -> None:
    """Parse the command line into the dataclass ``config`` and call ``main`` with it.

    Args:
        main: what to do with the parsed settings.
        config: a frozen dataclass; the string under each field becomes its ``--help``.
        name: what a user types, e.g. ``python -m analysis.cka``.
        default: an instance whose values replace the dataclass's own defaults.

    Exits with 2 after a ``UserError`` or a full or read-only disk and with 130 after Ctrl-C, never
    with a traceback.
    """
    import inspect

    import tyro

    given = {} if default is None else {"default": default}
    settings = tyro.cli(config, prog=name, description=inspect.getdoc(config), **given)
    try:
        main(settings)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _DISK_TROUBLE:
            raise
        print(f"error: {error}. Free room or choose another folder", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped: run the same command again to go on", file=sys.stderr)
        sys.exit(130)


def one_of(kind: str, given: object, known: Any) -> None:
    """Raise :class:`UserError` with the possible values, and the nearest one, unless known."""
    if given in known:
        return
    import difflib

    names = [str(item) for item in known]
    near = difflib.get_close_matches(str(given), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UserError(f"unknown {kind} {given!r}; expected one of: {', '.join(names)}.{hint}")
