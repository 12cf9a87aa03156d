"""Which pixels a decision hangs on: pure functions of frames, equal to the methods of Captum.

A method is one of :data:`METHODS`, or ``gradcam-LAYER``. What is explained is a column of
:class:`analysis.policies.gradients.Scores`: the log-probability of an action, which the caller
holds fixed, or the value. A map is |attribution| summed over colours: one number a pixel, at least
0.

- ``gradient``: Simonyan, Vedaldi and Zisserman 2014 (arXiv 1312.6034).
- ``smoothgrad``: its mean over noisy copies, Smilkov et al. 2017 (arXiv 1706.03825).
- ``ig-black``, ``ig-blurred``, ``ig-twin``: integrated gradients, Sundararajan, Taly and Yan 2017
  (arXiv 1703.01365), from a black frame, the frame out of focus, and *the same state on another
  background*. A pixel that does not differ from the baseline gets 0: from the twin, sprites do,
  by construction, and only how much there is in all says anything.
- ``occlusion``: Zeiler and Fergus 2014 (arXiv 1311.2901), with a window that is out of focus
  instead of grey, which stays closer to frames that exist.
- ``gradcam-LAYER``: Selvaraju et al. 2017 (arXiv 1610.02391), drawn up to the frame's size.

Note:
    Grad-CAM here keeps negative evidence (no ReLU): a value and a log-probability have both signs,
    and a map of their size needs both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter
from torch import Tensor

from analysis.policies.edits import grid_of
from analysis.policies.features import check_frames, image_shape_of
from analysis.policies.gradients import Scores
from checkpoints.console import UserError, one_of

METHODS = ("gradient", "smoothgrad", "ig-black", "ig-blurred", "ig-twin", "occlusion")
GRADCAM = "gradcam-"
STEPS = 32
"""Points on the path of integrated gradients (Gauss–Legendre)."""
BLUR = 6.0
"""Standard deviation of the blur, pixels: nothing smaller than a sprite is left."""
NOISE, SAMPLES = 0.1, 16
"""Standard deviation of the noise, of 1, and how many noisy copies."""
MAX_ERROR = 0.01
"""Integrated gradients that leave more unexplained (``Attribution.error``) are to be rejected: a
share of such a map may be wrong by as much."""
WINDOW = 8
"""Width of the occluded squares, side by side, pixels. Windows that overlap are averaged, and show
no finer detail for four times the work."""
_WINDOWS = 16  # occluded at once, of each state
_PASS = 128  # frames a pass: with more, what integrated gradients keep falls out of the cache


@dataclass(frozen=True, eq=False)
class Attribution:
    """What a method says of some states."""

    maps: Float[np.ndarray, "state h w"]
    """|attribution|, summed over colours; in nats for a button, scaled reward for the value,
    save that gradients are per unit of brightness, black to full"""
    error: Float[np.ndarray, " state"]
    """|Σ attributions − (score of the frame − score of the baseline)| ÷ Σ |attributions|: what
    integrated gradients left unexplained of what they hand out; NaN for other methods, and for a
    map that is 0 everywhere"""


def methods_of(policy: Any) -> tuple[str, ...]:
    """Every method that applies to a policy, Grad-CAM on each layer that has positions."""
    layers = (layer for layer in policy.layers if grid_of(policy, layer))
    return *METHODS, *(f"{GRADCAM}{layer}" for layer in layers)


def check_method(policy: Any, method: str) -> None:
    """Raise ``UserError`` for an unknown method, or Grad-CAM on a layer without positions."""
    if method in METHODS:
        return
    layer = method.removeprefix(GRADCAM)
    known = methods_of(policy)
    if method.startswith(GRADCAM) and layer in policy.layers and method not in known:
        there = ", ".join(name for name in known if name.startswith(GRADCAM))
        raise UserError(
            f"{method}: expected a layer with positions, (n, channels, height, width), got a flat "
            f"one; choose one of: {there or 'none here'}"
        )
    one_of("method", method, known)


def blurred(frames: UInt8[np.ndarray, "state h w c"]) -> UInt8[np.ndarray, "state h w c"]:
    """Frames out of focus: a Gaussian blur of :data:`BLUR` pixels, colours apart."""
    return gaussian_filter(frames, sigma=(0, BLUR, BLUR, 0), mode="nearest")


@dataclass(frozen=True, eq=False)
class _Part:
    """Some states: pixels ``(n, c, h, w)`` and the columns ``(target, n)`` to explain."""

    pixels: Tensor
    baseline: Tensor
    columns: Tensor
    seed: int


def _check_asked(scores: Scores, frames: Any, twins: Any, columns: Any) -> None:
    for pictures in (frames, twins):
        check_frames(pictures, image_shape_of(scores.policy))
    if len(twins) != len(frames):
        raise UserError(f"expected a twin of each of {len(frames)} frames, got {len(twins)}")
    known = isinstance(columns, np.ndarray) and columns.dtype.kind in "iu"
    if not known or columns.shape != (len(frames),):
        raise UserError(f"columns: expected {len(frames)} whole numbers, one a frame")
    if len(columns) and not 0 <= columns.min() <= columns.max() <= scores.value:
        raise UserError(
            f"columns: expected numbers from 0 to {scores.value}, which is the value, got "
            f"{columns.min()} to {columns.max()}"
        )


def attribute(
    scores: Scores, frames: Any, twins: Any, columns: Any, method: str, *, seed: int = 0
) -> Attribution:
    """Explain one score of each frame.

    Args:
        scores: the policy.
        frames: ``(n, h, w, c)`` uint8, what is explained.
        twins: each frame's state on another background, the baseline of ``ig-twin``.
        columns: (n,) which score of each frame: the number of a button, or ``scores.value``.
        method: one of :func:`methods_of`.
        seed: of the noise of ``smoothgrad``.

    Raises:
        UserError: a method that does not apply, frames that the policy does not take, other
            numbers of twins or columns, a column that there is not.
    """
    (found,) = attribute_each(scores, frames, twins, [columns], method, seed=seed)
    return found


def attribute_each(
    scores: Scores, frames: Any, twins: Any, columns: Sequence[Any], method: str, *, seed: int = 0
) -> list[Attribution]:
    """Explain several scores of the same frames, which costs less than one by one.

    Args:
        scores: see :func:`attribute`, as for all others.
        frames: what is explained.
        twins: one of each frame.
        columns: those of each explanation, one or more.
        method: one of :func:`methods_of`.
        seed: of the noise, which is the same for all columns.

    Raises:
        UserError: see :func:`attribute`.
    """
    check_method(scores.policy, method)
    for one in columns:
        _check_asked(scores, frames, twins, one)
    device = next(scores.parameters()).device
    explain, chunk = _explainer(scores, method)
    wanted = torch.from_numpy(np.stack(columns)).to(device)
    maps, errors = [], []
    for start in range(0, len(frames), chunk):
        some = slice(start, start + chunk)
        pictures = frames[some], _baseline(method, frames[some], twins[some])
        pixels, baseline = (_pixels(picture).to(device) for picture in pictures)
        found, error = explain(_Part(pixels, baseline, wanted[:, some], seed + start))
        maps.append(found.detach().abs().sum(2).float().cpu().numpy())
        errors.append(np.abs(error.detach().float().cpu().numpy()))
    whole, error = (np.concatenate(parts, axis=1) for parts in (maps, errors))
    total = whole.sum((2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, error / total, np.nan).astype(np.float32)
    return [Attribution(*one) for one in zip(whole, share, strict=True)]


def _baseline(method: str, frames: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """What a method compares the frames with; any picture where it compares with none."""
    if method in ("ig-blurred", "occlusion"):
        return blurred(frames)
    return {"ig-black": np.zeros_like(frames), "ig-twin": twins}.get(method, frames)


def _pixels(frames: np.ndarray) -> Tensor:
    """``(n, c, h, w)``, 0 to 1, in the order in which the encoders are fastest."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255


