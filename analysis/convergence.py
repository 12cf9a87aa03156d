"""Do representations converge? The likeness of peers beside pairs that share less, given agreement.

Two policies distilled into each other act alike by construction, so their layers may be alike for
that reason alone. A pair of peers is therefore set beside its nulls: two independent PPO seeds, two
untrained encoders, a peer and a PPO policy; of each kind the pair whose agreement of actions is
nearest to the peers'. And once more on those states only on which both pairs agree with themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int

from analysis.compare import relation
from analysis.panel import Look, Prepared, Setup, angle, chances, grids, prepare
from analysis.permutation import Calibrated, calibrate
from analysis.profiles import resampled
from analysis.stats import cluster_weights
from checkpoints.console import UserError
from checkpoints.ids import UNTRAINED, PolicyId

NEAR = 0.05
"""Two pairs whose agreements differ by no more than this count as matched."""
AGREED_LEVELS = 20
"""On fewer levels nothing is said of the states on which both pairs agree."""
Draws = dict[str, Float[np.ndarray, "R X Y"]]


@dataclass(frozen=True, eq=False)
class Likeness:
    """Every measure of every layer of x with every layer of y."""

    x: PolicyId
    y: PolicyId
    layers_x: tuple[str, ...]
    layers_y: tuple[str, ...]
    states: int
    levels: int
    agreement: float
    """share of states on which the likeliest actions agree"""
    values: dict[str, Float[np.ndarray, "X Y"]]
    draws: Draws
    """replicates of a bootstrap over levels, of the profile measures and the angle"""
    chance: dict[str, Calibrated]
    """by permutation of levels, of the profile measures; empty if no permutations were given"""

    @property
    def pair(self) -> str:
        """How the two policies are related."""
        return relation(self.x, self.y)

    @property
    def is_of_one_kind(self) -> bool:
        """Whether both were trained by one method, or neither at all."""
        return self.x.method == self.y.method

    def rows(self) -> Iterator[dict[str, object]]:
        """One row a measure and cell, columns as in ``analysis.similarity.SCHEMA``."""
        for measure, values in self.values.items():
            low, high = interval(self.draws.get(measure), values.shape)
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
                    "agreement": self.agreement,
                }


def interval(
    draws: Float[np.ndarray, "R *cell"] | None, shape: tuple[int, ...]
) -> Float[np.ndarray, "two *cell"]:
    """95 % of the replicates; NaN where there are none."""
    if draws is None:
        return np.full((2, *shape), np.nan)
    return np.percentile(draws, [2.5, 97.5], axis=0)


def are_comparable(x: PolicyId, y: PolicyId) -> bool:
    """Both trained, or both untrained: a trained beside an untrained policy tells little."""
    return (x.method == UNTRAINED) == (y.method == UNTRAINED)


def liken(
    x: PolicyId,
    y: PolicyId,
    looks: Mapping[PolicyId, Look],
    prepared: Mapping[PolicyId, Prepared],
    setup: Setup,
    weights: Int[np.ndarray, "R G"],
    permutations: Int[np.ndarray, "B n"] | None = None,
) -> Likeness:
    """Compare two prepared policies, with a bootstrap and, if permutations are given, with chance.

    Args:
        x: one policy.
        y: the other.
        looks: both policies' layers, on the same states.
        prepared: the same, prepared.
        setup: what they were prepared with.
        weights: from :func:`analysis.stats.cluster_weights` of the levels.
        permutations: from :func:`analysis.permutation.level_permutations` of the levels.
    """
    one, other = prepared[x], prepared[y]
    values, draws = grids(one, other), {}
    for name, ps in one.profiles.items():
        qs, pairs = other.profiles[name], setup.pairs_of(name)
        cells = [resampled(p, q, pairs, weights) for p in ps for q in qs]
        draws[name] = np.stack(cells, axis=1).reshape(-1, len(ps), len(qs))
    if "cka" in draws:
        draws["cka_angular"] = angle(draws["cka"])
    chance = {}
    if permutations is not None:
        null = chances(one, other, setup, permutations)
        chance = {name: calibrate(values[name], found) for name, found in null.items()}
    agreement = float((looks[x].action == looks[y].action).mean())
    size = setup.pairs.states, int(setup.pairs.group.max()) + 1
    return Likeness(x, y, looks[x].layers, looks[y].layers, *size, agreement, values, draws, chance)


def nearest(peers: Likeness, others: Sequence[Likeness]) -> dict[str, Likeness]:
    """Of each kind of null the pair whose agreement is nearest to the peers'."""
    found: dict[str, Likeness] = {}
    for one in others:
        fits = one.layers_x == one.layers_y == peers.layers_x
        if one.pair.endswith("peers") or not fits:
            continue
        best = found.get(one.pair)
        gaps = [abs(c.agreement - peers.agreement) for c in (one, best) if c is not None]
        if best is None or gaps[0] < gaps[1]:
            found[one.pair] = one
    return found


