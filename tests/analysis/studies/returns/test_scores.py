"""From episodes to runs: by hand, by stats.cluster_interval, and what counts as a run."""

import numpy as np
import pandas as pd
import pytest

from analysis.records.runs import last_steps
from analysis.stats.clusters import cluster_interval
from analysis.studies.returns.scores import (
    THRESHOLDS,
    Resampling,
    Runs,
    over_games,
    profile_rows,
    runs_of,
    score_rows,
    thresholds_of,
)
from analysis.studies.returns.study import show_scores

RESAMPLING = Resampling(replicates=200, seed=0)
BOUNDS = (5.0, 10.0)


def played(
    who: tuple[str, int, int], returns: np.ndarray, levels: np.ndarray | None = None, step: int = 9
) -> pd.DataFrame:
    """The rows of one policy, ``who`` being its method, seed and peer."""
    method, seed, peer = who
    count = np.arange(len(returns))
    name = f"coinrun/{method}/{seed}/peer{peer}/step{step}"
    return pd.DataFrame(
        dict(
            game="coinrun",
            id=name,
            method=method,
            seed=seed,
            peer=peer,
            step=step,
            episode=count,
            level=count if levels is None else levels,
            episode_return=returns,
        )
    )


def draws(mean: float, seed: int, count: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 2.0, count)


def made_up(shift: float = 1.0) -> dict[str, Runs]:
    """Three runs of ppo, two of mutual (``shift`` better, of two peers), one untrained."""
    rows = [played(("ppo", seed, 0), draws(7, seed)) for seed in range(3)]
    for seed, peer in np.ndindex(2, 2):
        rows.append(played(("mutual", seed, peer), draws(7 + shift, 10 * seed + peer)))
    rows.append(played(("untrained", 0, 0), draws(3, 99)))
    return runs_of(pd.concat(rows), BOUNDS, RESAMPLING)


# -- runs ------------------------------------------------------------------------------------


def test_a_run_by_hand():
    rows = [
        played(("ppo", 3, 0), np.array([5.0, 10.0])),
        played(("mutual", 0, 0), np.array([0.0, 10.0])),
        played(("mutual", 0, 1), np.array([10.0, 10.0])),
    ]
    found = runs_of(pd.concat(rows), BOUNDS, RESAMPLING)
    assert found["ppo"].seeds == (3,)
    assert found["ppo"].episodes == 2
    assert found["ppo"].scores[0].item() == pytest.approx(0.5)
    assert found["mutual"].seeds == (0,)
    assert found["mutual"].episodes == 4
    assert found["mutual"].scores[0].item() == pytest.approx(0.5)
    assert found["mutual"].scores.shape == (1 + RESAMPLING.replicates, 1, 1)


def test_peers_are_one_run_and_seeds_are_several():
    found = made_up()
    shapes = {method: runs.scores.shape[1] for method, runs in found.items()}
    assert shapes == {"ppo": 3, "mutual": 2, "untrained": 1}


@pytest.mark.parametrize("repeated", [False, True])
def test_intervals_over_levels_are_those_of_a_cluster_bootstrap(repeated):
    returns = draws(7, 1)
    levels = np.random.default_rng(2).integers(0, 15, 40) if repeated else np.arange(40)
    found = runs_of(played(("ppo", 0, 0), returns, levels), (0.0, 1.0), RESAMPLING, stream=4)["ppo"]
    seed = int(np.random.SeedSequence([RESAMPLING.seed, 4]).generate_state(1)[0])
    expected = cluster_interval(returns, levels, replicates=RESAMPLING.replicates, seed=seed)
    scores = found.scores[:, 0, 0]
    np.testing.assert_allclose((scores[0], *np.quantile(scores[1:], [0.025, 0.975])), expected)


def test_all_policies_draw_the_same_levels_and_other_games_others():
    one, two = (played(("ppo", seed, 0), draws(7, 1)) for seed in (0, 1))
    found = runs_of(pd.concat([one, two]), BOUNDS, RESAMPLING)["ppo"].scores
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    other = runs_of(one, BOUNDS, RESAMPLING, stream=1)["ppo"].scores
    assert other[0, 0] == found[0, 0]
    assert abs(np.corrcoef(other[1:, 0, 0], found[1:, 0, 0])[0, 1]) < 0.3


def test_the_order_of_rows_does_not_matter():
    rows = pd.concat([played(("ppo", 0, 0), draws(7, 0)), played(("mutual", 0, 0), draws(8, 1))])
    found, again = (
        runs_of(r, BOUNDS, RESAMPLING) for r in (rows, rows.sample(frac=1, random_state=0))
    )
    assert set(found) == {"ppo", "mutual"}
    for method in found:
        np.testing.assert_array_equal(found[method].scores, again[method].scores)


