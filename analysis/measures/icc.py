"""Intraclass correlation of a layer over (state, background), beside what exposes a collapse.

A layer that says the same of everything changes nothing between twins: any measure of change
calls it invariant. So a correlation never stands alone here. It comes with the effective rank, the
share of dead units, the norm and the spread, and is NaN where these say *collapsed*.

States come in clusters, the levels. Mean squares over all states take two frames of one level for
independent, and a bootstrap doubles the error, because a level drawn twice meets itself. Between
states, the estimator here therefore averages over pairs of states from *distinct* levels, in the
estimate and in each replicate; with one state a level it is the textbook's. Measured on a planted
correlation of .5, nominal 95 %, 3 states a level, half of the variance between levels: 64 features
and 40 levels, it covers 92 % and the textbook's 72 %; 200 levels, 94 % and 90 %; one feature and
100 levels, 93 % and 92 %; 20 levels and 8 features, 93 % and 86 %.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.effective_rank import effective_rank
from analysis.measures.hsic import check_finite
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array, as_labels

Verdict = Literal["ok", "collapsed", "vacuous"]
LEAST_RANK = 1.5
"""Below this effective rank a layer varies along one direction only: *collapsed*. One that shows
nothing but which of two backgrounds it sees is such a layer."""
LEAST_SPREAD = 1e-3
"""A layer that varies by less than this part of its norm is constant: *collapsed*."""
RANK_STATES = 1000  # enough to tell ranks apart; more would cost memory and n³ time
_STRIP = 16  # states taken to float64 at once, at most
_STRIP_NUMBERS = 2**17  # of them: more leave a processor's cache between one sum and the next


@dataclass(frozen=True)
class Invariance:
    """What one layer keeps of a state from one background to another."""

    icc: Float[np.ndarray, " r"]
    """ICC(2,1): the estimate, then one value a replicate; NaN unless the verdict is ok"""
    one_way: Float[np.ndarray, " r"]
    """ICC(1,1), the same way"""
    effective_rank: float
    """in [0, min(states, features)]"""
    dead_share: float
    """of units with the same value everywhere, in [0, 1]"""
    norm: float
    """mean over renderings of the Euclidean norm, in the layer's own unit"""
    spread: float
    """standard deviation over renderings ÷ root mean square norm, in [0, 1]"""
    states: int
    levels: int
    backgrounds: int

    @property
    def verdict(self) -> Verdict:
        """``vacuous``: fewer than 2 backgrounds; ``collapsed``: hardly anything varies."""
        return _verdict(self.backgrounds, self.effective_rank, self.spread)


def _verdict(backgrounds: int, rank: float, spread: float) -> Verdict:
    if backgrounds < 2:
        return "vacuous"
    return "ok" if rank >= LEAST_RANK and spread >= LEAST_SPREAD else "collapsed"


def intraclass(
    ms_s: Float[np.ndarray, " r"], ms_w: Float[np.ndarray, " r"], B: int, own: float = 1.0
) -> Float[np.ndarray, " r"]:
    """Intraclass correlation from mean squares between and within states.

    (MS_s − own · MS_w) / (MS_s − own · MS_w + B · MS_w). With ``own`` = 1 this is
    (MS_s − MS_w) / (MS_s + (B − 1) MS_w): ICC(1,1) of Shrout and Fleiss (1979), ICC(1) of McGraw
    and Wong (1996). With ``own`` = MS_e / MS_w, MS_e the mean square of the interaction, it is
    their ICC(2,1) = ICC(A,1), because n MS_w = (n − 1) MS_e + MS_b.

    Args:
        ms_s: mean square between states, summed over features.
        ms_w: mean square within a state across its B renderings, summed over features.
        B: renderings of each state, at least 2.
        own: share of ``ms_w`` that differs from state to state; the rest is what a background
            adds to every state alike.

    Returns:
        In [−own / (B − own), 1]; NaN where nothing varies.

    Note:
        ICC(1,1) takes each state's renderings for a fresh draw. Here all states share their
        backgrounds, and a layer that shows nothing but the background reads −1 / (B − 1), not 0;
        that is why numbers from unequal B are compared by ICC(2,1), which reads 0 at any B.
    """
    kept = ms_s - own * ms_w
    whole = kept + B * ms_w
    return np.divide(kept, whole, out=np.full_like(whole, np.nan), where=whole != 0)


