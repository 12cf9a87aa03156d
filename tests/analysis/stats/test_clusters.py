"""Intervals over clusters cover what they promise; the naive ones, on the same data, do not."""

import numpy as np
import pytest

from analysis.stats.clusters import Interval, cluster_interval, cluster_means, cluster_weights
from checkpoints.console import UserError

G, M = 40, 20  # clusters, and observations in each


def clustered(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations of mean 0, half of whose variance lies between clusters."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(G), M)
    return rng.normal(size=G)[clusters] + rng.normal(size=G * M), clusters


def coverage(by_cluster: bool, trials: int = 400) -> float:
    """Share of nominal 95 % intervals that contain the true mean."""
    hits = 0
    for seed in range(trials):
        values, clusters = clustered(seed)
        clusters = clusters if by_cluster else np.arange(G * M)
        _, low, high = cluster_interval(values, clusters, seed=seed, replicates=400)
        hits += low <= 0 <= high
    return hits / trials


def test_95_percent_intervals_cover():
    # A true coverage of .93 (40 clusters) leaves [.89, .97] in 1 of 700 sets of trials.
    assert 0.89 <= coverage(by_cluster=True) <= 0.97


def test_resampling_frames_under_covers_so_the_check_can_fail():
    assert coverage(by_cluster=False) < 0.6


def test_weights_are_multinomial_counts():
    weights = cluster_weights(np.array(["b", "a", "b", "c"]), replicates=5000, seed=0)
    assert weights.shape == (5000, 3)
    assert weights.dtype == np.int64
    assert (weights.sum(axis=1) == 3).all()
    # Standard errors: mean sqrt(2/3 / 5000) = .012; variance about .02. Four of each.
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.05)
    np.testing.assert_allclose(weights.var(axis=0), 2 / 3, atol=0.08)


def test_the_seed_decides():
    clusters = np.arange(10)
    first, again, other = (cluster_weights(clusters, 50, seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    values = np.random.default_rng(0).normal(size=10)
    assert cluster_interval(values, clusters, seed=1) == cluster_interval(values, clusters, seed=1)
    assert cluster_interval(values, clusters, seed=1) != cluster_interval(values, clusters, seed=2)


def test_two_roads_to_the_mean():
    rng = np.random.default_rng(0)
    values, clusters = rng.normal(size=60), rng.integers(7, size=60)
    by_sums = cluster_interval(values, clusters)
    by_drawing = cluster_interval(values, clusters, statistic=lambda v: v.mean())
    np.testing.assert_allclose(by_sums, by_drawing, rtol=1e-12)


def test_means_of_replicates_are_those_of_drawn_clusters():
    clusters = np.array([7, 7, 3, 9])
    values = np.array([1.0, 3.0, np.nan, 8.0])
    weights = np.array([[2, 0, 1], [0, 3, 0], [3, 0, 0]])  # of clusters 3, 7 and 9
    found = cluster_means(values, clusters, weights)
    np.testing.assert_allclose(found, [4.0, 8.0, 2.0, np.nan])


def test_the_interval_of_two_clusters_is_known():
    # Draws (2, 0), (1, 1), (0, 2) with probabilities 1/4, 1/2, 1/4: means 0, 1, 2.
    found = cluster_interval(np.array([0.0, 0, 2, 2]), np.array([0, 0, 1, 1]), level=0.9)
    assert found == Interval(1.0, 0.0, 2.0)


def test_a_statistic_of_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(loc=[4, 2], size=(200, 2))
    found = cluster_interval(
        rows, np.repeat(np.arange(20), 10), statistic=lambda r: np.divide(*r.mean(axis=0))
    )
    assert found.low < 2 < found.high
    assert found.low < found.estimate < found.high


def test_order_and_names_of_clusters_do_not_matter_to_the_estimate():
    values, clusters = clustered(0)
    order = np.random.default_rng(1).permutation(len(values))
    np.testing.assert_allclose(
        cluster_interval(values[order], clusters[order]), cluster_interval(values, clusters)
    )


def test_a_higher_level_is_wider():
    values, clusters = clustered(0)
    narrow, wide = (cluster_interval(values, clusters, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clusters": np.zeros(4)}, "expected at least 2 clusters to resample, got 1; gather"),
        ({"clusters": np.arange(3)}, r"expected one cluster per value, got values \(4,\) and"),
        ({"values": np.array([1, 2, np.nan, 4])}, "values: expected finite numbers"),
        ({"level": 95.0}, r"level: expected a probability in \(0, 1\), got 95"),
        ({"replicates": 0}, "replicates: expected at least 1, got 0"),
        (
            {"statistic": lambda v: np.nan},
            "expected a finite statistic on every resample, got 1000",
        ),
    ],
)
def test_messages(change, message):
    given = {"values": np.arange(4.0), "clusters": np.array([0, 0, 1, 1]), **change}
    with pytest.raises(UserError, match=message):
        cluster_interval(**given)


def test_labels_must_be_a_vector():
    with pytest.raises(UserError, match=r"clusters: expected one number .* shape \(2, 2\)"):
        cluster_weights(np.zeros((2, 2)), 10, 0)
