"""CKA between states of different levels, and after the levels of one side change places.

:mod:`analysis.measures.by_level` takes the same sums from matrices of states or levels, which serve
any number of bootstrap replicates; here they come from products of features over the rings of
:mod:`analysis.measures.rings`: some 4 n d_x d_y multiplications for the spectra of all levels, and
G d_x d_y for each draw of theirs, where each by itself would take n d_x d_y.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.fft import fft, irfft, rfft

from analysis.measures.hsic import centred, check_states, normalise, sum_or_zero
from analysis.measures.level_sums import LevelWeights
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


def _moved(
    xs: Sequence[np.ndarray], ys: Sequence[np.ndarray], turns: Int[np.ndarray, "b ring"]
) -> Float[np.ndarray, " b"]:
    """‖Σ_g X_gᵀ Y_{g+k}‖² after each turn, of rings (level, row, d).

    The spectra of a few features of x with all of y stand in one matrix, from which one product
    with waves reads every turn of every ring: rings of many sizes cost no more than one.
    """
    waves = np.hstack([_waves(len(one), turn) for one, turn in zip(xs, turns.T, strict=True)])
    spectra = [_partners(rfft(one, axis=0)) for one in ys]
    width, found = ys[0].shape[2], np.zeros(len(turns))
    step = max(1, _CHUNK // (waves.shape[1] * width))
    room = np.empty(waves.shape[1] * step * width)
    for start in range(0, xs[0].shape[2], step):
        some = slice(start, min(start + step, xs[0].shape[2]))
        shape = waves.shape[1], some.stop - start, width
        rows = room[: math.prod(shape)].reshape(shape)
        place = 0
        for ring, (real, imaginary) in zip(xs, spectra, strict=True):
            mine = rfft(ring[:, :, some], axis=0)
            mine = np.concatenate([mine.real, mine.imag], axis=1).transpose(0, 2, 1)
            for theirs in (real, imaginary):
                np.matmul(mine, theirs, out=rows[place : place + len(mine)])
                place += len(mine)
        moved = waves @ rows.reshape(len(rows), -1)
        found += np.einsum("bi,bi->b", moved, moved)
    return found


def _partners(spectrum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the real and imaginary rows of a spectrum, one below the other, are multiplied by."""
    real, imaginary = spectrum.real, spectrum.imag
    return (np.concatenate([real, imaginary], axis=1), np.concatenate([imaginary, -real], axis=1))


def _waves(length: int, turns: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b f"]:
    """What each turn takes of the real parts of a ring's spectrum, then of its imaginary ones."""
    frequencies = np.arange(length // 2 + 1)
    # A real series has each frequency twice, but the first, and the last of an even number.
    share = np.where((frequencies == 0) | (2 * frequencies == length), 1, 2) / length
    # Whole turns are left out first: the sine of a large angle is less exact.
    angle = 2 * np.pi / length * (frequencies * turns[:, None] % length)
    return np.hstack([share * np.cos(angle), -share * np.sin(angle)])


def _sums_moved(
    S: Sequence[np.ndarray], T: Sequence[np.ndarray], turns: Int[np.ndarray, "b ring"]
) -> Float[np.ndarray, " b"]:
    """‖Σ_g S_g T_{g+k}ᵀ‖² = Σ_gh (S_g S_h) (T_{g+k} T_{h+k}) after each turn, of sums (level, d).

    A form of levels x levels in what the turns do to frequencies, without d_x d_y of anything.
    """
    s, t = (np.concatenate([fft(one, axis=0) for one in side]) for side in (S, T))
    form = (s @ s.T).conj() * (t @ t.T)
    phases = []
    for one, turn in zip(S, turns.T, strict=True):
        angle = 2 * np.pi / len(one) * (np.arange(len(one)) * turn[:, None] % len(one))
        phases.append(np.exp(1j * angle) / len(one))
    e = np.hstack(phases)
    found: np.ndarray = np.einsum("bf,bf->b", e @ form, e).real
    return found


def _hsic(
    xs: Sequence[_Ring],
    ys: Sequence[_Ring],
    levels: LevelWeights,
    turns: Int[np.ndarray, "b ring"] | None = None,
) -> Float[np.ndarray, " b"]:
    """HSIC over tuples of distinct levels, letters as in ``by_level.hsic_levels``, all weights 1.

    With C = Σ x_i y_iᵀ and D = Σ_g S_g T_gᵀ, all that stays within a level is subtracted:
    A = ‖C‖² − Σ K_ij L_ij; B = Σ k_i l_i − (⟨C, D⟩ − Σ (x_i S_g)(y_i T_g));
    C = ΣK_g ΣL_g − 4 Σ K_g L_g + 2 (‖D‖² − Σ ‖S_g‖² ‖T_g‖²).
    The first two need C and D as ‖C + n_A / n_B D‖² alone, which leaves some ‖D‖² over.

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
    pairs, triples, quads = (float(one[0]) for one in (levels.pairs, levels.triples, levels.quads))
    share = pairs / triples
    CD, DD = _at_rest(xs, ys, share) if at_rest else _turned(xs, ys, share, turns)
    first = (CD - within) / pairs - share / triples * DD
    second = -2 * (apart + own) / triples
    C = sum(map(np.sum, K)) * sum(map(np.sum, L)) - 4 * over_rings(K, L) + 2 * (DD - squares)
    return sum_or_zero(first, second, C / quads)


def _turned(
    xs: Sequence[_Ring], ys: Sequence[_Ring], share: float, turns: Int[np.ndarray, "b ring"]
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, " b"]]:
    """‖C + share D‖² and ‖D‖² after each turn: √share S_g stands in each level as a row more."""
    S, T = ([one.x.sum(axis=1) for one in side] for side in (xs, ys))
    root = share**0.5
    x = [np.concatenate([one.x, root * s[:, None]], axis=1) for one, s in zip(xs, S, strict=True)]
    y = [np.concatenate([one.x, root * t[:, None]], axis=1) for one, t in zip(ys, T, strict=True)]
    return _moved(x, y, turns), _sums_moved(S, T, turns)


def _at_rest(
    xs: Sequence[_Ring], ys: Sequence[_Ring], share: float
) -> tuple[Float[np.ndarray, " 1"], Float[np.ndarray, " 1"]]:
    """The same where nothing is turned, by plain products of features."""
    x, y = (
        np.concatenate([one.x.reshape(-1, one.x.shape[2]) for one in side]) for side in (xs, ys)
    )
    S, T = (np.concatenate([one.x.sum(axis=1) for one in side]) for side in (xs, ys))
    D = S.T @ T
    C = x.T @ y + share * D
    return np.array([np.vdot(C, C)]), np.array([np.vdot(D, D)])


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
    levels = LevelWeights(clusters, np.ones((1, len(np.unique(clusters)))))
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