class LayerSums:
    """One layer over states x backgrounds, taken in block by block.

    It keeps what the estimate and all its replicates need, so that no second pass is made: for
    each level the sum of its states' means, (G, d) float64, and a few numbers; and for the
    effective rank one rendering each of at most 1,000 states, spread evenly, on the backgrounds
    in turn, (1000, d). Sums are taken in float64 about a pilot mean.
    """

    def __init__(self, levels: np.ndarray, backgrounds: int) -> None:
        """Make ready for all states of ``levels``, each on so many backgrounds, at least 1."""
        if backgrounds < 1:
            raise UserError(f"expected at least 1 background, got {backgrounds}: nothing to read")
        self._level, self._sizes = np.unique(levels, return_inverse=True, return_counts=True)[1:]
        self.n, self.B, self.G = len(levels), backgrounds, len(self._sizes)
        if self.G < 2:
            raise UserError(f"expected states of at least 2 levels, got {self.G}; gather more")
        self._seen = np.zeros(self.n, dtype=bool)
        self._ranked = np.unique(np.linspace(0, self.n - 1, min(self.n, RANK_STATES)).astype(int))
        self._within, self._squares = np.zeros(self.G), np.zeros(self.G)
        self._norm, self._raw = 0.0, 0.0
        self._pilot: np.ndarray | None = None

    def _begin(self, x: np.ndarray) -> np.ndarray:
        """Allocate for as many features as the first block has; returns the pilot mean."""
        d, first = x.shape[2], x[0, 0].astype(np.float64)
        # One background has no correlation, so that the total alone is asked for.
        self._sums = np.zeros((self.G if self.B > 1 else 1, d))
        self._columns = np.zeros((self.B, d))
        self._spread = np.zeros(d)
        self._sample = np.empty((len(self._ranked), d), dtype=x.dtype)
        # About one rendering first: features that do not vary then become exact zeros.
        return first + (x[:_STRIP] - first).mean(axis=(0, 1))

    def add(self, states: slice, x: Float[np.ndarray, "state background feature"]) -> None:
        """Take in some states, each once, in any order.

        Args:
            states: which of the states they are.
            x: the layer on each of them and each background.

        Raises:
            UserError: another number of backgrounds or features, a state twice, NaN or inf.
        """
        if self._pilot is None:
            self._pilot = self._begin(x)
        rows = np.arange(self.n)[states]
        expected = (len(rows), self.B, len(self._pilot))
        if x.shape != expected or self._seen[rows].any():
            raise UserError(
                f"expected features of new states, shape {expected}, got {x.shape} and "
                f"{int(self._seen[rows].sum())} states for the second time; give each state once, "
                f"on every background"
            )
        step = min(_STRIP, max(1, _STRIP_NUMBERS // (self.B * len(self._pilot))))
        for start in range(0, len(rows), step):
            self._add(rows[start : start + step], x[start : start + step], self._pilot)
        self._seen[rows] = True

    def _add(self, rows: np.ndarray, x: np.ndarray, pilot: np.ndarray) -> None:
        z = x.astype(np.float64)
        with np.errstate(over="ignore"):  # refused in words below
            squares = np.matmul(z[:, :, None], z[..., None])
        if not np.isfinite(squares).all():
            check_finite(x.reshape(len(x), -1), f"states {rows[0]} to {rows[-1]}")
        self._norm += float(np.sqrt(squares).sum())
        self._raw += float(squares.sum())
        z -= pilot
        self._spread += np.einsum("sbd,sbd->d", z, z)
        means = z.mean(axis=1)
        z -= means[:, None]
        g = self._level[rows]
        np.add.at(self._within, g, np.matmul(z[:, :, None], z[..., None]).sum(axis=(1, 2, 3)))
        np.add.at(self._squares, g, np.einsum("sd,sd->s", means, means))
        for level, mean in zip(g if self.B > 1 else 0 * g, means, strict=True):
            self._sums[level] += mean
        self._columns += z[0] if len(z) == 1 else z.sum(axis=0)
        places = np.searchsorted(self._ranked, rows)
        places[places == len(self._ranked)] = 0
        chosen = self._ranked[places] == rows
        self._sample[places[chosen]] = x[chosen, places[chosen] % self.B]

    def result(self, weights: Int[np.ndarray, "replicate level"]) -> Invariance:
        """All of it, when every state was taken in.

        Args:
            weights: from :func:`analysis.stats.clusters.cluster_weights` on the same levels.

        Raises:
            UserError: states are missing, weights of another shape, or a replicate with fewer
                than 2 distinct levels.
        """
        if self._pilot is None or not self._seen.all():
            raise UserError(
                f"expected all {self.n} states, got {int(self._seen.sum())}; add every block"
            )
        w = _with_estimate(weights, self.G)
        rank, renderings = effective_rank(self._sample), self.n * self.B
        total = self._sums.sum(axis=0)
        varied = float(self._spread.sum()) - self.B / self.n * float(total @ total)
        spread = float(np.sqrt(max(varied, 0.0) / self._raw)) if self._raw else 0.0
        icc, one_way = np.full((2, len(w)), np.nan)
        if _verdict(self.B, rank, spread) == "ok":
            ms_s, ms_w = self._mean_squares(w)
            icc = intraclass(ms_s, ms_w, self.B, self._own_share(float(ms_w[0])))
            one_way = intraclass(ms_s, ms_w, self.B)
        return Invariance(
            *(icc, one_way, rank, float((self._spread == 0).mean()), self._norm / renderings),
            *(min(spread, 1.0), self.n, self.G, self.B),
        )

    def _mean_squares(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """MS_s and MS_w of each row of weights.

        MS_s / B is the mean of ½‖x̄_i − x̄_j‖² over states i, j of distinct levels g, h, weighed by
        w_g w_h: with n_g states, their sum S_g and their squares q_g in level g, the pairs sum to
        (w·q)(w·n) − Σ w_g² q_g n_g − (wᵀSSᵀw − Σ w_g² ‖S_g‖²).
        """
        m, q, K = self._sizes, self._squares, self._sums @ self._sums.T
        states = w @ m
        apart = (w @ q) * states - w**2 @ (q * m)
        apart -= np.einsum("rg,rg->r", w @ K, w) - w**2 @ np.diagonal(K)
        ms_s = self.B * apart / (states**2 - w**2 @ m**2)
        return ms_s, w @ self._within / ((self.B - 1) * states)

    def _own_share(self, ms_w: float) -> float:
        """MS_e / MS_w, for :func:`intraclass`.

        Replicates keep the estimate's: it enters divided by B, and its own error hardly shows
        (coverage of ICC(2,1) is that of ICC(1,1), also with two backgrounds).
        """
        if ms_w == 0:
            return 1.0
        shared = float(np.vdot(self._columns, self._columns)) / self.n
        ms_e = (self._within.sum() - shared) / ((self.n - 1) * (self.B - 1))
        return float(max(ms_e, 0.0) / ms_w)


def _with_estimate(weights: np.ndarray, G: int) -> Float[np.ndarray, "r level"]:
    """A first row of ones, for the estimate itself, then the replicates."""
    if weights.ndim != 2 or weights.shape[1] != G:
        raise UserError(
            f"weights: expected shape (replicates, {G} levels), got {weights.shape}; take them "
            f"from cluster_weights on the same levels"
        )
    w = np.vstack([np.ones(G), weights])
    if (w > 0).sum(axis=1).min() < 2:
        raise UserError(
            f"expected at least 2 different levels in every replicate, got 1 of {G}; gather "
            f"states from more levels, 20 or more"
        )
    return w


def measure(
    x: ArrayLike, levels: ArrayLike | None = None, *, replicates: int = 1000, seed: int = 0
) -> Invariance:
    """:class:`Invariance` of features that fit into memory.

    Args:
        x: (state, background, feature), one layer on every state and background.
        levels: (n,) the level of each state; every state stands alone if None.
        replicates: bootstrap replicates over levels behind the interval.
        seed: of the bootstrap.
    """
    x = as_array(x, "x")
    if x.ndim != 3 or x.shape[1] < 2 or not x.shape[2]:
        raise UserError(
            f"x: expected features of shape (states, 2 or more backgrounds, features), got "
            f"{x.shape}; flatten what is one rendering to a row, and draw each state twice or more"
        )
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    levels = np.arange(len(x)) if levels is None else as_labels(levels, "levels")
    if len(levels) != len(x):
        got = f"{len(levels)} labels for {len(x)} states; pass features and levels of one bank"
        raise UserError(f"expected the level of every state, got {got}")
    sums = LayerSums(levels, x.shape[1])
    sums.add(slice(None), x)
    return sums.result(cluster_weights(levels, replicates, seed))
