"""Saving a figure: of its size, and the rows behind it as CSV."""

import warnings
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analysis.records.tables import check_output
from checkpoints.doors.writing import atomic
from figures.kit.crowding import crowded
from figures.kit.narrow import panel_height, settle
from figures.kit.printing import TALK, Print
from figures.kit.style import Drawing, paper

NO_DATE: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
    "svg": {"Date": None},
}
"""Format -> what is left out of it, so that the same drawing gives the same bytes."""
FAINTEST = 2
"""Root mean square of the change, of 255 levels, that fewer colours may bring to a picture."""
HIGHEST = 9.5
"""Inches of a page."""
PASSES = 3
"""In which a narrow figure is settled: a broken line moves panels, and their titles with them."""


def fit(figure: Figure, printed: Print) -> list[str]:
    """Give a figure its size, and say which of its texts have no room there.

    Args:
        figure: as it was drawn. On less width its lines and legends are broken, and it grows by
            what they take more; else its height is kept. Its type is, too, except on slides.
        printed: how it is saved.

    Returns:
        What leaves the figure, or runs into its neighbour; none where all has room, and where
        no width was asked for.
    """
    if printed.style == "talk":
        enlarge(figure, TALK)
        figure.set_size_inches(*(TALK * figure.get_size_inches()))
    if printed.width is None:
        return []
    width, height = figure.get_size_inches()
    with paper(), warnings.catch_warnings():
        # What the layout warns of when it finds no room for a panel at all.
        warnings.filterwarnings("error", message=".*layout not applied")
        figure.set_size_inches(printed.width, height)
        found = _without_room(figure)
        if found:
            figure.set_size_inches(width, height)
            _without_room(figure)
            panels = panel_height(figure)
            figure.set_size_inches(printed.width, height)
            _without_room(figure)
            for _ in range(PASSES):
                settle(figure)
                _without_room(figure)
                height = min(height + max(0.0, panels - panel_height(figure)), HIGHEST)
                figure.set_size_inches(printed.width, height)
                found = _without_room(figure)
                if not found:
                    break
    return found


def _without_room(figure: Figure) -> list[str]:
    """Lay a figure out, and say what has no room."""
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
                if name == "png":
                    save_png(drawing.figure, picture)
                else:
                    # A full disk ends the writer of PDF in an AttributeError of its own.
                    drawn = BytesIO()
                    drawing.figure.savefig(drawn, format=name, metadata=NO_DATE[name])
                    picture.write_bytes(drawn.getvalue())
        drawing.rows.to_csv(rows, index=False, float_format="%.6g", lineterminator="\n")
    return paths


def save_png(figure: Figure, path: Path) -> None:
    """Write a PNG, see :func:`use_palette`."""
    drawn = BytesIO()
    # Read back at once, so that time for packing it well would be lost.
    figure.savefig(drawn, format="png", metadata=NO_DATE["png"], pil_kwargs={"compress_level": 1})
    use_palette(drawn, path)


def use_palette(drawn: BinaryIO, path: Path) -> None:
    """Write a PNG with a palette of 256 colours, a third of its size, unless that would show.

    Photographs keep all of their colours: see :data:`FAINTEST`.

    Args:
        drawn: the picture as PNG.
        path: where to write it.
    """
    from PIL import Image

    with Image.open(drawn) as opened:
        full, dpi = opened.convert("RGB"), opened.info["dpi"]
        few = full.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        change = np.asarray(few.convert("RGB"), np.int16) - np.asarray(full, np.int16)
        if np.sqrt(np.mean(np.square(change, dtype=np.int32))) < FAINTEST:
            few.save(path, format="png", optimize=True, dpi=dpi)
        else:
            opened.save(path, format="png", dpi=dpi)
