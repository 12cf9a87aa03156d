"""``python -m analysis.emergence``: what it finds at each step, and what it says of faults."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.emergence import Settings, main
from analysis.invariance import Settings as InvarianceSettings
from analysis.invariance import main as measure_invariance
from analysis.records.parts import Part
from analysis.records.tables import read_table
from analysis.records.values import EMERGENCE, EMERGENCE_ONSETS
from analysis.robustness import Settings as RobustnessSettings
from analysis.robustness import main as measure_robustness
from analysis.studies.training import logged_returns
from analysis.studies.training.joined import reach
from analysis.studies.training.kept import kept_names
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from tests.support.logged import log
from tests.support.planted_encoders import zoo

FEW = {"states": 48, "backgrounds": 4, "saliency_states": 6, "replicates": 30}
PEERS = [f"leaper/mutual/0/peer{peer}/step{step}" for peer in (0, 1) for step in (64, 128)]
PPO = [f"leaper/ppo/{seed}/peer0/step64" for seed in (0, 1)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, one cut short, one without a log; and a game of one background."""
    root = zoo(tmp_path_factory.mktemp("runs"), *PEERS, *PPO, "chaser/ppo/0/peer0/step64")
    log(root, "leaper/mutual/0", (64, 128), (0, 1))
    log(root, "leaper/ppo/0", (64, 128))
    log(root, "chaser/ppo/0", (64,))
    return root


