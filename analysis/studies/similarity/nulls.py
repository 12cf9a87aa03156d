"""Do representations converge? The likeness of peers beside pairs that share less, given agreement.

Two policies distilled into each other act alike by construction, so their layers may be alike for
that reason alone. A pair of peers is therefore set beside its nulls: two independent PPO seeds, two
untrained encoders, a peer and a PPO policy, of each kind the pair whose agreement of decisions is
nearest to the peers'; two PPO policies that agree as much as the peers, if there are any; and the
peers themselves with one's levels permuted. And once more on those states only on which both pairs
agree with themselves.

Where one button is likeliest almost everywhere, any two policies agree almost everywhere. Agreement
is therefore held equal as Cohen's κ, what remains of it above chance
(:func:`analysis.measures.decisions.kappa`). Where κ is not defined, no agreement is equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from analysis.measures.panel import PolicyLayers, Setup
from analysis.policies.relations import PEERS, SEEDS, STEPS, kind_of
from analysis.records.columns import GAME
from analysis.records.tables import Column, Schema
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.agreement import AGREEMENT, Agreement
from analysis.studies.similarity.compared import ENDS, SIZE, Compared, compare_pairs, replicate_ends
from checkpoints.policy.ids import UNTRAINED, PolicyId
from checkpoints.policy.recipes import BASELINE

NULL_SCHEMA = Schema(
    "similarity_nulls",
    (
        GAME,
        Column("peers", "text", "the two policies distilled into each other"),
        Column("null", "text", "kind of pair they are set beside"),
        Column("null_pair", "text", "the pair of nearest kappa, or why there is none"),
        Column("on", "text", "all states, or those on which both pairs agree with themselves"),
        Column("measure", "text", "row of the property table, analysis.measures.panel.MEASURES"),
        Column("layer", "text", "of all four policies"),
        *SIZE,
        Column("value", "float", "of the peers"),
        Column("null_value", "float", "of the null pair; none where there is no such pair"),
        Column("difference", "float", "value − null_value"),
        *ENDS,
        *AGREEMENT,
        *(replace(one, name=f"null_{one.name}", meaning="of the null pair") for one in AGREEMENT),
        Column("matched", "bool", "whether kappa and null_kappa are within .05"),
    ),
    key=("game", "peers", "null", "on", "measure", "layer"),
    command="analysis.similarity",
)
NEAR = 0.05
"""Two pairs whose κ differ by no more than this count as matched."""
AGREED_LEVELS = 20
"""On fewer levels nothing is said of the states on which both pairs agree."""
EQUAL = f"{BASELINE} at equal kappa"
PERMUTED = "permuted levels"


@dataclass(frozen=True, eq=False)
class Null:
    """What peers are set beside, same layer with same layer."""

    kind: str
    pair: str
    """who it is, or why it is nobody"""
    agreement: Agreement
    values: dict[str, Float[np.ndarray, " layer"]]
    """by measure; one that is missing is not defined"""
    draws: dict[str, Float[np.ndarray, "#R layer"]]
    """bootstrap replicates, or one row where the null does not vary with them"""

    @classmethod
    def of(cls, pair: Compared, kind: str = "") -> "Null":
        """Another pair of policies."""
        values = {name: np.diagonal(cells) for name, cells in pair.values.items()}
        draws = {name: np.diagonal(cells, axis1=1, axis2=2) for name, cells in pair.draws.items()}
        return cls(kind or pair.pair, f"{pair.x} {pair.y}", pair.agreement, values, draws)


def apart(one: Agreement, other: Agreement) -> float:
    """How far two κ are from each other: infinitely where one is not defined."""
    gap = abs(one.kappa - other.kappa)
    return float("inf") if np.isnan(gap) else gap


def nearest(peers: Compared, others: Sequence[Compared]) -> dict[str, Compared]:
    """Of each kind of null the pair whose κ is nearest to the peers'."""
    found: dict[str, Compared] = {}
    for one in sorted(others, key=lambda one: apart(one.agreement, peers.agreement)):
        fits = one.layers_x == one.layers_y == peers.layers_x
        if fits and kind_of(one.pair) != PEERS:
            found.setdefault(one.pair, one)
    return found


def at_equal_kappa(peers: Compared, nulls: Mapping[str, Compared]) -> Null:
    """Two PPO policies, seeds or steps, that agree as much as the peers; or who comes nearest.

    Args:
        peers: two peers.
        nulls: as :func:`nearest` returns them.
    """
    kinds = f"{BASELINE} {SEEDS}", f"{BASELINE} {STEPS}"
    some = [nulls[kind] for kind in kinds if kind in nulls]
    best = min(some, key=lambda one: apart(one.agreement, peers.agreement), default=None)
    if best is None:
        nothing = Agreement(np.nan, np.nan)
        return Null(EQUAL, f"none: no two {BASELINE} policies were compared", nothing, {}, {})
    gap = apart(best.agreement, peers.agreement)
    if gap <= NEAR:
        return Null.of(best, EQUAL)
    why = f"none within {NEAR}: the nearest, {best.x} {best.y}, is another row"
    if np.isinf(gap):
        why = "none: kappa is not defined where one button is likeliest of every state"
    return Null(EQUAL, why, best.agreement, {}, {})


