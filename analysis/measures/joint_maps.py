"""Pictures in two dimensions of many policies at once, and how far to believe them.

Two policies' features live in two spaces: no coordinate of one has anything to do with any of the
other. Stacked into one matrix they fall into one cloud a policy, whatever they represent, and a
policy falls apart from its own rotated copy. What can be fitted jointly is what each picture's
features say *in relation* to those of the same anchor pictures in the same policy: cosines, which
do not change when a policy's features are shifted together, rotated or scaled (Moschella et al.
2023, "Relative representations enable zero-shot latent space communication"). Policies may then
differ in width, and two that arrange pictures alike lie upon each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.hsic import check_finite
from checkpoints.console import UserError

Map = Literal["umap", "tsne", "pca"]
MAPS: tuple[Map, ...] = get_args(Map)
NEIGHBOURS = 15
"""Neighbours behind UMAP, trustworthiness and purity, unless another number is asked for."""
PERPLEXITY = 30.0
"""Of t-SNE: about how many neighbours a point has there."""
STEPS = 500
"""Of t-SNE's descent; another 500 take as long and change trustworthiness by less than .001."""
_PAIRS = 4096
"""Of fewer points umap compares every pair, of more it searches."""


def relative(
    x: Float[np.ndarray, "point feature"], anchors: Float[np.ndarray, "anchor width"]
) -> Float[np.ndarray, "point anchor"]:
    """Cosine of each picture with each anchor, features centred on the anchors' mean.

    Args:
        x: one layer of one policy.
        anchors: the same layer on other pictures, the same ones for all policies.

    Returns:
        In [−1, 1], float64. Invariant to shifts of all features alike, to rotations, reflections
        and one scale for all; not to a scale for each feature.

    Raises:
        UserError: NaN or inf, another width, fewer than 2 anchors, or a layer that does not vary.
    """
    for name, part in (("points", x), ("anchors", anchors)):
        check_finite(part, name)
    if x.shape[1] != anchors.shape[1] or len(anchors) < 2:
        raise UserError(
            f"expected at least 2 anchors of {x.shape[1]} features, got {anchors.shape}; read both "
            "from one layer"
        )
    mean = anchors.mean(axis=0, dtype=np.float64)
    sides = [part - mean for part in (x, anchors)]
    norms = [np.linalg.norm(part, axis=1, keepdims=True) for part in sides]
    # A last bit of rounding is no direction.
    least = 1e-6 * float(np.linalg.norm(mean))
    if min(float(norm.max()) for norm in norms) <= least:
        raise UserError(
            "expected a layer that varies, got one value everywhere: it is collapsed and has no "
            "directions to compare; leave this policy or layer out"
        )
    rays = [
        part / np.where(norm > least, norm, np.inf)  # in the middle: no direction, cosine 0
        for part, norm in zip(sides, norms, strict=True)
    ]
    return np.clip(rays[0] @ rays[1].T, -1.0, 1.0)


def stacked(layers: Mapping[str, np.ndarray]) -> Float[np.ndarray, "allpoint feature"]:
    """Features ``(point, feature)`` of several policies in one matrix, each standardised.

    This is the usual picture. What lies between two policies in it says nothing about them, as
    the module explains; its purity by policy is reported to show that.

    Raises:
        UserError: fewer than two policies, other widths, NaN or inf, or a layer that is constant.
    """
    check_policies(layers)
    widths = {x.shape[1] for x in layers.values()}
    if len(widths) > 1:
        raise UserError(
            f"expected layers of one width to stack, got {sorted(widths)}; use relative() instead"
        )
    parts = []
    for name, x in layers.items():
        check_finite(x, name)
        deviation = x.std(axis=0, dtype=np.float64)
        if not deviation.any():
            raise UserError(f"{name}: expected features that vary, got constant ones; leave it out")
        parts.append((x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))
    return np.concatenate(parts)


def check_policies(names: Mapping[str, object]) -> None:
    """Raise ``UserError`` unless there are at least two policies: one has nobody to be beside."""
    if len(names) < 2:
        raise UserError(
            f"expected at least 2 policies in a joint picture, got {len(names)} "
            f"({', '.join(names) or 'none'}); name another, or allow untrained ones"
        )


@dataclass(frozen=True, eq=False)
class Picture:
    """Points in two dimensions."""

    at: Float[np.ndarray, "point 2"]
    explained: tuple[float, float] | None
    """shares of the variance along both axes; PCA only: no other map has axes"""