@pytest.fixture(scope="module")
def found(
    runs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The three tables of all of them."""
    folder = tmp_path_factory.mktemp("found")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(logged_returns, "EPISODES", 8)
        main(Settings(**FEW, root=runs, output=folder))
        some = {"states": 48, "backgrounds": 4, "replicates": 30, "untrained": 1, "steps": "all"}
        measure_invariance(InvarianceSettings(**some, root=runs, output=folder))
    schemas = EMERGENCE, EMERGENCE_ONSETS
    values, onsets = (read_table(folder / f"{one.name}.csv", one) for one in schemas)
    icc = pd.read_csv(folder / "invariance.csv", skiprows=1)
    icc = icc[icc["backgrounds"] == "all"].set_index(["id", "layer"])["icc_one_way"]
    values["by_invariance"] = [
        icc.get(key) for key in zip(values["id"], values["layer"], strict=True)
    ]
    return values, onsets


def test_every_step_has_every_measure(found):
    values, _ = found
    leaper = values[(values["game"] == "leaper") & (values["method"] != "untrained")]
    per_policy = leaper.groupby("id")["measure"].agg(set)
    always = {"icc_one_way", "tv", "ratio", "saliency", "cka_final", "return"}
    always |= {"tv_between", "entropy", "tv_unseen", "tv_between_unseen", "ratio_unseen"}
    assert set(per_policy.index) == {*PEERS, *PPO}
    assert all(per_policy[name] == always | {"cka_peer"} for name in PEERS)
    assert all(per_policy[name] == always for name in PPO)
    assert set(leaper.loc[leaper["measure"] == "icc_one_way", "layer"]) == {"conv3", "hidden"}


def test_numbers_are_those_of_the_measures_own_commands(found):
    values, _ = found
    icc = values[(values["measure"] == "icc_one_way") & (values["game"] == "leaper")]
    np.testing.assert_array_equal(icc["value"], icc["by_invariance"].fillna(icc["value"]))
    assert icc["by_invariance"].notna().sum() >= 2 * len([*PEERS, *PPO])


def test_cka_to_oneself_is_one_and_to_a_peer_the_same_both_ways(found):
    values, _ = found
    ends = values[(values["measure"] == "cka_final") & values["id"].isin([PEERS[1], *PPO])]
    np.testing.assert_allclose(ends["value"], 1)
    peer = values[values["measure"] == "cka_peer"].pivot(
        index=["step", "layer"], columns="peer", values="value"
    )
    np.testing.assert_array_equal(peer[0], peer[1])


def test_returns_are_those_of_the_log(found):
    values, _ = found
    one = values[values["id"] == PEERS[1]].set_index("measure")
    assert one.loc["return", "value"] == 2.0
    assert 0.2 < one.loc["return", "high"] - one.loc["return", "low"] < 0.6
    plain = values[(values["method"] == "untrained") & (values["measure"] == "return")]
    assert set(plain["game"]) == {"leaper", "chaser"}


def test_faults_stay_in_sight(found):
    values, onsets = found
    nothing = values[values["id"] == PPO[1]].set_index("measure").loc["return"]
    assert (nothing["verdict"], np.isnan(nothing["value"])) == ("no log", True)
    verdicts = onsets.set_index(["id", "measure", "layer"])["verdict"]
    assert verdicts["leaper/ppo/0/peer0", "tv", "decisions"] == "cut short"
    assert "cut short" in verdicts["leaper/ppo", "tv", "decisions"]
    assert verdicts["leaper/mutual", "tv", "decisions"].endswith("seeds missing: 1")
    chaser = values[
        (values["game"] == "chaser") & values["measure"].isin(["icc_one_way", "tv", "saliency"])
    ]
    assert set(chaser["verdict"]) == {"vacuous"} and chaser["value"].isna().all()
    assert set(verdicts["chaser/ppo/0/peer0"][["tv", "saliency"]]) == {"vacuous"}
    # Leaper was trained on all of its backgrounds: none is unseen, and nothing is made up.
    unseen = values[values["measure"].isin(["tv_unseen", "ratio_unseen"])]
    assert set(unseen["verdict"]) == {"vacuous"} and unseen["value"].isna().all()


def test_later_steps_can_be_left_out(runs):
    assert kept_names(["leaper/mutual/0/peer0"], runs, 0) == PEERS[:2]
    assert kept_names(["leaper/mutual/0/peer0"], runs, 100) == PEERS[:1]
    with pytest.raises(UserError, match="expected kept steps up to 10 under"):
        kept_names([], runs, 10)
    logged = {
        parse_id(f"leaper/ppo/{seed}"): Part("", ("", 0), {}, logged=128 * seed) for seed in (0, 1)
    }
    assert reach(logged, 0) == {"ppo": 128}
    assert reach(logged, 64) == {"ppo": 64}


def test_decisions_are_those_of_the_robustness_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logged_returns, "EPISODES", 8)
    names = ["leaper/ppo-bg4/0/peer0/step64", "leaper/ppo-bg4/1/peer0/step64"]
    narrow = Recipe(encoder="nature", features=8, mode="easy", backgrounds=(0, 2, 4, 6))
    root = zoo(tmp_path / "narrow", *names, recipe=narrow)
    main(Settings(**FEW, root=root, output=tmp_path))
    some = {"states": 48, "backgrounds": 4, "replicates": 30, "views": 1, "trajectories": 4}
    measure_robustness(RobustnessSettings(**some, root=root, output=tmp_path))
    values = read_table(tmp_path / "emergence.csv", EMERGENCE).set_index(["id", "measure"])
    actions, values = (values[values["layer"] == what] for what in ("decisions", "buttons"))
    rows = pd.read_csv(tmp_path / "robustness.csv", skiprows=1)
    rows = rows[rows["axis"] == "background"].set_index(["id", "backgrounds"])
    pairs = {"tv": "all", "tv_between": "all", "entropy": "all", "ratio": "all"}
    for measure, group in {**pairs, "tv_unseen": "unseen", "ratio_unseen": "unseen"}.items():
        theirs = rows.xs(group, level="backgrounds").loc[names, measure.removesuffix("_unseen")]
        ours = values.xs(measure, level="measure").loc[names, "value"]
        np.testing.assert_array_equal(ours, theirs)
    raw = rows.xs("all", level="backgrounds").loc[names]
    for measure in ("tv", "ratio", "entropy"):
        ours = actions.xs(measure, level="measure").loc[names, "value"]
        np.testing.assert_array_equal(ours, raw[f"{measure}_actions"])
        assert (raw[f"{measure}_actions"] != raw[measure]).all()
    seen = values.xs("ratio", level="measure").loc[names, "value"]
    unseen = values.xs("ratio_unseen", level="measure").loc[names, "value"]
    assert (seen != unseen).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backgrounds": 3}, "--backgrounds: expected .* from 4 to .*, got 3"),
        ({"untrained": 1}, "--untrained: expected .* from 2 to .*, got 1"),
        ({"until": -1}, "--until: expected .* from 0 to .*, got -1"),
        ({"ids": ("leaper/ppo/7",)}, "no policy 'leaper/ppo/7'"),
    ],
)
def test_wrong_settings_are_refused(runs, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        main(replace(Settings(root=runs, output=tmp_path), **change))


def test_tables_are_kept(runs, tmp_path):
    (tmp_path / "emergence_onsets.csv").touch()
    with pytest.raises(UserError, match=r"emergence_onsets\.csv exists and is kept; give --over"):
        main(Settings(root=runs, output=tmp_path))


def test_policies_of_two_encoders_start_from_untrained_ones_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logged_returns, "EPISODES", 8)
    names = "leaper/ppo/0/peer0/step64", "leaper/ppo/1/peer0/step64"
    root = zoo(tmp_path / "runs", names[0])
    zoo(root, names[1], recipe=Recipe(encoder="impala", features=8, mode="easy"))
    for name in names:
        log(root, name.removesuffix("/peer0/step64"), (64,))
    main(Settings(**FEW, root=root, output=tmp_path))
    values = read_table(tmp_path / "emergence.csv", EMERGENCE)
    layers = values[values["measure"] == "icc_one_way"].groupby("id")["layer"].agg(set).to_dict()
    nature, impala = {"conv3", "hidden"}, {"block3", "hidden"}
    blank = [f"leaper/untrained/{seed}/peer0/step0" for seed in range(4)]
    assert layers == {
        **{name: nature for name in (names[0], *blank[:2])},
        **{name: impala for name in (names[1], *blank[2:])},
    }
    value = values.set_index(["id", "measure", "layer"])["value"]
    onsets = read_table(tmp_path / "emergence_onsets.csv", EMERGENCE_ONSETS)
    starts = onsets.set_index(["id", "measure", "layer"])["start"]
    for seed in (0, 1):
        own = [value[name, "tv", "decisions"] for name in blank[2 * seed : 2 * seed + 2]]
        found = starts[f"leaper/ppo/{seed}/peer0", "tv", "decisions"]
        assert found == pytest.approx(np.mean(own), rel=1e-4)
