"""Exact linear CKA of any number of states in one pass: the feature road.

With a linear kernel, K = XXᵀ, every sum in HSIC is a polynomial of moments that do not grow with
the number of states n: tr(KL) = ‖XᵀY‖²_F, K1 = X Σx, and the diagonal is ‖x‖². So one pass over
the features gives what n x n matrices would, in O(d_x d_y) memory. Averaging the HSIC of
minibatches, as other streaming tools do, is another number, and depends on the batch size.
"""

from collections.abc import Sequence

import numpy as np

from analysis.measures.hsic import (
    ROUNDING,
    Undefined,
    check_features,
    check_finite,
    check_states,
    hsic_1,
    normalise,
)
from checkpoints.console import UserError


class Moments:
    """Running moments of the layers of two policies on the same states.

    All layers lie side by side in one buffer, so that one matrix product serves every pair of
    layers. With x the x-features of a state about a pilot mean, y alike, and i, j layers of both:

    - ``C``: XᵀY, (D_x, D_y); ``own``: XᵀX within each layer, the only blocks of it that are used;
    - ``s``: Σx and Σy, (D,);
    - ``v``: Σ‖x_i‖² (x, y), (layers, D); ``q``: Σ‖x_i‖²‖x_j‖²; ``a``: Σ‖x_i‖².

    Args:
        x_dims: number of features of each x layer.
        y_dims: the same of each y layer.
        dtype: precision of products within a buffer. float32 halves the time, and moves CKA by
            about 1e-8; the sums of buffers are float64 either way.

    Note:
        Sums are taken about a pilot mean (of the first buffer): HSIC does not change with a
        translation, and sums about a far origin would lose its digits. Rows enter the sums in
        buffers of a fixed size, so how they were batched does not change one bit of the result;
        their order does, by rounding, about 1e-12 of it in float64.
    """

    def __init__(
        self, x_dims: Sequence[int], y_dims: Sequence[int], *, dtype: type = np.float64
    ) -> None:
        dims = [*x_dims, *y_dims]
        ends = np.cumsum(dims)
        self.n, self.x_layers, self.dims = 0, len(x_dims), dims
        self.slices = [slice(end - d, end) for end, d in zip(ends, dims, strict=True)]
        self.split = sum(x_dims)
        D, layers = sum(dims), len(dims)
        # 1,024 rows keep a processor busy; wide layers get fewer, so that a buffer stays small.
        self._buffer: np.ndarray = np.empty((max(64, min(1024, 2**22 // max(D, 1))), D), dtype)
        # A constant added a thousand times in float32 drifts by 1e-5; HSIC(X, X) of a layer that
        # varies is nowhere near so small a part of its terms.
        self._rounding = ROUNDING if dtype is np.float64 else 1e-4
        self._filled = 0
        self._pilot: np.ndarray | None = None
        self.C = np.zeros((self.split, D - self.split))
        self.own = [np.zeros((d, d)) for d in dims]
        self.s, self.v = np.zeros(D), np.zeros((layers, D))
        self.q, self.a = np.zeros((layers, layers)), np.zeros(layers)

    def update(self, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> None:
        """Add the states of one batch.

        Args:
            xs: one (batch, d) array per layer, of any float type.
            ys: the same, of the same states.

        Raises:
            UserError: the layers are others than announced, show different numbers of states, or
                hold NaN or inf (found when their buffer is full, or when the result is read).
        """
        layers = [*xs, *ys]
        for index, x in enumerate(layers):
            check_features(x, self._name(index))
        got = [x.shape[1] for x in layers]
        if len(xs) != self.x_layers or got != self.dims:
            raise UserError(
                f"expected layers of {self.dims} features, the first {self.x_layers} of them x, "
                f"got {len(xs)} of x and {got}; give every batch from the same layers"
            )
        if len({len(x) for x in layers}) != 1:
            raise UserError(
                f"expected every layer on the same states, got {[len(x) for x in layers]} rows; "
                f"compute all features in one pass over the states"
            )
        done = 0
        while done < len(layers[0]):
            rows = min(len(layers[0]) - done, len(self._buffer) - self._filled)
            for x, at in zip(layers, self.slices, strict=True):
                self._buffer[self._filled : self._filled + rows, at] = x[done : done + rows]
            self._filled, done = self._filled + rows, done + rows
            if self._filled == len(self._buffer):
                self._flush()

    def cka(self, *, biased: bool = False, undefined: Undefined = "raise") -> np.ndarray:
        """CKA of every x layer with every y layer, of all states so far.

        Args:
            biased: HSIC₀ (Kornblith et al. 2019) in place of HSIC₁ (Song et al. 2012).
            undefined: see :func:`analysis.measures.hsic.normalise`.

        Returns:
            (x layers, y layers) float64. Unbiased: in [−1, 1], about 0 where independent, 1 where
            equal. Biased: in [0, 1].

        Raises:
            UserError: fewer than 4 states, or a layer that does not vary.
        """
        self._flush()
        check_states(self.n, self.n)
        hsic = self._hsic_0 if biased else self._hsic_1
        own = np.array([hsic(i, i, C) for i, C in enumerate(self.own)])
        X, Y = range(self.x_layers), range(self.x_layers, len(self.dims))
        xy = np.array([[hsic(i, j, self._block(i, j)) for j in Y] for i in X])
        return normalise(xy, own[: self.x_layers], own[self.x_layers :], undefined)

    def _flush(self) -> None:
        """Move the buffered rows into the sums."""
        z = self._buffer[: self._filled]
        if not len(z):
            return
        for index, at in enumerate(self.slices):
            check_finite(z[:, at], self._name(index))
        if self._pilot is None:
            # About one state first: features that do not vary then become exact zeros.
            self._pilot = z[0] + (z - z[0]).mean(axis=0)
        z -= self._pilot
        X, Y = z[:, : self.split], z[:, self.split :]
        a = np.stack([np.einsum("nd,nd->n", z[:, at], z[:, at]) for at in self.slices], axis=1)
        self.n, self._filled = self.n + len(z), 0
        self.C += X.T @ Y
        for own, at in zip(self.own, self.slices, strict=True):
            own += z[:, at].T @ z[:, at]
        self.s += z.sum(axis=0)
        self.v += a.T @ z
        self.q += a.T @ a
        self.a += a.sum(axis=0)

    def _name(self, index: int) -> str:
        side, layer = ("x", index) if index < self.x_layers else ("y", index - self.x_layers)
        return f"{side}, layer {layer}"

    def _block(self, i: int, j: int) -> np.ndarray:
        """XᵀY of x layer i and y layer j."""
        at = self.slices[j]
        return self.C[self.slices[i], at.start - self.split : at.stop - self.split]

    def _hsic_1(self, i: int, j: int, C: np.ndarray) -> float:
        """HSIC₁ with tr(K̃L̃) = ‖C‖² − Σ‖x‖²‖y‖², and K̃1 = X Σx − ‖x‖² in each state."""
        s, r, q = self.s[self.slices[i]], self.s[self.slices[j]], float(self.q[i, j])
        kl = float(s @ C @ r - s @ self.v[j, self.slices[i]] - r @ self.v[i, self.slices[j]] + q)
        k1, l1 = float(s @ s - self.a[i]), float(r @ r - self.a[j])
        t = float(np.vdot(C, C)), -q
        return hsic_1(self.n, t, k1, l1, kl, rounding=self._rounding if i == j else 0.0)

    def _hsic_0(self, i: int, j: int, C: np.ndarray) -> float:
        """‖XᵀY‖²_F / (n−1)² about the mean (Kornblith et al. 2019, equation 1)."""
        C = C - np.outer(self.s[self.slices[i]], self.s[self.slices[j]]) / self.n
        return float(np.vdot(C, C)) / (self.n - 1) ** 2
