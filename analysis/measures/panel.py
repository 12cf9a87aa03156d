"""The panel of similarities: what each one is, and all of them for all layers of some policies.

:data:`MEASURES` is the property table; the tests assert every entry of it, both ways. One measure
is taken of all policies before the next one, so that profiles of one measure only are in memory.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array, vstack
from scipy.spatial.distance import squareform

from analysis.measures.alignment import KEEP, Alignment, Spectrum
from analysis.measures.hsic import linear_gram
from analysis.measures.kernels import BANDWIDTH, deconfounded_profile, linear_profile, rbf_profile
from analysis.measures.neighbours import NEIGHBOURS, neighbour_profile
from analysis.measures.profiles import Pairs
from analysis.measures.rsa import rank_profile

Key = TypeVar("Key", bound=Hashable)
SimilarityKind = Literal["profile", "spectrum", "angle"]
ANGLE_OF = "cka"
_ROWS = 1 << 16  # pairs taken to float64 at once


@dataclass(frozen=True)
class Similarity:
    """One row of the property table.

    Invariances are to a change of *either* layer: of its features by a ``rotation`` (orthogonal),
    an order of ``units``, one ``scaling`` of all, a ``translation``, any invertible ``linear`` map.
    No measure changes with the order of states if both layers change it, and all do if one does.
    """

    name: str
    kind: SimilarityKind
    """a cosine of profiles, tested by permutation; read off spectra, not tested; or an angle"""
    low: float
    high: float
    same: float
    """value of a layer with itself"""
    symmetric: bool
    unbiased: bool
    """whether independent layers read 0 (an angle: π/2) on average, whatever n and the widths"""
    rotation: bool
    units: bool
    scaling: bool
    translation: bool
    linear: bool


_UNBIASED = {"symmetric": True, "unbiased": True}
_BIASED = {"symmetric": True, "unbiased": False}
_ONE_SIDED = {"symmetric": False, "unbiased": False}
_UP_TO_ROTATION = {
    **{"rotation": True, "units": True, "scaling": True, "translation": True},
    "linear": False,
}
_UP_TO_ORDER = {**_UP_TO_ROTATION, "rotation": False}
MEASURES = (
    Similarity("cka", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Similarity("cka_deconfounded", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Similarity("cka_one_background", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Similarity("cka_rbf", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Similarity("cka_angular", "angle", 0.0, np.pi, 0.0, **_UNBIASED, **_UP_TO_ROTATION),
    Similarity("rsa", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Similarity("neighbours", "profile", 0.0, 1.0, 1.0, **_BIASED, **_UP_TO_ROTATION),
    Similarity("procrustes", "spectrum", 0.0, 1.0, 1.0, **_BIASED, **_UP_TO_ROTATION),
    Similarity("svcca", "spectrum", 0.0, 1.0, 1.0, **_BIASED, **_UP_TO_ROTATION),
    # Weighs by x's own units: neither side can be turned nor the two exchanged.
    Similarity("pwcca", "spectrum", 0.0, 1.0, 1.0, **_ONE_SIDED, **_UP_TO_ORDER),
)
PROFILES = tuple(one.name for one in MEASURES if one.kind == "profile")
SPECTRA = tuple(one.name for one in MEASURES if one.kind == "spectrum")


@dataclass(frozen=True, eq=False)
class PolicyLayers:
    """One policy's layers on the states of a bank."""

    layers: tuple[str, ...]
    own: Sequence[np.ndarray]
    """(n, d) features of each layer, every state on the background where it was met"""
    plain: Sequence[np.ndarray]
    """the same with all states on one background; ``own`` again in a game that has only one"""
    button: Int[np.ndarray, " n"]
    """the likeliest"""

    def only(self, states: Bool[np.ndarray, " n"]) -> "PolicyLayers":
        """The same policy on some of the states."""
        own, plain = ([x[states] for x in side] for side in (self.own, self.plain))
        return PolicyLayers(self.layers, own, plain, self.button[states])


@dataclass(frozen=True, eq=False)
class Setup:
    """What all policies of a comparison share."""

    pairs: Pairs
    inputs: Float[np.ndarray, " P"]
    """linear profile of the pixels"""
    neighbours: int = NEIGHBOURS
    bandwidth: float = BANDWIDTH
    keep: float = KEEP

    @classmethod
    def of(
        cls,
        levels: np.ndarray,
        pixels: np.ndarray,
        neighbours: int = NEIGHBOURS,
        bandwidth: float = BANDWIDTH,
        keep: float = KEEP,
    ) -> "Setup":
        """From the level and the (flattened) pixels of each state."""
        pairs = Pairs.of(levels)
        gram = linear_gram(pixels.reshape(len(pixels), -1), "pixels")
        return cls(pairs, np.nan_to_num(linear_profile(gram, pairs)), neighbours, bandwidth, keep)


