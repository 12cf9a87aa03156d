"""Layer by layer and measure by measure: how far beyond chance are peers alike, and who else is?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from analysis.policies.relations import PEERS, SEEDS, STEPS, kind_of
from analysis.studies.similarity.compared import SCHEMA
from checkpoints.policy.ids import UNTRAINED
from figures.kit.rows import load_rows
from figures.kit.style import PAGE_WIDTH, SMALL, Drawing, in_layer_order, on_paper
from figures.plots.cka_map import COLOURS, label_edges, plot_map

NAME = "similarity"
MEASURES = {
    "cka": "CKA",
    "cka_deconfounded": "CKA without\nthe input's part",
    "cka_one_background": "CKA on\none background",
    "cka_rbf": "CKA, Gaussian",
    "rsa": "RSA",
    "neighbours": "mutual nearest\nneighbours",
}
"""Those that are tested by permutation, and what the page calls them."""
ALPHA = 0.05
KAPPA = "κ: what of it remains above chance (Cohen); –: one button in every state"


def agreed_as(agreement: float, beyond: float) -> str:
    """Agreement and κ as figures say them; a dash for what is not defined."""
    shown = ("–" if np.isnan(one) else f"{one:z.2f}" for one in (agreement, beyond))
    return ", κ ".join(shown).replace("-", "−")


def kinds_of(rows: pd.DataFrame) -> list[str]:
    """Pairs of one method: peers first, then seeds, then the untrained."""
    order = (PEERS, SEEDS, STEPS, UNTRAINED)
    kinds = [pair for pair in dict.fromkeys(rows["pair"]) if kind_of(pair) in order]
    return sorted(kinds, key=lambda pair: (order.index(kind_of(pair)), pair))


def averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over the pairs of a kind; a cell stands out if it does in every pair.

    Returns:
        One row a cell: ``layer_x, layer_y, value, calibrated, p_max, pairs``.
    """
    cells = rows.groupby(["layer_x", "layer_y"], sort=False)
    found = cells.agg(
        value=("value", "mean"),
        calibrated=("calibrated", "mean"),
        p_max=("p_max", "max"),
        pairs=("value", "count"),
    )
    return found.reset_index()


def plot_calibrated(ax: Axes, cells: pd.DataFrame, norm: Normalize) -> Axes:
    """A layer-by-layer map of calibrated similarity, hatched where the null stands.

    Args:
        ax: where to draw.
        cells: as :func:`averaged` returns them.
        norm: colour scale.
    """
    grids = [
        cells.pivot(index="layer_x", columns="layer_y", values=name).pipe(_in_order)
        for name in ("calibrated", "p_max")
    ]
    plot_map(ax, grids[0], norm)
    for i, j in np.argwhere(grids[1].to_numpy() > ALPHA):
        corner = (j - 0.5, i - 0.5)
        ax.add_patch(
            Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor="0.6", linewidth=0)
        )
    return ax


def _in_order(grid: pd.DataFrame) -> pd.DataFrame:
    return grid.loc[in_layer_order(grid.index), in_layer_order(grid.columns)]


def shown_measures(rows: pd.DataFrame) -> list[str]:
    """Tested measures of one game; one background says nothing new where a game shows only one."""
    values = {name: here["value"].to_numpy() for name, here in rows.groupby("measure")}
    if np.array_equal(values.get("cka", ()), values.get("cka_one_background", ()), equal_nan=True):
        values.pop("cka_one_background", None)
    return [name for name in MEASURES if name in values]


def draw_maps(game: str, rows: pd.DataFrame) -> Drawing:
    """One line a measure, one column a kind of pair."""
    kinds = kinds_of(rows)
    measures = shown_measures(rows)
    columns = max(2, len(kinds))
    width = PAGE_WIDTH * (columns + 0.5) / 4.5
    figure = Figure(figsize=(width, 0.9 + 1.3 * len(measures)), layout="compressed")
    axes = figure.subplots(len(measures), columns, squeeze=False)
    norm, shown, grids = Normalize(0.0, 1.0, clip=True), [], {}
    for (line, column), ax in np.ndenumerate(axes):
        if column >= len(kinds):
            ax.set_axis_off()
            continue
        measure, kind = measures[line], kinds[column]
        here = rows[(rows["measure"] == measure) & (rows["pair"] == kind)]
        cells = averaged(here)
        plot_calibrated(ax, cells, norm)
        grids[ax] = cells.pivot(index="layer_x", columns="layer_y", values="value").pipe(_in_order)
        if line == 0:
            agreed = agreed_as(*here[["agreement", "kappa"]].mean())
            ax.set_title(f"{kind} (n = {cells['pairs'].max()})\nagree {agreed}")
        shown.append(cells.assign(game=game, pair=kind, measure=measure))
    label_edges(axes, grids)
    for line, measure in enumerate(measures):
        axes[line, 0].set_ylabel(f"{MEASURES[measure]}\n\nlayer of x")
    bar = figure.colorbar(
        ScalarMappable(norm, COLOURS),
        ax=axes,
        shrink=0.3,
        aspect=30,
        pad=0.02,
        label="similarity beyond chance",
    )
    bar.outline.set_visible(False)
    figure.legend(
        handles=[Patch(fill=False, hatch="////", edgecolor="0.6", label="not beyond chance")],
        loc="outside lower center",
        title="0: what the largest cell of a map reaches by chance 5 % of the time; 1: equal\n"
        f"agree: share of states with the same likeliest button\n{KAPPA}",
        title_fontsize=SMALL,
    )
    states, levels = rows["states"].max(), rows["levels"].max()
    figure.suptitle(f"{game}: {states} states of {levels} levels")
    table = pd.concat(shown, ignore_index=True)
    first = ["game", "measure", "pair"]
    return Drawing(f"{NAME}-{game}", figure, table[[*first, *table.columns.drop(first)]])


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One page of maps a game."""
    rows = load_rows(tables, SCHEMA)
    for game, here in rows.groupby("game", sort=True):
        yield draw_maps(str(game), here)