def embed(
    x: Float[np.ndarray, "point feature"],
    kind: Map,
    seed: int = 0,
    *,
    neighbours: int = NEIGHBOURS,
    perplexity: float = PERPLEXITY,
) -> Picture:
    """Lay points out in two dimensions.

    Args:
        x: the points.
        kind: ``pca`` is a projection and keeps the unit of ``x`` and true distances along its two
            axes; distances in ``tsne`` and ``umap`` mean nothing beyond who is near whom.
        seed: the same gives the same picture, to the bit on one machine; PCA needs none.
        neighbours: of UMAP.
        perplexity: of t-SNE.

    Raises:
        UserError: neighbours or a perplexity not below the number of points, NaN or inf, or
            points that are all the same.

    Note:
        UMAP starts from PCA: its own start differs from call to call, whatever the seed, where the
        neighbours' graph is in parts (umap-learn, issue 544). t-SNE starts at random: from PCA all
        seeds would give one picture, and hide how much of its layout is chance.
    """
    check_finite(x, "points")
    if not np.ptp(x, axis=0).any():
        raise UserError(f"expected points that differ, got {len(x)} times the same one")
    check_near(len(x), neighbours)
    if not 1 <= perplexity < len(x):
        raise UserError(
            f"perplexity: expected at least 1 and less than the {len(x)} points, got "
            f"{perplexity:g}; take more points or a smaller one"
        )
    if kind == "pca":
        from sklearn.decomposition import PCA

        pca = PCA(2, svd_solver="full").fit(x)
        first, second = (float(share) for share in pca.explained_variance_ratio_)
        return Picture(pca.transform(x), (first, second))
    if kind == "tsne":
        from sklearn.manifold import TSNE

        tsne = TSNE(perplexity=perplexity, init="random", random_state=seed, max_iter=STEPS)
        at = tsne.fit_transform(x)
    else:
        at = _umap(x, seed, neighbours)
    return Picture(at.astype(np.float64), None)


def _umap(x: np.ndarray, seed: int, neighbours: int) -> np.ndarray:
    import warnings

    few = len(x) < _PAIRS
    nearest = _nearest(x.astype(np.float32), neighbours) if few else (None, None, None)
    with warnings.catch_warnings():
        # It offers a variant of itself that needs Tensorflow, which is not used here.
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        # It could not place further points without an index of its own; there are none.
        warnings.filterwarnings("ignore", "precomputed_knn", UserWarning)
        from umap import UMAP

        # With a seed umap runs on one thread, and warns unless that is what it was asked for.
        fit = UMAP(
            n_neighbors=neighbours, init="pca", random_state=seed, n_jobs=1, precomputed_knn=nearest
        )
        return fit.fit_transform(x)


def _nearest(
    x: Float[np.ndarray, "point feature"], neighbours: int
) -> tuple[Int[np.ndarray, "point near"], Float[np.ndarray, "point near"]]:
    """Each point's nearest, itself among them, and how far: umap's own to the last bit.

    umap calls Python for every pair of points, and takes 5 s to compile its sorting.
    """
    places = np.empty((len(x), neighbours), dtype=np.int32)
    far = np.empty(places.shape)
    for i, point in enumerate(x):
        every = np.sqrt(((point - x) ** 2).sum(axis=1, dtype=np.float64))
        places[i] = np.argsort(every, kind="stable")[:neighbours]
        far[i] = every[places[i]]
    return places, far


def check_near(points: int, neighbours: int) -> None:
    """Raise ``UserError`` unless so many points have so many neighbours worth the name.

    Less than half of the points, as trustworthiness asks for (scikit-learn).
    """
    if not 2 <= neighbours < points / 2:
        raise UserError(
            f"neighbours: expected at least 2 and less than half of the {points} points, got "
            f"{neighbours}; take more points or fewer neighbours"
        )


def trust(x: np.ndarray, at: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Trustworthiness (Venna and Kaski 2001): are neighbours in the picture neighbours at all?

    1 where every one of them is; about ½ for a picture of nothing; arguments ``(point, …)``.
    """
    from sklearn.manifold import trustworthiness

    check_near(len(x), neighbours)
    return float(trustworthiness(x, at, n_neighbors=neighbours))


@dataclass(frozen=True)
class Purity:
    """Whether neighbours share a label."""

    value: float
    """mean share of a point's nearest neighbours that have its label, in [0, 1]"""
    chance: float
    """the same where labels are dealt at random"""


def purity(
    x: Float[np.ndarray, "point feature"],
    labels: Int[np.ndarray, " point"],
    neighbours: int = NEIGHBOURS,
) -> Purity:
    """Share of each point's nearest neighbours with its label, and what chance would give.

    Args:
        x: points, in a picture or in the full space; distances are Euclidean.
        labels: a number for each point, at least two different ones.
        neighbours: looked at; fewer where the rarest label has fewer, so that 1 can be reached.

    Raises:
        UserError: one label, or a label with one point.
    """
    from sklearn.neighbors import NearestNeighbors

    check_finite(x, "points")
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < 2:
        raise UserError(
            f"expected at least 2 labels with 2 points each, got {len(counts)}, the rarest with "
            f"{counts.min() if len(counts) else 0}; draw more states or backgrounds"
        )
    k = min(neighbours, int(counts.min()) - 1)
    near = NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)
    n = len(labels)
    chance = float((counts * (counts - 1)).sum() / (n * (n - 1)))
    return Purity(float((labels[near] == labels[:, None]).mean()), chance)