class Prepared:
    """One policy's layers as centred Gram matrices, packed: 4 n² bytes a layer.

    Args:
        look: the policy's layers.
    """

    def __init__(self, look: PolicyLayers) -> None:
        self.look = look
        self._packed: list[tuple[np.ndarray, np.ndarray]] = []
        for name, x in zip(look.layers, look.own, strict=True):
            K = linear_gram(x, name)
            self._packed.append((np.diagonal(K).copy(), squareform(K, checks=False)))

    def gram(self, layer: int, *, plain: bool = False) -> Float[np.ndarray, "n n"]:
        """Of the layer's own pictures, or of those on one background."""
        x = self.look.plain[layer]
        if plain and x is not self.look.own[layer]:
            return linear_gram(x, self.look.layers[layer])
        diagonal, off = self._packed[layer]
        K = squareform(off, checks=False)
        np.fill_diagonal(K, diagonal)
        return K

    def spectra(self, keep: float) -> list[Spectrum | None]:
        """Every layer decomposed; None where one does not vary."""
        found: list[Spectrum | None] = []
        for layer, (name, x) in enumerate(zip(self.look.layers, self.look.own, strict=True)):
            varies = self._packed[layer][0].sum() > 0
            K = self.gram(layer) if varies and x.shape[1] > len(x) else None
            found.append(Spectrum.of(x, keep, name, K) if varies else None)
        return found


def profiles(
    policies: Mapping[Key, Prepared], measure: str, setup: Setup
) -> tuple[Pairs, dict[Key, Float[np.ndarray, "layer pair"]]]:
    """Every layer's profile by one measure, and the pairs of states that it speaks of.

    Returns:
        The pairs; float32 profiles of each policy, NaN where a layer does not vary. Of neighbours
        only those pairs that are near in some layer: all others are 0 in every profile.
    """
    if measure == "neighbours":
        return _near(policies, setup)
    found = {}
    for name, one in policies.items():
        found[name] = np.empty((len(one.look.layers), len(setup.pairs)), dtype=np.float32)
        for layer, row in enumerate(found[name]):
            K = one.gram(layer, plain=measure == "cka_one_background")
            row[:] = _profile(measure, K, setup) if np.trace(K) > 0 else np.nan
    return setup.pairs, found


def _profile(measure: str, K: Float[np.ndarray, "n n"], setup: Setup) -> Float[np.ndarray, " P"]:
    if measure == "rsa":
        return rank_profile(K, setup.pairs)
    if measure == "cka_rbf":
        return rbf_profile(K, setup.pairs, setup.bandwidth)
    linear = linear_profile(K, setup.pairs)
    return deconfounded_profile(linear, setup.inputs) if measure == "cka_deconfounded" else linear


def _near(
    policies: Mapping[Key, Prepared], setup: Setup
) -> tuple[Pairs, dict[Key, Float[np.ndarray, "layer pair"]]]:
    pairs, found, dead = Pairs.of(setup.pairs.group, ordered=True), {}, {}
    for name, one in policies.items():
        grams = (one.gram(layer) for layer in range(len(one.look.layers)))
        rows = [
            csr_array(neighbour_profile(K, pairs, setup.neighbours).astype(np.float32)[None])
            if np.trace(K) > 0
            else csr_array((1, len(pairs)), dtype=np.float32)
            for K in grams
        ]
        found[name], dead[name] = vstack(rows, format="csr"), [row.nnz == 0 for row in rows]
    used = np.unique(np.concatenate([rows.indices for rows in found.values()]))
    dense = {name: rows[:, used].toarray() for name, rows in found.items()}
    for name, rows in dense.items():
        rows[dead[name]] = np.nan
    return pairs.only(used), dense


def cosines(
    xs: Float[np.ndarray, "X pair"], ys: Float[np.ndarray, "Y pair"]
) -> Float[np.ndarray, "X Y"]:
    """Inner product of every profile with every other, summed in float64."""
    parts = (slice(start, start + _ROWS) for start in range(0, xs.shape[1], _ROWS))
    return sum(
        (xs[:, part].astype(float) @ ys[:, part].astype(float).T for part in parts),
        np.zeros((len(xs), len(ys))),
    )


def angle(cosine: np.ndarray) -> np.ndarray:
    """Angle of a cosine in radians; rounding beyond ±1 is taken off."""
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def alignments(
    xs: Sequence[Spectrum | None], ys: Sequence[Spectrum | None], *, matched: bool = False
) -> dict[str, Float[np.ndarray, "X Y"]]:
    """Procrustes, SVCCA and PWCCA of every layer with every other; NaN where not defined.

    SVCCA and PWCCA are not where two layers keep more directions than there are states. Where only
    ``matched`` layers are asked for, the i-th with the i-th, all other cells are NaN.
    """
    found = np.full((len(SPECTRA), len(xs), len(ys)), np.nan)
    for (i, x), (j, y) in product(enumerate(xs), enumerate(ys)):
        if x is not None and y is not None and (i == j or not matched):
            cell = Alignment.of(x, y)
            found[:, i, j] = [getattr(cell, name) for name in SPECTRA]
    return dict(zip(SPECTRA, found, strict=True))
