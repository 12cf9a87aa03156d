"""CKA between states of different levels, and after the levels of one side change places.

:mod:`analysis.measures.by_level` takes the same sums from matrices of states or levels, which serve
any number of bootstrap replicates; here they come from products of features over the rings of
:mod:`analysis.measures.rings`: some 4 n d_x d_y multiplications and a Fourier transform for every
turn of a ring together, where each by itself would take n d_x d_y.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.fft import irfft, rfft

from analysis.measures.by_level import Levels
from analysis.measures.hsic import centred, check_states, normalise, sum_or_zero
from analysis.measures.rings import Rings

_CHUNK = 1 << 21
"""Numbers of the products of features taken at once: 16 MB."""


class _Ring(NamedTuple):
    """One array about its mean, its levels of one size: all that does not depend on the partner."""

    x: Float[np.ndarray, "level state d"]
    within: Float[np.ndarray, "level state state"]
    """K_ij of states of one level"""
    own: Float[np.ndarray, "level state"]
    """x_i S_g, with all states of the same level; adds up to ‖S_g‖²"""
    apart: Float[np.ndarray, "level state"]
    """k_i = x_i (S − S_g), with all states of other levels; adds up to K_g"""

    def begun(self, order: Int[np.ndarray, " level"]) -> "_Ring":
        """The same with its levels in another order."""
        return _Ring(*(one[order] for one in self))


def _side(x: np.ndarray, rings: Rings, name: str) -> list[_Ring]:
    x = _narrow(centred(x, name))
    whole, found = x.sum(axis=0), []
    for states in rings.states:
        part = x[states]
        within = part @ part.transpose(0, 2, 1)
        own = within.sum(axis=2)
        found.append(_Ring(part, within, own, part @ whole - own))
    return found


def _narrow(x: np.ndarray) -> Float[np.ndarray, "n d"]:
    """At most as many features as states.

    Of more features only their Gram matrix counts, and n features have the same one.
    """
    if x.shape[1] <= len(x):
        return x
    squares, directions = np.linalg.eigh(x @ x.T)
    return directions * np.sqrt(np.maximum(squares, 0.0))


def _together(a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, " turn"]:
    """Σ_g a_g b_{g+k} for every turn k, of arrays whose first axis is the ring."""
    x, y = (rfft(one.reshape(len(one), -1), axis=0) for one in (a, b))
    found: np.ndarray = irfft((x.conj() * y).sum(axis=1), n=len(a))
    return found


def _products(
    xs: Sequence[_Ring], ys: Sequence[_Ring], turns: Int[np.ndarray, "b ring"]
) -> Float[np.ndarray, "three b"]:
    """‖C‖², ⟨C, D⟩ and ‖D‖² after each turn, with C = Σ x_i y_iᵀ and D = Σ_g S_g T_gᵀ."""
    most = max(len(turns), *(len(one.x) for one in xs))
    step = max(1, _CHUNK // (most * ys[0].x.shape[2]))
    spectra = [rfft(one.x, axis=0) for one in ys]
    found = np.zeros((3, len(turns)))
    for start in range(0, xs[0].x.shape[2], step):
        C = D = np.zeros(())
        for ring, theirs, turn in zip(xs, spectra, turns.T, strict=True):
            mine = rfft(ring.x[:, :, start : start + step], axis=0).conj()
            whole, sums = mine.transpose(0, 2, 1) @ theirs, mine.sum(axis=1)
            C = C + irfft(whole, n=len(ring.x), axis=0)[turn]
            of_sums = sums[:, :, None] * theirs.sum(axis=1)[:, None, :]
            D = D + irfft(of_sums, n=len(ring.x), axis=0)[turn]
        for place, (left, right) in enumerate(((C, C), (C, D), (D, D))):
            found[place] += np.einsum("bij,bij->b", left, right)
    return found


def _hsic(
    xs: Sequence[_Ring],
    ys: Sequence[_Ring],
    levels: Levels,
    turns: Int[np.ndarray, "b ring"] | None = None,
) -> Float[np.ndarray, " b"]:
    """HSIC over tuples of distinct levels, letters as in ``by_level.hsic_levels``, all weights 1.

    All that stays within a level is subtracted:
    A = ‖C‖² − Σ K_ij L_ij; B = Σ k_i l_i − (⟨C, D⟩ − Σ (x_i S_g)(y_i T_g));
    C = ΣK_g ΣL_g − 4 Σ K_g L_g + 2 (‖D‖² − Σ ‖S_g‖² ‖T_g‖²).

    Args:
        xs: one side.
        ys: the other one.
        levels: for the numbers of tuples.
        turns: of the other side; None: none, by plain products of features.
    """
    at_rest = turns is None
    turns = np.zeros((1, len(xs)), dtype=np.int64) if turns is None else turns

    def over_rings(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> np.ndarray:
        return sum(_together(x, y)[k] for x, y, k in zip(a, b, turns.T, strict=True))

    within, own, apart = (
        over_rings([getattr(one, name) for one in xs], [getattr(one, name) for one in ys])
        for name in ("within", "own", "apart")
    )
    K, L = ([one.apart.sum(axis=1) for one in side] for side in (xs, ys))
    squares = over_rings(*([one.own.sum(axis=1) for one in side] for side in (xs, ys)))
    CC, CD, DD = _at_rest(xs, ys) if at_rest else _products(xs, ys, turns)
    A, B = CC - within, apart - CD + own
    C = sum(map(np.sum, K)) * sum(map(np.sum, L)) - 4 * over_rings(K, L) + 2 * (DD - squares)
    pairs, triples, quads = (float(one[0]) for one in (levels.pairs, levels.triples, levels.quads))
    return sum_or_zero(A / pairs, -2 * B / triples, C / quads)


def _at_rest(xs: Sequence[_Ring], ys: Sequence[_Ring]) -> Float[np.ndarray, "three 1"]:
    x, y = (np.concatenate([np.concatenate(one.x) for one in side]) for side in (xs, ys))
    S, T = (np.concatenate([one.x.sum(axis=1) for one in side]) for side in (xs, ys))
    C, D = x.T @ y, S.T @ T
    return np.array([[np.vdot(C, C)], [np.vdot(C, D)], [np.vdot(D, D)]])


def turned_cka(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, rings: Rings
) -> Float[np.ndarray, " draw"]:
    """Linear CKA over tuples of distinct levels, then after each permutation of the levels of y.

    Args:
        x: (n, d_x) features.
        y: (n, d_y) features of the same states.
        clusters: (n,) the level of each state.
        rings: from :func:`analysis.measures.rings.level_rings` of the same levels.

    Returns:
        (1 + B,), never clamped: the estimate, equal to the first of
        :func:`analysis.measures.by_level.cka_levels`, then one value a permutation.

    Raises:
        UserError: fewer than 4 levels; features that do not fit, are not finite or do not vary.
    """
    check_states(len(x), len(y))
    levels = Levels(clusters, np.ones((1, len(np.unique(clusters)))))
    check_states(len(x), len(levels.order))
    xs, ys = _side(x, rings, "x"), _side(y, rings, "y")
    found = []
    for begin, turns in rings.rounds:
        moved = [one.begun(order) for one, order in zip(ys, begin, strict=True)]
        found.append(_hsic(xs, moved, levels, turns))
    both = np.concatenate(found)
    # Levels of equal sizes changed places, so that neither side's own HSIC moves.
    xx, yy = (np.full((len(both), 1), _hsic(one, one, levels)) for one in (xs, ys))
    return normalise(both[:, None, None], xx, yy)[:, 0, 0]
