"""Returns and gaps from logs: which evaluations count, and how sure their mean is."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.records.values import RETURN
from analysis.studies.training.logged_returns import GAP, LAYER, logged, normal, returns_at
from checkpoints.policy.ids import parse_id
from tests.support.planted_encoders import zoo

Z = normal(400, np.random.default_rng(0))
M = 2**18


def curve(steps: list[int], values: list[float] | np.ndarray, error: float = 0.0) -> pd.DataFrame:
    """Returns by step, each with the interval of a normal error."""
    mean = pd.Series(values, index=steps, dtype=float)
    return pd.DataFrame(
        {"episode_return": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error}
    )


def test_the_gap_is_a_mean_over_half_an_octave_and_the_return_is_not():
    steps = [4 * M, 5 * M, 6 * M, 7 * M, 8 * M, 9 * M]
    unseen, train = curve(steps, [100, 100, 1, 2, 3, 100]), curve(steps, [0, 0, 2, 5, 6, 0])
    returns, gap = returns_at(8 * M, unseen, train, Z)
    assert returns.draws == pytest.approx(np.full(401, 3.0))
    # 8 / √2 = 5.7: of steps 6 to 8, and nothing later, whether the run went on or not.
    assert gap.draws == pytest.approx(np.full(401, (1 + 3 + 3) / 3))
    shorter = returns_at(8 * M, unseen.iloc[:-1], train.iloc[:-1], Z)[1]
    np.testing.assert_array_equal(shorter.draws, gap.draws)


def test_of_one_evaluation_the_gap_is_the_difference():
    steps = [M // 2, M, 2 * M]
    unseen, train = curve(steps, [1, 2, 4], 0.3), curve(steps, [3, 5, 8])
    for step, value in zip(steps, (2, 3, 4), strict=True):
        returns, gap = returns_at(step, unseen, train, Z)
        assert gap.draws[0] == pytest.approx(value)
        np.testing.assert_allclose(gap.draws + returns.draws, train["episode_return"][step])
        assert returns.draws[1:].std() == pytest.approx(0.3, rel=0.1)


def test_train_returns_between_evaluations_are_left_out():
    unseen, train = curve([6 * M, 8 * M], [1, 1]), curve([6 * M, 7 * M, 8 * M], [2, 50, 4])
    assert returns_at(8 * M, unseen, train, Z)[1].draws[0] == pytest.approx(2)


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
def test_95_percent_intervals_of_a_gap_cover_however_levels_are_shared(shared):
    rng, steps, error, hits = np.random.default_rng(1), [12, 13, 14, 15, 16], 0.4, []
    for _ in range(1000):
        noise = np.sqrt(shared) * rng.normal() + np.sqrt(1 - shared) * rng.normal(size=5)
        unseen = curve(steps, 3 + error * noise, error)
        _, gap = returns_at(16, unseen, curve(steps, [3.5] * 5), normal(400, rng))
        low, high = np.quantile(gap.draws[1:], [0.025, 0.975])
        hits.append(low <= 0.5 <= high)
    # Nominal where noise is wholly shared; otherwise wider than need be, and never narrower.
    spread = np.sqrt(shared + (1 - shared) / 5)
    assert np.mean(hits) == pytest.approx(1 - 2 * norm.sf(1.96 / spread), abs=0.025)
    assert np.mean(hits) >= 0.92


def test_what_is_not_logged_is_said():
    steps = [M, 2 * M]
    unseen, train = curve(steps, [1, 2]), curve(steps[:1], [1])
    gone = returns_at(3 * M, unseen, train, Z)
    assert [one.verdict for one in gone] == ["no log", "no log"]
    assert all(np.isnan(one.draws).all() for one in gone)
    half = returns_at(2 * M, unseen, train, Z)
    assert [one.verdict for one in half] == ["ok", "no log"]


def test_peers_of_a_log_are_told_apart(tmp_path):
    names = [f"leaper/mutual/0/peer{peer}/step{step}" for peer in (0, 1) for step in (80, 100)]
    root = zoo(tmp_path, *names, "leaper/ppo/0/peer0/step100")
    rows = [
        dict(
            step=step,
            peer=peer,
            train_return=10.0 * peer + step,
            train_episodes=100,
            unseen_return=step / 2 if step % 20 == 0 else np.nan,
            unseen_error=0.1,
            unseen_episodes=64 if step % 20 == 0 else np.nan,
        )
        for step in (60, 80, 90, 100, 120)
        for peer in (0, 1)
    ]
    pd.DataFrame(rows).to_csv(root / "leaper/mutual/0/progress.csv", index=False)
    wanted = [parse_id(name) for name in (*names, "leaper/ppo/0/peer0/step100")]
    found = logged(root, wanted, 20, 0)
    value = {str(one): {k[0]: c.draws[0] for k, c in cells.items()} for one, cells in found.items()}
    assert set(found[wanted[0]]) == {(RETURN, LAYER), (GAP, LAYER)}
    assert [value[name][RETURN] for name in names] == [40.0, 50.0, 40.0, 50.0]
    # Of 80: 60 and 80; of 100: 80 and 100, not 90, where nothing was evaluated.
    assert [value[name][GAP] for name in names] == [35.0, 45.0, 45.0, 55.0]
    assert np.isnan(value["leaper/ppo/0/peer0/step100"][RETURN])
