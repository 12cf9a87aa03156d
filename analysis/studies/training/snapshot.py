"""What emergence measures of one kept policy, on one bank: steps share their replicates.

Every number comes from the function that the measure's own command calls. It is asked here of the
last two layers only, and beside those commands because most kept steps are of runs that no clone
has: they are measured where they were trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from analysis.measures.decisions import Decisions, probabilities
from analysis.measures.icc import LayerSums
from analysis.measures.level_sums import LevelWeights
from analysis.measures.mask_scores import mask_scores
from analysis.policies.subjects import Subject
from analysis.records.values import Cell, Cells
from analysis.scenes.backgrounds import cover, pairs_of
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.twin_sets import TwinSet, twin_set
from analysis.stats.clusters import cluster_means, cluster_weights
from analysis.studies.robustness.moved import BUTTONS, DECISIONS, UNSEEN, WIDE, moved
from analysis.studies.similarity.cka import PolicyGrams, look
from checkpoints.world.games import Mode, get_game

if TYPE_CHECKING:  # torch and captum take seconds, and a command speaks before them
    from analysis.studies.saliency.maps import MaskedTwins

LAYERS = 2
"""The last ones of an encoder: what convolution leaves, and what the heads read."""
ICC = "icc_one_way"
"""ICC(1,1), not the ICC(2,1) of other tables: so were the runs measured that are gone. All have as
many backgrounds, at which it rises with ICC(2,1)."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What the policies of one game are shown."""

    bank: Bank
    weights: Int[np.ndarray, "R G"]
    levels: LevelWeights
    twins: TwinSet | None
    """None in a game of one background"""
    masked: "MaskedTwins | None"
    """for saliency: few states, one a level"""
    seed: int
    """of the draws of backgrounds"""


def set_scene(
    game: str,
    mode: Mode,
    shown: Sequence[Sequence[int]],
    *,
    states: int,
    backgrounds: int,
    saliency_states: int,
    replicates: int,
    seed: int,
) -> Scene:
    """States of one game on levels that no policy was trained on, and their twins.

    Arguments as of :class:`analysis.studies.training.emergence.Emergence`.
    """
    from analysis.studies.saliency.maps import masked_twins

    bank = common_bank(game, mode, states, seed)
    weights = cluster_weights(bank.levels, replicates, seed)
    twins = masked = None
    if get_game(game).backgrounds > 1:
        chosen = cover(game, shown, backgrounds)
        twins = twin_set(game, bank, chosen)
        masked = masked_twins(
            game,
            mode,
            states=saliency_states,
            backgrounds=backgrounds,
            replicates=replicates,
            seed=seed,
        )
    return Scene(bank, weights, LevelWeights(bank.levels, weights), twins, masked, seed)


def layers_of(subject: Subject) -> tuple[str, ...]:
    """The layers that are followed."""
    return tuple(subject.policy.layers[-LAYERS:])


def view_of(subject: Subject, scene: Scene) -> PolicyGrams:
    """The layers of one policy on the bank, ready to be compared with others'."""
    frames = np.asarray(scene.bank.observations)
    return look(subject, frames, scene.levels, layers_of(subject))


def cells_of(subject: Subject, scene: Scene) -> Cells:
    """Everything that needs one policy only; a game without twins is vacuous for all of it."""
    layers = layers_of(subject)
    if scene.twins is None or scene.masked is None:
        names = [(ICC, layer) for layer in layers]
        names += [(name, what) for name in (*WIDE, *UNSEEN) for what in (DECISIONS, BUTTONS)]
        names += [("saliency", BUTTONS)]
        return dict.fromkeys(names, empty(scene, "vacuous"))
    cells = on_twins(subject, scene, scene.twins, layers)
    return cells | {("saliency", BUTTONS): saliency(subject, scene.masked)}


def empty(scene: Scene, verdict: str) -> Cell:
    """No value, and why."""
    return Cell(np.full(1 + len(scene.weights), np.nan), verdict)


def on_twins(subject: Subject, scene: Scene, twins: TwinSet, layers: Sequence[str]) -> Cells:
    """ICC of each layer, R-robustness, its ratio and what stands beside them, from one pass."""
    sums = {name: LayerSums(scene.bank.levels, len(twins.backgrounds)) for name in layers}
    log_probs, values = [], []
    for states, reading in twins.readings(subject.policy, layers):
        for name, one in sums.items():
            one.add(states, reading.layers[name])
        log_probs.append(reading.log_probs)
        values.append(reading.values.astype(np.float64))
    cells: Cells = {}
    for name, one in sums.items():
        found = one.result(scene.weights)
        cells[ICC, name] = Cell(found.one_way, found.verdict)
    decisions = Decisions(probabilities(np.concatenate(log_probs)), np.concatenate(values))
    pairs = pairs_of(twins.backgrounds, subject.trained_backgrounds)
    merged = decisions.of_buttons(subject.id.game)
    for what, some in ((DECISIONS, decisions), (BUTTONS, merged)):
        cells |= moved(what, some, pairs, scene.bank.levels, scene.weights, scene.seed)
    return cells


def saliency(subject: Subject, masked: "MaskedTwins") -> Cell:
    """Gradient of the likeliest button: its share on the background ÷ the background's share.

    1 is what a map that knows nothing of the background gets.
    """
    from analysis.studies.saliency.maps import PolicyMaps

    maps = PolicyMaps(subject, masked).maps("gradient", ["button"])
    found = mask_scores(maps["button"].maps, masked.mask)
    ratio = found.mass_over_area
    weights = cluster_weights(masked.bank.levels, masked.replicates, masked.seed)
    draws = cluster_means(ratio, masked.bank.levels, weights)
    if np.isfinite(draws).all():
        return Cell(draws)
    return Cell(np.full(len(draws), np.nan), "no map")
