"""What moves when during training: measures of the last layer at every kept step, by policy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from analysis.records.values import EMERGENCE
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import is_strength
from figures.kit.rows import load_rows
from figures.kit.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    SMALL,
    Drawing,
    by_backgrounds,
    in_layer_order,
    in_method_order,
    method_colours,
    on_paper,
)
from probes.studies.training import SCHEMA as PROBES

NAME = "emergence"
NARROWED = f"{NAME}-narrowed"
FEW = 6
"""Policies that one panel can show with their bands."""


class Panel(NamedTuple):
    """One line of panels."""

    measure: str
    words: str
    last: bool = True
    """of the last layer; else the one below"""


PANELS = (
    Panel("return", "return,\nunseen levels"),
    Panel("icc", "ICC,\nlast convolution", last=False),
    Panel("icc", "ICC,\nlast layer"),
    Panel("ratio", "TV, twins ÷\nstates"),
    Panel("ratio_unseen", "the same, un-\nseen twins"),
    Panel("entropy", "entropy of\ndecisions (nats)"),
    Panel("probe_task", "task probe,\nlast layer"),
    Panel("probe_background", "background\nprobe, last layer"),
    Panel("cka_peer", "CKA to peer,\nlast layer"),
    Panel("cka_final", "CKA to end,\nlast layer"),
    Panel("saliency", "gradient on\nbackground ÷ area"),
)


def plot(ax: Axes, rows: pd.DataFrame, colours: dict[str, str]) -> Axes:
    """One measure of one game: a line a policy, its band over levels, dotted where untrained.

    More than :data:`FEW` policies have thin lines without bands, and their method's median where
    all of them have a value.

    Args:
        ax: where to draw.
        rows: as in the table; a crossed step has no value, its verdict says why.
        colours: method -> colour.
    """
    for value in rows.loc[rows["method"] == UNTRAINED, "value"].dropna():
        ax.axhline(value, color=colours[UNTRAINED], linestyle=":", linewidth=0.8, zorder=0)
    trained = rows[rows["method"] != UNTRAINED]
    crowded = len(trained[["method", "seed", "peer"]].drop_duplicates()) > FEW
    for method in in_method_order(trained["method"]):
        some, dye = trained[trained["method"] == method], colours[method]
        for (_, peer), one in some.groupby(["seed", "peer"]):
            line = one.sort_values("step")
            crosses(ax, line, dye)
            if crowded:
                ax.plot(line["step"], line["value"], color=dye, linewidth=0.6, alpha=0.45)
                continue
            face = dye if peer == 0 else "white"
            marks: dict[str, Any] = {"markersize": 2.5, "markerfacecolor": face}
            ax.plot(line["step"], line["value"], "o-", color=dye, label=method, **marks)
            band: dict[str, Any] = {"color": dye, "alpha": 0.12, "linewidth": 0}
            ax.fill_between(line["step"], line["low"], line["high"], **band)
        if crowded:
            each = some.set_index(["step", "seed", "peer"])["value"].unstack(["seed", "peer"])
            middle = each.median(axis=1, skipna=False)
            marks = {"linewidth": 1.3, "markersize": 2.5}
            ax.plot(middle.index, middle, "o-", color=dye, label=method, **marks)
    if len(trained):
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_locator(FixedLocator(_ticks(trained["step"])))
        ax.xaxis.set_major_formatter(EngFormatter(sep="", places=0))
        ax.xaxis.set_minor_locator(NullLocator())
    return ax


def crosses(ax: Axes, line: pd.DataFrame, colour: str) -> None:
    """Crosses at the lower edge for steps without a value."""
    bad = line.loc[line["value"].isna(), "step"]
    along = ax.get_xaxis_transform()
    ax.plot(bad, [0.06] * len(bad), "x", color=colour, markersize=4, transform=along)


def _ticks(steps: pd.Series) -> list[int]:
    """At most five of the steps, the last among them."""
    there = sorted(set(steps))
    every = -(-len(there) // 5)
    return there[::-1][::every][::-1]


def of_panel(rows: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """The rows of one measure in the layer that the panel shows."""
    some = rows[rows["measure"] == panel.measure]
    layers = in_layer_order(some["layer"])
    shown = [layers[-1 if panel.last else max(len(layers) - 2, 0)]] if layers else []
    return some[some["layer"].isin(shown)]


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure of games on their own backgrounds, one of those narrowed to some of them."""
    rows = load_rows(tables, EMERGENCE)
    rows = pd.concat([rows, load_rows(tables, PROBES)], ignore_index=True)
    panels = by_backgrounds(rows[~rows["method"].map(is_strength)])
    colours = method_colours([method for _, _, here in panels for method in here["method"]])
    own = [panel for panel in panels if panel[0] == panel[1]]
    narrowed = [panel for panel in panels if panel[0] != panel[1]]
    for name, some in ((NAME, own), (NARROWED, narrowed)):
        if some:
            yield page(name, some, colours)


def page(name: str, games: list[tuple[str, str, pd.DataFrame]], colours: dict[str, str]) -> Drawing:
    """A column for each game, a line of panels for each measure.

    Args:
        name: of the figure.
        games: game, title and rows, as from :func:`figures.kit.style.by_backgrounds`.
        colours: method -> colour.
    """
    width = COLUMN_WIDTH * 1.3 if len(games) <= 2 else PAGE_WIDTH
    figure = Figure(figsize=(width, 1.0 + 0.82 * len(PANELS)))
    axes = figure.subplots(len(PANELS), len(games), squeeze=False, sharex="col")
    handles: dict[str, Any] = {}
    shown = []
    for column, (_, title, here) in enumerate(games):
        for ax, panel in zip(axes[:, column], PANELS, strict=True):
            some = of_panel(here, panel)
            plot(ax, some, colours)
            shown.append(some)
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
            if not np.isfinite(some["value"]).any():
                ax.set_yticks([])
                ax.text(0.5, 0.5, _why(some), transform=ax.transAxes, ha="center", fontsize=SMALL)
            if column == 0:
                ax.set_ylabel(panel.words, fontsize=SMALL)
        axes[0, column].set_title(title.replace(", ", ",\n"))
        axes[-1, column].set_xlabel("steps of a peer")
    figure.align_ylabels(axes[:, 0])
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=4 if len(games) > 2 else 3,
        title="Open: second peer. Dotted: untrained. Crosses: collapsed, undecided or no log.\n"
        f"More than {FEW} policies: a thin line each, points for the median of a method",
        title_fontsize=SMALL,
    )
    return Drawing(name, figure, pd.concat(shown, ignore_index=True))


def _why(rows: pd.DataFrame) -> str:
    """What is written where there is nothing to draw."""
    return ", ".join(dict.fromkeys(rows["verdict"])) or "not measured"
