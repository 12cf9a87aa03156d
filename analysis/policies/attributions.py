"""Which pixels a decision hangs on, by the methods of Captum: pure functions of frames.

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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

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
    """Some states, as Captum takes them: pixels ``(n, c, h, w)`` and what to explain."""

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
    check_method(scores.policy, method)
    _check_asked(scores, frames, twins, columns)
    device = next(scores.parameters()).device
    explain, chunk = _explainer(scores, method)
    maps, errors = [], []
    for start in range(0, len(frames), chunk):
        some = slice(start, start + chunk)
        pictures = frames[some], _baseline(method, frames[some], twins[some])
        pixels, baseline = (_pixels(picture).to(device) for picture in pictures)
        wanted = torch.from_numpy(columns[some]).to(device)
        found, error = explain(_Part(pixels, baseline, wanted, seed + start))
        maps.append(found.detach().abs().sum(1).float().cpu().numpy())
        errors.append(np.abs(error.detach().float().cpu().numpy()))
    whole = np.concatenate(maps)
    total = whole.sum((1, 2))
    error = np.concatenate(errors)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Attribution(whole, np.where(total > 0, error / total, np.nan).astype(np.float32))


def _baseline(method: str, frames: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """What a method compares the frames with; any picture where it compares with none."""
    if method in ("ig-blurred", "occlusion"):
        return blurred(frames)
    return {"ig-black": np.zeros_like(frames), "ig-twin": twins}.get(method, frames)


def _pixels(frames: np.ndarray) -> Tensor:
    """``(n, c, h, w)``, 0 to 1, in the order in which the encoders are fastest."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255


_Explain = Callable[[_Part], tuple[Tensor, Tensor]]


def _explainer(scores: Scores, method: str) -> tuple[_Explain, int]:
    """The method, and how many states it takes at once to fill a pass."""
    if method.startswith("ig-"):
        return _integrated(scores), max(1, _PASS // STEPS)
    if method.startswith(GRADCAM):
        return _gradcam(scores, method.removeprefix(GRADCAM)), _PASS
    return {
        "gradient": (_gradient(scores), _PASS),
        "smoothgrad": (_smoothgrad(scores), _PASS // SAMPLES),
        "occlusion": (_occlusion(scores), _PASS // _WINDOWS),
    }[method]


def _no_error(part: _Part) -> Tensor:
    return torch.full((len(part.columns),), torch.nan)


def _gradient(scores: nn.Module) -> _Explain:
    from captum.attr import Saliency

    method = Saliency(scores)
    return lambda part: (
        method.attribute(part.pixels.requires_grad_(), target=part.columns, abs=False),
        _no_error(part),
    )


def _smoothgrad(scores: nn.Module) -> _Explain:
    from captum.attr import NoiseTunnel, Saliency

    method = NoiseTunnel(Saliency(scores))

    def explain(part: _Part) -> tuple[Tensor, Tensor]:
        # Captum draws from torch's global generator.
        with torch.random.fork_rng():
            torch.manual_seed(part.seed)
            found = method.attribute(
                part.pixels.requires_grad_(),
                nt_type="smoothgrad",
                nt_samples=SAMPLES,
                stdevs=NOISE,
                target=part.columns,
                abs=False,
            )
        return found, _no_error(part)

    return explain


def _integrated(scores: nn.Module) -> _Explain:
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(scores)

    def explain(part: _Part) -> tuple[Tensor, Tensor]:
        return method.attribute(
            part.pixels,
            part.baseline,
            target=part.columns,
            n_steps=STEPS,
            return_convergence_delta=True,
        )

    return explain


def _occlusion(scores: nn.Module) -> _Explain:
    from captum.attr import Occlusion

    method = Occlusion(scores)

    def explain(part: _Part) -> tuple[Tensor, Tensor]:
        channels = part.pixels.shape[1]
        with torch.no_grad():
            found = method.attribute(
                part.pixels,
                sliding_window_shapes=(channels, WINDOW, WINDOW),
                strides=(channels, WINDOW, WINDOW),
                baselines=part.baseline,
                target=part.columns,
                perturbations_per_eval=_WINDOWS,
            )
        return found, _no_error(part)

    return explain


def _gradcam(scores: Scores, layer: str) -> _Explain:
    from captum.attr import LayerAttribution, LayerGradCam

    method = LayerGradCam(scores, scores.policy.get_submodule(f"encoder.{layer}"))

    def explain(part: _Part) -> tuple[Tensor, Tensor]:
        found = method.attribute(part.pixels.requires_grad_(), target=part.columns)
        size = tuple(part.pixels.shape[2:])
        return LayerAttribution.interpolate(found, size, "bilinear"), _no_error(part)

    return explain
