"""One look for all figures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import matplotlib.style
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import BASELINE, base_method

LineStyle = str | tuple[float, tuple[float, ...]]
PAGE_WIDTH = 171 / 25.4
"""Width of a two-column page in inches."""
COLUMN_WIDTH = 83 / 25.4
"""Width of one column in inches."""
NARROW = 4.2
"""Inches below which two wide panels have no room side by side."""
LETTERS = 120
"""Small ones that a line of a page has room for."""
SMALL = 7
"""Smallest type in points, at print size."""


@dataclass(frozen=True)
class Style:
    """How a method looks: by hue, by marker and by line, so that no one of them is needed."""

    colour: str
    marker: str
    line: LineStyle = "-"
    family: str = "other"
    """methods of one family share a panel, beside the baseline"""

    def points(self, *, filled: bool = True, size: float = 3.2) -> dict[str, Any]:
        """What ``Axes.plot`` takes to draw points: filled ones, or rings.

        Args:
            filled: whether they stand for several runs.
            size: of a circle, in points; other markers are scaled to look as large.
        """
        return {
            **{"linestyle": "", "color": self.colour, "marker": self.marker},
            "markerfacecolor": self.colour if filled else "white",
            **{"markersize": size * LOOKS.get(self.marker, 1.0), "markeredgewidth": 0.8},
        }


LOOKS = {"s": 0.92, "D": 0.85, "P": 1.5, "X": 1.5, "*": 1.6, "p": 1.2, "d": 1.2}
"""Marker -> its size where it looks as large as a circle of size 1."""
DASHED, DASH_DOT, DASH_DOTS = (0, (4, 1.3)), (0, (4, 1.2, 1, 1.2)), (0, (4, 1.1, 1, 1.1, 1, 1.1))
DISTILLED, REGULARISED, INVARIANT = "distilled", "regularised", "trained on other views"

# Okabe and Ito's colours, which the common kinds of colour blindness tell apart; controls have
# some of Paul Tol's. Every method has a marker of its own, but for weaker and stronger kinds of
# one: they share its marker and are paler and darker.
METHOD_STYLES = {
    BASELINE: Style("#0072B2", "o"),
    "mutual": Style("#D55E00", "s", DASHED, DISTILLED),
    "mutual-alpha0": Style("#E69F00", "^", DASH_DOT, DISTILLED),
    "ppo-norm1": Style("#999933", "v", DASH_DOTS, DISTILLED),
    "ppo-l2": Style("#56B4E9", "<", DASHED, REGULARISED),
    "ppo-dropout": Style("#009E73", ">", DASH_DOT, REGULARISED),
    "drac": Style("#882255", "P", DASHED, INVARIANT),
    "drac-twins": Style("#AA4499", "X", DASH_DOT, INVARIANT),
    "oneway": Style("#CC6677", "D", DASH_DOTS, DISTILLED),
    "ppo-wide": Style("#332288", "p", DASH_DOTS, REGULARISED),
    "ppo-l2-weak": Style("#A6D8F5", "<", DASHED, REGULARISED),
    "ppo-l2-strong": Style("#0B4F6C", "<", DASHED, REGULARISED),
    "ppo-dropout-weak": Style("#7FCFB9", ">", DASH_DOT, REGULARISED),
    "ppo-dropout-strong": Style("#00553E", ">", DASH_DOT, REGULARISED),
    UNTRAINED: Style("#767676", "*", ":"),
}
_SPARE_COLOURS = (
    *("#CC79A7", "#000000", "#8C6D00", "#4B3F8F", "#117733", "#88CCEE"),
    *("#DDCC77", "#661100", "#6699CC", "#994455", "#222255", "#AAAA00"),
)
_SPARE_LINES: tuple[LineStyle, ...] = ("-", DASHED, DASH_DOT, DASH_DOTS)
SPARE_STYLES = tuple(
    Style(colour, marker, line)
    for marker in ("d", "h")
    for colour, line in zip(_SPARE_COLOURS, cycle(_SPARE_LINES), strict=False)
)
"""Of methods that are not the project's own. Two of one marker differ by colour to any eye."""
LAYER_ORDER = (
    *("pixels", "conv1", "conv2", "conv3", "block1", "block2", "block3", "pooled", "hidden"),
    *("policy", "value"),
)

