"""One policy's saliency maps on one bank: what is explained, scored, compared with its twins.

Faithfulness: the map says how much of a decision hangs on the background, and twins say how far
the decision moves when only the background is exchanged. A map that is right ranks states as the
twins do, and better than the mask's area does, which no policy has a part in: where there is more
background, more of any map lies on it, and more of the picture changes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from torch import nn

from analysis.measures.decisions import probabilities, total_variation
from analysis.measures.mask_scores import likeness, mask_scores, spearman_interval
from analysis.policies.attributions import MAX_ERROR, Attribution, attribute_each
from analysis.policies.features import read
from analysis.policies.gradients import Scores
from analysis.policies.randomised import cascade
from analysis.policies.subjects import Subject
from analysis.records.columns import of_interval
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.masks import masks_of
from analysis.scenes.twin_sets import TwinSet, twin_set
from analysis.stats.clusters import Interval, cluster_interval
from checkpoints.world.buttons import buttons, merged
from checkpoints.world.games import Mode, get_game

TARGETS = ("button", "value")
NOWHERE = Interval(np.nan, np.nan, np.nan)
UNLIKE = 0.5
"""Maps of a policy and of random weights are unlike below this rank correlation."""


@dataclass(frozen=True, eq=False)
class MaskedTwins:
    """States of a game, each as met and on other backgrounds, and their masks."""

    twins: TwinSet
    renderings: UInt8[np.ndarray, "state background h w c"]
    mask: Bool[np.ndarray, "state h w"]
    """the background: what differs between the picture as met and any of the renderings"""
    seed: int
    replicates: int
    """bootstrap replicates over levels"""

    @property
    def bank(self) -> Bank:
        """The states; their observations are the pictures explained."""
        return self.twins.bank

    @cached_property
    def frames(self) -> UInt8[np.ndarray, "state h w c"]:
        """The pictures explained: each state on the background on which it was met."""
        return np.array(self.bank.observations)

    @cached_property
    def foreign(self) -> Bool[np.ndarray, "state background"]:
        """Which renderings are on another background than the picture explained."""
        return self.twins.own[:, None] != np.array(self.twins.backgrounds)

    @cached_property
    def twin(self) -> UInt8[np.ndarray, "state h w c"]:
        """One twin of each state, on its other backgrounds in turn: the semantic baseline."""
        turns = (np.flatnonzero(others) for others in self.foreign)
        chosen = [others[i % len(others)] for i, others in enumerate(turns)]
        return self.renderings[np.arange(len(chosen)), chosen]


def masked_twins(
    game: str, mode: Mode, *, states: int, backgrounds: int, replicates: int, seed: int
) -> MaskedTwins:
    """So many states of the common bank, one a level, on so many backgrounds or all there are.

    Raises:
        UserError: a game of one background (chaser): it has no twins, and no mask.
    """
    chosen = pick_backgrounds(game, min(backgrounds, get_game(game).backgrounds), mode=mode)
    # Far apart in time and few at once: one state a level would else be its beginning.
    bank = common_bank(game, mode, states, seed, thin=64, per_level=1, num_envs=16)
    twins = twin_set(game, bank, chosen)
    renderings = np.concatenate([block.frames for block in twins.blocks()])
    mask = masks_of(game, bank, [np.concatenate([bank.observations[:, None], renderings], axis=1)])
    return MaskedTwins(twins, renderings, mask, seed, replicates)


class PolicyMaps:
    """A policy and what it decides on states whose twins are masked.

    Attributes:
        buttons: (state,) the likeliest on the picture as met; held fixed from then on.
        effects: target -> (state,) how far the decision moves on other backgrounds, mean over
            them: the total variation of the buttons' distribution, |ΔV| for the value.
    """

    def __init__(self, subject: Subject, masked: MaskedTwins) -> None:
        """Decide on the pictures and on all twins."""
        self.subject, self.masked = subject, masked
        self.scores = self.of(subject.policy)
        own = read(subject.policy, masked.frames, [])
        flat = read(subject.policy, masked.renderings.reshape(-1, *masked.frames.shape[1:]), [])
        p, q = (merged(probabilities(some.log_probs), masked.twins.game) for some in (own, flat))
        self.buttons: Int[np.ndarray, " state"] = p.argmax(1)
        shape = masked.foreign.shape
        moves = {
            "button": total_variation(*np.broadcast_arrays(p[:, None], q.reshape(*shape, -1))),
            "value": np.abs(own.values[:, None] - flat.values.reshape(shape)),
        }
        self.effects: dict[str, Float[np.ndarray, " state"]] = {
            target: np.average(moved.astype(np.float64), axis=1, weights=masked.foreign)
            for target, moved in moves.items()
        }

    def of(self, policy: nn.Module) -> Scores:
        """What a policy decides: log-probabilities of the game's buttons, and the value."""
        return Scores(policy, buttons(self.masked.twins.game))

    def columns(self, target: str) -> Int[np.ndarray, " state"]:
        """What is explained of each state."""
        return self.buttons if target == "button" else np.full_like(self.buttons, self.scores.value)

    def maps(self, method: str, targets: Sequence[str] = TARGETS) -> dict[str, Attribution]:
        """The maps of all states, by target."""
        columns = [self.columns(target) for target in targets]
        found = attribute_each(
            self.scores,
            self.masked.frames,
            self.masked.twin,
            columns,
            method,
            seed=self.masked.seed,
        )
        return dict(zip(targets, found, strict=True))

    def sanity(self, methods: tuple[str, ...], states: int) -> Iterator[dict[str, Any]]:
        """Cells of each method on the first state of some levels, spread over the bank.

        Parameters: the maps must come to be unlike, :data:`UNLIKE`, on the way from the heads
        down, and stay so until every layer is random. Logits: how like are the maps of another
        button, drawn uniformly?
        """
        some = np.unique(np.linspace(0, len(self.buttons) - 1, states).astype(int))
        frames, twins = self.masked.frames[some], self.masked.twin[some]
        chosen = self.buttons[some]
        draws = np.random.default_rng(self.masked.seed)
        others = (chosen + draws.integers(1, self.scores.value, len(some))) % self.scores.value

        def explain(scores: Scores, method: str, *columns: np.ndarray) -> list[np.ndarray]:
            found = attribute_each(scores, frames, twins, columns, method, seed=self.masked.seed)
            return [one.maps for one in found]

        maps = {method: explain(self.scores, method, chosen, others) for method in methods}
        alike: dict[str, list[tuple[str, float]]] = {method: [] for method in methods}
        for layer, blank in cascade(self.subject.policy, self.masked.seed):
            random = self.of(blank)
            for method in methods:
                like = likeness(maps[method][0], *explain(random, method, chosen))
                alike[method].append((layer, float(like.mean())))
        for method in methods:
            logit = likeness(*maps[method])
            yield {**_from_where(alike[method]), "logit_likeness": float(logit.mean())}


