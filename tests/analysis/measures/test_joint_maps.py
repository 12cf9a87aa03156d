"""Joint spaces, maps and their scores: planted clusters, rotated copies, and what is refused."""

from importlib import import_module

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from analysis.measures.joint_maps import (
    MAPS,
    check_near,
    check_policies,
    embed,
    purity,
    relative,
    stacked,
    trust,
)
from checkpoints.console import UserError

rng = np.random.default_rng(0)
STATES = np.repeat(np.arange(10), 8)
PLANTED = (np.repeat(rng.normal(size=(10, 24)), 8, 0) + 0.01 * rng.normal(size=(80, 24))).astype(
    np.float32
)
ANCHORS = rng.normal(size=(30, 24)).astype(np.float32)
ROTATION = np.linalg.qr(rng.normal(size=(24, 24)))[0].astype(np.float32)


# -- one space for all -----------------------------------------------------------------------


def test_a_cosine_worked_out_by_hand():
    anchors = np.array([[1.0, 0.0], [-1.0, 0.0]])
    found = relative(np.array([[3.0, 0.0], [0.0, 2.0], [2.0, 2.0], [0.0, 0.0]]), anchors)
    half = np.sqrt(0.5)
    assert found == pytest.approx(np.array([[1, -1], [0, 0], [half, -half], [0, 0]]))


def test_cosines_do_not_see_shift_rotation_and_scale():
    moved = [3 * part @ ROTATION + 7 for part in (PLANTED, ANCHORS)]
    assert relative(*moved) == pytest.approx(relative(PLANTED, ANCHORS), abs=1e-4)
    wider = [np.concatenate([part, 0 * part], axis=1) for part in (PLANTED, ANCHORS)]
    assert relative(*wider) == pytest.approx(relative(PLANTED, ANCHORS), abs=1e-4)


def test_cosines_do_see_a_scale_of_one_feature_and_another_geometry():
    one = np.where(np.arange(24) == 0, 10, 1).astype(np.float32)
    plain = relative(PLANTED, ANCHORS)
    assert np.abs(relative(PLANTED * one, ANCHORS * one) - plain).max() > 0.1
    assert np.abs(relative(np.tanh(PLANTED) ** 2, np.tanh(ANCHORS) ** 2) - plain).max() > 0.1


def test_a_rotated_copy_falls_apart_when_stacked_and_lies_upon_itself_when_compared():
    copies = {"one": (PLANTED, ANCHORS), "copy": (PLANTED @ ROTATION, ANCHORS @ ROTATION)}
    whose = np.repeat([0, 1], len(PLANTED))
    apart = purity(stacked({name: x for name, (x, _) in copies.items()}), whose, 7)
    together = purity(np.concatenate([relative(*pair) for pair in copies.values()]), whose, 7)
    assert apart.value == 1
    # Each point's own copy is nearest of all, which puts purity a little below chance.
    assert together.value < together.chance + 0.02


def test_stacking_standardises_each_policy():
    found = stacked({"a": PLANTED, "b": 5 * PLANTED + 1})
    assert found[:80] == pytest.approx(found[80:], abs=1e-4)
    assert found[:80].std(axis=0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("x", "anchors", "message"),
    [
        (np.full((4, 3), np.nan), np.eye(3), "points: expected finite"),
        (np.eye(3), np.full((4, 3), np.inf), "anchors: expected finite"),
        (np.eye(3), np.eye(4), "at least 2 anchors of 3 features"),
        (np.eye(3), np.eye(3)[:1], "at least 2 anchors"),
        (np.full((5, 3), 0.1), np.full((6, 3), 0.1), "a layer that varies, got one value"),
        (np.zeros((5, 3)), np.zeros((6, 3)), "a layer that varies"),
    ],
)
def test_what_has_no_cosines(x: np.ndarray, anchors: np.ndarray, message: str):
    with pytest.raises(UserError, match=message):
        relative(x, anchors)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"a": PLANTED}, "at least 2 policies in a joint picture, got 1"),
        ({"a": PLANTED, "b": PLANTED[:, :5]}, r"one width to stack, got \[5, 24\]"),
        ({"a": PLANTED, "b": np.ones((4, 24))}, "b: expected features that vary"),
        ({"a": PLANTED, "b": np.full((4, 24), np.nan)}, "b: expected finite"),
    ],
)
def test_what_cannot_be_stacked(layers: dict, message: str):
    with pytest.raises(UserError, match=message):
        stacked(layers)


