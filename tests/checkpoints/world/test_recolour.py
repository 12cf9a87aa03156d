"""Random convolutions in training: known pictures, another road, and whose filter is whose."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from checkpoints.world.recolour import SHARERS, SPREAD, convolve, recolour


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8))


def filters(count: int) -> torch.Tensor:
    return SPREAD * torch.randn(count, 3, 3, 3, 3, generator=torch.Generator().manual_seed(0))


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_known_filters_give_known_pictures():
    frame = pictures(1)
    frame[0, 0, 0], frame[0, 0, 1] = 0, 255  # the range is full already, so nothing is stretched
    same, swapped = torch.zeros(2, 3, 3, 3, 3)
    for channel in range(3):
        same[channel, channel, 1, 1] = 1
        swapped[channel, 2 - channel, 1, 1] = 1
    views = convolve(frame, torch.stack([same, swapped, -same]))[0]
    assert torch.equal(views[0], frame[0])
    assert torch.equal(views[1], frame[0].flip(-1))
    assert torch.equal(views[2], 255 - frame[0])
    assert not convolve(frame, torch.zeros(1, 3, 3, 3, 3)).any()


def test_views_equal_those_of_scipy():
    frames, chosen = pictures(3), filters(2)
    found = convolve(frames, chosen)
    assert found.shape == (3, 2, 64, 64, 3) and found.dtype == torch.uint8
    for i, j in np.ndindex(3, 2):
        pixels, weights = frames[i].numpy().astype(float), chosen[j].double().numpy()
        made = np.stack(
            [
                sum(correlate(pixels[..., c], out[c], mode="nearest") for c in range(3))
                for out in weights
            ],
            axis=-1,
        )
        expected = 255 * (made - made.min()) / np.ptp(made)
        assert np.abs(found[i, j].numpy() - expected).max() <= 0.51


def test_strength_does_not_matter_and_sign_does():
    frames, chosen = pictures(2), filters(2)
    once = convolve(frames, chosen)
    assert torch.equal(once, convolve(frames, 4 * chosen))
    assert torch.equal(once, convolve(frames.flip(0), chosen).flip(0))
    assert not torch.equal(once, convolve(frames, -chosen))


@pytest.mark.parametrize("count", [1, SHARERS, 2 * SHARERS + 5])
def test_one_view_of_each_frame_that_follows_the_seed(count: int):
    frames = pictures(count)
    before = frames.clone()
    views = recolour(frames, drawn())
    assert views.shape == frames.shape and torch.equal(frames, before)
    assert torch.equal(views, recolour(frames, drawn()))
    assert (views != recolour(frames, drawn(1))).flatten(1).any(1).all()


def test_32_frames_share_a_filter_and_the_next_have_another():
    views = recolour(pictures(1).repeat(3 * SHARERS, 1, 1, 1), drawn())
    first, second, third = views.split(SHARERS)
    for part in (first, second, third):
        assert torch.equal(part, part[:1].expand_as(part))
    assert not torch.equal(first, second) and not torch.equal(second, third)


def test_the_next_views_of_a_stream_are_other_views():
    draws, frames = drawn(), pictures(4)
    assert not torch.equal(recolour(frames, draws), recolour(frames, draws))
