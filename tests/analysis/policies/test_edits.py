"""Edits in the middle of a network: whole layers give the twin, nothing gives nothing."""

import numpy as np
import pytest
import torch
from torch import Tensor

from analysis.measures.leace import Eraser, fit
from analysis.policies.edits import (
    Change,
    cells_under,
    continued,
    erase,
    from_twin,
    grid_of,
    patched,
    swap_cells,
    swap_component,
)
from analysis.policies.features import read, recorded
from analysis.studies.erasure.interventions import SplitTwins, edited
from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.recipes import LAYERS
from checkpoints.world.buttons import merged
from tests.support.planted import BACKGROUNDS, only_background, split_pictures, subject

EVERY_LAYER = [(encoder, layer) for encoder, layers in LAYERS.items() for layer in layers]
STATES, B = 3, 4


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (STATES * B, 64, 64, 3), dtype=np.uint8)


def made(encoder: str) -> Policy:
    torch.manual_seed(0)
    policy = Policy(encoder, 24).eval()
    torch.nn.init.normal_(policy.actor.weight)  # decisions that differ
    return policy


def decided(policy: Policy, frames: np.ndarray, layer: str = "", change=None) -> np.ndarray:
    with patched(policy, {layer: change} if change else {}):
        return read(policy, frames, []).log_probs


def next_twin(log_probs: np.ndarray) -> np.ndarray:
    return np.roll(log_probs.reshape(STATES, B, -1), -1, axis=1).reshape(len(log_probs), -1)


def swap_all(backgrounds: int) -> Change:
    """Exchange the whole layer for the twin's: the known answer, the twin's decision."""
    return lambda output: from_twin(output, backgrounds)


def everything(d: int) -> Eraser:
    return Eraser(np.zeros(d), np.eye(d), np.eye(d), np.ones(d))


# --- known answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoder", "layer"), EVERY_LAYER)
def test_the_whole_layer_carries_everything(encoder, layer, frames):
    """Every layer is a full cut, so its twin's activation gives the twin's decision."""
    policy = made(encoder)
    before = decided(policy, frames)
    after = decided(policy, frames, layer, swap_all(B))
    assert np.abs(next_twin(before) - before).max() > 0.01
    np.testing.assert_allclose(after, next_twin(before), atol=1e-5)


@pytest.mark.parametrize(("encoder", "layer"), EVERY_LAYER)
def test_a_change_that_changes_nothing(encoder, layer, frames):
    policy, nothing = made(encoder), np.zeros((1, 0))
    before = decided(policy, frames)
    d = read(policy, frames[:1], [layer]).layers[layer].shape[1]
    empty = Eraser(np.zeros(d), nothing.repeat(d, 0), nothing.repeat(d, 0), np.zeros(0))
    for change in (lambda output: output, erase(empty), swap_component(empty, B)):
        np.testing.assert_allclose(decided(policy, frames, layer, change), before, atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS["nature"])
def test_all_dimensions_and_all_cells_are_the_whole_layer(layer, frames):
    policy = made("nature")
    wanted = decided(policy, frames, layer, swap_all(B))
    d = read(policy, frames[:1], [layer]).layers[layer].shape[1]
    if d < 3000:  # a square matrix of all of conv1 would take 400 MB
        found = decided(policy, frames, layer, swap_component(everything(d), B))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    grid = grid_of(policy, layer)
    assert (grid is None) == (layer == "hidden")
    if grid:
        before = decided(policy, frames)
        for cells, answer in ((True, wanted), (False, before)):
            change = swap_cells(np.full((STATES, *grid), cells), B)
            np.testing.assert_allclose(decided(policy, frames, layer, change), answer, atol=1e-6)


@pytest.mark.parametrize(("encoder", "layer"), EVERY_LAYER)
def test_going_on_from_a_layer_is_passing_through_it(encoder, layer, frames):
    policy = made(encoder)
    decide, seen = continued(policy, layer), read(policy, frames, [layer])
    for change in (torch.clone, swap_all(B)):
        with patched(policy, {layer: change}):
            whole = read(policy, frames, [])
        log_probs, values = decide(seen.layers[layer], change)
        np.testing.assert_allclose(log_probs, whole.log_probs, atol=1e-5)
        np.testing.assert_allclose(values, whole.values, atol=1e-5)


def test_networks_of_other_makes_are_passed_through_as_a_whole():
    assert continued(subject(only_background).policy, "read") is None


def test_the_twin_of_each_row():
    rows = torch.arange(6.0)[:, None]
    assert from_twin(rows, 3)[:, 0].tolist() == [1, 2, 0, 4, 5, 3]
    assert from_twin(rows, 2)[:, 0].tolist() == [1, 0, 3, 2, 5, 4]


def test_cells_are_exchanged_where_they_lie():
    output = torch.arange(2 * 2 * 3.0).reshape(2, 1, 2, 3)  # one state on two backgrounds
    cells = np.array([[[True, False, False], [False, False, True]]])
    found = swap_cells(cells, 2)(output).flatten(1).tolist()
    assert found == [[6, 1, 2, 3, 4, 11], [0, 7, 8, 9, 10, 5]]


