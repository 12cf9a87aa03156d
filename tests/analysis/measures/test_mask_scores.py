"""Scores of saliency maps on masks: known answers, Quantus, ties, refusals, the bootstrap."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.measures.mask_scores import likeness, mask_scores, spearman_interval
from checkpoints.console import UserError
from tests.support.quantus_reference import FILE, made_up


def halves(states: int = 1) -> np.ndarray:
    """Masks of the upper half."""
    mask = np.zeros((states, 64, 64), dtype=bool)
    mask[:, :32] = True
    return mask


def noise(states: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((states, 64, 64))


# -- known answers ---------------------------------------------------------------------------


def test_a_map_on_the_mask_only_has_all_its_mass_there():
    on, off = (mask_scores(noise(1) * half, halves()) for half in (halves(), ~halves()))
    assert (on.mass, on.mass_over_area, on.rank, on.pointing, on.area) == (1, 2, 1, 1, 0.5)
    assert (off.mass, off.mass_over_area, off.rank, off.pointing) == (0, 0, 0, 0)


def test_a_map_that_knows_nothing_scores_the_area():
    area = np.linspace(0.1, 0.9, 400)[:, None, None]
    mask = np.random.default_rng(1).random((400, 64, 64)) < area
    found = mask_scores(noise(400), mask)
    np.testing.assert_allclose(found.mass, found.area, atol=0.02)
    np.testing.assert_allclose(found.rank, found.area, atol=0.04)
    # 400 draws of 0 or 1 around their chances: 3.5 standard deviations.
    assert abs((found.pointing - found.area).mean()) < 3.5 * 0.45 / 20
    np.testing.assert_allclose(found.mass_over_area, found.mass / found.area)


def test_quantus_gives_the_same_scores():
    kept = json.loads(FILE.read_text())
    assert kept["quantus"] == "0.6.0"
    found = mask_scores(*made_up())
    for name in ("mass", "rank", "pointing"):
        np.testing.assert_allclose(getattr(found, name), kept[name], rtol=1e-12, err_msg=name)


# -- invariances, and what is none -----------------------------------------------------------


def test_scores_do_not_depend_on_the_unit_or_on_places():
    maps, mask = made_up()
    found = mask_scores(maps, mask)
    order = np.random.default_rng(0).permutation(64 * 64)
    moved = [one.reshape(-1, 64 * 64)[:, order].reshape(-1, 64, 64) for one in (maps, mask)]
    for other in (mask_scores(7 * maps, mask), mask_scores(*moved)):
        for name in ("area", "mass", "rank", "pointing"):
            np.testing.assert_allclose(getattr(other, name), getattr(found, name))


def test_rank_and_pointing_ignore_monotone_changes_and_mass_does_not():
    maps, mask = made_up()
    found, squared = mask_scores(maps, mask), mask_scores(maps**2, mask)
    np.testing.assert_array_equal(found.rank, squared.rank)
    np.testing.assert_array_equal(found.pointing, squared.pointing)
    assert (np.abs(found.mass - squared.mass) > 0.01).sum() >= 6


def test_ties_count_as_a_random_order_would_on_average():
    flat = mask_scores(np.ones((1, 64, 64)), halves())
    assert (flat.mass, flat.rank, flat.pointing) == (0.5, 0.5, 0.5)
    quarter = np.zeros((1, 64, 64))
    quarter[:, :16] = 1  # all on the mask; the other half of the mask ties with all that is off it
    assert mask_scores(quarter, halves()).rank == pytest.approx((1024 + 1024 * 1024 / 3072) / 2048)


# -- what cannot be scored -------------------------------------------------------------------


def test_empty_and_full_masks_and_blank_maps_are_flagged_and_not_scored():
    mask = np.concatenate([np.zeros_like(halves()), np.ones_like(halves()), halves(), halves()])
    maps = noise(4)
    maps[2] = 0
    found = mask_scores(maps, mask)
    assert found.no_mask.tolist() == [True, True, False, False]
    assert found.scored.tolist() == [False, False, False, True]
    for values in (found.mass, found.rank, found.pointing, found.mass_over_area):
        assert np.isnan(values).tolist() == [True, True, True, False]
    assert found.area.tolist() == [0, 1, 0.5, 0.5]


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_signed_or_broken_maps_are_refused(value):
    maps = noise(1)
    maps[0, 3, 3] = value
    with pytest.raises(UserError, match="at least 0; pass absolute attributions"):
        mask_scores(maps, halves())


# -- likeness --------------------------------------------------------------------------------


def test_likeness_is_spearmans_correlation():
    x, y = noise(3), noise(3) + noise(3, seed=1)
    found = likeness(x, y)
    wanted = [spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(found, wanted)
    np.testing.assert_allclose(likeness(x, x**3), 1)


def test_pixels_that_are_zero_in_both_make_nothing_alike():
    x, y = (noise(2, seed) * halves(2) for seed in (0, 1))
    together = spearmanr(x[0].ravel(), y[0].ravel())[0]
    assert together > 0.7
    assert np.abs(likeness(x, y)).max() < 0.1
    np.testing.assert_array_equal(likeness(0 * x, y), 0)


# -- the bootstrap of a correlation ----------------------------------------------------------


def test_each_replicate_is_the_correlation_of_the_resampled_states():
    from analysis.stats.clusters import cluster_weights

    rng = np.random.default_rng(0)
    x, levels = rng.integers(0, 6, 40).astype(float), np.arange(40) // 3
    y = x + rng.normal(size=40)
    found = spearman_interval(x, y, levels, replicates=50, seed=3)
    draws = [
        spearmanr(np.repeat(x, w[levels]), np.repeat(y, w[levels]))[0]
        for w in cluster_weights(levels, 50, 3)
    ]
    assert found.estimate == pytest.approx(spearmanr(x, y)[0])
    np.testing.assert_allclose(found[1:], np.quantile(draws, [0.025, 0.975]))


def test_a_constant_has_no_correlation():
    y, levels = np.arange(20.0), np.arange(20)
    assert np.isnan(spearman_interval(np.full(20, 0.3), y, levels)).all()


def test_intervals_hold_no_correlation_where_there_is_none():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        x, y = rng.normal(size=(2, 30))
        _, low, high = spearman_interval(x, y, np.arange(30), replicates=200, seed=seed)
        hits += low <= 0 <= high
    assert 0.89 <= hits / 200 <= 0.99