def after_permutation(
    peers: Compared, looks: Mapping[PolicyId, PolicyLayers], permutations: Int[np.ndarray, "B n"]
) -> Null:
    """The peers' own chance: means over permutations of the levels of one of them."""
    moved = looks[peers.y].button[permutations]
    agreement = Agreement.of(peers.x.game, looks[peers.x].button, moved)
    values = {name: np.diagonal(one.chance) for name, one in peers.chance.items()}
    draws = {name: value[None] for name, value in values.items()}
    return Null(PERMUTED, f"{peers.y} with its levels permuted", agreement, values, draws)


def contrast_rows(peers: Compared, null: Null, on: str) -> Iterator[dict[str, object]]:
    """How much more alike the peers are, layer by layer; columns as in ``NULL_SCHEMA``.

    Differences are taken within each replicate, so both sides share their levels.
    """
    mine = Null.of(peers)
    for measure, values in mine.values.items():
        theirs = null.values.get(measure, np.full(len(values), np.nan))
        differences = None
        if measure in mine.draws and measure in null.draws:
            differences = mine.draws[measure] - null.draws[measure]
        low, high = replicate_ends(differences, values.shape)
        for layer, name in enumerate(peers.layers_x):
            yield {
                "game": peers.x.game,
                "peers": mine.pair,
                "null": null.kind,
                "null_pair": null.pair,
                "on": on,
                "measure": measure,
                "layer": name,
                "states": peers.states,
                "levels": peers.levels,
                "value": values[layer],
                "null_value": theirs[layer],
                "difference": values[layer] - theirs[layer],
                "low": low[layer],
                "high": high[layer],
                **compared_agreements(mine.agreement, null.agreement),
            }


def compared_agreements(mine: Agreement, theirs: Agreement) -> dict[str, object]:
    """What the last columns of ``NULL_SCHEMA`` say."""
    return {
        **mine.cells(),
        **{f"null_{name}": value for name, value in theirs.cells().items()},
        "matched": apart(mine, theirs) <= NEAR,
    }


def contrasts(
    found: Sequence[Compared],
    looks: Mapping[PolicyId, PolicyLayers],
    setup: Setup,
    pixels: np.ndarray,
    permutations: Int[np.ndarray, "B n"],
    replicates: int,
    seed: int,
) -> Iterator[dict[str, object]]:
    """Every pair of peers beside its nulls, on all states and on those where both pairs agree.

    Untrained policies do not decide anything, so agreement with them selects nothing: they are
    compared on all states only. Peers that do not have the same layers have no rows.
    """
    alike = (one for one in found if one.layers_x == one.layers_y)
    for peers in (one for one in alike if kind_of(one.pair) == PEERS):
        nulls = nearest(peers, found)
        for null in nulls.values():
            yield from contrast_rows(peers, Null.of(null), "all")
        yield from contrast_rows(peers, at_equal_kappa(peers, nulls), "all")
        yield from contrast_rows(peers, after_permutation(peers, looks, permutations), "all")
        for kind, null in nulls.items():
            agreed = _agree(looks, peers) & _agree(looks, null)
            if kind == UNTRAINED or not _are_enough(setup, agreed):
                continue
            levels = setup.pairs.group[agreed]
            some = {one: looks[one].only(agreed) for one in (peers.x, peers.y, null.x, null.y)}
            few = Setup.of(levels, pixels[agreed], setup.neighbours, setup.bandwidth, setup.keep)
            weights = cluster_weights(levels, replicates, seed)
            both = [(one.x, one.y) for one in (peers, null)]
            mine, theirs = compare_pairs(both, some, few, weights, matched=True)
            yield from contrast_rows(mine, Null.of(theirs), "agreed")


def _agree(looks: Mapping[PolicyId, PolicyLayers], pair: Compared) -> Bool[np.ndarray, " n"]:
    return looks[pair.x].button == looks[pair.y].button


def _are_enough(setup: Setup, states: Bool[np.ndarray, " n"]) -> bool:
    """Whether some states alone hold enough levels, and enough neighbours on other levels."""
    sizes = np.bincount(setup.pairs.group[states])
    return bool(
        (sizes > 0).sum() >= AGREED_LEVELS and sizes.sum() - sizes.max() >= setup.neighbours
    )