def test_nobody_is_no_policy():
    with pytest.raises(UserError, match=r"got 0 \(none\)"):
        check_policies({})


# -- scores ----------------------------------------------------------------------------------


def test_planted_clusters_are_pure_and_dealt_labels_are_not():
    found = purity(PLANTED, STATES, neighbours=15)  # 7 neighbours are all there are
    assert (found.value, found.chance) == (1, pytest.approx(7 / 79))
    draws = [purity(PLANTED, rng.permutation(STATES), 7).value for _ in range(40)]
    assert np.mean(draws) == pytest.approx(7 / 79, abs=4 * np.std(draws) / np.sqrt(40))


def test_purity_by_brute_force():
    x, labels = rng.normal(size=(30, 3)), rng.integers(3, size=30)
    distances = np.linalg.norm(x[:, None] - x, axis=-1) + np.diag(np.full(30, np.inf))
    near = distances.argsort(axis=1)[:, :4]
    expected = np.mean([labels[j] == labels[i] for i in range(30) for j in near[i]])
    assert purity(x, labels, 4).value == pytest.approx(expected)


def test_trustworthiness_is_one_for_a_copy_and_half_for_noise():
    assert trust(PLANTED, PLANTED) == 1
    noise = [trust(PLANTED, rng.normal(size=(80, 2))) for _ in range(5)]
    assert np.mean(noise) == pytest.approx(0.5, abs=0.1)


def test_trustworthiness_from_its_formula():
    x, at, k = PLANTED, PLANTED[:, :2], 6
    ranks, near = (
        np.linalg.norm(part[:, None] - part, axis=-1).argsort(axis=1).argsort(axis=1)
        for part in (x, at)
    )
    n = len(x)
    penalty = sum(max(ranks[i, j] - k, 0) for i, j in np.argwhere((near > 0) & (near <= k)))
    expected = 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))
    assert trust(x, at, k) == pytest.approx(expected)
    assert trust(x, at, k) == trustworthiness(x, at, n_neighbors=k)


def test_one_label_or_one_point_has_no_purity():
    with pytest.raises(UserError, match="at least 2 labels with 2 points each, got 1"):
        purity(PLANTED, np.zeros(80, dtype=int))
    with pytest.raises(UserError, match="the rarest with 1"):
        purity(PLANTED, np.arange(80) // 79)


# -- maps ------------------------------------------------------------------------------------


def test_pca_keeps_units_and_says_what_it_kept():
    found = embed(PLANTED, "pca")
    values, vectors = np.linalg.eigh(np.cov(PLANTED.T))
    assert found.explained == pytest.approx(values[[-1, -2]] / values.sum(), rel=1e-4)
    expected = np.abs((PLANTED - PLANTED.mean(0)) @ vectors[:, [-1, -2]])
    assert np.abs(found.at) == pytest.approx(expected, abs=1e-3)
    assert embed(10 * PLANTED, "pca").at == pytest.approx(10 * found.at, rel=1e-3, abs=1e-3)


def test_tsne_keeps_planted_clusters_and_repeats_itself():
    first, again, other = (
        embed(PLANTED, "tsne", seed, neighbours=7, perplexity=7.0).at for seed in (0, 0, 1)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert purity(first, STATES, 7).value == 1


@pytest.mark.slow  # umap compiles itself: 10 s, and two minutes the first time on a machine
def test_umap_keeps_planted_clusters_and_repeats_itself():
    first, again, other = (embed(PLANTED, "umap", seed, neighbours=7).at for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert purity(first, STATES, 7).value == 1
    # Which neighbours it is given are those that it would find.
    bare = import_module("umap").UMAP(n_neighbors=7, init="pca", random_state=0, n_jobs=1)
    np.testing.assert_array_equal(first, bare.fit_transform(PLANTED))


@pytest.mark.parametrize("kind", MAPS)
def test_sizes_that_fit_no_map(kind: str):
    with pytest.raises(UserError, match="perplexity: expected at least 1 and less than the 80"):
        embed(PLANTED, kind, perplexity=80.0)
    with pytest.raises(UserError, match="neighbours: expected at least 2 and less than half"):
        embed(PLANTED, kind, neighbours=40)
    with pytest.raises(UserError, match="expected points that differ, got 80 times"):
        embed(np.ones((80, 3)), kind)
    with pytest.raises(UserError, match="points: expected finite"):
        embed(np.full((80, 3), np.nan), kind)


def test_one_neighbour_is_too_few():
    with pytest.raises(UserError, match="got 1; take more points"):
        check_near(100, 1)
