"""Other changes of a picture: what each one leaves alone, its size, and its seed."""

import dataclasses

import numpy as np
import pytest

from analysis.scenes.bank import BankPlan, gather
from analysis.scenes.pictures import (
    AXES,
    PIXELS,
    add_noise,
    colour_matrix,
    jitter_colours,
    perturbed,
    random_conv,
)
from analysis.scenes.themes import SPRITES, WALLS, has_themes, swap_themes
from checkpoints.console import UserError
from checkpoints.world.game_fields import read_tail
from checkpoints.world.games import GAMES
from checkpoints.world.states import read_state, write_state
from tests.support.played import play, renderer

THEMED = [game for game in GAMES if has_themes(game)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def flat(*colours: int) -> np.ndarray:
    """One frame of one colour for each grey level."""
    return np.full((len(colours), 64, 64, 3), np.array(colours)[:, None, None, None], np.uint8)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return play("coinrun").observations.copy()


# -- pixels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", PIXELS)
def test_views_are_pictures_that_follow_the_seed(axis, frames):
    first = PIXELS[axis](frames, 3, rng())
    assert first.shape == (len(frames), 3, 64, 64, 3)
    assert first.dtype == np.uint8
    same, other = (PIXELS[axis](frames, 3, rng(seed)) for seed in (0, 1))
    assert (first == same).all()
    assert (first != other).any(axis=(1, 2, 3, 4)).all()
    assert (first[:, 0] != first[:, 1]).any(axis=(1, 2, 3)).all()
    assert (first != frames[:, None]).any(axis=(2, 3, 4)).all()


@pytest.mark.parametrize("sigma", [5.0, 15.0, 30.0])
def test_noise_has_its_standard_deviation(sigma):
    grey = flat(128)
    change = add_noise(grey, 4, rng(), sigma=sigma)[0].astype(float) - 128
    # Rounding adds a twelfth to the variance, and clipping at 4 sigma takes little.
    assert change.std() == pytest.approx(np.sqrt(sigma**2 + 1 / 12), rel=0.01)
    assert change.mean() == pytest.approx(0, abs=0.02 * sigma)
    assert abs(np.corrcoef(change[..., 0].ravel(), change[..., 1].ravel())[0, 1]) < 0.03


def test_no_noise_is_no_change_and_bytes_do_not_wrap():
    ends = flat(0, 255)
    assert (add_noise(ends, 1, rng(), sigma=0.0)[:, 0] == ends).all()
    black, white = add_noise(ends, 1, rng(), sigma=30.0).astype(int)
    assert black.max() < 200
    assert white.min() > 50


def test_colours_have_known_answers():
    one, none = np.ones(1), np.zeros(1)
    np.testing.assert_allclose(colour_matrix(one, one, none)[0], np.eye(3), atol=1e-12)
    grey = np.full(3, 100.0)
    # Whatever happens to colours, a grey keeps its colour and takes the brightness.
    turned = colour_matrix(1.2 * one, 0.7 * one, 2 * one)[0] @ grey
    np.testing.assert_allclose(turned, 120, atol=0.5)
    luma = np.array([0.299, 0.587, 0.114])
    red = np.array([200.0, 30.0, 40.0])
    assert luma @ (colour_matrix(one, 0.5 * one, one)[0] @ red) == pytest.approx(luma @ red)
    half = colour_matrix(one, one, np.full(1, np.pi))[0]
    np.testing.assert_allclose(half @ half, np.eye(3), atol=1e-9)
    assert np.ptp(colour_matrix(one, none, none)[0] @ red) < 1


def test_jitter_keeps_a_flat_frame_flat_and_edges_in_place(frames):
    grey = jitter_colours(flat(50, 200), 5, rng()).astype(int)
    assert (np.ptp(grey, axis=(2, 3, 4)) <= 1).all()
    assert ((grey[:, :, 0, 0, 0] / np.array([[50], [200]]) - 1).clip(-1, 1) < 0.41).all()
    changed = jitter_colours(frames, 2, rng())[:, 0]
    equal = (frames[:, 1:] == frames[:, :-1]).all(-1)
    assert (changed[:, 1:] == changed[:, :-1]).all(-1)[equal].all()


def test_random_convolution_by_loops():
    frame = rng(3).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    weights = rng().normal(0, np.sqrt(2 / 54), (1, 2 * 3, 3, 3, 3)).astype(np.float32)[0]
    padded = np.pad(frame[0].astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    found = random_conv(frame, 2, rng())[0]
    for view in range(2):
        made = np.zeros((64, 64, 3))
        for channel, dy, dx in np.ndindex(3, 3, 3):
            window = padded[dy : dy + 64, dx : dx + 64]
            made[..., channel] += window @ weights[3 * view + channel, :, dy, dx]
        expected = 255 * (made - made.min()) / np.ptp(made)
        assert np.abs(found[view] - expected).max() <= 0.51


def test_random_convolution_uses_the_range_and_recolours_sprites(frames):
    views = random_conv(frames, 2, rng())
    assert (views.max(axis=(2, 3, 4)) == 255).all()
    assert (views.min(axis=(2, 3, 4)) == 0).all()
    agent = (slice(None), 0, slice(40, 50), slice(28, 36))
    assert (views[agent] != frames[:, 40:50, 28:36]).any(axis=(1, 2, 3)).all()
    assert not np.ptp(random_conv(flat(90), 1, rng()), axis=(2, 3)).any()
    assert not random_conv(flat(0), 1, rng()).any()


# -- themes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("game", THEMED)
def test_a_swap_changes_every_look_and_nothing_else(game):
    met = 0
    for data in play(game, "hard").states:
        before, after = read_state(data), read_state(swap_themes(data, rng()))
        for kind, count in SPRITES.get(game, {}).items():
            mine = before.entities["image_type"] == kind
            themes = (state.entities["image_theme"][mine] for state in (before, after))
            old, new = themes
            met += len(old)
            assert (old != new).all()
            assert ((new >= 0) & (new < count)).all()
            assert len(set(((new - old) % count).tolist())) <= 1
        walls = [read_tail(state).pop("wall_theme", None) for state in (before, after)]
        assert (walls[0] != walls[1]) == (game in WALLS)
        entities = after.entities.copy()
        entities["image_theme"] = before.entities["image_theme"]
        restored = dataclasses.replace(after, entities=entities, tail=before.tail)
        assert (write_state(restored) == data) is True
    assert met or game not in SPRITES


@pytest.mark.parametrize("game", THEMED)
def test_another_look_is_seen(game):
    states = play(game).states
    swapped = renderer(game).redraw([swap_themes(state, rng()) for state in states])
    changed = (swapped != play(game).observations).any(-1)
    themed = [
        game in WALLS or np.isin(read_state(s).entities["image_type"], list(SPRITES[game])).any()
        for s in states
    ]
    # An entity may lie outside the picture, so not every state needs to show it.
    assert changed.any() == any(themed)
    assert changed.mean() < 0.9


def test_looks_out_of_range_never_reach_procgen():
    state = read_state(play("coinrun").states[0])
    entities = state.entities.copy()
    entities["image_theme"][entities["image_type"] == 0] = 5
    broken = write_state(dataclasses.replace(state, entities=entities))
    with pytest.raises(UserError, match="expected themes from 0 to 4, got 5"):
        swap_themes(broken, rng())


@pytest.mark.parametrize("game", ["chaser", "heist", "plunder", "maze"])
def test_games_without_decoration_are_refused(game):
    with pytest.raises(UserError, match=f"looks are decoration, one of: bigfish.*; got {game}"):
        swap_themes(play(game).states[0], rng())


# -- the axes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank():
    return gather(BankPlan("climber", num_states=12, per_level=3, num_envs=4))


@pytest.mark.parametrize("axis", AXES)
def test_the_first_view_is_what_was_met(axis, bank):
    (found,) = perturbed(axis, bank, renderer("climber"), 2, seed=0)
    (again,) = perturbed(axis, bank, renderer("climber"), 2, seed=0)
    assert found.shape == (12, 3, 64, 64, 3)
    assert (found[:, 0] == bank.observations).all()
    assert (found[:, 1:] != found[:, :1]).any(axis=(2, 3, 4)).all()
    assert (found == again).all()


def test_bad_axes_are_refused(bank):
    with pytest.raises(UserError, match=r"unknown axis 'noise'; .* noise-5"):
        next(perturbed("noise", bank, renderer("climber"), 2, seed=0))
    with pytest.raises(UserError, match="views: expected at least 1, got 0"):
        next(perturbed("theme", bank, renderer("climber"), 0, seed=0))
