"""Invariance against the generalisation gap: planted relations, confounders, clusters of runs."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from analysis.records.tables import read_table, write_table
from analysis.studies.training.gap import SCHEMA, against_gap, allowed_share, gap_rows, rank_within
from analysis.studies.training.snapshot import horizon


def table(slope: float, runs: int = 10, games: tuple[str, ...] = ("starpilot",)) -> pd.DataFrame:
    """Policies whose gap follows their total variation, and both rise during training."""
    rng, rows = np.random.default_rng(0), []
    for game, seed in product(games, range(runs)):
        own = rng.normal()
        for k, step in enumerate((2**17, 2**19, 2**21)):
            tv, gap = 0.1 + 0.01 * (own + 10 * k), slope * own + 10 * k
            for measure, value in (("tv", tv), ("gap", gap)):
                rows.append(
                    dict(
                        game=game,
                        id=f"{game}/ppo/{seed}/peer0/step{step}",
                        method="ppo",
                        seed=seed,
                        peer=0,
                        step=step,
                        measure=measure,
                        layer="decisions",
                        value=value + 1e-4 * rng.normal(),
                        low=0.0,
                        high=0.0,
                        verdict="ok",
                    )
                )
    return pd.DataFrame(rows)


def found(frame: pd.DataFrame, between: str, game: str = "starpilot") -> pd.Series:
    rows = pd.DataFrame(gap_rows(frame))
    return rows[(rows["between"] == between) & (rows["game"] == game)].iloc[0]


@pytest.mark.parametrize(("variation", "share"), [(0.0, 0.0), (1.0, 1.0), (0.001, 0.50025)])
def test_what_a_bound_allows(variation, share):
    assert allowed_share(variation) == pytest.approx(share, rel=1e-4)


def test_no_policy_loses_more_than_the_bound_allows():
    # A long corridor where one wrong step ends all reward is the worst case: bound and loss agree.
    rng, variation, discount = np.random.default_rng(0), 0.05, 0.9
    alike = rng.random((20_000, 200)) >= variation
    together = np.cumprod(alike, axis=1)
    lost = 1 - (together * discount ** np.arange(200)).sum(axis=1) * (1 - discount)
    allowed = allowed_share(variation, discount)
    assert lost.mean() == pytest.approx(allowed, abs=4 * lost.std() / np.sqrt(len(lost)))
    assert allowed_share(variation / 2, discount) < 0.9 * lost.mean()


def test_the_bound_stands_beside_total_variation_only():
    frame = table(0.3).query("measure == 'tv'").assign(value=lambda d: 0.1 + 0.01 * d["seed"])
    gap = frame.assign(measure="gap")
    icc = frame.assign(measure="icc", layer="hidden")
    rows = pd.DataFrame(gap_rows(pd.concat([frame, gap, icc]))).set_index(["measure", "between"])
    assert rows.loc[("tv", "last"), "allowed"] == pytest.approx(allowed_share(0.1))
    assert rows.loc["icc", "allowed"].isna().all()


def test_ranks_within_groups():
    ranks = rank_within(np.array([5.0, 1, 9, 2, 2]), np.array(["a", "a", "b", "c", "c"]))
    np.testing.assert_allclose(ranks, [0.75, 0.25, np.nan, 0.5, 0.5])


@pytest.mark.parametrize("slope", [1.0, -1.0])
@pytest.mark.parametrize("between", ["last", "same step"])
def test_a_planted_relation_is_found(slope, between):
    one = found(table(slope), between)
    assert one["rho"] * slope > 0.9
    assert one["low"] <= one["rho"] <= one["high"] and one["low"] * one["high"] > 0
    assert (one["runs"], one["verdict"], one["implied"]) == (10, "ok", 1)


def test_training_time_alone_is_no_relation():
    frame = table(0.0)
    plain = frame.pivot(index="id", columns="measure", values="value")
    assert spearmanr(plain["tv"], plain["gap"]).statistic > 0.8
    one = found(frame, "same step")
    assert one["low"] < 0 < one["high"]


def test_the_last_step_is_plain_spearman():
    frame = table(0.3)
    last = frame[frame["step"] == 2**21].pivot(index="id", columns="measure", values="value")
    assert found(frame, "last")["rho"] == pytest.approx(
        spearmanr(last["tv"], last["gap"]).statistic
    )


def test_games_are_ranked_apart():
    frame = table(1.0, games=("coinrun", "starpilot"))
    frame.loc[(frame["game"] == "coinrun") & (frame["measure"] == "gap"), "value"] += 1000
    assert found(frame, "last", "all")["rho"] > 0.9
    assert "all" not in set(pd.DataFrame(gap_rows(table(1.0)))["game"])


def test_few_runs_have_no_interval_and_missing_values_are_left_out(tmp_path):
    frame = table(1.0, runs=4)
    one = found(frame, "last")
    assert one["rho"] == pytest.approx(1) and np.isnan(one["low"])
    assert one["verdict"] == "fewer than 8 runs: no interval"
    frame.loc[(frame["seed"] > 0) & (frame["measure"] == "gap"), "value"] = np.nan
    one = found(frame, "last")
    assert (one["policies"], one["verdict"]) == (0, "too few policies")
    rows = pd.DataFrame(gap_rows(frame))
    path = write_table(rows, SCHEMA, tmp_path / "emergence_gap.csv", provenance={})
    assert len(read_table(path, SCHEMA)) == 2


def test_policies_of_one_run_are_no_many_runs():
    x = np.repeat(np.random.default_rng(0).normal(size=8), 20)
    y = np.repeat(np.random.default_rng(1).normal(size=8), 20)
    groups = np.zeros(160)
    runs = np.repeat(np.arange(8), 20)
    clustered, policies, names = against_gap(x, y, groups, runs)
    alone, _, _ = against_gap(x, y, groups, np.arange(160))
    assert (policies, names) == (160, 8)
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


# -- what a bound by total variation says ----------------------------------------------------------


STEPS = 6


def played(
    policies: np.ndarray, rewards: np.ndarray, paths: np.ndarray
) -> tuple[float, float, float]:
    """Two renderings' policies in a small game, by enumeration of where the first of them goes.

    Args:
        policies: (rendering, state, action) probabilities.
        rewards: (state, action), from 0 to 1.
        paths: (state, action) next state.

    Returns:
        Expected returns' difference; mean TV and greatest TV along the first one's episode.
    """
    returns, tv = [], np.abs(policies[0] - policies[1]).sum(-1) / 2
    seen: list[np.ndarray] = []
    for p in policies:
        at, total = np.eye(len(rewards))[0], 0.0
        for _ in range(STEPS):
            seen.append(at)
            joint = at[:, None] * p
            total += (joint * rewards).sum()
            at = np.bincount(paths.ravel(), joint.ravel(), minlength=len(rewards))
        returns.append(total)
    along = np.stack(seen[:STEPS])
    return abs(returns[0] - returns[1]), float((along @ tv).mean()), float(tv.max())


def bound(tv: float) -> float:
    """All that can be earned, times the share of the horizon that an episode takes."""
    return STEPS * min(1.0, STEPS / float(horizon(np.array([tv])).draws[0]))


def test_returns_differ_by_no_more_than_coupled_decisions_allow():
    rng, reached = np.random.default_rng(0), []
    for _ in range(300):
        policies = rng.dirichlet(np.full(2, 0.4), size=(2, 3))
        policies[1] = policies[0] + rng.uniform(0, 0.3) * (policies[1] - policies[0])
        rewards, paths = rng.uniform(size=(3, 2)), rng.integers(3, size=(3, 2))
        apart, mean, most = played(policies, rewards, paths)
        assert apart <= bound(mean) + 1e-12 <= bound(most) + 2e-12
        reached.append(apart / bound(mean))
    assert 0.1 < max(reached) < 1


def test_the_bound_is_reached_where_one_decision_decides_all():
    # The first action chooses between a world that pays at each step and one that never does.
    paths, rewards = np.array([[1, 2], [1, 1], [2, 2]]), np.array([[1.0, 0], [1, 1], [0, 0]])
    policies = np.tile([[0.5, 0.5]], (2, 3, 1))
    policies[:, 0] = [[0.6, 0.4], [0.5, 0.5]]
    apart, mean, most = played(policies, rewards, paths)
    assert (mean, most) == (pytest.approx(0.1 / STEPS), pytest.approx(0.1))
    assert apart == pytest.approx(bound(mean)) == pytest.approx(0.6)
    # With half of the variation it would be no bound.
    assert apart > 1.9 * bound(mean / 2)


def test_from_the_horizon_on_the_bound_says_nothing():
    assert bound(1 / STEPS) == bound(1.0) == STEPS
    assert bound(0.99 / STEPS) < STEPS


def test_the_horizon_is_the_inverse_and_nothing_where_nothing_differs():
    assert horizon(np.array([0.1, 0.2])).draws == pytest.approx([10.0, 5.0])
    none = horizon(np.array([0.0, 0.1]))
    assert none.verdict == "no difference" and np.isnan(none.draws).all()


def test_runs_of_unequal_length_are_not_ranked_together():
    # The longer-trained have more of both, within each length there is no relation at all.
    rows = []
    for seed in range(10):
        step = 64 if seed < 5 else 128
        for measure, value in (("tv", step + seed % 5), ("gap", step - seed % 5 * (-1) ** seed)):
            name = f"starpilot/ppo/{seed}/peer0/step{step}"
            rows.append(
                dict(
                    game="starpilot",
                    id=name,
                    method="ppo",
                    seed=seed,
                    peer=0,
                    step=step,
                    measure=measure,
                    layer="decisions",
                    value=float(value),
                )
            )
    found = {row["between"]: row["rho"] for row in gap_rows(pd.DataFrame(rows))}
    assert found["last"] == pytest.approx(found["same step"])
    assert abs(found["last"]) < 0.5
