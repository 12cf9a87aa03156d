"""The CKA of a whole set of policies: every pair, every layer, on twins and across them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from analysis.measures.by_level import LevelGram, hsic_levels
from analysis.measures.decisions import likeliest
from analysis.measures.hsic import cka_grams, linear_gram, normalise
from analysis.measures.level_sums import LevelWeights
from analysis.policies.features import read
from analysis.policies.layers import asked_layers
from analysis.policies.relations import relation
from analysis.policies.subjects import Subject
from analysis.records.columns import GAME, SIZE, ends_of, interval
from analysis.records.tables import Column, Schema
from analysis.studies.similarity.agreement import AGREEMENT, Agreement
from checkpoints.console import watch
from checkpoints.policy.ids import PolicyId

Rendering = Literal["same", "twin"]
SCHEMA = Schema(
    "cka",
    (
        GAME,
        Column("id_x", "text", "policy x"),
        Column("id_y", "text", "policy y; x itself where pair is self"),
        Column("method_x", "text", "training recipe of x"),
        Column("method_y", "text", "training recipe of y"),
        Column("pair", "text", "how x and y are related"),
        Column("rendering", "text", "same: one picture; twin: y sees it on another background"),
        Column("layer_x", "text", "layer of x"),
        Column("layer_y", "text", "layer of y"),
        *SIZE,
        Column("cka", "float", "unbiased over tuples of distinct levels, never clamped"),
        *interval(),
        Column("cka_biased", "float", "Kornblith et al. 2019, for comparison", low=0, high=1),
        *AGREEMENT,
    ),
    key=("game", "id_x", "id_y", "rendering", "layer_x", "layer_y"),
    command="analysis.cka",
)


@dataclass(frozen=True)
class PolicyGrams:
    """One policy on one rendering of the bank: a prepared Gram matrix for each layer."""

    layers: tuple[str, ...]
    grams: list[np.ndarray]
    prepared: list[LevelGram]
    own: Float[np.ndarray, "r layer"]
    """HSIC of each layer with itself: the estimate, then the replicates"""
    button: np.ndarray
    """(state,) the likeliest"""


def look(
    subject: Subject,
    frames: UInt8[np.ndarray, "state h w c"],
    levels: LevelWeights,
    layers: Sequence[str] | None,
) -> PolicyGrams:
    """Read a policy's layers on ``frames`` and prepare them for many comparisons."""
    reading = read(subject.policy, frames, layers)
    names = tuple(reading.layers)
    grams = [linear_gram(reading.layers[name], f"{subject.id}, {name}") for name in names]
    prepared = [LevelGram(gram, levels) for gram in grams]
    own = np.stack([hsic_levels(gram, gram) for gram in prepared], axis=1)
    return PolicyGrams(names, grams, prepared, own, likeliest(reading.log_probs, subject.id.game))


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
    agreement: Agreement
    states: int
    levels: int

    @property
    def pair(self) -> str:
        """How the two policies are related."""
        return relation(self.x, self.y)

    @property
    def shared(self) -> tuple[str, ...]:
        """Layers that both have, by name; encoders of two kinds share few."""
        return tuple(name for name in self.layers_x if name in self.layers_y)

    def matched(self) -> Float[np.ndarray, "r layer"]:
        """Same layer with same layer, in the order of ``shared``."""
        at = [(self.layers_x.index(name), self.layers_y.index(name)) for name in self.shared]
        i, j = np.array(at, dtype=np.int64).reshape(-1, 2).T
        return self.cka[:, i, j]

    def rows(self) -> Iterator[dict[str, object]]:
        """One row a cell, columns as in :data:`SCHEMA`."""
        low, high = ends_of(self.cka)
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
                **self.agreement.cells(),
            }


def compare(
    x: Subject, y: Subject, rendering: Rendering, seen: PolicyGrams, other: PolicyGrams
) -> Comparison:
    """CKA of every layer of ``x`` in its view with every layer of ``y`` in its own."""
    pairs = [[hsic_levels(K, L) for L in other.prepared] for K in seen.prepared]
    ratio = normalise(np.array(pairs).transpose(2, 0, 1), seen.own, other.own, "nan")
    biased = cka_grams(seen.grams, other.grams, biased=True, undefined="nan")
    agreement = Agreement.of(x.id.game, seen.button, other.button)
    levels = seen.prepared[0].levels
    return Comparison(
        *(x.id, y.id, rendering, seen.layers, other.layers, ratio, biased, agreement),
        states=len(levels.order),
        levels=len(levels.slices),
    )


def compare_all(
    subjects: Sequence[Subject],
    frames: dict[Rendering, UInt8[np.ndarray, "state h w c"]],
    levels: LevelWeights,
    layers: Sequence[str] | None = None,
) -> Iterator[Comparison]:
    """Every pair of policies, each also with itself.

    Args:
        subjects: policies of one game.
        frames: ``same``, the bank's pictures; ``twin``, each on another background, if any.
        levels: the bank's levels and the bootstrap's weights.
        layers: of these the ones a policy has; all of each encoder if None. A policy with none of
            them is left out.

    Yields:
        For ``same`` x and y both see the bank's pictures; for ``twin`` y sees the twins.
    """
    asked = asked_layers(subjects, layers or ())
    present = [subject for subject in subjects if subject.id in asked]
    game = subjects[0].id.game
    views = {
        (subject.id, kind): look(subject, pictures, levels, asked[subject.id])
        for subject in watch(present, f"{game}: reading policies")
        for kind, pictures in frames.items()
    }
    pairs = list(combinations_with_replacement(present, 2))
    for x, y in watch(pairs, f"{game}: comparing pairs"):
        for kind in frames:
            yield compare(x, y, kind, views[x.id, "same"], views[y.id, kind])


def same_layers(one: PolicyGrams, other: PolicyGrams) -> dict[str, Float[np.ndarray, " r"]]:
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
