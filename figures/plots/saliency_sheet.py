"""A sheet of saliency maps: a state, its twin, its mask, and what each method says of it."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.studies.saliency.rows import SHEET_SCHEMA
from checkpoints.console import UserError
from figures.kit.rows import MissingTable, command_of, load_rows
from figures.kit.style import PAGE_WIDTH, SMALL, Drawing, on_paper

NAME = "saliency_sheet"
FOLDER = "saliency"
PICTURES = ("as met", "twin", "background")
SIDE = 64
COLOURS = "magma"


def read_tiles(path: Path, lines: int, columns: int) -> np.ndarray:
    """Tiles ``(lines, columns, 64, 64)``, with colours last where there are any.

    Raises:
        UserError: no such file, or fewer tiles.
    """
    if not path.exists():
        raise MissingTable(
            f"expected tiles at {path}, found no file; write them: {command_of(SHEET_SCHEMA)}"
        )
    picture: np.ndarray = matplotlib.image.imread(path)
    height, width = picture.shape[:2]
    if height < lines * SIDE or width < columns * SIDE or height % SIDE or width % SIDE:
        raise UserError(
            f"{path}: expected {lines} lines of {columns} tiles of {SIDE} pixels, got {height} x "
            f"{width} pixels; write it again: {command_of(SHEET_SCHEMA)} --overwrite"
        )
    tiles = picture.reshape(height // SIDE, SIDE, width // SIDE, SIDE, *picture.shape[2:])
    return tiles.swapaxes(1, 2)


def plot_tile(ax: Axes, tile: np.ndarray, under: str = "") -> Axes:
    """A tile with a line of type under it; a grey one, 0 to 1, in colour."""
    ax.imshow(tile, cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(under, fontsize=SMALL, labelpad=1.5)
    for spine in ax.spines.values():
        spine.set(visible=True, linewidth=0.4, color="0.5")
    return ax


def short(policy: str) -> str:
    """``starpilot/mutual/0/peer1/step2097152`` -> ``mutual/0``."""
    return "/".join(policy.split("/")[1:3])


def ratio_of(value: float) -> str:
    """What stands under a map; a dash where it was left out."""
    return "–" if np.isnan(value) else f"{value:.2f}"


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One page: two states a game, a line a policy."""
    rows = load_rows(tables, SHEET_SCHEMA).sort_values(
        ["picture_line", "map_line", "map_column"], ignore_index=True
    )
    lines, widest = rows["map_line"].max() + 1, rows["map_column"].max() + 1
    pictures = read_tiles(
        tables / FOLDER / "pictures.png", rows["picture_line"].max() + 1, len(PICTURES)
    )
    maps = read_tiles(tables / FOLDER / "maps.png", lines, widest)
    figure = Figure(figsize=(PAGE_WIDTH, 0.8 + 0.64 * lines))
    axes = figure.subplots(lines, len(PICTURES) + widest, squeeze=False)
    figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.015, wspace=0, hspace=0)
    for _, group in rows.groupby("picture_line"):
        first = int(group["map_line"].iloc[0])
        strip = pictures[int(group["picture_line"].iloc[0])]
        _state(axes[first], strip, group.iloc[0])
        for line, one in group.groupby("map_line"):
            _policy(axes[line], maps[line], one, heading=line == 0)
            for ax in axes[line, : len(PICTURES)] if line > first else ():
                ax.set_axis_off()
    for ax, name in zip(axes[0], PICTURES, strict=False):
        ax.set_title(name, fontsize=SMALL, pad=2)
    figure.suptitle(
        "What the log-probability of the likeliest button hangs on. Under each map: its share on "
        "the background /\nthe background's share of the frame; 1 is chance. ig-twin shows only "
        "what differs from the twin.\nTwo states a game: of median TV between a picture and its "
        "twins, and of the largest.",
        fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)


def _state(axes: np.ndarray, strip: np.ndarray, row: pd.Series) -> None:
    under = row["game"], "", f"area {row['mask_area']:.3f}"
    for ax, tile, text in zip(axes, strip, under, strict=False):
        plot_tile(ax, tile, text)


def _policy(axes: np.ndarray, tiles: np.ndarray, rows: pd.DataFrame, *, heading: bool) -> None:
    """The maps of a policy, its name and the TV between twins at their left."""
    for ax in axes[len(PICTURES) + len(rows) :]:
        ax.set_axis_off()
    for _, row in rows.iterrows():
        ax = axes[len(PICTURES) + row["map_column"]]
        plot_tile(ax, tiles[row["map_column"]], ratio_of(row["mass_over_area"]))
        if heading:
            ax.set_title(row["attribution"].replace("-", "\n"), fontsize=SMALL, pad=2)
    label = f"{short(rows['id'].iloc[0])}\nTV {rows['change'].iloc[0]:.2f}"
    axes[len(PICTURES)].set_ylabel(label, fontsize=SMALL, labelpad=2)
