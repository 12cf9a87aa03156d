"""Saving a figure: at a width, for a page or a slide, and the rows behind it as CSV."""

import warnings
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analysis.records.tables import check_output
from checkpoints.console import UserError, one_of
from checkpoints.doors.writing import atomic
from figures.kit.crowding import crowded
from figures.kit.style import Drawing, own_settings, paper

FORMATS = ("pdf", "png", "svg")
NO_DATE: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
    "svg": {"Date": None},
}
"""Format -> what is left out of it, so that the same drawing gives the same bytes."""
FAINTEST = 2
"""Root mean square of the change, of 255 levels, that fewer colours may bring to a picture."""
TALK = 1.5
"""Type and lines of a slide ÷ those of a page: 8 pt are 12 pt on a slide of 13.3 inches."""
WIDTHS = (1.0, 40.0)
"""Inches."""
Style = Literal["paper", "talk", "own"]


@dataclass(frozen=True)
class Print:
    """How figures are saved.

    Args:
        width: in inches; None keeps the width that the figure was laid out for.
        style: ``paper``; ``talk``, all of it :data:`TALK` times as large; ``own``, the settings of
            the user's matplotlibrc laid over ``paper``.
        formats: any of :data:`FORMATS`.
    """

    width: float | None = None
    style: Style = "paper"
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
        return own_settings(own_of(mpl.rcParams) if self.style == "own" else {})


def formats_of(text: str) -> tuple[str, ...]:
    """``pdf,svg`` as a tuple."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def own_of(settings: Any) -> dict[str, Any]:
    """What in these settings of matplotlib differs from its defaults, and is no backend's."""
    left = {"backend", "backend_fallback", "interactive", "toolbar", "date.epoch"}
    default = mpl.rcParamsDefault
    return {k: settings[k] for k in settings if k not in left and settings[k] != default[k]}


def fit(figure: Figure, printed: Print) -> list[str]:
    """Give a figure its size, and say which of its texts have no room there.

    Args:
        figure: as it was drawn; its height is kept, its type too, except on slides.
        printed: how it is saved.

    Returns:
        What leaves the figure, or runs into its neighbour; none where all has room, and where
        no width was asked for.
    """
    width, height = figure.get_size_inches()
    if printed.style == "talk":
        enlarge(figure, TALK)
        width, height = TALK * width, TALK * height
    figure.set_size_inches(width if printed.width is None else printed.width, height)
    if printed.width is None:
        return []
    with paper(), warnings.catch_warnings():
        # What the layout warns of when it finds no room for a panel at all.
        warnings.filterwarnings("error", message=".*layout not applied")
        try:
            # A legend outside the panels finds its place in the second pass only.
            figure.draw_without_rendering()
            figure.draw_without_rendering()
        except UserWarning:
            return ["its panels vanish"]
        return crowded(figure)


def enlarge(figure: Figure, factor: float) -> None:
    """Multiply the size of type, the width of lines and the size of markers."""
    for text in figure.findobj(Text):
        text.set_fontsize(factor * float(text.get_fontsize()))
    for line in figure.findobj(Line2D):
        line.set_linewidth(factor * line.get_linewidth())
        line.set_markersize(factor * line.get_markersize())
        line.set_markeredgewidth(factor * line.get_markeredgewidth())
    for some in figure.findobj(Collection):
        some.set_linewidth((factor * np.asarray(some.get_linewidth())).tolist())
    for some in figure.findobj(PathCollection):
        some.set_sizes(factor**2 * some.get_sizes())


def save(
    drawing: Drawing, folder: Path, printed: Print | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Write ``NAME.pdf``, ``NAME.png`` (200 dpi) or what else is asked, and ``NAME.csv``.

    The same drawing gives the same bytes: no date and no version is written into a file.

    Args:
        drawing: already of its size, see :func:`fit`.
        folder: to write into.
        printed: which formats; PDF and PNG if not given.
        overwrite: replace files that exist.

    Returns:
        The paths, that of the rows last.

    Raises:
        UserError: one of the files exists and ``overwrite`` is not set.
    """
    formats = (printed or Print()).formats
    paths = [folder / f"{drawing.name}.{ending}" for ending in (*formats, "csv")]
    for path in paths:
        check_output(path, overwrite=overwrite)
    with ExitStack() as stack:
        *pictures, rows = [stack.enter_context(atomic(path, keep=not overwrite)) for path in paths]
        with paper():
            for name, picture in zip(formats, pictures, strict=True):
                drawing.figure.savefig(picture, format=name, metadata=NO_DATE[name])
                if name == "png":
                    use_palette(picture)
        drawing.rows.to_csv(rows, index=False, float_format="%.6g", lineterminator="\n")
    return paths


def use_palette(png: Path) -> None:
    """Rewrite a PNG with a palette of 256 colours, a third of its size, unless that would show.

    Photographs keep all of their colours: see :data:`FAINTEST`.
    """
    from PIL import Image

    with Image.open(png) as opened:
        full, dpi = opened.convert("RGB"), opened.info["dpi"]
    few = full.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    change = np.asarray(few.convert("RGB"), float) - np.asarray(full, float)
    if np.sqrt(np.mean(change**2)) < FAINTEST:
        few.save(png, format="png", optimize=True, dpi=dpi)
