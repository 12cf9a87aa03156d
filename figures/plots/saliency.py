"""Where maps lie, by method: on the background, on sprites, and whether twins bear them out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from analysis.studies.saliency.rows import SCHEMA
from figures.kit.rows import MissingTable, command_of, load_rows
from figures.kit.style import (
    PAGE_WIDTH,
    SMALL,
    Drawing,
    Style,
    in_method_order,
    method_styles,
    on_paper,
)

NAME = "saliency"
PANELS = {
    "mass_over_area": "share of the map on\nbackground / of the frame",
    "sprites": "share of the map on\nsprites / of the frame",
    "faithful_amount": "rank correlation with\nTV between twins",
}
METHOD_ORDER = ("gradient", "smoothgrad", "ig-black", "ig-blurred", "ig-twin", "occlusion")
APART = 0.6
"""Share of the room between two methods over which policies are spread."""


def in_attribution_order(names: pd.Series) -> list[str]:
    """Distinct methods; Grad-CAM last, from the pixels upwards."""
    known = list(METHOD_ORDER)
    return sorted(set(names), key=lambda n: (known.index(n) if n in known else len(known), n))


def plot_scores(ax: Axes, rows: pd.DataFrame, score: str, styles: dict[str, Style]) -> Axes:
    """One score with its interval over the methods of one game, a point a policy.

    Args:
        ax: where to draw.
        rows: columns as in the table, of one game and target. What holds by construction is
            hatched, not drawn. Behind ``faithful_amount`` a grey dash: what the area of the
            background alone ranks as well.
        score: one of :data:`PANELS`.
        styles: looks of each method.
    """
    order = in_attribution_order(rows["attribution"])
    methods = in_method_order(rows["method"])
    names = rows[["method", "seed", "peer", "id"]].itertuples(index=False, name=None)
    ids = [one[-1] for one in sorted(set(names), key=lambda n: (methods.index(n[0]), *n[1:]))]
    shift = APART * ((rows["id"].map(ids.index) + 0.5) / len(ids) - 0.5)
    places = rows["attribution"].map(order.index) + shift
    correlation = score == "faithful_amount"
    ax.axhline(0.0 if correlation else 1.0, color="0.35", linewidth=0.8, zorder=0)
    drawn = rows if correlation else rows[rows["verdict"] == "scored"]
    if correlation:
        label = "area alone (below)"
        ax.plot(places, rows["faithful_area"], "_", color="0.5", markersize=4, label=label)
    for method in methods:
        one = drawn[drawn["method"] == method]
        at, style = places[one.index], styles[method]
        ax.vlines(at, one[f"{score}_low"], one[f"{score}_high"], color=style.colour, linewidth=1.0)
        ax.plot(at, one[score], label=method, **style.points(size=2.5))
    for method in set(rows.loc[rows["verdict"] == "by construction", "attribution"]):
        if not correlation:
            at = order.index(method)
            ax.axvspan(at - 0.45, at + 0.45, color="0.85", hatch="///", fill=False, linewidth=0)
    ax.set_xticks(range(len(order)), order, rotation=45, ha="right")
    ax.set_xlim(-0.5, len(order) - 0.5)
    return ax


def of_buttons(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that are about decisions; ``MissingTable`` if there is none."""
    found = rows[rows["target"] == "button"].reset_index(drop=True)
    if found.empty:
        raise MissingTable(
            f"{SCHEMA.name}.csv: expected maps of target button, got "
            f"{', '.join(sorted(set(rows['target'])))}: earlier versions explained actions; write "
            f"it again with: {command_of(SCHEMA)} --overwrite"
        )
    return found


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One page: a column a game, maps of the likeliest button."""
    rows = of_buttons(load_rows(tables, SCHEMA))
    games, styles = sorted(set(rows["game"])), method_styles(rows["method"])
    figure = Figure(figsize=(PAGE_WIDTH, 5.6))
    axes = figure.subplots(len(PANELS), len(games), squeeze=False, sharex="col")
    handles: dict[str, Any] = {}
    for column, game in enumerate(games):
        here = rows[rows["game"] == game]
        for line, score in enumerate(PANELS):
            ax = plot_scores(axes[line, column], here, score, styles)
            handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
        axes[0, column].set_title(f"{game}: background is {here['area'].mean():.0%} of the frame")
        axes[0, column].set_ylim(0, None)
        _log(axes[1, column])
        axes[2, column].set_ylim(-1, 1)
    for ax, label in zip(axes[:, 0], PANELS.values(), strict=True):
        ax.set_ylabel(label)
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=5,
        columnspacing=1.2,
        title="Maps of the likeliest button; bars: 95 % intervals over levels; line: chance; "
        "hatched: fixed by construction.\nBelow: amount on the background against the TV between "
        "twins, over states.",
        title_fontsize=SMALL,
    )
    yield Drawing(NAME, figure, rows)


def _log(ax: Axes) -> None:
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    subs = (1.0, 2.0, 5.0) if high > 5 * low else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    ax.yaxis.set_major_locator(LogLocator(subs=subs))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