def _from_where(alike: list[tuple[str, float]]) -> dict[str, str]:
    """The layer of a cascade from which on the maps stay unlike."""
    first = None
    for layer, like in reversed(alike):
        if like >= UNLIKE:
            break
        first = layer
    return {"sanity": "pass" if first else "fail", "sanity_layer": first or "none"}


def score(
    found: Attribution, effect: Float[np.ndarray, " state"], masked: MaskedTwins
) -> tuple[dict[str, Any], Float[np.ndarray, " state"]]:
    """Cells of one row, and the ratio of each state, NaN where it is left out.

    Left out, and counted: states whose mask is empty or full, maps that are 0 everywhere, and
    integrated gradients that leave more than :data:`MAX_ERROR` unexplained.
    """
    scores = mask_scores(found.maps, masked.mask)
    bad = found.error > MAX_ERROR
    keep = scores.scored & ~bad
    counts = {
        "states": int(keep.sum()),
        "levels": len(np.unique(masked.bank.levels[keep])),
        "no_mask": int(scores.no_mask.sum()),
        "blank": int((~scores.scored & ~scores.no_mask).sum()),
        "rejected": int((scores.scored & bad).sum()),
    }
    few = counts["levels"] < 2
    mean = _by_level(cluster_interval, masked, keep)
    of_sprites = np.stack([1 - scores.mass, 1 - scores.area], axis=1)
    amount = scores.mass * found.maps.sum((1, 2))
    spearman = _by_level(spearman_interval, masked, keep)
    of_maps = "mass", "mass_over_area", "rank", "pointing"
    intervals = {
        **{name: mean(getattr(scores, name)) for name in of_maps},
        "sprites": mean(of_sprites, statistic=_share),
        "faithful": spearman(scores.mass, effect),
        "faithful_amount": spearman(amount, effect),
        "faithful_area": spearman(scores.area, effect),
    }
    cells: dict[str, Any] = {
        **counts,
        "verdict": "too few states" if few else "scored",
        "area": np.nan if few else scores.area[keep].mean(),
        "error": np.nan if np.isnan(found.error).all() else np.nanmedian(found.error),
        "amount": np.nan if few else amount[keep].mean(),
        "change": effect.mean(),
    }
    for name, ends in intervals.items():
        cells |= of_interval(name, ends)
    return cells, np.where(keep, scores.mass_over_area, np.nan)


def _share(sprites: Float[np.ndarray, "state 2"]) -> float:
    mass, area = sprites.mean(0)
    return float(mass / area)


def _by_level(
    interval: Callable[..., Interval], masked: MaskedTwins, keep: Bool[np.ndarray, " state"]
) -> Callable[..., Interval]:
    """``interval`` of the states kept; NaN throughout where they come from a single level."""
    levels = masked.bank.levels[keep]

    def made(*values: np.ndarray, **how: Any) -> Interval:
        if len(np.unique(levels)) < 2:
            return NOWHERE
        some = (one[keep] for one in values)
        return interval(*some, levels, replicates=masked.replicates, seed=masked.seed, **how)

    return made
