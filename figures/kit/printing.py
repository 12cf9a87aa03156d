"""How figures are asked for: at a width, for a page or a slide, in formats. Loads no plotting."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from checkpoints.console import UserError, one_of

FORMATS = ("pdf", "png", "svg")
TALK = 1.5
"""Type and lines of a slide ÷ those of a page: 8 pt are 12 pt on a slide of 13.3 inches."""
WIDTHS = (1.0, 40.0)
"""Inches."""
PrintStyle = Literal["paper", "talk", "own"]


@dataclass(frozen=True)
class Print:
    """How figures are saved.

    Args:
        width: in inches; None keeps the width that the figure was laid out for.
        style: ``paper``; ``talk``, all of it :data:`TALK` times as large; ``own``, the
            settings of the user's matplotlibrc laid over ``paper``.
        formats: any of :data:`FORMATS`.
    """

    width: float | None = None
    style: PrintStyle = "paper"
    formats: tuple[str, ...] = ("pdf", "png")

    def __post_init__(self) -> None:
        if self.width is not None and not WIDTHS[0] <= self.width <= WIDTHS[1]:
            raise UserError(
                f"width: expected inches from {WIDTHS[0]:g} to {WIDTHS[1]:g}, got {self.width:g}; "
                "a column of a two-column page has about 3.25, the page 6.75"
            )
        for name in self.formats:
            one_of("format", name, FORMATS)
        if not self.formats or len(set(self.formats)) < len(self.formats):
            raise UserError(
                f"format: expected one or more of {', '.join(FORMATS)}, each once, got "
                f"{','.join(self.formats)!r}"
            )

    def settings(self) -> AbstractContextManager[None]:
        """Within it, figures are drawn in this style."""
        import matplotlib as mpl

        from figures.kit.style import PAGE_WIDTH, own_settings

        room = PAGE_WIDTH if self.width is None else self.width
        own = own_of(mpl.rcParams) if self.style == "own" else {}
        return own_settings(own, room / (TALK if self.style == "talk" else 1.0))


def formats_of(text: str) -> tuple[str, ...]:
    """``pdf,svg`` as a tuple."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def own_of(settings: Any) -> dict[str, Any]:
    """What in these settings of matplotlib differs from its defaults, and is no backend's."""
    from matplotlib import rcParamsDefault

    left = {"backend", "backend_fallback", "interactive", "toolbar", "date.epoch"}
    return {k: settings[k] for k in settings if k not in left and settings[k] != rcParamsDefault[k]}
