"""Layer by layer: how alike two policies see the same states, and one policy a state's twin."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from analysis.policies.relations import ACROSS, SELF, kind_of, methods_of
from analysis.studies.similarity.cka import SCHEMA
from checkpoints.policy.ids import UNTRAINED
from figures.kit.rows import load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    in_layer_order,
    in_method_order,
    on_paper,
    one_column,
)

NAME = "cka_map"
PAIR_ORDER = ("mutual peers", "ppo seeds", "mutual vs ppo", UNTRAINED)
RENDERINGS = {"same": "same picture", "twin": "y sees the twin"}
PANELS_A_ROW = 4
COLOURS = "Blues"


@dataclass(frozen=True)
class CKAMap:
    """One map: its title and the rows that it averages."""

    title: str
    rows: pd.DataFrame
    kind: str
    """``same``, ``twin`` or ``own``: which policies see which picture"""


def plot_map(ax: Axes, grid: pd.DataFrame, norm: Normalize) -> Axes:
    """A layer-by-layer map with its numbers.

    Args:
        ax: where to draw.
        grid: CKA, one row a layer of x (drawn from the bottom up), one column a layer of y.
        norm: colour scale; a number outside it keeps its print and takes the end's colour.
    """
    shades = colormaps[COLOURS].with_extremes(bad="0.9")
    ax.imshow(grid.to_numpy(), cmap=shades, norm=norm, origin="lower", aspect="equal")
    for (i, j), value in np.ndenumerate(grid.to_numpy()):
        colour = readable_on(shades(float(norm(value))) if np.isfinite(value) else (0.9,) * 3)
        ax.text(j, i, number(value), ha="center", va="center", color=colour, fontsize=SMALL)
    ax.set_xticks(range(grid.shape[1]), list(grid.columns), rotation=45, ha="right")
    ax.set_yticks(range(grid.shape[0]), list(grid.index))
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def number(value: float) -> str:
    """Two digits without the zero before the point: ``.93``, ``1.00``, ``−.02``, ``–``."""
    if np.isnan(value):
        return "–"
    text = f"{abs(value):.2f}"
    sign = "−" if value < 0 and text != "0.00" else ""
    return sign + (text.removeprefix("0") if text != "0.00" else "0")


def readable_on(colour: tuple[float, ...]) -> str:
    """Black or white, whichever contrasts more with an sRGB ``colour`` (WCAG 2 luminance)."""
    red, green, blue = (np.asarray(colour[:3]) + 0.055) ** 2.4 / 1.055**2.4
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"


def averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean CKA over the pairs of policies of a panel.

    Returns:
        One row a cell: ``layer_x, layer_y, cka, smallest, largest, pairs``, layers in order.
    """
    cells = rows.groupby(["layer_x", "layer_y"])["cka"].agg(["mean", "min", "max", "count"])
    cells.columns = pd.Index(["cka", "smallest", "largest", "pairs"])
    order = {layer: place for place, layer in enumerate(in_layer_order(rows["layer_x"]))}
    order |= {layer: place for place, layer in enumerate(in_layer_order(rows["layer_y"]))}
    return cells.reset_index().sort_values(["layer_x", "layer_y"], key=lambda s: s.map(order))


def panels_of(rows: pd.DataFrame) -> list[list[CKAMap]]:
    """Lines of panels for one game: same picture, twins, and every policy with its own twins.

    Trained beside untrained policies are left to the table.
    """
    between, own = rows[rows["pair"] != SELF], rows[rows["pair"] == SELF]
    halves = [kind_of(pair) == ACROSS and UNTRAINED in methods_of(pair) for pair in between["pair"]]
    between = between[~np.array(halves, bool)]
    pairs = [pair for pair in PAIR_ORDER if (between["pair"] == pair).any()]
    pairs += sorted(set(between["pair"]) - set(pairs))
    lines = []
    for rendering, words in RENDERINGS.items():
        here = between[between["rendering"] == rendering]
        lines.append(
            [
                CKAMap(f"{p},\n{words}", r, rendering)
                for p in pairs
                if len(r := here[here["pair"] == p])
            ]
        )
    own = own[own["rendering"] == "twin"]
    lines.append(
        [
            CKAMap(
                f"{method} with itself,\n{RENDERINGS['twin']}",
                own[own["method_x"] == method],
                "own",
            )
            for method in in_method_order(own["method_x"])
        ]
    )
    return [
        line[start : start + PANELS_A_ROW]
        for line in lines
        for start in range(0, len(line), PANELS_A_ROW)
    ]