TICKS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Of a logarithmic axis of factors."""

# Type 42 keeps letters as letters, which journals ask for and readers can search.
_PAPER = {
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "figure.constrained_layout.use": True,
    "figure.titlesize": 9,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 3,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "twinscope",
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
}


@dataclass(frozen=True)
class Drawing:
    """A finished figure, what its files are called, and exactly the rows it shows."""

    name: str
    figure: Figure
    rows: pd.DataFrame


Draw = Callable[[Path], Iterator[Drawing]]
MethodStep = TypeVar("MethodStep", bound=tuple[str, int])


_CHANGED: ContextVar[dict[str, Any] | None] = ContextVar("_CHANGED", default=None)
_ROOM: ContextVar[float] = ContextVar("_ROOM", default=PAGE_WIDTH)


def paper() -> AbstractContextManager[None]:
    """The project's style inside a ``with`` block; :func:`own_settings` may change it."""
    return matplotlib.style.context(["default", _PAPER, _CHANGED.get() or {}])


@contextmanager
def own_settings(changed: dict[str, Any], room: float = PAGE_WIDTH) -> Iterator[None]:
    """Lay settings of matplotlib, such as those of the user's matplotlibrc, over the style.

    Args:
        changed: the settings.
        room: inches that a figure will have, at the type of a page.
    """
    tokens = _CHANGED.set(changed), _ROOM.set(room)
    try:
        yield
    finally:
        _CHANGED.reset(tokens[0])
        _ROOM.reset(tokens[1])


def one_column() -> bool:
    """Whether panels had better stand below one another: there is room for a column of a page."""
    return _ROOM.get() < NARROW


def on_paper(draw: Draw) -> Draw:
    """Have a ``draw(tables)`` function draw in the project's style."""

    @wraps(draw)
    def styled(tables: Path) -> Iterator[Drawing]:
        with paper():
            yield from list(draw(tables))

    return styled


def show_factors(axis: Axis, ticks: Sequence[float] = TICKS) -> None:
    """Have ticks of a logarithmic axis that can be read as factors."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def without_backgrounds(method: str) -> str:
    """``ppo`` of ``ppo-bg9``: what has a colour and a name of its own."""
    return base_method(method)


def method_styles(methods: Iterable[str]) -> dict[str, Style]:
    """Method -> its looks. A known method looks the same everywhere, on whatever backgrounds.

    Another one takes of the spare looks those that its name leads to, whatever else is shown; if
    one before it in the alphabet has these, the next that are free, and if none is, those.
    """
    asked = sorted(set(methods))
    unknown = sorted({without_backgrounds(method) for method in asked} - set(METHOD_STYLES))
    own, taken = dict(METHOD_STYLES), set[Style]()
    for method in unknown:
        start = crc32(method.encode()) % len(SPARE_STYLES)
        wishes = SPARE_STYLES[start:] + SPARE_STYLES[:start]
        own[method] = next((look for look in wishes if look not in taken), wishes[0])
        taken.add(own[method])
    return {method: own[without_backgrounds(method)] for method in asked}


def method_handles(styles: dict[str, Style], *, lines: bool = False) -> list[Line2D]:
    """One entry of a legend for each method, in their order.

    Args:
        styles: of the methods.
        lines: show their lines, too.
    """
    shown = [(name, styles[name]) for name in in_method_order(styles)]
    return [
        Line2D([], [], **one.points() | ({"linestyle": one.line} if lines else {}), label=name)
        for name, one in shown
    ]


def in_method_order(methods: Iterable[str]) -> list[str]:
    """Distinct methods, those with fixed looks first and in their order."""
    known = list(METHOD_STYLES)

    def place(method: str) -> tuple[int, str]:
        own = without_backgrounds(method)
        return known.index(own) if own in known else len(known), method

    return sorted(set(methods), key=place)


def in_method_and_step_order(pairs: Iterable[MethodStep]) -> list[MethodStep]:
    """Distinct (method, step): methods in their order, and each by its steps."""
    there = set(pairs)
    order = in_method_order(method for method, _ in there)
    return sorted(there, key=lambda one: (order.index(one[0]), one[1]))


def in_layer_order(layers: Iterable[str]) -> list[str]:
    """Distinct layers from the pixels upwards; unknown names last, by alphabet."""
    known = list(LAYER_ORDER)
    return sorted(set(layers), key=lambda n: (known.index(n) if n in known else len(known), n))


def short(step: float) -> str:
    """``16384`` -> ``16k``, ``2097152`` -> ``2.1M``."""
    if step >= 1e6:
        return f"{step / 1e6:.2g}M"
    return f"{step / 1e3:.0f}k" if step >= 1e3 else f"{step:.0f}"
