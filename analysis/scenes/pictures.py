"""Other ways to change a picture without changing the game, on the same states as the twins.

Each function takes frames and gives several changed views of each, as uint8 pictures that a
policy could meet. What changes the pixels alone touches the sprites too: only twins and themes
leave the rest of the picture alone.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Float, UInt8

from analysis.scenes.bank import Bank
from analysis.scenes.themes import has_themes, swap_themes
from analysis.scenes.worlds import is_procgen
from checkpoints.console import UserError, one_of
from checkpoints.world.games import get_game
from checkpoints.world.renderer import Renderer

CHUNK = 64
"""States changed at once."""
STRENGTH = 0.4
"""Brightness, contrast and saturation are multiplied by 1 ± at most this."""

Perturb = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]

# Brightness and two axes of colour (NTSC): grey has no colour and no hue to turn.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def add_noise(
    frames: UInt8[np.ndarray, "state h w c"], views: int, rng: np.random.Generator, *, sigma: float
) -> UInt8[np.ndarray, "state view h w c"]:
    """Independent Gaussian noise on every pixel and channel, of standard deviation ``sigma``.

    ``sigma`` is in steps of the 256 levels. Rounded and clipped to 0 … 255.
    """
    shape = (len(frames), views, *frames.shape[1:])
    return _as_bytes(frames[:, None] + sigma * rng.standard_normal(shape, dtype=np.float32))


def jitter_colours(
    frames: UInt8[np.ndarray, "state h w c"], views: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "state view h w c"]:
    """Brightness, saturation and contrast times 0.6 … 1.4, and any turn of the hue.

    One draw for each view. The ranges are those of colour jitter in Raileanu et al. 2021.

    Note:
        Their code turns the hue in HSV, in random order with the contrast. Here the hue is turned
        in the plane of colours at constant luma, contrast comes last, and one clip ends it all.
    """
    shape = (len(frames), views)
    brightness, saturation, contrast = 1 + STRENGTH * rng.uniform(-1, 1, (3, *shape))
    matrix = colour_matrix(brightness, saturation, rng.uniform(-np.pi, np.pi, shape))
    pixels = frames.reshape(len(frames), 1, -1, 3) @ matrix.swapaxes(-1, -2).astype(np.float32)
    mean = pixels.mean(axis=2, keepdims=True)
    pixels = mean + contrast[:, :, None, None].astype(np.float32) * (pixels - mean)
    return _as_bytes(pixels.reshape(*shape, *frames.shape[1:]))


def colour_matrix(
    brightness: Float[np.ndarray, "*view"],
    saturation: Float[np.ndarray, "*view"],
    turn: Float[np.ndarray, "*view"],
) -> Float[np.ndarray, "*view 3 3"]:
    """What the RGB column of a pixel is multiplied with; ``turn`` of the hue in radians."""
    middle = np.zeros((*brightness.shape, 3, 3))
    cos, sin = np.cos(turn), np.sin(turn)
    middle[..., 0, 0] = brightness
    middle[..., 1, 1] = middle[..., 2, 2] = brightness * saturation * cos
    middle[..., 2, 1] = brightness * saturation * sin
    middle[..., 1, 2] = -middle[..., 2, 1]
    return np.linalg.inv(_YIQ) @ middle @ _YIQ


def random_conv(
    frames: UInt8[np.ndarray, "state h w c"], views: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "state view h w c"]:
    """A convolution with random weights, another one for each view: checkpoints.world.recolour."""
    import torch

    from checkpoints.world.recolour import SPREAD, convolve

    shape = (len(frames), views, 3, 3, 3, 3)
    filters = torch.from_numpy(rng.normal(0, SPREAD, shape).astype(np.float32))
    pictures = torch.from_numpy(np.ascontiguousarray(frames))
    pairs = zip(pictures, filters, strict=True)
    return np.stack([convolve(frame[None], own)[0].numpy() for frame, own in pairs])


def _as_bytes(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


PIXELS: dict[str, Perturb] = {
    "colour-jitter": jitter_colours,
    "noise-5": partial(add_noise, sigma=5.0),
    "noise-15": partial(add_noise, sigma=15.0),
    "noise-30": partial(add_noise, sigma=30.0),
    "random-conv": random_conv,
}
"""What changes the pixels alone; noise is named by its standard deviation."""
AXES = ("theme", *PIXELS)
"""All but the background, whose views are the twins."""
COLOURED = ("colour-jitter", "random-conv")
"""Those that ask for red, green and blue."""


def as_rgb(picture: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    """A picture to look at; of other than three channels the last one, in grey: the newest."""
    return picture if picture.shape[-1] == 3 else np.repeat(picture[..., -1:], 3, axis=-1)


def applies(axis: str, game: str) -> bool:
    """Whether pictures of a world can be changed so: some have no other looks, or no colours."""
    if axis == "theme":
        return is_procgen(game) and has_themes(game)
    return axis not in COLOURED or get_game(game).image_shape[2] == 3


def _redrawn(renderer: Renderer | None, states: list[bytes]) -> np.ndarray:
    if renderer is None:
        raise UserError("expected a game that can be drawn anew for the axis theme, got a file")
    return renderer.redraw(states)


def perturbed(
    axis: str, bank: Bank, renderer: Renderer | None, views: int, seed: int
) -> Iterator[UInt8[np.ndarray, "state view h w c"]]:
    """The bank's frames, each followed by ``views`` changed ones, block by block.

    Args:
        axis: one of :data:`AXES`.
        bank: the states.
        renderer: of the bank's game; draws the themes, which a world in a file has not.
        views: changed views of each state, at least 1.
        seed: the same gives the same views; each axis has random numbers of its own.

    Raises:
        UserError: an unknown axis, no views, or themes of a game that has none.
    """
    one_of("axis", axis, AXES)
    if views < 1:
        raise UserError(f"views: expected at least 1, got {views}; 3 is usual")
    for start in range(0, len(bank), CHUNK):
        rng = np.random.default_rng([seed, AXES.index(axis), start])
        part = slice(start, start + CHUNK)
        frames = np.asarray(bank.observations[part])
        if axis == "theme":
            changed = [swap_themes(state, rng) for state in bank.states[part] for _ in range(views)]
            drawn = _redrawn(renderer, changed).reshape(len(frames), views, *frames.shape[1:])
        else:
            drawn = PIXELS[axis](frames, views, rng)
        yield np.concatenate([frames[:, None], drawn], axis=1)
