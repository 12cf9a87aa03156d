"""What emergence measures of one kept policy, on one bank: steps share their replicates.

Every number comes from the function that the measure's own command calls; here it is asked of
fewer states, and of the last two layers only, so that all steps of all runs can be afforded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.by_level import Levels, hsic_levels
from analysis.measures.decisions import Decisions, Pairs, probabilities
from analysis.measures.hsic import normalise
from analysis.measures.icc import Layout
from analysis.measures.mask_scores import mask_scores
from analysis.measures.robustness import is_undecided, robustness_draws
from analysis.policies.subjects import Subject
from analysis.records.values import OK, Cell, Cells
from analysis.scenes.backgrounds import cover, pairs_of
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.twin_sets import TwinSet, twin_set
from analysis.stats.clusters import cluster_weights
from analysis.studies.saliency.maps import Explained, MaskedTwins, masked_twins
from analysis.studies.similarity.cka import View, look
from checkpoints.world.games import get_game

LAYERS = 2
"""The last ones of an encoder: what convolution leaves, and what the heads read."""
DECISIONS, BUTTONS, PIXELS = "decisions", "buttons", "pixels"
"""What stands in the place of a layer: all 15 actions apart, or merged where they do the same."""
WIDE = ("tv", "tv_between", "entropy", "ratio")
"""Over all pairs of backgrounds."""
UNSEEN = ("tv_unseen", "ratio_unseen")
"""Over pairs of backgrounds that training never showed."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What the policies of one game are shown."""

    bank: Bank
    weights: Int[np.ndarray, "R G"]
    levels: Levels
    twins: TwinSet | None
    """None in a game of one background"""
    masked: MaskedTwins | None
    """for saliency: few states, one a level"""
    seed: int
    """of the draws of backgrounds"""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What was found in one policy, and its layers, ready to be compared with others'."""

    cells: Cells
    view: View


def set_scene(
    subjects: Sequence[Subject],
    states: int,
    backgrounds: int,
    saliency_states: int,
    replicates: int,
    seed: int,
) -> Scene:
    """States of one game on levels that no policy was trained on, and their twins."""
    game, mode = subjects[0].id.game, subjects[0].mode
    bank = common_bank(game, mode, states, seed)
    weights = cluster_weights(bank.levels, replicates, seed)
    twins = masked = None
    if get_game(game).backgrounds > 1:
        chosen = cover(game, [one.trained_backgrounds for one in subjects], backgrounds)
        twins = twin_set(game, bank, chosen)
        masked = masked_twins(
            game,
            mode,
            states=saliency_states,
            backgrounds=backgrounds,
            replicates=replicates,
            seed=seed,
        )
    return Scene(bank, weights, Levels(bank.levels, weights), twins, masked, seed)


def snapshot(subject: Subject, scene: Scene) -> Snapshot:
    """Everything that needs one policy only; a game without twins is vacuous for most of it."""
    layers = tuple(subject.policy.layers[-LAYERS:])
    view = look(subject, np.asarray(scene.bank.observations), scene.levels, layers)
    if scene.twins is None or scene.masked is None:
        names = [("icc", layer) for layer in layers]
        names += [(name, what) for name in (*WIDE, *UNSEEN) for what in (DECISIONS, BUTTONS)]
        names += [("saliency", PIXELS)]
        return Snapshot(dict.fromkeys(names, empty(scene, "vacuous")), view)
    cells = on_twins(subject, scene, scene.twins, layers)
    return Snapshot(cells | {("saliency", PIXELS): saliency(subject, scene.masked)}, view)


def empty(scene: Scene, verdict: str) -> Cell:
    """No value, and why."""
    return Cell(np.full(1 + len(scene.weights), np.nan), verdict)


def on_twins(subject: Subject, scene: Scene, twins: TwinSet, layers: Sequence[str]) -> Cells:
    """ICC of each layer, R-robustness, its ratio and what stands beside them, from one pass."""
    layouts = {name: Layout(scene.bank.levels, len(twins.backgrounds)) for name in layers}
    log_probs, values = [], []
    for states, reading in twins.readings(subject.policy, layers):
        for name, layout in layouts.items():
            layout.add(states, reading.layers[name])
        log_probs.append(reading.log_probs)
        values.append(reading.values.astype(np.float64))
    cells: Cells = {}
    for name, layout in layouts.items():
        found = layout.result(scene.weights)
        cells["icc", name] = Cell(found.icc, found.verdict)
    decisions = Decisions(probabilities(np.concatenate(log_probs)), np.concatenate(values))
    pairs = pairs_of(twins.backgrounds, subject.trained_backgrounds)
    merged = decisions.of_buttons(subject.id.game)
    for what, some in ((DECISIONS, decisions), (BUTTONS, merged)):
        cells |= _moved(what, some, pairs, scene)
    return cells


def _moved(what: str, decisions: Decisions, pairs: Mapping[str, Pairs], scene: Scene) -> Cells:
    """How far decisions move between all backgrounds, and between those never shown."""

    def drawn(group: str) -> dict[str, np.ndarray]:
        seen = decisions, scene.bank.levels, pairs[group], scene.weights
        return robustness_draws(*seen, views_seed=scene.seed)

    every = drawn("all")
    cells = {(name, what): Cell(every[name]) for name in ("tv", "tv_between", "entropy")}
    cells["ratio", what] = _ratio(every)
    if not pairs["unseen"]:
        return cells | {(name, what): empty(scene, "vacuous") for name in UNSEEN}
    draws = drawn("unseen")
    return cells | {("tv_unseen", what): Cell(draws["tv"]), ("ratio_unseen", what): _ratio(draws)}


def _ratio(draws: dict[str, np.ndarray]) -> Cell:
    undecided = is_undecided(draws["tv_between"][0])
    return Cell(draws["ratio"], "undecided" if undecided else OK)


def saliency(subject: Subject, masked: MaskedTwins) -> Cell:
    """Gradient of the likeliest action: its share on the background ÷ the background's share.

    1 is what a map that knows nothing of the background gets.
    """
    found = mask_scores(Explained(subject, masked).maps("action", "gradient").maps, masked.mask)
    ratio = found.ratio
    weights = cluster_weights(masked.bank.levels, masked.replicates, masked.seed)
    group = np.unique(masked.bank.levels, return_inverse=True)[1]
    w = np.vstack([np.ones(len(ratio)), weights[:, group]]) * np.isfinite(ratio)
    counts = w.sum(axis=1)
    if (counts == 0).any():
        return Cell(np.full(len(w), np.nan), "no map")
    return Cell((w @ np.nan_to_num(ratio)) / counts)


def same_layers(one: View, other: View) -> dict[str, Float[np.ndarray, " r"]]:
    """Linear CKA of each layer with its namesake; see :mod:`analysis.measures.by_level`."""
    found = {}
    for i, name in enumerate(one.layers):
        if name not in other.layers:
            continue
        j = other.layers.index(name)
        both = hsic_levels(one.prepared[i], other.prepared[j])[:, None, None]
        ratio = normalise(both, one.own[:, [i]], other.own[:, [j]], "nan")
        found[name] = ratio[:, 0, 0]
    return found