def label_edges(axes: np.ndarray, grids: dict[Axes, pd.DataFrame]) -> None:
    """Name layers at the left and below only, where all maps of the figure have the same."""
    same = len({(*grid.index, "|", *grid.columns) for grid in grids.values()}) == 1
    for (line, column), ax in np.ndenumerate(axes):
        if column == 0:
            ax.set_ylabel("layer of x")
        elif same:
            ax.tick_params(labelleft=False)
        if line == len(axes) - 1:
            ax.set_xlabel("layer of y")
        elif same:
            ax.tick_params(labelbottom=False)


def draw_game(game: str, rows: pd.DataFrame) -> Iterator[Drawing]:
    """All maps of one game; in one column of a page a figure for each kind of them."""
    lines = panels_of(rows)
    if not one_column():
        yield draw_lines(f"{NAME}-{game}", game, rows, lines)
        return
    kinds: dict[str, list[CKAMap]] = {}
    for panel in (panel for line in lines for panel in line):
        kinds.setdefault(panel.kind, []).append(panel)
    for kind, some in kinds.items():
        pairs = [some[start : start + 2] for start in range(0, len(some), 2)]
        yield draw_lines(f"{NAME}-{game}-{kind}", game, rows, pairs)


def draw_lines(name: str, game: str, rows: pd.DataFrame, lines: list[list[CKAMap]]) -> Drawing:
    """Maps of one game on one scale."""
    norm = Normalize(0.0, 1.0, clip=True)
    columns = max(2, *map(len, lines))
    width = PAGE_WIDTH * (columns + 0.5) / (PANELS_A_ROW + 0.5)
    figure = Figure(figsize=(width, 0.9 + 1.72 * len(lines)), layout="compressed")
    axes = figure.subplots(len(lines), columns, squeeze=False)
    shown, grids = [], {}
    for line, places in zip(lines, axes, strict=True):
        for ax in places[len(line) :]:
            ax.set_axis_off()
        for panel, ax in zip(line, places, strict=False):
            cells = averaged(panel.rows)
            grid = cells.pivot(index="layer_x", columns="layer_y", values="cka")
            grid = grid.loc[in_layer_order(grid.index), in_layer_order(grid.columns)]
            grids[plot_map(ax, grid, norm)] = grid
            ax.set_title(f"{panel.title} (n = {cells['pairs'].max()})")
            shown.append(cells.assign(game=game, panel=panel.title.replace("\n", " ")))
    label_edges(axes, grids)
    bar = figure.colorbar(
        ScalarMappable(norm, COLOURS), ax=axes, shrink=0.4, aspect=30, pad=0.02, label="CKA"
    )
    bar.outline.set_visible(False)
    states, levels = rows["states"].max(), rows["levels"].max()
    figure.suptitle(f"{game}: unbiased CKA over {states} states of {levels} levels")
    figure.supxlabel(
        "n: pairs of policies averaged.\nColours stop at 0 and 1; numbers do not.", fontsize=SMALL
    )
    table = pd.concat(shown, ignore_index=True)
    first = ["game", "panel"]
    return Drawing(name, figure, table[[*first, *table.columns.drop(first)]])


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure a game."""
    rows = load_rows(tables, SCHEMA)
    for game, here in rows.groupby("game", sort=True):
        yield from draw_game(str(game), here)