_Explain = Callable[[_Part], tuple[Tensor, Tensor]]
"""Attributions ``(target, n, c, h, w)``, and what they leave unexplained ``(target, n)``."""


def _explainer(scores: Scores, method: str) -> tuple[_Explain, int]:
    """The method, and how many states it takes at once to fill a pass."""
    if method.startswith(GRADCAM):
        return _gradcam(scores, method.removeprefix(GRADCAM)), _PASS
    of_method, points = {
        "gradient": (_gradient, 1),
        "smoothgrad": (_smoothgrad, SAMPLES),
        "occlusion": (_occlusion, _WINDOWS),
    }.get(method, (_integrated, STEPS))
    return partial(of_method, scores), max(1, _PASS // points)


def _no_error(part: _Part) -> Tensor:
    return torch.full(part.columns.shape, torch.nan)


def _gradients(scores: Scores, part: _Part, started: Tensor, weights: Tensor) -> Tensor:
    """Gradients to the pixels, a weighted sum over points: ``(target, n, c, h, w)``.

    The first step is affine, and the sum can be taken above it: the way back through it, which
    costs more than all others together, is gone once and not for every point.

    Args:
        scores: the policy.
        part: whose columns are explained.
        started: ``(n, point, c, h, w)``, what ``scores.start`` makes of each point.
        weights: (point,).
    """
    points = started.flatten(0, 1).requires_grad_()
    found = scores.finish(points).unflatten(0, started.shape[:2])
    pixels = part.pixels.detach().requires_grad_()
    first = scores.start(pixels)
    sums: list[Tensor] = []
    for columns in part.columns:
        wanted = found[torch.arange(len(columns)), :, columns] @ weights.to(found)
        (back,) = torch.autograd.grad(wanted.sum(), points, retain_graph=True)
        above = back.unflatten(0, started.shape[:2]).sum(1)
        sums += torch.autograd.grad(first, pixels, above, retain_graph=True)
    return torch.stack(sums)


def _gradient(scores: Scores, part: _Part) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        started = scores.start(part.pixels)[:, None]
    return _gradients(scores, part, started, torch.ones(1)), _no_error(part)


def _smoothgrad(scores: Scores, part: _Part) -> tuple[Tensor, Tensor]:
    repeated = part.pixels.repeat_interleave(SAMPLES, dim=0)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(part.seed)
        noise = torch.normal(0.0, NOISE, repeated.shape)
        started = scores.start(repeated + noise.to(repeated)).unflatten(0, (-1, SAMPLES))
    return _gradients(scores, part, started, torch.full((SAMPLES,), 1 / SAMPLES)), _no_error(part)


def _integrated(scores: Scores, part: _Part) -> tuple[Tensor, Tensor]:
    nodes, weights = (torch.from_numpy(one) for one in np.polynomial.legendre.leggauss(STEPS))
    with torch.no_grad():
        first, last = (scores.start(one) for one in (part.baseline, part.pixels))
        low, high = (scores.finish(end).gather(1, part.columns.T).T for end in (first, last))
        along = ((1 + nodes) / 2).to(first)[:, None, None, None]
        started = torch.lerp(first[:, None], last[:, None], along)
    slopes = _gradients(scores, part, started, weights / 2)
    found = slopes * (part.pixels - part.baseline)
    return found, found.sum((2, 3, 4)) - (high - low)


@torch.no_grad()
def _occlusion(scores: Scores, part: _Part) -> tuple[Tensor, Tensor]:
    n, channels, height, width = part.pixels.shape
    whole = scores(part.pixels).gather(1, part.columns.T).T
    costs = whole.new_zeros(len(part.columns), n, height, width)
    windows = [
        (..., slice(top, top + WINDOW), slice(left, left + WINDOW))
        for top in range(0, height, WINDOW)
        for left in range(0, width, WINDOW)
    ]
    for start in range(0, len(windows), _WINDOWS):
        some = windows[start : start + _WINDOWS]
        hidden = part.pixels.repeat(len(some), 1, 1, 1).unflatten(0, (len(some), n))
        for frames, window in zip(hidden, some, strict=True):
            frames[window] = part.baseline[window]
        found = scores(hidden.flatten(0, 1)).unflatten(0, (len(some), n))
        for left, window in zip(found, some, strict=True):
            costs[window] = (whole - left.gather(1, part.columns.T).T)[..., None, None]
    return costs[:, :, None].expand(-1, -1, channels, -1, -1), _no_error(part)


def _gradcam(scores: Scores, layer: str) -> _Explain:
    from captum.attr import LayerAttribution, LayerGradCam

    method = LayerGradCam(scores, scores.policy.get_submodule(f"encoder.{layer}"))

    def explain(part: _Part) -> tuple[Tensor, Tensor]:
        pixels, size = part.pixels.requires_grad_(), tuple(part.pixels.shape[2:])
        found = [method.attribute(pixels, target=columns) for columns in part.columns]
        drawn = [LayerAttribution.interpolate(one, size, "bilinear") for one in found]
        return torch.stack(drawn), _no_error(part)

    return explain
