"""Every game's twins: one state on other backgrounds, and the mask of what they change."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.studies.twins import SCHEMA
from checkpoints.console import UserError
from figures.kit.rows import MissingTable, command_of, load_rows
from figures.kit.style import PAGE_WIDTH, SMALL, Drawing, on_paper, one_column

NAME = "twins_panel"
TILES = ("original", "twin", "twin", "twin", "mask")
SIDE = 64
GAP = 0.06
GAMES_A_ROW = 2
VACUOUS = "one background: nothing to vary"


def plot_strip(ax: Axes, strip: np.ndarray, title: str, *, vacuous: bool = False) -> Axes:
    """Tiles side by side, each one unit wide, with a title above.

    Args:
        ax: where to draw.
        strip: ``(64, 64 * tiles, 3 or 4)``, the tiles in the order of ``TILES``.
        title: the line above.
        vacuous: show the original only and hatch the place of the rest.
    """
    for place in range(len(TILES)):
        left = place * (1 + GAP)
        tile = strip[:, place * SIDE : (place + 1) * SIDE]
        if vacuous and place:
            ax.fill_between(
                [left, left + 1], 0, 1, facecolor="0.94", edgecolor="0.75", hatch="///", linewidth=0
            )
        else:
            ax.imshow(tile, extent=(left, left + 1, 0, 1), interpolation="nearest")
            frame = Rectangle((left, 0), 1, 1, fill=False, edgecolor="0.5", linewidth=0.4)
            ax.add_patch(frame).set_clip_on(False)
    ax.set_xlim(0, len(TILES) * (1 + GAP) - GAP)
    ax.set_ylim(0, 1)
    ax.set_axis_off()
    ax.set_title(title, loc="left", fontsize=SMALL, pad=2, color="0.45" if vacuous else "black")
    return ax


def read_strip(path: Path) -> np.ndarray:
    """The strip of one game, ``(64, 320, 3 or 4)``.

    Raises:
        UserError: no such file, or another size.
    """
    if not path.exists():
        raise MissingTable(
            f"expected a strip of tiles at {path}, found no file; write it: {command_of(SCHEMA)}"
        )
    strip: np.ndarray = matplotlib.image.imread(path)
    expected = (SIDE, SIDE * len(TILES))
    if strip.shape[:2] != expected:
        raise UserError(
            f"{path}: expected {expected[0]} x {expected[1]} pixels, got "
            f"{strip.shape[0]} x {strip.shape[1]}; write it again: {command_of(SCHEMA)} --overwrite"
        )
    return strip


def describe(row: pd.Series) -> str:
    """``coinrun · 62 backgrounds, 1 trained · mask 43.3 % [40.7, 45.8]``."""
    if row["vacuous"]:
        return f"{row['game']} · {VACUOUS}"
    area = f"mask {100 * row['mask_area']:.1f} %"
    if not np.isnan(row["low"]):
        area += f" [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    count, trained = row["backgrounds_available"], row["backgrounds_trained"]
    backgrounds = f"{count} backgrounds" + (f", {trained} trained" if trained < count else "")
    return f"{row['game']} · {backgrounds} · {area}"


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One page, two games a line."""
    rows = load_rows(tables, SCHEMA).sort_values("game", ignore_index=True)
    lines = -(-len(rows) // GAMES_A_ROW)
    figure = Figure(figsize=(PAGE_WIDTH, 0.3 + (0.66 if one_column() else 0.82) * lines))
    axes = figure.subplots(lines, GAMES_A_ROW, squeeze=False)
    # Read down the first column, then down the second.
    places = axes.T.flat
    for ax in axes.T.flat[len(rows) :]:
        ax.set_axis_off()
    for (_, row), ax in zip(rows.iterrows(), places, strict=False):
        strip = read_strip(tables / SCHEMA.name / f"{row['game']}.png")
        plot_strip(ax, strip, describe(row), vacuous=row["vacuous"])
    figure.suptitle(
        "Each strip: the state as played, three twins, and its mask (white where a background "
        "shows).\nMean area of the masks of a game, with its 95 % interval.",
        fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)
