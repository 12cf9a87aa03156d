"""One look for all figures, and one way to save them: PDF, PNG, and the rows behind."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure

from analysis.records.tables import check_output
from checkpoints.console import UserError
from checkpoints.doors.writing import atomic
from checkpoints.policy.recipes import base_method, narrowed_to

PAGE_WIDTH = 171 / 25.4
"""Width of a two-column page in inches."""
COLUMN_WIDTH = 83 / 25.4
"""Width of one column in inches."""
SMALL = 7
"""Smallest type in points, at print size."""
FAINTEST = 2
"""Root mean square of the change, of 255 levels, that fewer colours may bring to a picture."""

# Okabe and Ito's colours, which the common kinds of colour blindness tell apart; controls have
# some of Paul Tol's, and weaker and stronger kinds of a method paler and darker ones.
METHOD_COLOURS = {
    "ppo": "#0072B2",
    "mutual": "#D55E00",
    "mutual-alpha0": "#E69F00",
    "ppo-norm1": "#999933",
    "ppo-l2": "#56B4E9",
    "ppo-dropout": "#009E73",
    "drac": "#882255",
    "drac-twins": "#AA4499",
    "oneway": "#CC6677",
    "ppo-wide": "#332288",
    "ppo-l2-weak": "#A6D8F5",
    "ppo-l2-strong": "#0B4F6C",
    "ppo-dropout-weak": "#7FCFB9",
    "ppo-dropout-strong": "#00553E",
    "untrained": "#767676",
}
SPARE_COLOURS = ("#CC79A7", "#000000", "#8C6D00", "#4B3F8F")
LAYER_ORDER = (
    *("pixels", "conv1", "conv2", "conv3", "block1", "block2", "block3", "pooled", "hidden"),
    *("policy", "value"),
)

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


def paper() -> AbstractContextManager[None]:
    """The project's style inside a ``with`` block, whatever the user's own settings are."""
    return matplotlib.style.context(["default", _PAPER])


def on_paper(draw: Draw) -> Draw:
    """Have a ``draw(tables)`` function draw in the project's style."""

    @wraps(draw)
    def styled(tables: Path) -> Iterator[Drawing]:
        with paper():
            yield from list(draw(tables))

    return styled


def without_backgrounds(method: str) -> str:
    """``ppo`` of ``ppo-bg9``: what has a colour and a name of its own."""
    return base_method(method)


def is_strength(method: str) -> bool:
    """Whether a method is another at another strength, such as ``ppo-l2-weak``: see ``sweep``."""
    return without_backgrounds(method).endswith(("-weak", "-strong"))


def panel_title(game: str, method: str) -> str:
    """The game, and how many backgrounds training was narrowed to, if it was."""
    count = narrowed_to(method)
    many = "" if count == "1" else "s"
    return f"{game}, {count} training background{many}" if count else game


def by_backgrounds(rows: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Game, title and rows of each game and set of training backgrounds, by name.

    Untrained policies stand in every panel of their game. Methods lose their number of
    backgrounds, which the title says.
    """
    trained = rows["method"] != "untrained"
    titles = pd.Series(
        [panel_title(*pair) for pair in zip(rows["game"], rows["method"], strict=True)], rows.index
    )
    keys = sorted(set(zip(rows.loc[trained, "game"], titles[trained], strict=True)))
    return [
        (
            game,
            title,
            _plainly(rows[(titles == title) & trained | (rows["game"] == game) & ~trained]),
        )
        for game, title in keys
    ]


def _plainly(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(method=[without_backgrounds(method) for method in rows["method"]])


def method_colours(methods: Iterable[str]) -> dict[str, str]:
    """Method -> colour. A known method has the same colour everywhere; others share the rest.

    A method keeps its colour on whatever backgrounds it was trained.

    Raises:
        UserError: more unknown methods than spare colours.
    """
    asked = sorted(set(methods))
    present = sorted({without_backgrounds(method) for method in asked})
    unknown = [method for method in present if method not in METHOD_COLOURS]
    if len(unknown) > len(SPARE_COLOURS):
        raise UserError(
            f"expected at most {len(SPARE_COLOURS)} methods without a colour of their own, got "
            f"{', '.join(unknown)}; add them to METHOD_COLOURS in figures/kit/style.py"
        )
    spare = dict(zip(unknown, SPARE_COLOURS, strict=False))
    own = {method: METHOD_COLOURS.get(method) or spare[method] for method in present}
    return {method: own[without_backgrounds(method)] for method in asked}


def in_method_order(methods: Iterable[str]) -> list[str]:
    """Distinct methods, those with a fixed colour first and in its order."""
    known = list(METHOD_COLOURS)

    def place(method: str) -> tuple[int, str]:
        own = without_backgrounds(method)
        return known.index(own) if own in known else len(known), method

    return sorted(set(methods), key=place)


def in_layer_order(layers: Iterable[str]) -> list[str]:
    """Distinct layers from the pixels upwards; unknown names last, by alphabet."""
    known = list(LAYER_ORDER)
    return sorted(set(layers), key=lambda n: (known.index(n) if n in known else len(known), n))


def save(drawing: Drawing, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write ``NAME.pdf``, ``NAME.png`` (200 dpi) and ``NAME.csv`` into ``folder``.

    The same drawing gives the same bytes: no date and no version is written into a file.

    Returns:
        The three paths.

    Raises:
        UserError: one of the files exists and ``overwrite`` is not set.
    """
    paths = [folder / f"{drawing.name}.{ending}" for ending in ("pdf", "png", "csv")]
    for path in paths:
        check_output(path, overwrite=overwrite)
    keep = not overwrite
    with (
        atomic(paths[0], keep=keep) as pdf,
        atomic(paths[1], keep=keep) as png,
        atomic(paths[2], keep=keep) as csv,
    ):
        with paper():
            drawing.figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
            drawing.figure.savefig(png, format="png", metadata={"Software": None})
        use_palette(png)
        drawing.rows.to_csv(csv, index=False, float_format="%.6g", lineterminator="\n")
    return paths


def use_palette(png: Path) -> None:
    """Rewrite a PNG with a palette of 256 colours, a third of its size, unless that would show.

    Photographs keep all of their colours: see :data:`FAINTEST`.
    """
    import numpy as np
    from PIL import Image

    with Image.open(png) as opened:
        full, dpi = opened.convert("RGB"), opened.info["dpi"]
    few = full.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    change = np.asarray(few.convert("RGB"), float) - np.asarray(full, float)
    if np.sqrt(np.mean(change**2)) < FAINTEST:
        few.save(png, format="png", optimize=True, dpi=dpi)
