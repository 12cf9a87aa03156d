"""Returns from logs: which evaluation counts, and how sure its mean is."""

import numpy as np
import pandas as pd
import pytest

from analysis.records.values import RETURN
from analysis.studies.training.logged_returns import LAYER, logged, normal, return_at
from checkpoints.policy.ids import parse_id
from tests.support.logged import log
from tests.support.planted_encoders import zoo

Z = normal(400, np.random.default_rng(0))
M = 2**18


def curve(steps: list[int], values: list[float] | np.ndarray, error: float = 0.0) -> pd.DataFrame:
    """Returns by step, each with the interval of a normal error."""
    mean = pd.Series(values, index=steps, dtype=float)
    return pd.DataFrame(
        {"episode_return": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error}
    )


def test_the_return_is_that_of_the_step_with_its_error():
    unseen = curve([M // 2, M, 2 * M], [1, 2, 4], 0.3)
    for step, value in zip((M // 2, M, 2 * M), (1, 2, 4), strict=True):
        found = return_at(step, unseen, Z)
        assert (found.draws[0], found.verdict) == (pytest.approx(value), "ok")
        assert found.draws[1:].std() == pytest.approx(0.3, rel=0.1)


def test_what_is_not_logged_is_said():
    gone = return_at(3 * M, curve([M, 2 * M], [1, 2]), Z)
    assert gone.verdict == "no log" and np.isnan(gone.draws).all()


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
    assert set(found[wanted[0]]) == {(RETURN, LAYER)}
    assert [value[name][RETURN] for name in names] == [40.0, 50.0, 40.0, 50.0]
    assert np.isnan(value["leaper/ppo/0/peer0/step100"][RETURN])


def test_draws_belong_to_a_policy_and_not_to_its_neighbours(tmp_path):
    names = [f"leaper/ppo/{seed}/peer0/step{step}" for seed in (0, 1) for step in (64, 128)]
    root = zoo(tmp_path, *names)
    for seed in (0, 1):
        log(root, f"leaper/ppo/{seed}", (64, 128))
    one, *others = map(parse_id, names)
    alone, among = (logged(root, some, 20, 0) for some in ([one], [*others, one]))
    cell = alone[one][RETURN, LAYER].draws
    np.testing.assert_array_equal(cell, among[one][RETURN, LAYER].draws)
    noise = [
        found[RETURN, LAYER].draws[1:] - found[RETURN, LAYER].draws[0] for found in among.values()
    ]
    assert len({tuple(some) for some in noise}) == len(names)
    assert (logged(root, [one], 20, 1)[one][RETURN, LAYER].draws[1:] != cell[1:]).all()