def contrast_rows(peers: Likeness, null: Likeness, on: str) -> Iterator[dict[str, object]]:
    """How much more alike the peers are, layer by layer; columns as in ``NULL_SCHEMA``.

    Differences are taken within each replicate, so both sides share their levels.
    """
    for measure, values in peers.values.items():
        mine, theirs = np.diagonal(values), np.diagonal(null.values[measure])
        apart = None
        if measure in peers.draws:
            apart = np.diagonal(peers.draws[measure] - null.draws[measure], axis1=1, axis2=2)
        low, high = interval(apart, mine.shape)
        for layer, name in enumerate(peers.layers_x):
            yield {
                "game": peers.x.game,
                "peers": f"{peers.x} {peers.y}",
                "null": null.pair,
                "null_pair": f"{null.x} {null.y}",
                "on": on,
                "measure": measure,
                "layer": name,
                "states": peers.states,
                "levels": peers.levels,
                "value": mine[layer],
                "null_value": theirs[layer],
                "difference": mine[layer] - theirs[layer],
                "low": low[layer],
                "high": high[layer],
                "agreement": peers.agreement,
                "null_agreement": null.agreement,
                "matched": bool(abs(peers.agreement - null.agreement) <= NEAR),
            }


def contrasts(
    found: Sequence[Likeness],
    looks: Mapping[PolicyId, Look],
    setup: Setup,
    levels: Int[np.ndarray, " n"],
    pixels: np.ndarray,
    replicates: int,
    seed: int,
) -> Iterator[dict[str, object]]:
    """Every pair of peers beside its nulls, on all states and on those where both pairs agree.

    Untrained policies do not decide anything, so agreement with them selects nothing: they are
    compared on all states only.
    """
    for peers in (one for one in found if one.pair.endswith("peers")):
        for kind, null in nearest(peers, found).items():
            yield from contrast_rows(peers, null, "all")
            agreed = _agree(looks, peers) & _agree(looks, null)
            if kind == UNTRAINED or len(np.unique(levels[agreed])) < AGREED_LEVELS:
                continue
            some = {one: looks[one].only(agreed) for one in (peers.x, peers.y, null.x, null.y)}
            few = Setup.of(
                *(levels[agreed], pixels[agreed]), setup.neighbours, setup.bandwidth, setup.keep
            )
            ready = {name: prepare(look, few) for name, look in some.items()}
            weights = cluster_weights(levels[agreed], replicates, seed)
            mine, theirs = (
                liken(pair.x, pair.y, some, ready, few, weights) for pair in (peers, null)
            )
            yield from contrast_rows(mine, theirs, "agreed")


def _agree(looks: Mapping[PolicyId, Look], pair: Likeness) -> Bool[np.ndarray, " n"]:
    return looks[pair.x].action == looks[pair.y].action


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
