"""Pairs of policies compared by the whole panel, with their intervals and their chance."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.chance import Calibrated, calibrate, permuted
from analysis.measures.panel import (
    ANGLE_OF,
    PROFILES,
    PolicyLayers,
    Prepared,
    Setup,
    alignments,
    angle,
    cosines,
    profiles,
)
from analysis.measures.profiles import Pairs, all_resampled
from analysis.policies.relations import relation
from analysis.records.columns import GAME, OVER_LEVELS, PERCENTILES, interval
from analysis.records.tables import Column, Schema
from analysis.studies.similarity.agreement import AGREEMENT, Agreement
from checkpoints.console import UserError
from checkpoints.policy.ids import UNTRAINED, PolicyId

LAYERS = (Column("layer_x", "text", "layer of x"), Column("layer_y", "text", "layer of y"))
SIZE = (
    Column("states", "int", "states compared", low=4),
    Column("levels", "int", "levels they come from", low=4),
)
ENDS = interval(over=f"{OVER_LEVELS}; none for spectra")
SCHEMA = Schema(
    "similarity",
    (
        GAME,
        Column("id_x", "text", "policy x"),
        Column("id_y", "text", "policy y"),
        Column("pair", "text", "how x and y are related"),
        Column("measure", "text", "row of the property table, analysis.measures.panel.MEASURES"),
        *LAYERS,
        *SIZE,
        Column("value", "float", "of the measure; cka_angular in radians, 0 where equal"),
        *ENDS,
        Column("chance", "float", "mean after levels change places; none for spectra"),
        Column("threshold", "float", "what chance exceeds in any cell of the map 5 % of the time"),
        Column("p", "float", "of the cell alone, by permutation of levels", low=0, high=1),
        Column("p_max", "float", "of the cell as one of the map's", low=0, high=1),
        Column("calibrated", "float", "(value − threshold) / (1 − threshold), at least 0", low=0),
        *AGREEMENT,
    ),
    key=("game", "id_x", "id_y", "measure", "layer_x", "layer_y"),
    command="analysis.similarity",
)
Draws = dict[str, Float[np.ndarray, "R X Y"]]


@dataclass(frozen=True, eq=False)
class Compared:
    """Every measure of every layer of x with every layer of y."""

    x: PolicyId
    y: PolicyId
    layers_x: tuple[str, ...]
    layers_y: tuple[str, ...]
    states: int
    levels: int
    agreement: Agreement
    values: dict[str, Float[np.ndarray, "X Y"]]
    draws: Draws
    """replicates of a bootstrap over levels, of the profile measures and the angle"""
    chance: dict[str, Calibrated]
    """by permutation of levels, of the profile measures; empty if no permutations were given"""

    def add_profiles(
        self,
        measure: str,
        ps: Float[np.ndarray, "X pair"],
        qs: Float[np.ndarray, "Y pair"],
        pairs: Pairs,
        weights: Int[np.ndarray, "R G"] | None,
        permutations: Int[np.ndarray, "B n"] | None,
    ) -> None:
        """Fill in what one measure says: its values, their replicates and their chance."""
        values = self.values[measure] = cosines(ps, qs)
        if weights is not None:
            self.draws[measure] = all_resampled(ps, qs, pairs, weights)
        if permutations is not None:
            null = permuted(np.nan_to_num(ps), np.nan_to_num(qs), pairs, permutations)
            self.chance[measure] = calibrate(values, null)

    @property
    def pair(self) -> str:
        """How the two policies are related."""
        return relation(self.x, self.y)

    @property
    def is_of_one_kind(self) -> bool:
        """Whether both were trained by one method, or neither at all."""
        return self.x.method == self.y.method

    def rows(self) -> Iterator[dict[str, object]]:
        """One row a measure and cell, columns as in :data:`SCHEMA`."""
        for measure, values in self.values.items():
            low, high = replicate_ends(self.draws.get(measure), values.shape)
            found, nan = self.chance.get(measure), np.full(values.shape, np.nan)
            names = ("chance", "threshold", "p", "p_max")
            extra = {name: getattr(found, name) if found else nan for name in names}
            extra["calibrated"] = found.value if found else nan
            for i, j in np.ndindex(values.shape):
                yield {
                    "game": self.x.game,
                    "id_x": str(self.x),
                    "id_y": str(self.y),
                    "pair": self.pair,
                    "measure": measure,
                    "layer_x": self.layers_x[i],
                    "layer_y": self.layers_y[j],
                    "states": self.states,
                    "levels": self.levels,
                    "value": values[i, j],
                    "low": low[i, j],
                    "high": high[i, j],
                    **{name: cells[i, j] for name, cells in extra.items()},
                    **self.agreement.cells(),
                }


def replicate_ends(
    draws: Float[np.ndarray, " R *cell"] | None, shape: tuple[int, ...]
) -> Float[np.ndarray, " two *cell"]:
    """95 % of the replicates; NaN where there are none."""
    if draws is None:
        return np.full((2, *shape), np.nan)
    return np.percentile(draws, PERCENTILES, axis=0)


def are_comparable(x: PolicyId, y: PolicyId) -> bool:
    """Both trained, or both untrained: a trained beside an untrained policy tells little."""
    return (x.method == UNTRAINED) == (y.method == UNTRAINED)


def compare_pairs(
    couples: Sequence[tuple[PolicyId, PolicyId]],
    looks: Mapping[PolicyId, PolicyLayers],
    setup: Setup,
    weights: Int[np.ndarray, "R G"] | None = None,
    permutations: Int[np.ndarray, "B n"] | None = None,
    progress: Callable[[Sequence[str]], Iterable[str]] = iter,
    *,
    matched: bool = False,
) -> list[Compared]:
    """Compare policies, with a bootstrap and with chance where they are asked for.

    Args:
        couples: who is compared with whom.
        looks: the layers of all of them, on the same states.
        setup: what they share.
        weights: from :func:`analysis.stats.clusters.cluster_weights` of the levels.
        permutations: from :func:`analysis.measures.chance.level_permutations` of the levels.
        progress: goes through the measures, and may tell of it.
        matched: whether only the i-th layer of x with the i-th of y is asked for: the measures of
            spectra, which take long, are then NaN in all other cells.
    """
    named = dict.fromkeys(name for couple in couples for name in couple)
    ready = {name: Prepared(looks[name]) for name in named}
    size = setup.pairs.states, int(setup.pairs.group.max()) + 1
    found = []
    for x, y in couples:
        one, other = looks[x], looks[y]
        agreed = Agreement.of(x.game, one.button, other.button)
        found.append(Compared(x, y, one.layers, other.layers, *size, agreed, {}, {}, {}))
    for measure in progress(PROFILES):
        pairs, rows = profiles(ready, measure, setup)
        for like in found:
            like.add_profiles(measure, rows[like.x], rows[like.y], pairs, weights, permutations)
        del rows  # before the next measure's are made
    for like in found:
        like.values["cka_angular"] = angle(like.values[ANGLE_OF])
        if weights is not None:
            like.draws["cka_angular"] = angle(like.draws[ANGLE_OF])
    # Popped: a policy's Gram matrices make room for its spectra.
    spectra = {name: ready.pop(name).spectra(setup.keep) for name in named}
    for like in found:
        like.values.update(alignments(spectra[like.x], spectra[like.y], matched=matched))
    return found


def comparable_pairs(ids: Sequence[PolicyId]) -> list[tuple[PolicyId, PolicyId]]:
    """Every pair of policies that are compared.

    Raises:
        UserError: none, because a single trained policy was named.
    """
    trained = [one for one in ids if one.method != UNTRAINED]
    if len(trained) == 1 or len(ids) < 2:
        raise UserError(
            f"{ids[0].game}: expected at least two policies to compare, got {ids[0]} alone; name "
            f"another one of this game, such as its peer or another seed"
        )
    return [(x, y) for x, y in combinations(ids, 2) if are_comparable(x, y)]
