"""The panel of similarities: what each one is, and all of them for all layers of two policies.

:data:`MEASURES` is the property table; the tests assert every entry of it, both ways.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from analysis.alignment import KEEP, Alignment, Spectrum
from analysis.hsic import linear_gram
from analysis.kernels import BANDWIDTH, deconfounded_profile, linear_profile, rbf_profile
from analysis.neighbours import NEIGHBOURS, neighbour_profile
from analysis.permutation import permuted
from analysis.profiles import Pairs
from analysis.rsa import rank_profile

Kind = Literal["profile", "spectrum", "angle"]
ANGLE_OF = "cka"
_ROWS = 1 << 16  # pairs taken to float64 at once


@dataclass(frozen=True)
class Measure:
    """One row of the property table.

    Invariances are to a change of *either* layer: of its features by a ``rotation`` (orthogonal),
    an order of ``units``, one ``scaling`` of all, a ``translation``, any invertible ``linear`` map.
    """

    name: str
    kind: Kind
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
    Measure("cka", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Measure("cka_deconfounded", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Measure("cka_one_background", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Measure("cka_rbf", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Measure("cka_angular", "angle", 0.0, np.pi, 0.0, **_UNBIASED, **_UP_TO_ROTATION),
    Measure("rsa", "profile", -1.0, 1.0, 1.0, **_UNBIASED, **_UP_TO_ROTATION),
    Measure("neighbours", "profile", 0.0, 1.0, 1.0, **_BIASED, **_UP_TO_ROTATION),
    Measure("procrustes", "spectrum", 0.0, 1.0, 1.0, **_BIASED, **_UP_TO_ROTATION),
    Measure("svcca", "spectrum", 0.0, 1.0, 1.0, **_BIASED, **_UP_TO_ROTATION),
    # Weighs by x's own units: neither side can be turned nor the two exchanged.
    Measure("pwcca", "spectrum", 0.0, 1.0, 1.0, **_ONE_SIDED, **_UP_TO_ORDER),
)
PROFILES = tuple(one.name for one in MEASURES if one.kind == "profile")
SPECTRA = tuple(one.name for one in MEASURES if one.kind == "spectrum")


@dataclass(frozen=True, eq=False)
class Look:
    """One policy's layers on the states of a bank."""

    layers: tuple[str, ...]
    own: Sequence[np.ndarray]
    """(n, d) features of each layer, every state on the background where it was met"""
    plain: Sequence[np.ndarray]
    """the same with all states on one background; ``own`` again in a game that has only one"""
    action: Int[np.ndarray, " n"]
    """likeliest action"""

    def only(self, states: Bool[np.ndarray, " n"]) -> "Look":
        """The same policy on some of the states."""
        own, plain = ([x[states] for x in side] for side in (self.own, self.plain))
        return Look(self.layers, own, plain, self.action[states])


@dataclass(frozen=True, eq=False)
class Setup:
    """What all policies of a comparison share."""

    pairs: Pairs
    ordered: Pairs
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
        pairs, ordered = Pairs.of(levels), Pairs.of(levels, ordered=True)
        gram = linear_gram(pixels.reshape(len(pixels), -1), "pixels")
        inputs = np.nan_to_num(linear_profile(gram, pairs))
        return cls(pairs, ordered, inputs, neighbours, bandwidth, keep)

    def pairs_of(self, measure: str) -> Pairs:
        """Those that the measure's profiles speak of."""
        return self.ordered if measure == "neighbours" else self.pairs


@dataclass(frozen=True, eq=False)
class Prepared:
    """One policy ready for many comparisons; NaN or None where a layer does not vary.

    Profiles are float32: 2 n² bytes for each layer and measure, twice that for neighbours.
    """

    profiles: dict[str, Float[np.ndarray, "layer pair"]]
    spectra: list[Spectrum | None]


def prepare(look: Look, setup: Setup, measures: Sequence[str] = (*PROFILES, *SPECTRA)) -> Prepared:
    """All that the measures need of a policy, layer by layer."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in measures if name in PROFILES}
    spectra: list[Spectrum | None] = []
    for layer, x, plain in zip(look.layers, look.own, look.plain, strict=True):
        K = linear_gram(x, layer)
        varies = np.trace(K) > 0
        for name, rows in found.items():
            # Read where it is asked for: the Gram matrix of one more picture of each state.
            other = name == "cka_one_background" and plain is not x
            matrix = linear_gram(plain, layer) if other else K
            rows.append(_profile(name, matrix, setup).astype(np.float32))
        if set(measures) & set(SPECTRA):
            spectra.append(Spectrum.of(x, setup.keep, layer, K) if varies else None)
    return Prepared({name: np.stack(rows) for name, rows in found.items()}, spectra)


def _profile(name: str, K: Float[np.ndarray, "n n"], setup: Setup) -> Float[np.ndarray, " P"]:
    if not np.trace(K) > 0:
        return np.full(len(setup.pairs_of(name)), np.nan)
    if name == "neighbours":
        return neighbour_profile(K, setup.ordered, setup.neighbours)
    if name == "rsa":
        return rank_profile(K, setup.pairs)
    if name == "cka_rbf":
        return rbf_profile(K, setup.pairs, setup.bandwidth)
    linear = linear_profile(K, setup.pairs)
    return deconfounded_profile(linear, setup.inputs) if name == "cka_deconfounded" else linear


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


def grids(x: Prepared, y: Prepared) -> dict[str, Float[np.ndarray, "X Y"]]:
    """Every measure of every layer of x with every layer of y; NaN where it is not defined.

    SVCCA and PWCCA are not where two layers keep more directions than there are states.
    """
    found = {name: cosines(xs, y.profiles[name]) for name, xs in x.profiles.items()}
    if ANGLE_OF in found:
        found["cka_angular"] = angle(found[ANGLE_OF])
    if not x.spectra:
        return found
    nothing = Alignment(np.nan, np.nan, np.nan)
    cells = [
        nothing if a is None or b is None else Alignment.of(a, b)
        for a in x.spectra
        for b in y.spectra
    ]
    for name in SPECTRA:
        values = np.array([getattr(cell, name) for cell in cells])
        found[name] = values.reshape(len(x.spectra), len(y.spectra))
    return found


def chances(
    x: Prepared, y: Prepared, setup: Setup, permutations: Int[np.ndarray, "B n"]
) -> dict[str, Float[np.ndarray, "B X Y"]]:
    """Every profile measure after each permutation of y's levels."""
    found: dict[str, np.ndarray] = {}
    together = [name for name in x.profiles if name != "neighbours"]
    for names in (together, [name for name in x.profiles if name == "neighbours"]):
        if names:
            xs, ys = (
                np.nan_to_num(np.stack([side.profiles[name] for name in names])) for side in (x, y)
            )
            null = permuted(xs, ys, setup.pairs_of(names[0]), permutations)
            found |= {name: null[:, number] for number, name in enumerate(names)}
    return found
