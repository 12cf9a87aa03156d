"""What a layer's background subspace does to decisions: one policy, one layer, one twin set.

``analysis.measures.leace`` and ``analysis.policies.edits`` are the mathematics and the hooks; this
fits on one half of the levels, edits on the other, and counts. ``analysis.erasure`` is the command.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from analysis.measures.decisions import (
    UNDECIDED,
    Decisions,
    between_states,
    entropy,
    total_variation,
)
from analysis.measures.erasers import KINDS, Fit, quarters_of
from analysis.policies.edits import (
    Change,
    cells_under,
    edited,
    erase,
    grid_of,
    swap_cells,
    swap_component,
)
from analysis.scenes.twin_sets import TwinSet, twin_set, whole
from analysis.stats.clusters import Interval, cluster_weights
from checkpoints.world.games import Mode, get_game

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject

ON_BACKGROUND, ON_SPRITES = "cells of background", "cells with a sprite"

NEGLIGIBLE = 0.05
"""Share of the TV between twins below which a subspace counts as not used."""
ROUNDING = 1e-3
"""Shares that float32 may make out of nothing."""


@dataclass(frozen=True, eq=False)
class Study:
    """What all policies of a game share."""

    twins: TwinSet
    mask: Bool[np.ndarray, "state 64 64"]
    """the background's pixels, from ``analysis.scenes.masks.exact_mask``"""
    seed: int
    replicates: int
    """bootstrap replicates over levels"""

    @cached_property
    def quarters(self) -> Int[np.ndarray, " state"]:
        """Which quarter of the levels each state belongs to."""
        return quarters_of(self.twins.bank.levels, self.seed)

    @property
    def folds(self) -> Int[np.ndarray, " state"]:
        """Which half of the levels each state belongs to: 0 or 1."""
        return self.quarters // 2

    def means(self, values: Float[np.ndarray, " state"]) -> Float[np.ndarray, " draw"]:
        """The mean, then its bootstrap replicates over levels, the same draws every time."""
        group = np.unique(self.twins.bank.levels, return_inverse=True)[1]
        weights = cluster_weights(group, self.replicates, self.seed)
        weights = np.vstack([np.ones(weights.shape[1], dtype=weights.dtype), weights])
        return (weights @ np.bincount(group, values)) / (weights @ np.bincount(group))


def gather_study(
    game: str, mode: Mode, states: int, backgrounds: int, replicates: int, *, seed: int
) -> Study:
    """So many states of the common bank on so many backgrounds, or all that the game has."""
    from analysis.scenes.backgrounds import pick_backgrounds
    from analysis.scenes.common import common_bank
    from analysis.scenes.masks import exact_mask

    count = min(backgrounds, get_game(game).backgrounds)
    chosen = pick_backgrounds(game, count, mode=mode)
    twins = twin_set(game, common_bank(game, mode, states, seed), chosen)
    mask = np.concatenate([exact_mask(block.frames) for block in twins.blocks()])
    return Study(twins, mask, seed, replicates)


def interval(draws: Float[np.ndarray, " draw"]) -> Interval:
    """The estimate and its 95 % percentile interval; NaN throughout where it is not defined."""
    if not np.isfinite(draws).all():
        return Interval(np.nan, np.nan, np.nan)
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return Interval(float(draws[0]), float(low), float(high))


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


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of one policy, read on all twins, with its erasers."""

    subject: "Subject"
    layer: str
    study: Study
    before: Decisions
    features: int
    fit: Fit

    @staticmethod
    def of(subject: "Subject", layer: str, study: Study) -> "Layer":
        """Read the layer and fit."""
        reading = whole(subject.policy, study.twins, layer)
        x = reading.layers[layer]
        before = Decisions(np.exp(reading.log_probs), reading.values)
        return Layer(
            subject, layer, study, before, x.shape[2], Fit.of(x, study.quarters, study.seed)
        )

    def _edited(self, changes: Sequence[Change]) -> Decisions:
        """Each half of the levels with the change that the other half's fit gives."""
        folds = self.study.folds
        policy, twins = self.subject.policy, self.study.twins
        return edited(policy, twins, self.layer, lambda part: changes[folds[part[0]]], folds)

    def erased(self, kind: str) -> Decisions:
        """Decisions with one kind of subspace erased."""
        return self._edited([erase(eraser) for eraser in self.fit.erasers[kind]])

    def exchanged(self) -> Iterator[tuple[str, float, Decisions]]:
        """Each part that is exchanged with the next background's twin, its share, the decisions.

        The share is of the layer's dimensions for a subspace, of its positions for cells.
        """
        policy, twins = self.subject.policy, self.study.twins
        B = len(twins.backgrounds)
        for kind in KINDS:
            erasers = self.fit.erasers[kind]
            rank = float(np.mean([eraser.rank for eraser in erasers]))
            swaps = [swap_component(eraser, B) for eraser in erasers]
            yield kind, rank / self.features, self._edited(swaps)
        grid = grid_of(policy, self.layer)
        if grid is None:
            return
        under, together = cells_under(self.study.mask, grid), np.zeros(len(twins), dtype=int)
        for name, cells in ((ON_BACKGROUND, under), (ON_SPRITES, ~under)):
            swap = partial(_swap_rows, cells, B)
            yield name, float(cells.mean()), edited(policy, twins, self.layer, swap, together)


def _swap_rows(cells: np.ndarray, backgrounds: int, part: np.ndarray) -> Change:
    return swap_cells(cells[part], backgrounds)


def verdict(row: dict[str, Any]) -> str:
    """What a row of ``erasure.csv`` says.

    - ``control``: not of the background's subspace.
    - ``undecided``: decisions hardly differ, neither between states nor between twins.
    - ``not decodable``: the background is not named above chance on other levels.
    - ``used``: erasing removes some of the TV between twins, and more than random directions do.
    - ``not used``: twins are decided alike, or erasing removes less than 5 % of their TV.
    - ``open``: the interval allows both.
    """
    if row["kind"] != "background":
        return "control"
    if max(row["tv_twins_before"], row["tv_states_before"]) < UNDECIDED:
        return "undecided"
    if row["decoded_low"] <= row["chance"]:
        return "not decodable"
    if row["removed_low"] > ROUNDING and row["excess_low"] > ROUNDING:
        return "used"
    if row["tv_twins_before"] < UNDECIDED or row["removed_high"] < NEGLIGIBLE:
        return "not used"
    return "open"


def ends(name: str, draws: np.ndarray) -> dict[str, float]:
    """Three cells: the estimate and its interval."""
    found = interval(draws)
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}


def _who(layer: Layer) -> dict[str, object]:
    twins = layer.study.twins
    return {
        **layer.subject.columns,
        "layer": layer.layer,
        "states": len(twins),
        "levels": len(set(twins.bank.levels.tolist())),
        "backgrounds": len(twins.backgrounds),
    }


def erasure_rows(layer: Layer) -> list[dict[str, Any]]:
    """One row a kind, columns as in ``analysis.erasure.SCHEMA`` without those of episodes."""
    study, before, fit = layer.study, layer.before, layer.fit
    levels, means = study.twins.bank.levels, study.means
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
                "rank": max(eraser.rank for eraser in fit.erasers[kind]),
                "features": layer.features,
                "fitted_frames": int(min((study.folds == k).sum() for k in (0, 1)))
                * len(study.twins.backgrounds),
                "shrinkage": fit.shrinkage,
                "chance": 1 / len(study.twins.backgrounds),
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
    """One row for each part exchanged, columns as in ``analysis.erasure.PATCHING_SCHEMA``."""
    means, own = layer.study.means, layer.before.probs
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
