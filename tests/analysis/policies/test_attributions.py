"""Saliency methods: exact integrals, planted sight, what random weights do, refusals."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from captum import attr as captum
from torch import nn

from analysis.measures.mask_scores import likeness, mask_scores
from analysis.policies.attributions import (
    METHODS,
    NOISE,
    SAMPLES,
    STEPS,
    WINDOW,
    attribute,
    attribute_each,
    blurred,
    check_method,
    methods_of,
)
from analysis.policies.features import read
from analysis.policies.gradients import Scores
from analysis.policies.randomised import cascade
from checkpoints.console import UserError
from checkpoints.policy.adapters import Adapted
from tests.support.explained import Quadratic, pixels, policy
from tests.support.planted_sight import looking_at, scenes

STATES = 6


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)


# -- integrated gradients are exact where they can be ----------------------------------------


@pytest.mark.parametrize("baseline", ["black", "blurred", "twin"])
def test_integrated_gradients_of_a_square(baseline, frames):
    network = Quadratic()
    twins = np.ascontiguousarray(frames[::-1])
    start = {"black": 0 * frames, "blurred": blurred(frames), "twin": twins}[baseline] / 255
    scores = Scores(Adapted(network, ()))
    found = attribute(scores, frames, twins, np.full(4, 15), f"ig-{baseline}")
    exact = network.weight.detach().numpy() * ((frames / 255) ** 2 - start**2)
    np.testing.assert_allclose(found.maps, np.abs(exact).sum(-1), atol=2e-5)
    assert (found.error < 1e-4).all()


def test_more_steps_leave_less_unexplained(frames, monkeypatch):
    def error(steps: int) -> float:
        monkeypatch.setattr("analysis.policies.attributions.STEPS", steps)
        columns = np.zeros(4, dtype=np.int64)
        found = attribute(Scores(policy()), frames, frames[::-1].copy(), columns, "ig-black")
        return float(found.error.max())

    assert error(STEPS) < 0.01 < error(1)


def test_only_integrated_gradients_have_an_error(frames):
    scores, columns = Scores(policy()), np.full(4, 15)
    for method in ("gradient", "occlusion", "gradcam-conv2"):
        assert np.isnan(attribute(scores, frames, frames, columns, method).error).all()


def test_the_gradient_is_torchs(frames):
    scores, columns = Scores(policy()), np.array([3, 0, 15, 14])
    found = attribute(scores, frames, frames, columns, "gradient").maps
    seen = pixels(frames).requires_grad_()
    scores(seen)[range(4), columns].sum().backward()
    np.testing.assert_allclose(found, seen.grad.abs().sum(1), rtol=1e-4, atol=1e-7)


def test_occlusion_is_the_score_that_a_blurred_window_costs(frames):
    scores, columns = Scores(policy()), np.full(4, 2)
    found = attribute(scores, frames, frames, columns, "occlusion").maps
    hidden = frames.copy()
    hidden[:, 8:16, 40:48] = blurred(frames)[:, 8:16, 40:48]
    with torch.no_grad():
        cost = scores(pixels(frames))[:, 2] - scores(pixels(hidden))[:, 2]
    # The cost is every pixel's of the window, in each of three colours.
    np.testing.assert_allclose(found[:, 8, 40], 3 * cost.abs(), rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(found[:, 8:16, 40:48].max((1, 2)), found[:, 8, 40])


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_captums(method, frames):
    scores, columns = Scores(policy()), np.array([3, 0, 15, 14])
    twins = np.ascontiguousarray(frames[::-1])
    start = pixels({"ig-black": 0 * frames, "ig-twin": twins}.get(method, blurred(frames)))
    gradient, window = captum.Saliency(scores), (3, WINDOW, WINDOW)
    name = method.partition("-")[0]
    explain, settings = {
        "gradient": (gradient, {"abs": False}),
        "smoothgrad": (
            captum.NoiseTunnel(gradient),
            {"abs": False, "nt_samples": SAMPLES, "stdevs": NOISE},
        ),
        "ig": (captum.IntegratedGradients(scores), {"baselines": start, "n_steps": STEPS}),
        "occlusion": (
            captum.Occlusion(scores),
            {"baselines": start, "sliding_window_shapes": window, "strides": window},
        ),
    }[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        seen = pixels(frames).requires_grad_()
        exact = explain.attribute(seen, target=torch.from_numpy(columns), **settings)
    exact = exact.detach().abs().sum(1).numpy()
    found = attribute(scores, frames, twins, columns, method).maps
    np.testing.assert_allclose(found, exact, atol=1e-3 * exact.max())


@pytest.mark.parametrize("method", [*METHODS, "gradcam-conv2"])
def test_several_scores_at_once_are_each_as_alone(method, frames):
    scores, columns = Scores(policy()), [np.array([3, 0, 15, 14]), np.full(4, 15)]
    twins = np.ascontiguousarray(frames[::-1])
    found = attribute_each(scores, frames, twins, columns, method)
    for one, each in zip(columns, found, strict=True):
        alone = attribute(scores, frames, twins, one, method)
        np.testing.assert_array_equal(each.maps, alone.maps)
        np.testing.assert_array_equal(each.error, alone.error)


# -- planted sight ---------------------------------------------------------------------------


@pytest.mark.parametrize("column", [0, 15])
@pytest.mark.parametrize("method", [*METHODS, "gradcam-colours"])
def test_who_looks_at_one_place_is_found_out(method, column):
    seen, twins, mask = scenes(STATES)
    columns = np.full(STATES, column)
    looks = {}
    for place in ("background", "sprite"):
        found = attribute(Scores(looking_at(place)), seen, twins, columns, method)
        looks[place] = mask_scores(found.maps, mask)
    background, sprite = looks["background"], looks["sprite"]
    np.testing.assert_allclose(background.mass, 1, atol=0.02)
    np.testing.assert_array_equal(background.pointing, 1)
    if method == "ig-twin":  # the sprite is the same on both: there is nothing to attribute
        assert not sprite.scored.any() and not sprite.no_mask.any()
    else:
        np.testing.assert_allclose(sprite.mass, 0, atol=0.02)
        np.testing.assert_array_equal(sprite.pointing, 0)


@pytest.mark.parametrize("method", [*METHODS, "gradcam-conv3"])
def test_random_weights_change_the_maps(method, frames):
    one, columns = policy(), np.zeros(4, dtype=np.int64)
    twins = np.ascontiguousarray(frames[::-1])
    maps = [attribute(Scores(one), frames, twins, columns, method).maps]
    blank = [attribute(Scores(two), frames, twins, columns, method).maps for _, two in cascade(one)]
    again = attribute(Scores(one), frames, twins, columns, method).maps
    np.testing.assert_array_equal(maps[0], again)
    assert likeness(maps[0], again).min() > 0.999
    assert likeness(maps[0], blank[-1]).mean() < 0.8


def test_states_do_not_depend_on_their_neighbours(frames):
    many = np.random.default_rng(1).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    scores, columns = Scores(policy()), np.arange(20) % 15
    for method in ("gradient", "ig-twin", "occlusion", "gradcam-conv1"):
        whole = attribute(scores, many, many[::-1].copy(), columns, method).maps
        part = attribute(scores, many[17:18], many[2:3], columns[17:18], method).maps
        np.testing.assert_allclose(whole[17:18], part, rtol=1e-3, atol=1e-6)


def test_noise_follows_the_seed_and_leaves_torchs_generator(frames):
    scores, columns = Scores(policy()), np.zeros(4, dtype=np.int64)

    def maps(seed: int) -> np.ndarray:
        return attribute(scores, frames, frames, columns, "smoothgrad", seed=seed).maps

    before = torch.random.get_rng_state()
    assert np.array_equal(maps(0), maps(0)) and not np.array_equal(maps(0), maps(1))
    assert torch.equal(before, torch.random.get_rng_state())


# -- random weights --------------------------------------------------------------------------


def test_the_cascade_runs_from_the_heads_to_the_pixels_and_spares_the_policy(frames):
    one = policy("impala")
    kept = {name: weight.clone() for name, weight in one.state_dict().items()}
    changed, layers = [], []
    for layer, blank in cascade(one, seed=1):
        layers.append(layer)
        now = blank.state_dict()
        changed.append({name for name in kept if not torch.equal(kept[name], now[name])})
    assert layers == ["heads", "hidden", "block3", "block2", "block1"]
    assert all(a < b for a, b in pairwise(changed))
    assert changed[-1] == set(kept)
    assert all(torch.equal(kept[name], weight) for name, weight in one.state_dict().items())


def test_what_cannot_reset_itself_is_shuffled():
    network = Quadratic()
    before = network.weight.clone()
    found = [
        (layer, blank.encoder.weight.clone()) for layer, blank in cascade(Adapted(network, ()))
    ]
    ((layer, after),) = found
    assert layer == "heads"
    assert torch.equal(before.flatten().sort()[0], after.flatten().sort()[0])
    assert not torch.equal(before, after) and torch.equal(before, network.weight)


def test_a_policy_that_calls_its_own_network_is_made_random_too(frames):
    network = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.Flatten(), nn.Linear(256, 16))

    def decide(pixels):
        out = network(pixels.permute(0, 3, 1, 2) / 255)
        return out[:, :15], out[:, 15]

    one = Adapted(network, ["0", "2"], decide)
    known = read(one, frames).layers["0"]
    layers = {layer: read(blank, frames).layers["0"] for layer, blank in cascade(one)}
    assert list(layers) == ["2", "0"]
    np.testing.assert_array_equal(layers["2"], known)
    assert np.abs(layers["0"] - known).max() > 0.01
    np.testing.assert_array_equal(read(one, frames).layers["0"], known)


# -- refusals --------------------------------------------------------------------------------


def test_gradcam_needs_positions():
    one = policy()
    assert methods_of(one) == (*METHODS, "gradcam-conv1", "gradcam-conv2", "gradcam-conv3")
    with pytest.raises(UserError, match=r"gradcam-hidden: .* got a flat one; choose .*conv3"):
        check_method(one, "gradcam-hidden")


@pytest.mark.parametrize("method", ["gradcam-conv9", "gradint", "ig-white"])
def test_an_unknown_method_lists_the_known(method, frames):
    with pytest.raises(UserError, match=rf"unknown method '{method}'.*gradcam-conv1"):
        attribute(Scores(policy()), frames, frames, np.zeros(4, dtype=np.int64), method)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": np.zeros((3, 64, 64, 3), np.float32)}, "uint8 .*got ndarray of float32"),
        ({"twins": np.zeros((3, 3, 64, 64), np.uint8)}, r"got ndarray of uint8 with shape \(3, 3,"),
        (
            {"twins": np.zeros((2, 64, 64, 3), np.uint8)},
            "expected a twin of each of 3 frames, got 2",
        ),
        ({"columns": np.zeros(2, np.int64)}, "columns: expected 3 whole numbers, one a frame"),
        ({"columns": np.zeros(3)}, "columns: expected 3 whole numbers, one a frame"),
        ({"columns": np.array([0, 16, 3])}, "from 0 to 15, which is the value, got 0 to 16"),
        ({"columns": np.array([0, -1, 3])}, "which is the value, got -1 to 3"),
    ],
)
def test_what_cannot_be_explained_is_refused(change, message):
    blank = np.zeros((3, 64, 64, 3), np.uint8)
    asked = {"frames": blank, "twins": blank, "columns": np.zeros(3, np.int64)} | change
    with pytest.raises(UserError, match=message):
        attribute(Scores(policy("nature")), **asked, method="gradient")
