"""The samples' policies, closer: the command, numbers of other commands, pairs of policies."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.measures.robustness import robustness
from analysis.policies.subjects import load_subjects
from analysis.records.tables import read_table
from analysis.records.values import OF_PEERS, ONE_LEFT_OUT, OVER_BLIND, SAMPLES, SAMPLES_PEERS
from analysis.samples import Settings, main
from analysis.scenes.backgrounds import pairs_of
from analysis.stats.clusters import cluster_weights
from analysis.studies.robustness.views import on_backgrounds
from analysis.studies.samples.peers import (
    PAIRS,
    agreement_over_backgrounds,
    convergence_rows,
    pair_rows,
    shift,
)
from analysis.studies.samples.policy import measure, set_scene
from analysis.studies.samples.study import names
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.shipped import SHIPPED, SURVEYED
from tests.support.planted_encoders import zoo

RUNS = [f"starpilot/mutual-bg9/{seed}" for seed in (0, 1)]
NAMES = [f"{run}/peer{peer}/step64" for run in RUNS for peer in (0, 1)]
PPO = "starpilot/ppo-bg9/0/peer0/step128"
FEW = {"states": 48, "backgrounds": 13, "replicates": 20}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    recipe = Recipe(encoder="nature", features=8, mode="easy", backgrounds=tuple(range(9)))
    return zoo(tmp_path_factory.mktemp("zoo"), *NAMES, PPO, recipe=recipe)


@pytest.fixture(scope="module")
def written(root, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    main(Settings(ids=(*RUNS, PPO), root=root, output=folder, untrained=1, episodes=8, **FEW))
    return folder


def test_every_policy_has_every_measure(written):
    rows = read_table(written / "samples.csv", SAMPLES)
    measures = rows.groupby("id")["measure"].agg(set)
    assert set(measures.index) == {*NAMES, PPO, "starpilot/untrained/0/peer0/step0"}
    assert all(measures[name] == measures[PPO] for name in NAMES)
    assert {OVER_BLIND, "icc_unseen", "icc_whitened_unseen"} <= measures[PPO]
    assert {"level_information", "effective_rank", "return_played"} <= measures[PPO]
    for name in ("ratio_unseen", "tv_unseen", "icc_unseen"):
        left = rows[(rows["id"] == PPO) & (rows["measure"] == name + ONE_LEFT_OUT)]["layer"]
        assert set(left) == {f"background {b}" for b in (9, 10, 11, 12)}
    known = rows.dropna(subset=["low", "high"])
    assert len(known)
    assert (known["low"] <= known["high"]).all()


def test_decisions_are_those_of_robustness(written, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = read_table(written / "samples.csv", SAMPLES).set_index(["id", "measure", "layer"])
    (subject,) = load_subjects([PPO], root=root, controls=0)["starpilot"]
    how = {"states": 48, "backgrounds": 13, "episodes": 8, "replicates": 20, "seed": 0}
    scene = set_scene([subject], **how)
    answers = on_backgrounds(scene.bank, "starpilot", scene.twins.backgrounds, [subject])
    pairs = pairs_of(scene.twins.backgrounds, subject.trained_backgrounds)["unseen"]
    decisions = answers.decisions[subject.id]
    for what, some in (("decisions", decisions), ("buttons", decisions.of_buttons("starpilot"))):
        found = robustness(some, scene.bank.levels, pairs, scene.weights)
        for name, of in (("tv_unseen", "tv"), ("tv_between_unseen", "tv_between")):
            value = rows.loc[(PPO, name, what), "value"]
            assert value == pytest.approx(found[of].estimate, rel=1e-4)


def test_peers_stand_beside_policies_trained_apart(written):
    pairs = read_table(written / "samples_pairs.csv", PAIRS)
    assert pairs["kind"].value_counts().to_dict() == {"seeds": 4, "peers": 2}
    assert set(pairs["method"]) == {"mutual-bg9"}
    peers = read_table(written / "samples_peers.csv", SAMPLES_PEERS).set_index("measure")
    own = pairs[pairs["kind"] == "peers"]["cka"].mean()
    apart = pairs[pairs["kind"] == "seeds"]["cka"].mean()
    assert peers.loc["cka", "difference"] == pytest.approx(own - apart, abs=1e-5)
    assert peers.loc["cka", "runs"] == 2


def test_agreement_is_of_pictures_and_not_of_means_over_backgrounds(written, root, monkeypatch):
    monkeypatch.chdir(written)
    subjects = load_subjects([RUNS[0]], root=root, controls=0)["starpilot"]
    how = {"states": 48, "backgrounds": 13, "episodes": 8, "replicates": 20, "seed": 0}
    scene = set_scene(subjects, **how)
    answers = on_backgrounds(scene.bank, "starpilot", scene.twins.backgrounds, subjects)
    x, y = (
        answers.decisions[one.id].of_buttons("starpilot").probs.argmax(axis=-1) for one in subjects
    )
    pairs = read_table(written / "samples_pairs.csv", PAIRS).set_index(["id_x", "id_y"])
    row = pairs.loc[tuple(str(one.id) for one in subjects)]
    assert row["agreement"] == pytest.approx((x == y).mean(), abs=1e-5)
    shares = [[np.mean(one[:, b] == k) for k in range(11) for b in range(13)] for one in (x, y)]
    assert row["agreement_chance"] == pytest.approx(np.dot(*shares) / 13, abs=1e-5)
    peers = read_table(written / "samples_peers.csv", SAMPLES_PEERS)
    assert set(peers["measure"]) == set(OF_PEERS)


def test_policies_without_a_common_layer_have_a_blank_and_not_an_end(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subjects = load_subjects([RUNS[0]], root=root, controls=0)["starpilot"]
    how = {"states": 48, "backgrounds": 13, "episodes": 8, "replicates": 20, "seed": 0}
    scene = set_scene(subjects, **how)
    found = {one.id: measure(one, scene) for one in subjects}
    monkeypatch.setattr("analysis.studies.samples.peers.same_layers", lambda *_: {})
    [row] = pair_rows(subjects, found, scene)
    assert np.isnan([row["cka"], row["cka_low"], row["cka_high"]]).all()
    assert np.isfinite(row["agreement"])


def test_each_background_has_its_own_chance():
    # On one background both always fire, on the other they choose as if by lot: half and half.
    x = np.array([[8, 0], [8, 0], [8, 1], [8, 1]])
    y = np.array([[8, 0], [8, 1], [8, 0], [8, 1]])
    found = agreement_over_backgrounds("starpilot", x, y)
    assert (found.share, found.chance) == (0.75, 0.75)


def planted(peers: float, apart: float) -> pd.DataFrame:
    """Pairs of three runs of two peers, with one value for peers and one for all others."""
    ids = [f"g/mutual/{seed}/peer{peer}/step1" for seed in range(3) for peer in (0, 1)]
    rows = []
    for i, x in enumerate(ids):
        for y in ids[i + 1 :]:
            same = x.split("/")[2] == y.split("/")[2]
            value = peers if same else apart
            rows.append(
                {
                    **{"game": "g", "id_x": x, "id_y": y, "method": "mutual"},
                    **{"kind": "peers" if same else "seeds", "cka": value + i / 1000},
                    **{"agreement": value, "agreement_chance": value / 2, "shift": value},
                }
            )
    return pd.DataFrame(rows)


def test_a_run_that_is_not_like_the_others_widens_the_interval():
    pairs = planted(0.9, 0.4)
    odd = pairs["kind"].eq("seeds") & pairs["id_x"].str.contains("/0/")
    alike = {row["measure"]: row for row in convergence_rows(pairs)}["shift"]
    other = pairs.assign(shift=pairs["shift"] - 0.3 * odd)
    apart = {row["measure"]: row for row in convergence_rows(other)}["shift"]
    # Pairs 0-1 and 0-2 are at .1, 1-2 at .4: left out in turn, the others are at .1, .1 and .4.
    pseudo = 3 * 0.7 - 2 * np.array([0.9 - 0.4, 0.9 - 0.1, 0.9 - 0.1])
    assert apart["difference"] == pytest.approx(pseudo.mean()) == pytest.approx(0.7)
    half = 4.302653 * pseudo.std(ddof=1) / 3**0.5
    assert apart["difference_high"] - apart["difference"] == pytest.approx(half)
    assert alike["difference_high"] - alike["difference_low"] == pytest.approx(0, abs=1e-9)
    two = pairs[~pairs["id_x"].str.contains("/2/") & ~pairs["id_y"].str.contains("/2/")]
    [few] = [row for row in convergence_rows(two) if row["measure"] == "cka"]
    assert np.isfinite(few["difference"]) and np.isnan(few["difference_low"])


def test_convergence_is_what_was_planted():
    rows = {row["measure"]: row for row in convergence_rows(planted(0.9, 0.4))}
    assert rows["cka"]["difference"] == pytest.approx(0.5, abs=0.01)
    assert rows["cka"]["difference_low"] < 0.5 < rows["cka"]["difference_high"]
    assert rows["shift"]["value_peers"] == pytest.approx(0.9)
    assert rows["shift"]["value_apart"] == pytest.approx(0.4)
    assert rows["agreement_chance"]["difference"] == pytest.approx(0.25)
    assert all(row["runs"] == 3 for row in rows.values())
    peers_only = planted(0.9, 0.4).query("kind == 'peers'")
    assert list(convergence_rows(peers_only)) == []


def test_shifts_are_alike_where_backgrounds_do_the_same():
    rng, levels = np.random.default_rng(0), np.arange(30) // 3
    weights = cluster_weights(levels, 50, 0)
    x, y = rng.normal(size=(2, 30, 4, 5))
    assert shift(x, 3 * x, levels, weights) == pytest.approx(np.ones(51))
    assert shift(x, -x, levels, weights)[0] == pytest.approx(-1)
    assert abs(shift(x, y, levels, weights)[0]) < 0.2
    half = shift(x, x + y, levels, weights)[0]
    assert half == pytest.approx(np.sqrt(0.5), abs=0.1)
    assert np.isnan(shift(x, 0 * y, levels, weights)).all()


def test_without_ids_the_shipped_samples_are_meant():
    assert set(names(())) == set(SHIPPED) - set(SURVEYED)
    assert names(("starpilot/ppo/0",)) == ("starpilot/ppo/0",)
