"""How every command speaks: one error type, one entry point, one way to show progress."""

import errno
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

T = TypeVar("T")
LONGEST = 80
"""Characters of a name that was not expected, as messages quote it."""
STOPPED = (
    "stopped: run the same command again; training goes on from its last save, a measurement "
    "begins anew, and no table was written by this call in part"
)
"""What Ctrl-C is told."""
WIDEST = 10_000
"""Characters of a line in a pipe or a file, where nothing bounds it."""
PAUSE = 10.0
"""Seconds between two lines of progress at least where there is no terminal."""

_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_DISK_TROUBLE |= {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}


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
    with a traceback; a reader that closes the pipe early ends the printing, not the work.
    """
    outlive_readers()
    try:
        try:
            settings = parse_options(config, name=name, default=default)
            with _ended_in_order():
                main(settings)
        finally:
            sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _DISK_TROUBLE:
            raise
        print(f"error: {error}. Free room or choose another folder", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"\n{STOPPED}", file=sys.stderr)
        sys.exit(130)


def parse_options(
    config: type, options: Sequence[str] | None = None, *, name: str, default: Any = None
) -> Any:
    """``config`` by ``options``, or by those of this process; exits with 2 if they are wrong."""
    import inspect

    import tyro

    given = {} if default is None else {"default": default}
    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(_paths)
    said = inspect.getdoc(config)
    return tyro.cli(config, prog=name, description=said, args=options, registry=registry, **given)


class _Printed(io.FileIO):
    """Where lines are printed; what comes after a fault is dropped.

    A pipe whose reader is gone is no fault; a full disk is one, and is told once.
    """

    over = False

    def write(self, data: Any) -> int:
        """As a file does, or nothing; how many bytes need no more care."""
        if not self.over:
            try:
                return super().write(data)
            except OSError as error:
                self.over = True
                if not isinstance(error, BrokenPipeError):
                    raise
        return memoryview(data).nbytes


def outlive_readers() -> None:
    """Let ``| head -1``, and a terminal without Unicode, end no command and lose no result."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before the command began
            setattr(sys, name, open(os.devnull, "w"))
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if stream is getattr(sys, f"__{name}__"):
            stream.flush()
            stream = io.TextIOWrapper(
                io.BufferedWriter(_Printed(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            setattr(sys, name, stream)
        stream.reconfigure(errors="backslashreplace")


def path_of(text: str) -> Path:
    """A path as a user gives it: ``~`` is the home folder, and nothing is no path.

    Raises:
        UserError: an empty text, or one that is no UTF-8 or holds a zero byte.
    """
    if not text.strip():
        raise UserError("expected a path, got an empty text; . is the folder you are in")
    try:
        if b"\0" in text.encode("utf-8"):
            raise UserError(f"expected a path, got {text!r} with a zero byte")
    except UnicodeEncodeError as error:
        raise UserError(
            f"expected a path in UTF-8, got {text!r}; rename the file or folder"
        ) from error
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"expected a path, got {text!r}: {error}") from error


def _paths(info: Any) -> Any:
    """How tyro reads a path of the command line."""
    if info.type is not Path:
        return None
    from tyro.constructors import PrimitiveConstructorSpec

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda texts: path_of(texts[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    )


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM and SIGHUP end the process by way of all that cleans up behind it."""

    def end(number: int, frame: Any) -> None:
        sys.exit(128 + number)

    old = {}
    if threading.current_thread() is threading.main_thread():
        old = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def say(line: str) -> None:
    """A line about the work under way, on standard error at once; results go to standard output."""
    print(line, file=sys.stderr, flush=True)


def show_tables(*tables: "Table", keys: int = 1, markup: bool = True) -> None:
    """Print tables whole: one that is wider than the terminal is folded, its columns in turn.

    Args:
        tables: of rich, from the top.
        keys: columns at the left that name a row, and stand before every part of a folded table.
        markup: whether cells may hold rich's markup.

    A pipe or a file has no width, unless the environment's ``COLUMNS`` says one.
    """
    from rich.console import Console

    bounded = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    width = Console().width
    console = Console(markup=markup, highlight=markup, width=max(width, WIDEST))
    for table in tables:
        whole = console.measure(table).maximum
        parts = _folded(table, console, width, keys) if bounded and whole > width else [table]
        console.width = width if bounded else max(width, whole)
        for part in parts:
            console.print(part)
        console.width = max(width, WIDEST)


def _folded(table: "Table", console: "Console", width: int, keys: int) -> list["Table"]:
    """Parts of a table that have room: each has the first columns and as many more as fit."""
    from copy import copy
    from dataclasses import replace

    def most(column: "Column") -> int | None:
        # A long name is broken between words; an id is one word, and stays whole.
        cells = [console.measure(cell) for cell in column.cells]
        word = max((cell.minimum for cell in cells), default=0)
        return None if column.no_wrap else max(width // 2 - 4, word)

    def part(columns: list[int]) -> "Table":
        found, old = copy(table), [table.columns[one] for one in columns]
        found.columns = [
            replace(one, _index=n, max_width=most(one) if n < keys else None)
            for n, one in enumerate(old)
        ]
        found.title = found.caption = None
        return found

    first = list(range(keys))
    parts = [[*first, keys]]
    for column in range(keys + 1, len(table.columns)):
        if console.measure(part([*parts[-1], column])).maximum <= width:
            parts[-1].append(column)
        else:
            parts.append([*first, column])
    found = [part(one) for one in parts]
    found[0].title, found[-1].caption = table.title, table.caption
    return found


def watch(items: Iterable[T], doing: str, total: int | None = None) -> Iterator[T]:
    """Go through ``items`` and say on standard error how far it is and how long it will take.

    A bar on a terminal; elsewhere a line at the start, and then one before an item where
    :data:`PAUSE` seconds have passed since the last: nothing is said while an item is worked on.

    Args:
        items: what is worked through.
        doing: what is being done, such as ``coinrun: reading policies``.
        total: how many there are, where ``items`` does not know.
    """
    count = len(items) if total is None and isinstance(items, Sized) else total
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track

        yield from track(items, doing, total=count, console=Console(stderr=True), transient=True)
        return
    say(doing + (f": {count} to do" if count is not None else ""))
    started = told = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and now - told >= PAUSE:
            told = now
            left = ""
            if count:
                seconds = (now - started) / done * (count - done)
                left = f" of {count}, {timedelta(seconds=round(seconds))} left"
            say(f"{doing}: {done}{left}")
        yield item


def one_of(kind: str, given: object, known: Any) -> None:
    """Raise :class:`UserError` with the possible values, and the nearest one, unless known."""
    if isinstance(given, Hashable) and given in known:
        return
    import difflib

    try:
        text = repr(given)
    except ValueError:  # a number of more digits than Python prints
        text = f"a {type(given).__name__} too long to print"
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    names = [str(item) for item in known]
    near = difflib.get_close_matches(text.strip("'"), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UserError(f"unknown {kind} {text}; expected one of: {', '.join(names)}.{hint}")
