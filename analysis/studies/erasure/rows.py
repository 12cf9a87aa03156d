"""Rows of erasure.csv and patching.csv: what an edit of one layer does to decisions on twins.

Nearest earlier work: amnesic probing (Elazar et al. 2021, arXiv 2006.00995) and interchange
interventions (Geiger et al. 2021, arXiv 2106.02997).

A background is *used* through a layer's subspace if erasing it removes part of the total variation
(TV) between decisions on twins, more than erasing random directions does. An edit may also just
blur a policy; TV between *states* on one background and the entropy stand in the same row.

What this can miss: the eraser takes the *mean* difference between backgrounds, linearly. What a
background does differently in every level is neither named nor erased, so ``removed`` is a lower
bound of what the layer carries; ``decoded_after`` says how much could still be read on levels that
the eraser was not fitted to. It is fitted to the backgrounds of the twin set and no others.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.decisions import Decisions, between_states, entropy, total_variation
from analysis.measures.erasers import KINDS
from analysis.measures.robustness import UNDECIDED
from analysis.records.columns import POLICY, SIZE, estimate, filled
from analysis.records.tables import Column, Schema
from analysis.studies.erasure.interventions import Layer

NEGLIGIBLE = 0.05
"""Share of the TV between twins below which a subspace counts as not used."""
ROUNDING = 1e-3
"""Shares that float32 may make out of nothing."""
LAYER = Column("layer", "text", "where the edit is made")
RENDERINGS = Column("renderings", "int", "backgrounds each state is drawn on", low=4)
SCHEMA = Schema(
    "erasure",
    (
        *POLICY,
        LAYER,
        Column("kind", "text", "background, or a control of equal rank: random, shuffled"),
        Column("dimensions_erased", "int", "dimensions erased, the larger of both folds", low=0),
        Column("features", "int", "dimensions of the layer", low=1),
        Column("fitted_frames", "int", "frames of a fit; fewer than features: shrunk", low=2),
        Column("shrinkage", "float", "of the covariance, Ledoit and Wolf", low=0, high=1),
        *SIZE,
        RENDERINGS,
        Column("chance", "float", "1 / backgrounds", low=0, high=1),
        *estimate("decoded", "backgrounds named on other levels", low=0, high=1),
        Column("decoded_after", "float", "the same after erasure: what is left", low=0, high=1),
        Column("entropy_before", "float", "of decisions", "nats", low=0),
        Column("entropy_after", "float", "of decisions", "nats", low=0),
        Column("tv_states_before", "float", "TV between states on one background", low=0, high=1),
        Column("tv_states_after", "float", "the same after erasure", low=0, high=1),
        *estimate("tv_change", "TV between decisions before and after", low=0, high=1),
        Column("tv_twins_before", "float", "TV between twins, mean over pairs", low=0, high=1),
        Column("tv_twins_after", "float", "the same after erasure", low=0, high=1),
        *estimate("removed", "1 − tv_twins_after / tv_twins_before", high=1),
        *estimate("excess", "removed, less that of random"),
        *estimate("value_change", "mean |V after − V before|", unit="scaled return", low=0),
        Column("episodes", "int", "played before and after; 0: none", low=0),
        Column("return_before", "float", "mean return on levels of their own"),
        Column("return_after", "float", "the same levels with the subspace erased"),
        *estimate("return_change", "mean paired difference"),
        Column("verdict", "text", "see analysis.studies.erasure.rows.verdict"),
    ),
    key=("game", "id", "layer", "kind"),
    command="analysis.erasure",
)
PATCHING_SCHEMA = Schema(
    "patching",
    (
        *POLICY,
        LAYER,
        Column("part", "text", "what is exchanged with a twin"),
        Column("share", "float", "of the layer's dimensions, or of its cells", low=0, high=1),
        *SIZE,
        RENDERINGS,
        Column("tv_twins", "float", "TV between a state and the twin it takes from", low=0, high=1),
        *estimate("moved", "TV to its own decision / tv_twins; all of the layer: 1", low=0),
        *estimate("reached", "1 − TV to the twin's decision / tv_twins; all: 1", high=1),
    ),
    key=("game", "id", "layer", "part"),
    command="analysis.erasure",
)


def share(part: Float[np.ndarray, " draw"], total: Float[np.ndarray, " draw"]) -> np.ndarray:
    """``part / total``, NaN where the total is rounding error."""
    return np.divide(part, total, out=np.full(len(part), np.nan), where=total > 1e-6)


def tv_twins(decisions: Decisions) -> Float[np.ndarray, " state"]:
    """Total variation between twins, mean over the pairs of backgrounds."""
    p = decisions.probs
    pairs = combinations(range(p.shape[1]), 2)
    return np.mean([total_variation(p[:, a], p[:, b]) for a, b in pairs], axis=0)


def tv_states(decisions: Decisions, levels: Int[np.ndarray, " state"]) -> float:
    """Mean total variation between states of different levels on one background."""
    views = np.moveaxis(decisions.probs, 1, 0)
    total = np.mean([between_states(one, levels).sum() for one in views])
    apart = len(levels) ** 2 - (np.unique(levels, return_counts=True)[1] ** 2).sum()
    return float(total / 2 / apart)


def verdict(row: dict[str, Any]) -> str:
    """What a row of ``erasure.csv`` says.

    - ``control``: not of the background's subspace.
    - ``undecided``: decisions hardly differ, neither between states nor between twins.
    - ``not decodable``: the background is not named above chance on other levels, as in a layer
      that is constant.
    - ``used``: erasing removes some of the TV between twins, and more than random directions do.
    - ``not used``: twins are decided alike, or erasing removes less than 5 % of their TV.
    - ``open``: the interval allows both.
    """
    if row["kind"] != "background":
        return "control"
    if max(row["tv_twins_before"], row["tv_states_before"]) < UNDECIDED:
        return "undecided"
    if row["decoded_low"] <= row["chance"] * (1 + 1e-9):
        return "not decodable"
    if row["removed_low"] > ROUNDING and row["excess_low"] > ROUNDING:
        return "used"
    if row["tv_twins_before"] < UNDECIDED or row["removed_high"] < NEGLIGIBLE:
        return "not used"
    return "open"


def ends(name: str, draws: Float[np.ndarray, " draw"]) -> dict[str, float]:
    """The cells of an estimate and its interval; NaN throughout where a draw is not defined."""
    return filled(name, draws if np.isfinite(draws).all() else np.full(2, np.nan))


def _who(layer: Layer) -> dict[str, object]:
    twins = layer.split.twins
    return {
        **layer.subject.columns,
        "layer": layer.layer,
        "states": len(twins),
        "levels": len(set(twins.bank.levels.tolist())),
        "renderings": len(twins.backgrounds),
    }


def erasure_rows(layer: Layer) -> list[dict[str, Any]]:
    """One row a kind, columns as in :data:`SCHEMA` without those of episodes."""
    split, before, fit = layer.split, layer.before, layer.fit
    levels, means = split.twins.bank.levels, split.means
    total = means(tv_twins(before))
    rows, removed = [], {}
    for kind in KINDS:
        after = layer.erased(kind)
        left = means(tv_twins(after))
        removed[kind] = 1 - share(left, total)
        rows.append(
            {
                **_who(layer),
                "kind": kind,
                "dimensions_erased": max(eraser.rank for eraser in fit.erasers[kind]),
                "features": layer.features,
                "fitted_frames": int(min((split.folds == k).sum() for k in (0, 1)))
                * len(split.twins.backgrounds),
                "shrinkage": fit.shrinkage,
                "chance": 1 / len(split.twins.backgrounds),
                **ends("decoded", means(fit.decoded)),
                "decoded_after": fit.decoded_after.mean() if kind == "background" else np.nan,
                "entropy_before": float(entropy(before.probs).mean()),
                "entropy_after": float(entropy(after.probs).mean()),
                "tv_states_before": tv_states(before, levels),
                "tv_states_after": tv_states(after, levels),
                **ends("tv_change", means(total_variation(before.probs, after.probs).mean(1))),
                "tv_twins_before": total[0],
                "tv_twins_after": left[0],
                **ends("removed", removed[kind]),
                **ends("value_change", means(np.abs(after.values - before.values).mean(1))),
            }
        )
    excess = removed["background"] - removed["random"]
    for row in rows:
        row |= ends("excess", excess if row["kind"] == "background" else np.full(2, np.nan))
        row["verdict"] = verdict(row)
    return rows


def patching_rows(layer: Layer) -> Iterator[dict[str, Any]]:
    """One row for each part exchanged, columns as in :data:`PATCHING_SCHEMA`."""
    means, own = layer.split.means, layer.before.probs
    twin = np.roll(own, -1, axis=1)
    total = means(total_variation(own, twin).mean(axis=1))
    for part, size, after in layer.exchanged():
        gone, left = (means(total_variation(after.probs, p).mean(1)) for p in (own, twin))
        yield {
            **_who(layer),
            "part": part,
            "share": size,
            "tv_twins": total[0],
            **ends("moved", share(gone, total)),
            **ends("reached", 1 - share(left, total)),
        }
