"""Joint pictures of policies, and under each the number that could have proved it wrong."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.records.runs import SPREAD, SPREAD_RANK
from analysis.studies.embedding.study import SCHEMA, SCORES
from figures.kit.rows import load_rows
from figures.kit.style import (
    METHOD_STYLES,
    PAGE_WIDTH,
    SMALL,
    SPARE_STYLES,
    Drawing,
    in_method_order,
    method_handles,
    method_styles,
    on_paper,
)

NAME = "embedding"
MAPS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}
_LABELS = (*list(METHOD_STYLES.values())[:5], *SPARE_STYLES[:4])
LABEL_COLOURS = tuple(style.colour for style in _LABELS)
"""Of backgrounds and frames; they start over where there are more."""
SHORT = {SPREAD: "within ÷ between", SPREAD_RANK: "effective rank"} | {
    f"purity by {label}": f"same {label}" for label in ("policy", "state", "background")
}

CAPTION = """Above: colour and marker are the method's. Below: one policy out of the joint t-SNE.
Twins: colour is background, threads join a state's twins. Recoloured frames: colour is frame, a
point one random convolution. Same …: share of nearest neighbours, with its chance. Within ÷
between: distance of two views of a state ÷ of two states, in the layer itself. Only PCA has axes.
Brackets: range over seeds; of within ÷ between, 95 % interval over levels"""


def plot_map(
    ax: Axes, rows: pd.DataFrame, kind: str, colours: Sequence[str], marker: str = "o"
) -> Axes:
    """The points of one map; only PCA has axes, and only its distances can be read off.

    Args:
        ax: where to draw.
        rows: columns as in the table.
        kind: one of :data:`MAPS`.
        colours: of each row.
        marker: of all rows.
    """
    at = rows[f"{kind}_x"], rows[f"{kind}_y"]
    ax.scatter(*at, s=5, c=list(colours), marker=marker, linewidths=0, zorder=2)
    ax.grid(visible=False)
    ax.margins(0.06)
    if kind == "pca":
        ax.set_aspect("equal", adjustable="datalim")
    else:
        ax.set_xticks([])
        ax.set_yticks([])
    return ax


def tie(ax: Axes, rows: pd.DataFrame, kind: str) -> Axes:
    """Draw a thread from each point of a map to the middle of its state's views."""
    at = rows[[f"{kind}_x", f"{kind}_y"]]
    middle = at.groupby(rows["state"]).transform("mean")
    ends = np.stack([at.to_numpy(), middle.to_numpy()])
    ax.plot(ends[..., 0], ends[..., 1], color="0.6", linewidth=0.25, zorder=1)
    return ax


def say(scores: pd.DataFrame, kind: str, name: str, measure: str) -> str:
    """One score with its range and its chance, in words; nothing where it was not taken."""
    found = scores[(scores["map"] == kind) & (scores["id"] == name)]
    found = found[found["measure"] == measure]
    if found.empty:
        return ""
    one = found.iloc[0]
    words = SHORT.get(measure, measure)
    if np.isnan(one["value"]):
        return f"{words}: {one['verdict']}"
    value, low, high, chance = (short(one[name]) for name in ("value", "low", "high", "chance"))
    ends = "" if low == high else f" [{low}, {high}]"
    return f"{words} {value}{ends}" + ("" if np.isnan(one["chance"]) else f" (chance {chance})")


def short(value: float) -> str:
    """Two digits, without a leading zero: room is scarce below a panel."""
    return f"{value:.2f}".removeprefix("0") if 0 <= value < 1 else f"{value:.2f}"


def joint(axes: Sequence[Axes], rows: pd.DataFrame, scores: pd.DataFrame) -> None:
    """All policies in each of the maps, by the colour of their method."""
    styles = method_styles(rows["method"])
    for ax, (kind, words) in zip(axes, MAPS.items(), strict=False):
        for method in in_method_order(rows["method"]):
            some, style = rows[rows["method"] == method], styles[method]
            plot_map(ax, some, kind, [style.colour] * len(some), style.marker)
        lines = [say(scores, kind, "all", m) for m in ("trustworthiness", "purity by policy")]
        if kind == "pca":
            shares = scores[(scores["map"] == "pca") & scores["measure"].str.startswith("variance")]
            first, second = shares.sort_values("measure")["value"]
            ax.set_ylabel(f"axis 2, cosine ({second:.0%})", labelpad=1)
            lines = [f"axis 1, cosine ({first:.0%})", *lines]
        ax.set_xlabel("\n".join(lines), fontsize=SMALL)
        ax.set_title(f"{words}, all policies")


def one_policy(ax: Axes, rows: pd.DataFrame, scores: pd.DataFrame, panel: str) -> None:
    """One policy's points out of the joint t-SNE, by background or by frame."""
    twins = panel == "twins"
    label = rows["view" if twins else "state"]
    order = {one: place for place, one in enumerate(sorted(set(label)))}
    colours = [LABEL_COLOURS[order[one] % len(LABEL_COLOURS)] for one in label]
    plot_map(ax, rows, "tsne", colours)
    if twins:
        tie(ax, rows, "tsne")
    name = rows["id"].iloc[0]
    lines = [say(scores, "tsne", name, f"purity by {what}") for what in ("state", "background")]
    lines += [say(scores, "layer", name, measure) for measure in (SPREAD, SPREAD_RANK)]
    ax.set_xlabel("\n".join(line for line in lines if line), fontsize=SMALL)
    ax.set_title(f"{rows['method'].iloc[0]}: {'twins' if twins else 'recoloured frames'}")


def page(game: str, rows: pd.DataFrame, scores: pd.DataFrame) -> Figure:
    """One game: all policies, then one a method, on twins and under random convolutions."""
    panels = [panel for panel in ("twins", "random-conv") if (rows["panel"] == panel).any()]
    methods = in_method_order(rows["method"])
    # The words below a panel are wider than the panel, and layout does not ask for them.
    layout = ConstrainedLayoutEngine(rect=(0.015, 0, 0.97, 1))
    figure = Figure(figsize=(PAGE_WIDTH, 0.6 + 2.35 * (len(panels) + 1)), layout=layout)
    axes = figure.subplots(len(panels) + 1, max(3, len(methods)), squeeze=False)
    for ax in axes.flat:
        ax.set_visible(False)
    for ax in axes[0, :3]:
        ax.set_visible(True)
    first = rows["panel"] == panels[0]
    joint(axes[0], rows[first], scores[scores["panel"] == panels[0]])
    for line, panel in zip(axes[1:], panels, strict=True):
        there = scores[scores["panel"] == panel]
        for ax, method in zip(line, methods, strict=False):
            here = rows[(rows["panel"] == panel) & (rows["method"] == method)]
            ax.set_visible(True)
            one_policy(ax, here[here["id"] == min(here["id"])], there, panel)
    marks = method_handles(method_styles(rows["method"]))
    figure.suptitle(f"{game}: policies side by side, on the same pictures")
    figure.legend(
        handles=marks,
        loc="outside lower center",
        ncols=len(marks),
        title=CAPTION,
        title_fontsize=SMALL,
    )
    return figure


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """A page a game; the rows behind it are its points, then its scores."""
    points = load_rows(tables, SCHEMA)
    scores = load_rows(tables, SCORES)
    for game in sorted(set(points["game"])):
        here, there = (rows[rows["game"] == game] for rows in (points, scores))
        figure = page(game, here, there)
        yield Drawing(f"{NAME}-{game}", figure, pd.concat([here, there], ignore_index=True))
