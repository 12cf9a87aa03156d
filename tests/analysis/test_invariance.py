"""From readings to rows: one pass, planted policies, intervals that cover, and the command."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.invariance import Settings, main
from analysis.measures.icc import LayerSums, measure
from analysis.policies.subjects import every_step
from analysis.records.tables import read_table
from analysis.stats.clusters import cluster_weights
from analysis.studies.invariance.study import SCHEMA, measure_stream, row, split
from checkpoints.console import UserError
from tests.support.planted_encoders import INVARIANCES, PlantedPolicy, World, zoo

# --- one pass ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 64])
def test_blocks_and_their_order_do_not_matter(size):
    world = World(seed=3)
    x, weights = world.features(0.5, 0.5), cluster_weights(world.level, 20, seed=0)
    sums = LayerSums(world.level, world.backgrounds)
    starts = np.random.default_rng(0).permutation(range(0, len(x), size))
    for start in starts.tolist():
        sums.add(slice(start, start + size), x[start : start + size])
    found, whole = sums.result(weights), measure(x, world.level, replicates=20)
    for name in ("icc", "one_way", "effective_rank", "dead_share", "norm", "spread"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-10)


def test_a_far_origin_costs_no_digits():
    world = World()
    x = world.features(0.5, 0.5)
    near, far = (measure(y, world.level, replicates=5) for y in (x, x + 500))
    np.testing.assert_allclose(far.icc, near.icc, rtol=1e-10)
    single = measure(x.astype(np.float32), world.level, replicates=5)
    np.testing.assert_allclose(single.icc, near.icc, rtol=1e-5)


def test_what_is_kept_does_not_grow_with_states():
    def numbers(per_level: int) -> int:
        world = World(levels=20, per_level=per_level)
        sums = LayerSums(world.level, world.backgrounds)
        sums.add(slice(None), world.features(0.5))
        # A flag and a level for each state are all that may grow.
        kept = {k: v for k, v in vars(sums).items() if k not in ("_seen", "_level")}
        return sum(np.size(value) for value in kept.values())

    assert numbers(60) == numbers(120)


# --- planted policies --------------------------------------------------------------------------


@pytest.mark.parametrize("q", INVARIANCES)
def test_a_planted_policy_is_found_through_its_twins(q, tmp_path):
    world = World(levels=30)
    twins = world.twins(tmp_path)
    weights = cluster_weights(world.level, 200, seed=0)
    readings = twins.readings(PlantedPolicy(world, q), chunk=13)
    found = measure_stream(readings, split(twins.backgrounds, [0, 1]), world.level, weights)
    assert list(found) == [("hidden", group) for group in ("all", "seen", "unseen")]
    whole = found["hidden", "all"].icc
    np.testing.assert_allclose(
        whole.icc, measure(world.features(q), world.level, replicates=200).icc, atol=1e-5
    )
    low, high = np.percentile(whole.icc[1:], [2.5, 97.5])
    assert low - 1e-6 <= q <= high + 1e-6
    by_hand = measure(world.features(q)[:, 2:], world.level, replicates=200)
    unseen = found["hidden", "unseen"].icc
    assert (unseen.backgrounds, unseen.verdict) == (2, by_hand.verdict)
    np.testing.assert_allclose(unseen.icc, by_hand.icc, atol=1e-5)


def test_backgrounds_are_split_and_vacuous_groups_stay(tmp_path):
    assert split((3, 0, 7), [0]) == {"all": (0, 1, 2), "seen": (1,), "unseen": (0, 2)}
    assert split((3, 7), [3, 7]) == {"all": (0, 1), "seen": (0, 1), "unseen": ()}
    world = World(levels=30)
    twins, weights = world.twins(tmp_path), cluster_weights(world.level, 20, seed=0)
    readings = twins.readings(PlantedPolicy(world, 0.5))
    found = measure_stream(readings, split(twins.backgrounds, range(4)), world.level, weights)
    assert found["hidden", "seen"] is found["hidden", "all"]
    who = {"game": "starpilot", "id": "a", "method": "ppo", "seed": 0, "peer": 0, "step": 64}
    rows = [row(who, *key, cell, 90, 30) for key, cell in found.items()]
    assert [one["verdict"] for one in rows] == ["ok", "ok", "vacuous"]
    assert [one["renderings"] for one in rows] == [4, 4, 0]
    assert all(list(one) and set(one) == set(SCHEMA.names) for one in rows)
    assert np.isnan([rows[2]["icc"], rows[2]["norm"]]).all()


# --- intervals ---------------------------------------------------------------------------------


def textbook(x: np.ndarray, level: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """ICC(1,1) of each resample of levels, all its states taken for independent."""
    found = []
    for times in draws:
        y = np.concatenate([x[level == g] for g in np.repeat(np.arange(len(times)), times)])
        means, (n, B, _) = y.mean(axis=1), y.shape
        ms_s = B * ((means - means.mean(axis=0)) ** 2).sum() / (n - 1)
        ms_w = ((y - means[:, None]) ** 2).sum() / (n * (B - 1))
        found.append((ms_s - ms_w) / (ms_s + (B - 1) * ms_w))
    return np.array(found)


def coverage(world: World, q: float, shared: float, trials: int) -> tuple[float, float]:
    """Shares of nominal 95 % intervals of ICC(2,1) and ICC(1,1) that contain the truth."""
    B, hits = world.backgrounds, []
    kept = B * q - shared * (1 - q)
    truths = q, kept / (kept + B * (1 - q))
    for seed in range(trials):
        one = replace(world, seed=seed)
        found = measure(one.features(q, shared), one.level, replicates=300, seed=seed)
        ends = [np.percentile(v[1:], [2.5, 97.5]) for v in (found.icc, found.one_way)]
        hits.append([low <= q <= high for (low, high), q in zip(ends, truths, strict=True)])
    return tuple(np.mean(hits, axis=0).tolist())


@pytest.mark.slow
@pytest.mark.parametrize(("q", "shared", "B"), [(0.5, 1.0, 4), (0.2, 0.5, 4), (0.5, 0.5, 2)])
def test_95_percent_intervals_cover(q, shared, B):
    # A true coverage of .93 (60 levels) leaves [.88, .98] in 1 of 600 sets of trials.
    for share in coverage(World(width=8, backgrounds=B), q, shared, trials=250):
        assert 0.88 <= share <= 0.98


@pytest.mark.slow
def test_frames_taken_for_independent_under_cover_so_the_check_can_fail():
    world, hits = World(levels=30, per_level=4, width=64), []
    for seed in range(100):
        one = replace(world, seed=seed)
        low, high = np.percentile(
            textbook(one.features(0.5, 0.0), one.level, cluster_weights(one.level, 100, seed)),
            [2.5, 97.5],
        )
        hits.append(low <= 0.5 <= high)
    assert np.mean(hits) < 0.7
    assert coverage(world, 0.5, 0.0, trials=100)[1] > 0.85


# --- the command -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [f"leaper/ppo/0/peer0/step{step}" for step in (64, 128)]
    return zoo(tmp_path_factory.mktemp("zoo"), *names, "chaser/mutual/0/peer0/step64")


def test_every_step_of_what_is_named(small_zoo):
    steps = [f"leaper/ppo/0/peer0/step{step}" for step in (64, 128)]
    assert every_step(["leaper/ppo/0"], small_zoo) == steps
    assert every_step([steps[1], "leaper/untrained/3", "x.safetensors"], small_zoo) == [
        *(steps[1], "leaper/untrained/3", "x.safetensors")
    ]
    assert len(every_step([], small_zoo)) == 3


def test_the_command_prints_and_writes_a_table(small_zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        states=48, backgrounds=3, replicates=20, untrained=1, root=small_zoo, output=tmp_path / "o"
    )
    main(settings)
    printed = capsys.readouterr().out
    assert "leaper: ICC" in printed and "vacuous: fewer than 2 backgrounds" in printed
    assert printed.rstrip().endswith("invariance_last.csv")
    rows = read_table(tmp_path / "o" / "invariance.csv", SCHEMA)
    assert len(rows) == 2 * 2 * 4 * 3
    chaser, leaper = (rows[rows["game"] == game] for game in ("chaser", "leaper"))
    assert set(chaser["verdict"]) == {"vacuous"}
    assert set(chaser["renderings"]) == {0, 1}
    seen = leaper[leaper["backgrounds"] == "seen"]
    assert set(seen["verdict"]) == {"ok"} and set(seen["step"]) == {0, 128}
    assert (seen["icc_low"] <= seen["icc"]).all() and (seen["icc"] <= seen["icc_high"]).all()
    assert set(leaper[leaper["backgrounds"] == "unseen"]["verdict"]) == {"vacuous"}
    before = (tmp_path / "o" / "invariance.csv").read_bytes()
    with pytest.raises(UserError, match=r"invariance\.csv exists and is kept; give --overwrite"):
        main(settings)
    main(replace(settings, overwrite=True))
    assert (tmp_path / "o" / "invariance.csv").read_bytes() == before
    some = replace(settings, ids=("leaper/ppo/0",), steps="all", layers=("hidden",))
    main(replace(some, output=tmp_path / "all"))
    assert set(read_table(tmp_path / "all" / "invariance.csv", SCHEMA)["step"]) == {0, 64, 128}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backgrounds": 1}, "--backgrounds: expected .* from 2 to .*, got 1"),
        ({"replicates": 0}, "--replicates: expected .* from 20 to .*, got 0"),
        ({"states": 1}, "--states: expected .* from 2 to .*, got 1"),
        ({"layers": ("conv7",)}, "unknown layer of nature 'conv7'"),
        ({"ids": ("leaper/ppo/7",)}, "no policy 'leaper/ppo/7'"),
    ],
)
def test_wrong_settings_are_refused(small_zoo, tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    few = {"ids": ("chaser/mutual/0",), "states": 24, "replicates": 20, "root": small_zoo}
    with pytest.raises(UserError, match=message):
        main(Settings(**few | {"output": tmp_path / "o"} | change))
