"""What numbers may be: a range stands beside each setting, and is the same for whoever gives it.

::

    replicates: Annotated[int, whole(20, 10**6)] = 500

The command line shows the range in ``--help`` and refuses others before any work; settings made in
Python or read from a file pass :func:`check_numbers`.
"""

import math
import operator
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from tyro.constructors import PrimitiveConstructorSpec

from checkpoints.console import UserError
from checkpoints.doors.reading import shown


@dataclass(frozen=True)
class Within(PrimitiveConstructorSpec[Any]):
    """A range of numbers; see :func:`whole` and :func:`real`."""

    low: int | float = -math.inf
    high: int | float = math.inf
    is_whole: bool = False
    above: bool = False
    """whether the lower end itself is left out"""

    def check(self, value: Any, name: str) -> None:
        """Raise ``UserError`` unless the value is such a number."""
        if not self._has(value):
            raise UserError(f"{name}: expected {self}, got {shown(value)}")

    def _has(self, value: Any) -> bool:
        if isinstance(value, bool):
            return False
        try:
            number = operator.index(value) if self.is_whole else float(value)
        except (TypeError, ValueError, OverflowError):
            return False
        if isinstance(value, str | bytes):
            return False
        return (self.low < number if self.above else self.low <= number) and number <= self.high

    def parse(self, text: str) -> Any:
        """The number that a text of the command line says."""
        value = int(text) if self.is_whole else float(text)
        if not self._has(value):
            raise ValueError(f"expected {self}, got {shown(value)}")
        return value

    def __str__(self) -> str:
        kind = "a whole number" if self.is_whole else "a number"
        return f"{kind} {_span(self.low, self.high, above=self.above)}"


def _span(low: int | float, high: int | float, *, above: bool = False) -> str:
    start = f"{'above' if above else 'from'} {_plain(low)}"
    return f"{start}, inf among them" if math.isinf(high) else f"{start} to {_plain(high)}"


def _plain(number: int | float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _within(low: int | float, high: int | float, *, is_whole: bool, above: bool = False) -> Within:
    kind = "INT" if is_whole else "FLOAT"
    made: list[Within] = []
    found = Within(
        nargs=1,
        metavar=f"{kind} {_span(low, high, above=above)}",
        instance_from_str=lambda texts: made[0].parse(texts[0]),
        is_instance=lambda value: made[0]._has(value),
        str_from_instance=lambda value: [str(value)],
        low=low,
        high=high,
        is_whole=is_whole,
        above=above,
    )
    made.append(found)
    return found


def whole(low: int, high: int) -> Within:
    """Whole numbers from ``low`` to ``high``, both among them."""
    return _within(low, high, is_whole=True)


def real(low: int | float, high: int | float = math.inf, *, above: bool = False) -> Within:
    """Numbers from ``low`` to ``high``, NaN never; ``above`` leaves the lower end out."""
    return _within(low, high, is_whole=False, above=above)


Seed = Annotated[int, whole(0, 2**31 - 1)]
"""Of random numbers."""
Count = Annotated[int, whole(0, 10**6)]
"""Of anything that may be none."""


@cache
def ranges_of(kind: type) -> dict[str, Within]:
    """Setting -> its range, of a dataclass; of tuples that of each item."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner = get_args(hint)[0] if get_origin(hint) is tuple and get_args(hint) else hint
        for note in getattr(inner, "__metadata__", ()):
            if isinstance(note, Within):
                found[name] = note
    return found


def check_numbers(settings: Any, *, flags: bool = False) -> None:
    """Raise ``UserError`` on a setting of a dataclass that lies outside its range.

    Args:
        settings: instance of a dataclass whose fields are annotated with ranges.
        flags: name settings as the command line does.
    """
    kind: Any = type(settings)
    ranges = ranges_of(kind)
    for one in fields(settings):
        if one.name in ranges:
            value = getattr(settings, one.name)
            name = f"--{one.name.replace('_', '-')}" if flags else one.name
            for item in value if isinstance(value, tuple) else (value,):
                ranges[one.name].check(item, name)
