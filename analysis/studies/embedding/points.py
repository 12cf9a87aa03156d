"""The points of a joint picture, where the maps put them, and the scores of every map."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.measures import joint_maps as maps
from analysis.measures.icc import Invariance
from analysis.records.columns import ends_of
from analysis.records.runs import SPREAD, SPREAD_RANK
from checkpoints.console import UserError

Layers = Mapping[str, Float[np.ndarray, "state view feature"]]
"""Policy -> one of its layers."""


@dataclass(frozen=True)
class MapSettings:
    """How maps are made."""

    seeds: int = 3
    """of UMAP and t-SNE, behind the range of each score; the first is drawn"""
    seed: int = 0
    """the first of them"""
    neighbours: int = maps.NEIGHBOURS
    """of UMAP, trustworthiness and purity"""
    perplexity: float = maps.PERPLEXITY
    """of t-SNE"""


@dataclass(frozen=True, eq=False)
class PanelLayers:
    """What is laid out together: the same views of the same states in every policy."""

    layers: Layers
    anchors: Mapping[str, Float[np.ndarray, "anchor feature"]]
    views: Sequence[int]
    """their numbers"""
    shared: str = ""
    """what one view is for all states, such as a background; nothing if it is another for each"""

    def space(self) -> Float[np.ndarray, "point anchor"]:
        """All points of all policies in one space, policy after policy, state after state.

        Raises:
            UserError: one policy, or one whose layer does not vary.
        """
        maps.check_policies(self.layers)
        parts = []
        for name, x in self.layers.items():
            try:
                parts.append(maps.relative(x.reshape(-1, x.shape[-1]), self.anchors[name]))
            except UserError as error:
                raise UserError(f"{name}: {error}") from error
        return np.concatenate(parts)

    def labels(self) -> dict[str, np.ndarray]:
        """``policy``, ``state`` and ``view`` of each point, numbered from 0."""
        shape = len(self.layers), *next(iter(self.layers.values())).shape[:2]
        grids = np.meshgrid(*(np.arange(side) for side in shape), indexing="ij")
        return dict(zip(("policy", "state", "view"), (grid.ravel() for grid in grids), strict=True))


def lay_out(panel: PanelLayers, settings: MapSettings) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """One panel's points, and scores of their space and of every map of it."""
    x, labels, ids = panel.space(), panel.labels(), list(panel.layers)
    points = {
        "id": [ids[one] for one in labels["policy"]],
        "state": labels["state"],
        "view": [panel.views[one] for one in labels["view"]],
    }
    rows = _scores(panel, "space", x, [x], settings)
    if len({layer.shape[-1] for layer in panel.layers.values()}) == 1:
        flat = {name: one.reshape(-1, one.shape[-1]) for name, one in panel.layers.items()}
        found = maps.purity(maps.stacked(flat), labels["policy"], settings.neighbours)
        rows.append(_row("stacked", "all", "purity by policy", [found.value], found.chance, len(x)))
    for kind in maps.MAPS:
        seeds = range(settings.seed, settings.seed + (1 if kind == "pca" else settings.seeds))
        pictures = [
            maps.embed(
                x, kind, seed, neighbours=settings.neighbours, perplexity=settings.perplexity
            )
            for seed in seeds
        ]
        rows += _scores(panel, kind, x, [picture.at for picture in pictures], settings)
        for number, share in enumerate(pictures[0].explained or (), start=1):
            rows.append(_row(kind, "all", f"variance of axis {number}", [share], np.nan, len(x)))
        at = pictures[0].at.round(2)
        points |= {f"{kind}_x": at[:, 0], f"{kind}_y": at[:, 1]}
    return pd.DataFrame(points), rows


def _scores(
    panel: PanelLayers,
    kind: str,
    x: np.ndarray,
    pictures: Sequence[np.ndarray],
    settings: MapSettings,
) -> list[dict[str, Any]]:
    """How one map, drawn from several seeds, keeps neighbours; ``x`` is what it was fitted to."""
    labels, k, rows = panel.labels(), settings.neighbours, []
    if kind != "space":
        trusted = [maps.trust(x, at, k) for at in pictures]
        rows.append(_row(kind, "all", "trustworthiness", trusted, np.nan, len(x)))
    cells = [("all", "policy", "policy", np.ones(len(x), dtype=bool))]
    for number, name in enumerate(panel.layers):
        own = labels["policy"] == number
        cells.append((name, "state", "state", own))
        if panel.shared:
            cells.append((name, "view", panel.shared, own))
    for name, label, words, own in cells:
        found = [maps.purity(at[own], labels[label][own], k) for at in pictures]
        values = [one.value for one in found]
        rows.append(_row(kind, name, f"purity by {words}", values, found[0].chance, int(own.sum())))
    return rows


def _row(
    kind: str, name: str, score: str, values: Sequence[float], chance: float, points: int
) -> dict[str, Any]:
    return {
        **{"map": kind, "id": name, "measure": score, "value": float(np.mean(values))},
        **{"low": min(values), "high": max(values), "chance": chance, "points": points},
        "verdict": "ok",
    }


def spread_rows(name: str, found: Invariance) -> Iterator[dict[str, Any]]:
    """Within-state ÷ between-state spread of a layer, and the guard against a collapse.

    The root mean square distance between two views of one state ÷ that between views of two
    states. Of independent views it is √(1 − ICC), with the ICC(1,1) of ``analysis.measures.icc``,
    and like it NaN where the layer is collapsed. It exceeds 1 where the ICC is below 0.
    """
    ratio = np.sqrt(1 - found.one_way)
    low, high = ends_of(ratio)
    shared = {"map": "layer", "id": name, "chance": np.nan, "verdict": found.verdict}
    shared["points"] = found.states * found.backgrounds
    ends = {"value": ratio[0], "low": low, "high": high}
    yield {**shared, "measure": SPREAD, **ends}
    rank = found.effective_rank
    yield {**shared, "measure": SPREAD_RANK, "value": rank, "low": rank, "high": rank}
