"""What a layer's background subspace does to decisions: one policy, one layer, one twin set.

``analysis.measures.leace`` and ``analysis.policies.edits`` are the mathematics and the hooks; this
fits on one half of the levels and edits on the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from analysis.measures.decisions import Decisions, probabilities
from analysis.measures.erasers import KINDS, Fit, quarters_of
from analysis.policies.edits import (
    Change,
    cells_under,
    continued,
    erase,
    grid_of,
    patched,
    swap_cells,
    swap_component,
)
from analysis.policies.features import read
from analysis.policies.subjects import Subject
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.common import common_bank
from analysis.scenes.masks import masks_of
from analysis.scenes.twin_sets import TwinSet, twin_set
from analysis.stats.clusters import cluster_means, cluster_weights
from checkpoints.world.games import Mode, get_game

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy

ON_BACKGROUND, ON_SPRITES = "cells of background", "cells with a sprite"


@dataclass(frozen=True, eq=False)
class SplitTwins:
    """The twins of a game, its levels split in two: fitted on one half, edited on the other."""

    twins: TwinSet
    mask: Bool[np.ndarray, "state h w"]
    """the background's pixels, from ``analysis.scenes.masks.masks_of``"""
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
        levels = self.twins.bank.levels
        return cluster_means(values, levels, cluster_weights(levels, self.replicates, self.seed))


def split_twins(
    game: str, mode: Mode, *, states: int, backgrounds: int, replicates: int, seed: int
) -> SplitTwins:
    """So many states of the common bank on so many backgrounds, or all that the game has.

    Raises:
        UserError: a game of one background (chaser): it has no twins.
    """
    count = min(backgrounds, get_game(game).backgrounds)
    chosen = pick_backgrounds(game, count, mode=mode)
    twins = twin_set(game, common_bank(game, mode, states, seed), chosen)
    mask = masks_of(game, twins.bank, (block.frames for block in twins.blocks()))
    return SplitTwins(twins, mask, seed, replicates)


def edited(
    policy: "Policy",
    twins: TwinSet,
    layer: str,
    change_of: Callable[[Int[np.ndarray, " part"]], Change],
    groups: Int[np.ndarray, " state"],
    known: Float[np.ndarray, "state background feature"] | None = None,
) -> Decisions:
    """Decisions on all twins with one layer changed; their views are the backgrounds.

    Args:
        policy: in evaluation mode.
        twins: its states come in passes that hold all backgrounds of a state.
        layer: where the change is made.
        change_of: gives the change for a pass, from the numbers of the states in it.
        groups: states of different groups never share a pass, so that each may have its own fit.
        known: the layer's activations, from which the policy then goes on, where it can.
    """
    count = len(twins.backgrounds)
    probs = np.empty((len(twins), count, get_game(twins.game).num_actions), np.float32)
    values = np.empty((len(twins), count), np.float32)
    decide = None if known is None else continued(policy, layer)
    if known is None or decide is None:
        decide = partial(_from_frames, policy, layer)
        given = ((block.states.start, block.frames) for block in twins.blocks())
    else:
        step = twins.chunk
        given = ((start, known[start : start + step]) for start in range(0, len(twins), step))
    for start, some in given:
        rows = np.arange(start, start + len(some))
        for group in np.unique(groups[rows]):
            part = rows[groups[rows] == group]
            inputs = some[part - start].reshape(-1, *some.shape[2:])
            log_probs, found = decide(inputs, change_of(part))
            probs[part] = probabilities(log_probs).reshape(len(part), count, -1)
            values[part] = found.reshape(len(part), count)
    return Decisions(probs, values).of_buttons(twins.game)


def _from_frames(
    policy: "Policy", layer: str, frames: np.ndarray, change: Change
) -> tuple[np.ndarray, np.ndarray]:
    with patched(policy, {layer: change}):
        found = read(policy, frames, [], batch=len(frames))
    return found.log_probs, found.values


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of one policy, read on all twins, with its erasers."""

    subject: Subject
    layer: str
    split: SplitTwins
    before: Decisions
    activations: Float[np.ndarray, "state background feature"]
    fit: Fit

    @staticmethod
    def of(subject: Subject, layer: str, split: SplitTwins) -> "Layer":
        """Read the layer and fit."""
        reading = split.twins.read(subject.policy, [layer])
        x = reading.layers[layer]
        before = reading.decisions.of_buttons(split.twins.game)
        return Layer(subject, layer, split, before, x, Fit.of(x, split.quarters, split.seed))

    @property
    def features(self) -> int:
        """Dimensions of the layer."""
        return self.activations.shape[2]

    def _changed(
        self, change_of: Callable[[Int[np.ndarray, " part"]], Change], groups: np.ndarray
    ) -> Decisions:
        policy, twins = self.subject.policy, self.split.twins
        return edited(policy, twins, self.layer, change_of, groups, self.activations)

    def _edited(self, changes: Sequence[Change]) -> Decisions:
        """Each half of the levels with the change that the other half's fit gives."""
        folds = self.split.folds
        return self._changed(lambda part: changes[folds[part[0]]], folds)

    def erased(self, kind: str) -> Decisions:
        """Decisions with one kind of subspace erased."""
        return self._edited([erase(eraser) for eraser in self.fit.erasers[kind]])

    def exchanged(self) -> Iterator[tuple[str, float, Decisions]]:
        """Each part that is exchanged with the next background's twin, its share, the decisions.

        The share is of the layer's dimensions for a subspace, of its positions for cells.
        """
        policy, twins = self.subject.policy, self.split.twins
        B = len(twins.backgrounds)
        for kind in KINDS:
            erasers = self.fit.erasers[kind]
            rank = float(np.mean([eraser.rank for eraser in erasers]))
            swaps = [swap_component(eraser, B) for eraser in erasers]
            yield kind, rank / self.features, self._edited(swaps)
        grid = grid_of(policy, self.layer)
        if grid is None:
            return
        under, together = cells_under(self.split.mask, grid), np.zeros(len(twins), dtype=int)
        for name, cells in ((ON_BACKGROUND, under), (ON_SPRITES, ~under)):
            swap = partial(_swap_rows, cells, B)
            yield name, float(cells.mean()), self._changed(swap, together)


def _swap_rows(cells: np.ndarray, backgrounds: int, part: np.ndarray) -> Change:
    return swap_cells(cells[part], backgrounds)
