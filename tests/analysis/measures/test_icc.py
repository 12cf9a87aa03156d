"""Intraclass correlation and its guard: known answers, second roads, planted truth, coverage."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis.measures.icc import LayerSums, intraclass, measure
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError
from tests.support.planted_encoders import COLLAPSES, INVARIANCES, World

WORLD = World()
# Six subjects rated by four judges: Shrout and Fleiss (1979), tables 2 to 4.
RATINGS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)


def features(n: int = 40, B: int = 5, d: int = 7, seed: int = 0) -> np.ndarray:
    """States, backgrounds and their interaction, none of them nothing."""
    rng = np.random.default_rng(seed)
    s, b, e = rng.normal(size=(n, 1, d)), rng.normal(size=(1, B, d)), rng.normal(size=(n, B, d))
    return s @ rng.normal(size=(d, d)) + b + 0.7 * e


def by_loops(x: np.ndarray) -> tuple[float, float]:
    """MS_s and MS_w, entry by entry."""
    n, B, d = x.shape
    ms_s = ms_w = 0.0
    for f in range(d):
        grand = sum(x[s, b, f] for s in range(n) for b in range(B)) / (n * B)
        for s in range(n):
            mean = sum(x[s, b, f] for b in range(B)) / B
            ms_s += B * (mean - grand) ** 2 / (n - 1)
            ms_w += sum((x[s, b, f] - mean) ** 2 for b in range(B)) / (n * (B - 1))
    return ms_s, ms_w


# --- known answers -----------------------------------------------------------------------------


def test_the_ratings_of_shrout_and_fleiss():
    # Features with the same numbers on other subjects: a single one would be one direction.
    x = np.stack([np.roll(RATINGS, k, axis=0) for k in range(6)], axis=2).astype(float)
    found = measure(x, replicates=1)
    assert round(found.one_way[0], 2) == 0.17
    assert round(found.icc[0], 2) == 0.29
    assert (found.states, found.levels, found.backgrounds) == (6, 6, 4)


def test_their_mean_squares_give_their_coefficients():
    bms, wms, ems = (np.array([value]) for value in (11.24, 6.26, 1.02))
    assert round(float(intraclass(bms, wms, 4)[0]), 2) == 0.17
    assert round(float(intraclass(bms, wms, 4, float(ems[0] / wms[0]))[0]), 2) == 0.29
    assert np.isnan(intraclass(np.zeros(1), np.zeros(1), 4)).all()


@pytest.mark.parametrize("B", [4, 6, 10])
def test_nothing_but_the_background_has_a_floor_that_depends_on_their_number(B):
    found = measure(World(backgrounds=B).features(0.0))
    assert found.one_way[0] == pytest.approx(-1 / (B - 1), abs=1e-12)
    assert found.icc[0] == pytest.approx(0, abs=1e-12)
    assert measure(World(backgrounds=2).features(0.0)).verdict == "collapsed"


# --- second roads ------------------------------------------------------------------------------


def test_entry_by_entry():
    x = features(n=12, B=3, d=2)
    ms_s, ms_w = by_loops(x)
    assert measure(x).one_way[0] == pytest.approx((ms_s - ms_w) / (ms_s + 2 * ms_w), rel=1e-12)


def test_analysis_of_variance_by_statsmodels():
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    n, B, d = 12, 4, 3
    x, total = features(n, B, d), 0
    for f in range(d):
        long = pd.DataFrame({"y": x[..., f].ravel(), "s": np.repeat(np.arange(n), B)})
        total = total + anova_lm(ols("y ~ C(s) + C(b)", long.assign(b=np.tile(range(B), n))).fit())
    (R, C, E), found = total["sum_sq"] / [n - 1, B - 1, (n - 1) * (B - 1)], measure(x)
    W = total["sum_sq"].iloc[1:].sum() / (n * (B - 1))
    assert found.one_way[0] == pytest.approx((R - W) / (R + (B - 1) * W))
    # McGraw and Wong (1996), table 4: ICC(A,1).
    assert found.icc[0] == pytest.approx((R - E) / (R + (B - 1) * E + B / n * (C - E)))


def test_replicates_pair_by_pair():
    levels = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4])
    x, B, draws = features(n=9, B=3, d=4), 3, np.array([[1, 1, 1, 1, 1], [2, 0, 1, 2, 0]])
    sums = LayerSums(levels, B)
    sums.add(slice(None), x)
    found = sums.result(draws).one_way
    means = x.mean(axis=1)
    for row, times in enumerate(draws, start=1):
        drawn = [(level, s) for level in range(5) for _ in range(times[level]) for s in range(9)]
        states = [(level, s) for level, s in drawn if levels[s] == level]
        apart = [
            ((means[s] - means[t]) ** 2).sum() / 2
            for (g, s), (h, t) in combinations(states, 2)
            if g != h
        ]
        ms_s, ms_w = B * np.mean(apart), np.mean([by_loops(x[[s, s]])[1] for _, s in states])
        assert found[row] == pytest.approx((ms_s - ms_w) / (ms_s + (B - 1) * ms_w))
    assert found[0] == pytest.approx(found[1], rel=1e-14)


# --- declared invariances, and declared sensitivities -------------------------------------------


def rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def shuffled_in_each_state(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.stack([rows[rng.permutation(len(rows))] for rows in x])


CHANGES = {  # whether ICC(1,1), ICC(2,1) and the effective rank stay
    "rotation": (1, 1, 1, lambda x, rng: x @ rotation(x.shape[2], rng)),
    "scaling": (1, 1, 1, lambda x, rng: -3.7 * x),
    "translation": (1, 1, 1, lambda x, rng: x + 50 * rng.normal(size=x.shape[2])),
    "order of features": (1, 1, 1, lambda x, rng: x[..., rng.permutation(x.shape[2])]),
    "every feature twice": (1, 1, 1, lambda x, rng: np.concatenate([x, x], axis=2)),
    "a dead feature": (1, 1, 1, lambda x, rng: np.concatenate([x, 0 * x[..., :1] + 2], axis=2)),
    # The rank looks at each state on one background, the backgrounds taking turns.
    "order of backgrounds": (1, 1, 0, lambda x, rng: x[:, rng.permutation(x.shape[1])]),
    "order of states": (1, 1, 0, lambda x, rng: x[rng.permutation(len(x))]),
    "backgrounds mixed up in each state": (1, 0, 0, shuffled_in_each_state),
    "another colour on one background": (0, 0, 0, lambda x, rng: x + 3 * np.eye(5)[:, :1]),
    "general linear map": (0, 0, 0, lambda x, rng: x @ rng.normal(size=(x.shape[2],) * 2)),
    "scaling of one feature": (0, 0, 0, lambda x, rng: x * np.r_[4, np.ones(x.shape[2] - 1)]),
    "nonlinearity": (0, 0, 0, lambda x, rng: np.maximum(x, 0)),
    "scaling of states": (0, 0, 0, lambda x, rng: x * rng.uniform(0.2, 5, (len(x), 1, 1))),
    "states mixed up on one background": (
        0,
        0,
        0,
        lambda x, rng: np.concatenate([x[rng.permutation(len(x)), :1], x[:, 1:]], axis=1),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_invariance(change):
    *stays, move = change
    before, after = (measure(x, replicates=1) for x in (features(), move(features(), RNG())))
    for kept, name in zip(stays, ("one_way", "icc", "effective_rank"), strict=True):
        one, other = (np.ravel(getattr(found, name))[0] for found in (before, after))
        if kept:
            assert other == pytest.approx(one, rel=1e-9)
        else:
            assert abs(other / one - 1) > 1e-3, name


def RNG() -> np.random.Generator:
    return np.random.default_rng(2)


def test_the_norm_and_the_spread_are_no_invariants_of_scale_and_place():
    x = features()
    one, larger, moved = (measure(y, replicates=1) for y in (x, 2 * x, x + 10))
    assert one.norm == pytest.approx(np.linalg.norm(x, axis=2).mean())
    assert larger.norm == pytest.approx(2 * one.norm)
    assert larger.spread == pytest.approx(one.spread)
    varied = x.reshape(-1, 7).var(axis=0).sum() / (x**2).sum(axis=2).mean()
    assert one.spread == pytest.approx(np.sqrt(varied))
    assert moved.spread < one.spread / 2


# --- planted truth -----------------------------------------------------------------------------


@pytest.mark.parametrize("q", INVARIANCES)
@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_planted_invariance_is_recovered(q, shared):
    found = measure(WORLD.features(q, shared), WORLD.level)
    r, own = WORLD.backgrounds * q / (1 - q) if q < 1 else np.inf, 1 - shared
    one_way = (r + own - 1) / (r + own - 1 + WORLD.backgrounds) if q < 1 else 1
    for values, truth in ((found.icc, q), (found.one_way, one_way)):
        low, high = np.percentile(values[1:], [2.5, 97.5])
        assert low - 1e-9 <= truth <= high + 1e-9
        assert low - 1e-9 <= values[0] <= high + 1e-9
        assert high - low < 0.2
    assert found.verdict == "ok"
    assert (found.states, found.levels, found.backgrounds) == (180, 60, 4)


@pytest.mark.parametrize("leak", [1, 4, 8])
def test_planted_leakage_is_recovered(leak):
    x = WORLD.features(1.0)
    x[..., :leak] = WORLD.features(0.0)[..., :leak]
    low, high = np.percentile(measure(x, WORLD.level).icc[1:], [2.5, 97.5])
    assert low <= 1 - leak / WORLD.width <= high


@pytest.mark.parametrize("q", INVARIANCES)
@pytest.mark.parametrize("collapse", COLLAPSES.values(), ids=COLLAPSES.keys())
def test_a_collapsed_layer_reads_collapsed_not_invariant(collapse, q):
    found = measure(collapse(WORLD.features(q)), WORLD.level, replicates=20)
    assert found.verdict == "collapsed"
    assert np.isnan(found.one_way).all() and np.isnan(found.icc).all()


def test_without_the_guard_a_collapsed_layer_would_read_invariant():
    x = COLLAPSES["nearly constant"](WORLD.features(1.0))
    ms_s, ms_w = (np.array([value]) for value in by_loops(x))
    assert intraclass(ms_s, ms_w, 4)[0] == pytest.approx(1)


@pytest.mark.parametrize("q", INVARIANCES)
def test_dead_units_are_counted_and_change_nothing_else(q):
    x = WORLD.features(q, 0.5)
    alive = measure(x[..., :4], WORLD.level)
    found = measure(x * (np.arange(16) < 4), WORLD.level)
    assert (alive.dead_share, found.dead_share) == (0, 0.75)
    np.testing.assert_allclose(found.one_way, alive.one_way, rtol=1e-12)
    assert found.verdict == "ok"
    assert measure(np.zeros((40, 3, 2))).dead_share == 1


def test_one_background_is_vacuous():
    x = WORLD.features(0.5)[:, :1]
    sums = LayerSums(WORLD.level, 1)
    sums.add(slice(None), x)
    found = sums.result(np.ones((5, len(np.unique(WORLD.level))), dtype=int))
    assert found.verdict == "vacuous"
    assert np.isnan(found.one_way).all()
    assert found.effective_rank > 5


# --- what is refused ---------------------------------------------------------------------------


def test_wrong_features_are_refused():
    x = features()
    sums = LayerSums(np.arange(40), 5)
    with pytest.raises(UserError, match="expected all 40 states, got 0; add every block"):
        sums.result(np.ones((2, 40), dtype=int))
    sums.add(slice(0, 8), x[:8])
    for states, y in ((slice(4, 9), x[4:9]), (slice(8, 40), x[8:, :4]), (slice(8, 9), x[8:10])):
        with pytest.raises(UserError, match="expected features of new states, shape"):
            sums.add(states, y)
    with pytest.raises(UserError, match="states 8 to 23: expected finite features, got NaN or inf"):
        sums.add(slice(8, 40), np.where(np.arange(32)[:, None, None] == 3, np.nan, x[8:]))


def test_wrong_levels_and_weights_are_refused():
    x = features()
    with pytest.raises(UserError, match="the level of every state, got 39 labels for 40 states"):
        measure(x, np.arange(39))
    with pytest.raises(UserError, match="states of at least 2 levels, got 1"):
        measure(x, np.zeros(40, dtype=int))
    with pytest.raises(UserError, match=r"2 or more backgrounds, features\), got \(40, 0, "):
        measure(x[:, :0])
    sums = LayerSums(np.arange(40) // 20, 5)
    sums.add(slice(None), x)
    with pytest.raises(UserError, match=r"expected shape \(replicates, 2 levels\), got \(3, 5\)"):
        sums.result(np.ones((3, 5), dtype=int))
    with pytest.raises(UserError, match="at least 2 different levels in every replicate, got 1"):
        sums.result(cluster_weights(np.arange(2), 50, seed=0))