def test_of_several_steps_the_last_counts():
    early, late = (played(("ppo", 0, 0), draws(5, 0), step=step) for step in (9, 10))
    other = played(("ppo", 1, 0), draws(5, 1), step=4)
    kept = last_steps(pd.concat([late, early, other]))
    assert set(kept["id"]) == {"coinrun/ppo/0/peer0/step10", "coinrun/ppo/1/peer0/step4"}


def test_one_level_has_no_interval_over_levels():
    rows = played(("ppo", 0, 0), np.array([5.0, 10.0]), np.array([7, 7]))
    (row, *_) = score_rows(runs_of(rows, BOUNDS, RESAMPLING), RESAMPLING, None)
    assert row["value"] == pytest.approx(0.5)
    assert np.isnan([row["level_low"], row["level_high"]]).all()


# -- several games ---------------------------------------------------------------------------


def runs(seeds: tuple[int, ...], value: float) -> Runs:
    estimate = np.array([value + seed for seed in seeds])
    return Runs(np.tile(estimate, (5, 1))[:, :, None], seeds, 10 * len(seeds))


def test_games_are_pooled_by_the_seeds_they_share():
    first = {"ppo": runs((0, 1, 2), 0.0), "mutual": runs((0,), 1.0), "only": runs((0,), 2.0)}
    second = {"ppo": runs((1, 2, 5), 0.5), "mutual": runs((3,), 1.5)}
    found = over_games([first, second])
    # No seed of mutual has both games, and one method lacks a game.
    assert set(found) == {"ppo"}
    assert found["ppo"].seeds == (1, 2)
    assert found["ppo"].episodes == 40
    np.testing.assert_array_equal(found["ppo"].scores[0], [[1, 1.5], [2, 2.5]])


# -- rows ------------------------------------------------------------------------------------


def test_rows_of_methods():
    rows = pd.DataFrame(score_rows(made_up(), RESAMPLING, BOUNDS))
    assert set(rows["measure"]) == {"mean", "iqm", "return", "improvement"}
    mean, reward = (
        rows[rows["measure"] == name].set_index("method") for name in ("mean", "return")
    )
    numbers = ["value", "low", "high", "level_low", "level_high"]
    np.testing.assert_allclose(reward[numbers], 5 + 5 * mean[numbers])
    assert rows["low"].isna().equals((rows["runs"] < 2) | (rows["runs_other"] == 1))
    assert rows[["value", "level_low", "level_high"]].notna().all(axis=None)
    assert (rows["level_low"] <= rows["level_high"]).all()
    pooled = pd.DataFrame(score_rows(made_up(), RESAMPLING, None))
    assert set(pooled["measure"]) == {"mean", "iqm", "improvement"}


def test_each_pair_is_named_once_and_the_untrained_come_last():
    rows = pd.DataFrame(score_rows(made_up(), RESAMPLING, BOUNDS)).query("measure == 'improvement'")
    pairs = [("mutual", "ppo"), ("mutual", "untrained"), ("ppo", "untrained")]
    assert list(zip(rows["method"], rows["other"], strict=True)) == pairs


@pytest.mark.parametrize("shift", [-4.0, 0.0, 4.0])
def test_a_planted_difference_is_found(shift):
    rows = pd.DataFrame(score_rows(made_up(shift), RESAMPLING, BOUNDS)).set_index("measure")
    better = rows.loc["improvement"].iloc[0]
    gap = rows.loc["return"].set_index("method")["value"]
    assert gap["mutual"] - gap["ppo"] == pytest.approx(shift, abs=0.8)
    if shift:
        assert better["value"] == (shift > 0)
        assert better["low"] == better["high"] == better["value"]


def test_profiles_fall_from_one_to_zero():
    found = made_up()
    thresholds = thresholds_of(list(found.values()))
    assert len(thresholds) == THRESHOLDS
    assert thresholds[0] < 0 < thresholds[-1]
    rows = pd.DataFrame(profile_rows(found, thresholds, RESAMPLING))
    for _, one in rows.groupby("method"):
        assert (one["share"].iloc[0], one["share"].iloc[-1]) == (1, 0)
        assert (np.diff(one["share"]) <= 0).all()
        assert (one["level_low"] <= one["level_high"]).all()
    assert rows["low"].isna().equals(rows["runs"] == 1)


def test_what_is_printed_names_the_runs_on_each_side(capsys):
    parts = [played(who, np.arange(4.0) + 5) for who in (("ppo", 0, 0), ("ppo", 1, 0))]
    parts.append(played(("mutual", 0, 0), np.arange(4.0) + 6))
    found = runs_of(pd.concat(parts), BOUNDS, RESAMPLING)
    rows = [
        {"game": "coinrun", "split": "unseen", **one}
        for one in score_rows(found, RESAMPLING, BOUNDS)
    ]
    show_scores(pd.DataFrame(rows), "coinrun")
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if "P(mutual > ppo)" in line)
    assert "1 against 2" in line and "[–]" in line
    assert "where a side has one run: nothing said of methods" in " ".join(printed.split())
