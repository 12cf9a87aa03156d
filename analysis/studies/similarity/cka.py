"""The CKA of a whole set of policies: every pair, every layer, on twins and across them.

``analysis.cka`` is the mathematics of one pair and the command; this is the bookkeeping between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8

from analysis.measures.by_level import LevelGram, Levels, hsic_levels
from analysis.measures.hsic import cka_grams, linear_gram, normalise
from analysis.policies.features import read
from analysis.policies.subjects import Subject
from checkpoints.policy.ids import UNTRAINED, PolicyId

Rendering = Literal["same", "twin"]
SELF = "self"


def relation(x: PolicyId, y: PolicyId) -> str:
    """What kind of pair two policies are: ``mutual peers``, ``ppo seeds``, ``mutual vs ppo``, …"""
    if x == y:
        return SELF
    if x.method != y.method:
        return " vs ".join(sorted((x.method, y.method), key=lambda name: (name == UNTRAINED, name)))
    if x.method == UNTRAINED:
        return UNTRAINED
    if x.seed != y.seed:
        return f"{x.method} seeds"
    return f"{x.method} peers" if x.peer != y.peer else f"{x.method} steps"


@dataclass(frozen=True)
class View:
    """One policy on one rendering of the bank: a prepared Gram matrix for each layer."""

    layers: tuple[str, ...]
    grams: list[np.ndarray]
    prepared: list[LevelGram]
    own: Float[np.ndarray, "r layer"]
    """HSIC of each layer with itself: the estimate, then the replicates"""
    action: np.ndarray
    """(state,) likeliest action"""


def look(
    subject: Subject,
    frames: UInt8[np.ndarray, "state 64 64 3"],
    levels: Levels,
    layers: Sequence[str] | None,
) -> View:
    """Read a policy's layers on ``frames`` and prepare them for many comparisons."""
    reading = read(subject.policy, frames, layers)
    names = tuple(reading.layers)
    grams = [linear_gram(reading.layers[name], f"{subject.id}, {name}") for name in names]
    prepared = [LevelGram(gram, levels) for gram in grams]
    own = np.stack([hsic_levels(gram, gram) for gram in prepared], axis=1)
    return View(names, grams, prepared, own, reading.log_probs.argmax(1))


@dataclass(frozen=True)
class Comparison:
    """Every layer of policy x on one rendering with every layer of policy y on another."""

    x: PolicyId
    y: PolicyId
    rendering: Rendering
    layers_x: tuple[str, ...]
    layers_y: tuple[str, ...]
    cka: Float[np.ndarray, "r x y"]
    """the estimate, then one value a replicate; NaN where a layer does not vary"""
    biased: Float[np.ndarray, "x y"]
    agreement: float
    """share of states on which the likeliest actions agree"""
    states: int
    levels: int

    @property
    def pair(self) -> str:
        """How the two policies are related."""
        return relation(self.x, self.y)

    def matched(self) -> Float[np.ndarray, "r layer"]:
        """Same layer with same layer; empty where the encoders differ."""
        if self.layers_x != self.layers_y:
            return np.empty((len(self.cka), 0))
        return np.diagonal(self.cka, axis1=1, axis2=2)

    def rows(self) -> Iterator[dict[str, object]]:
        """One row a cell, columns as in ``analysis.cka.SCHEMA``."""
        low, high = np.percentile(self.cka[1:], [2.5, 97.5], axis=0)
        for i, j in np.ndindex(self.cka.shape[1:]):
            yield {
                "game": self.x.game,
                "id_x": str(self.x),
                "id_y": str(self.y),
                "method_x": self.x.method,
                "method_y": self.y.method,
                "pair": self.pair,
                "rendering": self.rendering,
                "layer_x": self.layers_x[i],
                "layer_y": self.layers_y[j],
                "states": self.states,
                "levels": self.levels,
                "cka": self.cka[0, i, j],
                "low": low[i, j],
                "high": high[i, j],
                "cka_biased": self.biased[i, j],
                "agreement": self.agreement,
            }


def compare(x: Subject, y: Subject, rendering: Rendering, seen: View, other: View) -> Comparison:
    """CKA of every layer of ``x`` in its view with every layer of ``y`` in its own."""
    pairs = [[hsic_levels(K, L) for L in other.prepared] for K in seen.prepared]
    ratio = normalise(np.array(pairs).transpose(2, 0, 1), seen.own, other.own, "nan")
    biased = cka_grams(seen.grams, other.grams, biased=True, undefined="nan")
    agreement = float((seen.action == other.action).mean())
    levels = seen.prepared[0].levels
    return Comparison(
        *(x.id, y.id, rendering, seen.layers, other.layers, ratio, biased, agreement),
        states=len(levels.order),
        levels=len(levels.slices),
    )


def compare_all(
    subjects: Sequence[Subject],
    frames: dict[Rendering, UInt8[np.ndarray, "state 64 64 3"]],
    levels: Levels,
    layers: Sequence[str] | None = None,
) -> Iterator[Comparison]:
    """Every pair of policies, each also with itself.

    Args:
        subjects: policies of one game.
        frames: ``same``, the bank's pictures; ``twin``, each on another background, if any.
        levels: the bank's levels and the bootstrap's weights.
        layers: only these; all of each encoder if None.

    Yields:
        For ``same`` x and y both see the bank's pictures; for ``twin`` y sees the twins.
    """
    views = {
        (subject.id, kind): look(subject, pictures, levels, layers)
        for subject in subjects
        for kind, pictures in frames.items()
    }
    for x, y in combinations_with_replacement(subjects, 2):
        for kind in frames:
            yield compare(x, y, kind, views[x.id, "same"], views[y.id, kind])


def contrasts(comparisons: Sequence[Comparison], baseline: str = "ppo") -> pd.DataFrame:
    """How much more alike a method's policies are than the baseline's, layer by layer.

    ``METHOD peers - BASELINE seeds``: two peers against two independent runs. ``METHOD self -
    BASELINE self``: a policy with itself across twins, which is its independence of the
    background. Differences are taken within each replicate, so both sides share their levels.

    Returns:
        Columns ``game, rendering, layer, contrast, difference, low, high``; empty where a side
        is missing. The interval speaks of levels, not of seeds.
    """
    rows: list[dict[str, object]] = []
    for kind in ("same", "twin"):
        here = [one for one in comparisons if one.rendering == kind]
        methods = {one.x.method for one in here} - {baseline, UNTRAINED}
        for method in sorted(methods):
            for one, other in ((f"{method} peers", f"{baseline} seeds"), (SELF, SELF)):
                left = _mean([c for c in here if c.pair == one and c.x.method == method])
                right = _mean([c for c in here if c.pair == other and c.x.method == baseline])
                trivial = one == SELF and kind == "same"
                if left is None or right is None or trivial:
                    continue
                label = f"{one} - {other}"
                if one == SELF:
                    label = f"{method} self - {baseline} self"
                rows.extend(_difference_rows(here[0], label, left - right))
    columns = ["game", "rendering", "layer", "contrast", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _mean(some: Sequence[Comparison]) -> np.ndarray | None:
    return np.mean([one.matched() for one in some], axis=0) if some else None


def _difference_rows(
    like: Comparison, label: str, difference: np.ndarray
) -> Iterator[dict[str, object]]:
    low, high = np.percentile(difference[1:], [2.5, 97.5], axis=0)
    for layer, name in enumerate(like.layers_x):
        yield {
            "game": like.x.game,
            "rendering": like.rendering,
            "layer": name,
            "contrast": label,
            "difference": difference[0, layer],
            "low": low[layer],
            "high": high[layer],
        }