def test_cells_hold_background_only_where_every_pixel_is():
    mask = np.ones((2, 64, 64), dtype=bool)
    mask[0, 15, 16] = False  # one pixel of a sprite, in the first row and second column of cells
    found = cells_under(mask, (4, 4))
    assert np.argwhere(~found).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("layer", ["conv1", "conv3", "hidden"])
def test_erasing_in_the_network_is_erasing_in_the_array(layer, frames):
    """Flattened features stand in one order in both, though convolutions run channels last."""
    policy = made("nature")
    x = read(policy, frames, [layer]).layers[layer]
    eraser = fit(x, np.arange(len(x)) % B)
    with patched(policy, {layer: erase(eraser)}):
        inside = read(policy, frames, [layer]).layers[layer]
    assert np.abs(inside - x).max() > 0.01
    np.testing.assert_allclose(inside, eraser.erase(x), atol=1e-5)


def test_the_erased_component_and_the_rest_make_up_a_layer(frames):
    """Taking the twin's component, then the twin's rest, is taking all of it."""
    policy = made("nature")
    x = read(policy, frames, ["hidden"]).layers["hidden"]
    eraser = fit(x, np.arange(len(x)) % B)
    twin = torch.from_numpy(next_twin(x))

    def both(output: Tensor) -> Tensor:
        part = swap_component(eraser, B)(output)
        return part + (twin - output) - (part - output)

    wanted = decided(policy, frames, "hidden", swap_all(B))
    np.testing.assert_allclose(decided(policy, frames, "hidden", both), wanted, atol=1e-5)


def test_values_follow_the_edit(frames):
    policy = made("nature")
    with patched(policy, {"hidden": torch.zeros_like}):
        assert not read(policy, frames, []).values.any()  # the critic has no bias yet


# --- twin sets ----------------------------------------------------------------------------------


def merged_probs(log_probs: np.ndarray, planted: SplitTwins) -> np.ndarray:
    """Probabilities of the buttons of the twins' game."""
    return merged(np.exp(log_probs), planted.twins.game)


def test_groups_never_share_a_pass_and_rows_keep_their_order(tmp_path):
    planted, policy = split_pictures(tmp_path, 70), subject(only_background).policy
    groups, passes = np.arange(70) % 3 // 2, []

    def change_of(part: np.ndarray):
        passes.append(part)
        return lambda output: output

    found = edited(policy, planted.twins, "read", change_of, groups)
    assert all(len(set(groups[part])) == 1 for part in passes)
    assert sorted(np.concatenate(passes)) == list(range(70))
    reading = planted.twins.read(policy, ["read"])
    np.testing.assert_allclose(found.probs, merged_probs(reading.log_probs, planted), atol=1e-6)
    assert np.array_equal(found.values, reading.values)


def test_the_twin_comes_from_the_same_state(tmp_path):
    planted, policy = split_pictures(tmp_path, 66), subject(only_background).policy
    zeros = np.zeros(66, dtype=int)
    swap = swap_all(BACKGROUNDS)
    found = edited(policy, planted.twins, "read", lambda part: swap, zeros).probs
    before = merged_probs(planted.twins.read(policy, ["read"]).log_probs, planted)
    np.testing.assert_allclose(found, np.roll(before, -1, axis=1), atol=1e-6)


def test_a_layer_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    planted, policy = split_pictures(tmp_path, 60), subject(only_background).policy
    monkeypatch.setattr(type(planted.twins), "__len__", lambda twins: 20_000_000)
    with pytest.raises(UserError, match=r"read: expected at most 2 GB .* got 4\.8 GB"):
        planted.twins.read(policy, ["read"])


# --- hooks --------------------------------------------------------------------------------------


def test_hooks_are_gone_afterwards_even_after_an_error(frames):
    policy = made("nature")
    with pytest.raises(RuntimeError, match="oh"), patched(policy, {"conv1": swap_all(B)}):
        raise RuntimeError("oh")
    assert not policy.encoder.conv1._forward_hooks


def test_recording_inside_sees_the_change_and_outside_the_original():
    policy = made("nature")
    black = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    with torch.no_grad(), recorded(policy, ["hidden"]) as first:
        with patched(policy, {"hidden": torch.zeros_like}), recorded(policy, ["hidden"]) as second:
            policy(black)
        assert first["hidden"].any() and not second["hidden"].any()


def test_several_layers_at_once(frames):
    policy = made("nature")
    both = {"conv2": torch.zeros_like, "hidden": swap_all(B)}
    with patched(policy, both):
        found = read(policy, frames, []).log_probs
    np.testing.assert_allclose(found, decided(policy, frames, "conv2", torch.zeros_like), atol=1e-6)


def test_wrong_requests(frames):
    policy = made("nature")
    with (
        pytest.raises(UserError, match=r"unknown layer of nature 'conv9'"),
        patched(policy, {"conv9": swap_all(B)}),
    ):
        pass
    with pytest.raises(UserError, match=r"keeps the shape \(12, 24\), got \(6, 24\)"):
        decided(policy, frames, "hidden", lambda output: output[:6])
    with pytest.raises(UserError, match=r"in training mode: call .eval\(\)"):
        decided(policy.train(), frames, "hidden", swap_all(B))
