"""What is measured of one policy of a sample: decisions, the layer that the heads read, and play.

Every number is that of the measure's own command, on the same states, backgrounds and levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.decisions import Decisions
from analysis.measures.icc import LayerSums
from analysis.measures.robustness import Sums, without_each_view
from analysis.policies.subjects import Subject
from analysis.records.values import OK, ONE_LEFT_OUT, OVER_BLIND, Cell, Cells
from analysis.scenes.backgrounds import cover, pairs_of
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.episodes import Stage
from analysis.scenes.twin_sets import TwinSet, twin_set
from analysis.stats.clusters import cluster_means, cluster_weights
from analysis.studies.invariance.last_layer import (
    information,
    on_each_background,
    poolings,
    without_each_background,
)
from analysis.studies.invariance.study import split
from analysis.studies.returns.episodes import play_splits, stages_of
from analysis.studies.robustness.moved import BUTTONS, DECISIONS, moved

EPISODES = "episodes"
PLAYED, GAP = "return_played", "gap_played"
"""Return on unseen levels; and on training levels less that, as many levels on each side."""


@dataclass(frozen=True, eq=False)
class PlayedScene:
    """What the policies of one game are shown, and where they play."""

    bank: Bank
    weights: Int[np.ndarray, "R G"]
    twins: TwinSet
    stages: Mapping[str, Stage]
    replicates: int
    seed: int


def set_scene(
    subjects: Sequence[Subject],
    *,
    states: int,
    backgrounds: int,
    episodes: int,
    replicates: int,
    seed: int,
) -> PlayedScene:
    """States of one game on levels that no policy was trained on, their twins, and episodes."""
    game, mode = subjects[0].id.game, subjects[0].mode
    bank = common_bank(game, mode, states, seed)
    chosen = cover(game, [one.trained_backgrounds for one in subjects], backgrounds)
    stages = stages_of(game, subjects, episodes=episodes, seed=seed)
    played = {split: stages[split] for split in ("train", "unseen", "blind")}
    weights = cluster_weights(bank.levels, replicates, seed)
    return PlayedScene(bank, weights, twin_set(game, bank, chosen), played, replicates, seed)


@dataclass(frozen=True, eq=False)
class Measured:
    """One policy's cells, and what pairs of policies are compared by."""

    cells: Cells
    shifts: Float[np.ndarray, "state background button"]
    """how far each background moves each probability from the state's mean over backgrounds"""
    buttons: Int[np.ndarray, "state background"]
    """the likeliest of each twin"""


def measure(subject: Subject, scene: PlayedScene) -> Measured:
    """All that is measured of one policy."""
    last = subject.policy.layers[-1]
    reading = scene.twins.read(subject.policy, [last])
    raw = reading.decisions
    merged = raw.of_buttons(subject.id.game)
    cells = decided(raw, merged, subject, scene)
    cells |= of_layer(reading.layers[last], last, subject, scene)
    cells |= played(subject, scene)
    mean = merged.probs.mean(axis=1)
    return Measured(cells, merged.probs - mean[:, None], merged.probs.argmax(axis=-1))


def decided(raw: Decisions, merged: Decisions, subject: Subject, scene: PlayedScene) -> Cells:
    """How far backgrounds move decisions: of buttons, of all actions, and without each of them."""
    levels = scene.bank.levels
    pairs = pairs_of(scene.twins.backgrounds, subject.trained_backgrounds)
    cells: Cells = {}
    for what, some in ((BUTTONS, merged), (DECISIONS, raw)):
        cells |= moved(what, some, pairs, levels, scene.weights, scene.seed)
    if pairs["unseen"]:
        sums = Sums.of(merged, levels, pairs["unseen"])
        for measure, left in (
            ("ratio_unseen", without_each_view(sums)),
            ("tv_unseen", without_each_view(sums, "tv")),
        ):
            cells |= left_out(measure, left, scene)
    return cells


def left_out(measure: str, left: Mapping[int, float], scene: PlayedScene) -> Cells:
    """A measure without each of some backgrounds; ``left``: place of the background -> value."""
    cells: Cells = {}
    for view, value in left.items():
        draws = np.full(1 + len(scene.weights), np.nan)
        draws[0] = value
        name = f"background {scene.twins.backgrounds[view]}"
        cells[measure + ONE_LEFT_OUT, name] = Cell(draws, OK if np.isfinite(value) else "undefined")
    return cells


def of_layer(
    x: Float[np.ndarray, "state background feature"],
    layer: str,
    subject: Subject,
    scene: PlayedScene,
) -> Cells:
    """ICC of held-out backgrounds in three poolings, effective rank, dead units, and I(Z; L)."""
    levels, weights = scene.bank.levels, scene.weights
    sums = LayerSums(levels, x.shape[1])
    sums.add(slice(None), x)
    found = sums.result(weights)
    still = np.full(len(weights), np.nan)
    cells = {
        (name, layer): Cell(np.array([value, *still]))
        for name, value in (
            ("effective_rank", found.effective_rank),
            ("dead_share", found.dead_share),
        )
    }
    cells["level_information", layer] = Cell(
        information(on_each_background(x, levels), levels, weights)
    )
    unseen = list(split(scene.twins.backgrounds, subject.trained_backgrounds)["unseen"])
    held_out = x[:, unseen]
    verdict = found.verdict if len(unseen) > 1 else "vacuous"
    nothing = np.full(1 + len(weights), np.nan)
    for name, pooled in poolings(held_out, levels, weights, scene.seed).items():
        draws = pooled if verdict == OK else nothing
        measure = "icc_unseen" if name == "icc_pooled" else f"{name}_unseen"
        cells[measure, layer] = Cell(draws, verdict)
    if verdict == OK:
        without = without_each_background(held_out, levels)
        cells |= left_out("icc_unseen", dict(zip(unseen, without, strict=True)), scene)
    return cells


def played(subject: Subject, scene: PlayedScene) -> Cells:
    """Returns from as many episodes on training levels, on unseen ones, and there blind."""
    rows = play_splits(scene.stages, subject, backgrounds="all")
    levels = {split: np.array([row["level"] for row in some]) for split, some in rows.items()}
    returns = {
        split: np.array([row["episode_return"] for row in some]) for split, some in rows.items()
    }

    def over(split: str, values: np.ndarray) -> np.ndarray:
        drawn = cluster_weights(levels[split], scene.replicates, scene.seed)
        return cluster_means(values, levels[split], drawn)

    unseen = over("unseen", returns["unseen"])
    return {
        (PLAYED, EPISODES): Cell(unseen),
        (OVER_BLIND, EPISODES): Cell(over("unseen", returns["unseen"] - returns["blind"])),
        # Levels of the two sides were drawn apart, and so are their replicates.
        (GAP, EPISODES): Cell(over("train", returns["train"]) - unseen[[0, *_reversed(unseen)]]),
    }


def _reversed(draws: np.ndarray) -> range:
    """Places of the replicates from the last: paired with others, they are independent of them."""
    return range(len(draws) - 1, 0, -1)
