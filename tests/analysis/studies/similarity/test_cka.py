"""The comparison of a set of policies: relations, symmetry, twins, contrasts and the command."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.cka import Settings, main
from analysis.measures.cka import cka
from analysis.measures.level_sums import LevelWeights
from analysis.policies.features import read
from analysis.policies.relations import relation
from analysis.policies.subjects import load_subjects
from analysis.records.tables import read_table
from analysis.scenes.backgrounds import other_backgrounds
from analysis.scenes.common import common_bank, draw_twins
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.cka import SCHEMA, compare_all
from analysis.studies.similarity.cka_contrasts import contrasts, show_contrasts
from analysis.studies.similarity.study import look_at
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.store import policy_path
from checkpoints.world.buttons import buttons
from tests.support.small_zoo import RECIPE, subject, zoo

STATES = 60


@pytest.fixture(scope="module")
def frames() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    same = rng.integers(0, 256, (STATES, 64, 64, 3), dtype=np.uint8)
    return {"same": same, "twin": 255 - same}


@pytest.fixture(scope="module")
def levels() -> LevelWeights:
    clusters = np.arange(STATES) // 3
    return LevelWeights(clusters, cluster_weights(clusters, 50, seed=0))


def test_relations():
    names = {
        ("a/mutual/0/peer0", "a/mutual/0/peer1"): "mutual peers",
        ("a/ppo/0/peer0", "a/ppo/1/peer0"): "ppo seeds",
        ("a/ppo/0/peer0/step1", "a/ppo/0/peer0/step2"): "ppo steps",
        ("a/ppo/0/peer0", "a/mutual/0/peer0"): "mutual vs ppo",
        ("a/untrained/0/peer0", "a/ppo/0/peer0"): "ppo vs untrained",
        ("a/untrained/0/peer0", "a/untrained/1/peer0"): "untrained",
        ("a/ppo/0/peer0", "a/ppo/0/peer0"): "self",
    }
    for (x, y), expected in names.items():
        x, y = (parse_id(name.replace("a/", "maze/")) for name in (x, y))
        assert relation(x, y) == relation(y, x) == expected


def test_a_policy_equals_itself_and_not_its_twins(frames, levels):
    one = subject("maze/ppo/0/peer0/step64", 0)
    same, twin = compare_all([one], frames, levels)
    assert same.matched() == pytest.approx(1)
    assert same.agreement.share == 1
    assert (twin.matched()[0] < 0.999).all()
    assert twin.x == twin.y == one.id


def test_policies_agree_that_prefer_another_of_the_actions_that_do_the_same(frames, levels):
    one = subject("maze/ppo/0/peer0/step64", 0)
    other = replace(one, id=parse_id("maze/ppo/1/peer0/step64"), policy=deepcopy(one.policy))
    swapped = np.arange(15)
    for group in buttons("maze"):
        swapped[list(group)] = group[::-1]
    with torch.no_grad():
        for name in ("weight", "bias"):
            head = getattr(other.policy.actor, name)
            head.copy_(head[torch.from_numpy(swapped)].clone())
    decided = [read(each.policy, frames["same"], []).log_probs for each in (one, other)]
    assert (decided[0].argmax(1) != decided[1].argmax(1)).any()
    found = {
        (each.pair, each.rendering): each for each in compare_all([one, other], frames, levels)
    }
    assert found["ppo seeds", "same"].agreement.share == 1
    looks = look_at([one, other], frames["same"], frames["same"], {one.id: [], other.id: []})
    np.testing.assert_array_equal(looks[one.id].button, looks[other.id].button)


def test_cells_equal_the_plain_estimator_with_one_state_a_level(frames):
    x, y = subject("maze/ppo/0/peer0/step64", 0), subject("maze/ppo/1/peer0/step64", 1)
    alone = np.arange(STATES)
    apart = LevelWeights(alone, cluster_weights(alone, 5, seed=0))
    found = {(c.x, c.y, c.rendering): c for c in compare_all([x, y], frames, apart)}
    for kind in ("same", "twin"):
        a, b = read(x.policy, frames["same"]).layers, read(y.policy, frames[kind]).layers
        cells = found[x.id, y.id, kind]
        assert cells.cka[0, 1, 2] == pytest.approx(cka(a["conv2"], b["conv3"]), rel=1e-6)
        assert cells.biased[1, 2] == pytest.approx(cka(a["conv2"], b["conv3"], biased=True))


def test_a_dead_layer_is_missing_not_alike(frames, levels):
    dead = subject("maze/ppo/0/peer0/step64", 0)
    torch.nn.init.constant_(dead.policy.encoder.hidden[0].bias, -1e9)
    rows = pd.DataFrame(next(compare_all([dead], frames, levels)).rows())
    hidden = rows[rows["layer_x"] == "hidden"]
    assert len(hidden) and rows.loc[rows["layer_x"] == rows["layer_y"], "cka"].notna().any()
    assert hidden[["cka", "low", "high"]].isna().all(axis=None)


def test_contrast_is_the_difference_and_needs_both_sides(frames, levels, capsys):
    peers = [subject(f"maze/mutual/0/peer{k}/step64", k) for k in (0, 1)]
    seeds = [subject(f"maze/ppo/{k}/peer0/step64", 2 + k) for k in (0, 1)]
    found = list(compare_all(peers + seeds, frames, levels))
    rows = pd.DataFrame(contrasts(found))
    assert set(rows["contrast"]) == {"mutual peers - ppo seeds", "mutual self - ppo self"}
    row = rows[(rows["rendering"] == "same") & (rows["layer"] == "conv3")].iloc[0]
    by_pair = {c.pair: c for c in found if c.rendering == "same"}
    expected = by_pair["mutual peers"].cka[0, 2, 2] - by_pair["ppo seeds"].cka[0, 2, 2]
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] <= row["difference"] <= row["high"]
    assert (rows["runs"] == 1).all() and (rows["runs_other"] == 2).all()
    show_contrasts(rows, "maze")
    printed = [line for line in capsys.readouterr().out.splitlines() if " - ppo " in line]
    assert len(printed) == 3 and all("1 and 2" in line for line in printed)
    show_contrasts(rows, "leaper")
    assert not capsys.readouterr().out
    assert not list(contrasts(list(compare_all(peers, frames, levels))))


def test_twins_are_on_another_background_than_their_own():
    own = np.arange(300) % 13
    other = other_backgrounds("starpilot", own)
    assert (other != own).all() and set(other) == set(range(13))
    assert not np.array_equal(other, other_backgrounds("starpilot", own, seed=1))
    with pytest.raises(UserError, match="chaser has one background, no twins"):
        other_backgrounds("chaser", own)


def test_bank_of_unseen_levels_and_its_twins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bank = common_bank("leaper", "easy", 24)
    assert bank.levels.min() >= 1_000_000
    twins = draw_twins("leaper", bank)
    assert twins.shape == bank.observations.shape
    assert (twins != bank.observations).any(axis=(1, 2, 3)).all()


def test_subjects_by_game_with_untrained_controls(tmp_path: Path):
    root = zoo(tmp_path, "maze/ppo/0/peer0/step64", "leaper/mutual/0/peer0/step64")
    found = load_subjects([], root)
    assert {game: [s.id.method for s in group] for game, group in found.items()} == {
        "leaper": ["mutual", "untrained", "untrained"],
        "maze": ["ppo", "untrained", "untrained"],
    }
    file = str(policy_path(root, parse_id("maze/ppo/0/peer0/step64")))
    by_file = load_subjects([file, "maze/untrained/5"], root, controls=0)["maze"]
    assert [str(s.id) for s in by_file] == [
        "maze/ppo/0/peer0/step64",
        "maze/untrained/5/peer0/step0",
    ]


def test_wrong_subjects(tmp_path: Path):
    with pytest.raises(UserError, match="found none; name files or ids"):
        load_subjects([], tmp_path)
    root = zoo(tmp_path, "maze/ppo/0/peer0/step64")
    with pytest.raises(UserError, match="maze/ppo/0/peer0/step64 more than once"):
        load_subjects(["maze/ppo/0", "maze/ppo/0/peer0"], root)
    with pytest.raises(UserError, match="no policy 'maze/ppo/7'"):
        load_subjects(["maze/ppo/7"], root)
    with pytest.raises(UserError, match=r"but there is none at .*x\.safetensors; check the path"):
        load_subjects([str(root / "x.safetensors")], root)
    zoo(root, "maze/mutual/0/peer0/step64", recipe=replace(RECIPE, mode="hard"))
    with pytest.raises(UserError, match="trained in one mode, got easy and hard"):
        load_subjects([], root)


@pytest.fixture(scope="module")
def small_zoo(tmp_path_factory) -> Path:
    names = ["chaser/ppo/0/peer0/step64", "leaper/ppo/0/peer0/step64", "leaper/ppo/1/peer0/step64"]
    return zoo(tmp_path_factory.mktemp("zoo"), *names)


def test_the_command_prints_a_table_and_writes_two(small_zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = Settings(states=48, replicates=20, root=small_zoo, output=tmp_path / "out")
    main(settings)
    printed, told = capsys.readouterr()
    assert "agreement/κ" in printed and "difference of mean CKA" not in printed
    assert "ppo seeds" in printed and "chaser has one background and so no twins" in told
    assert "leaper: comparing pairs" in told
    assert printed.rstrip().endswith("cka_contrast.csv")
    rows = read_table(tmp_path / "out" / "cka.csv", SCHEMA)
    assert set(rows["game"]) == {"chaser", "leaper"}
    assert set(rows[rows["game"] == "chaser"]["rendering"]) == {"same"}
    with pytest.raises(UserError, match=r"cka\.csv exists and is kept; give --overwrite"):
        main(settings)
    before = (tmp_path / "out" / "cka.csv").read_bytes()
    main(replace(settings, overwrite=True))
    assert (tmp_path / "out" / "cka.csv").read_bytes() == before


def test_an_unknown_layer_or_too_few_states(small_zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(ids=("chaser/ppo/0",), states=48, replicates=20, root=small_zoo)
    with pytest.raises(UserError, match="unknown layer of nature 'conv7'"):
        main(replace(settings, layers=("conv7",), output=tmp_path / "a"))
    with pytest.raises(
        UserError, match="--states: expected a whole number from 4 to 100,000, got 3"
    ):
        main(replace(settings, states=3, output=tmp_path / "b"))


# -- encoders of two kinds ---------------------------------------------------------------------

IMPALA = replace(RECIPE, encoder="impala", features=16)


def test_layers_of_two_encoders_are_matched_by_name(frames, levels):
    peers = [subject(f"maze/mutual/0/peer{k}/step64", k) for k in (0, 1)]
    seeds = [subject(f"maze/ppo/{k}/peer0/step64", 2 + k) for k in (0, 1)]
    other = subject("maze/ppo/2/peer0/step64", 4, IMPALA)
    found = list(compare_all([*peers, *seeds, other], frames, levels))
    mixed = next(c for c in found if (c.x, c.y) == (seeds[0].id, other.id))
    assert mixed.shared == ("hidden",)
    assert mixed.matched() == pytest.approx(mixed.cka[:, 3:, 3])
    rows = pd.DataFrame(contrasts(found)).set_index(["rendering", "contrast", "layer"])
    named = "mutual peers - ppo seeds"
    assert set(rows.loc["same", named].index) == {"conv1", "conv2", "conv3", "hidden"}
    by_pair = {}
    for one in (c for c in found if c.rendering == "same"):
        by_pair.setdefault(one.pair, []).append(one)
    (peer,) = by_pair["mutual peers"]
    # Three pairs of seeds share the last layer, only one of them a convolution.
    for layer, count in {"conv3": 1, "hidden": 3}.items():
        values = [
            dict(zip(c.shared, c.matched()[0], strict=True)).get(layer)
            for c in by_pair["ppo seeds"]
        ]
        known = [value for value in values if value is not None]
        assert len(known) == count
        mine = peer.matched()[0, peer.shared.index(layer)]
        difference = rows.loc[("same", named, layer), "difference"]
        assert difference == pytest.approx(mine - np.mean(known))


def test_the_command_takes_encoders_of_two_kinds(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = "leaper/mutual/0/peer0/step64", "leaper/ppo/0/peer0/step64"
    root = zoo(tmp_path / "zoo", names[0])
    zoo(root, names[1], recipe=IMPALA)
    settings = Settings(states=48, replicates=20, untrained=1, root=root, output=tmp_path / "a")
    main(settings)
    line = next(one for one in capsys.readouterr().out.splitlines() if "mutual vs ppo" in one)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    # Beside who and how often, and agreement: seven layers, of which the two share the last.
    assert len(cells) == 11 and sum(bool(cell) for cell in cells) == 5
    rows = read_table(tmp_path / "a" / "cka.csv", SCHEMA)
    assert len(rows[rows["pair"] == "mutual vs ppo"]) == 2 * 4 * 4
    some = replace(settings, layers=("conv3", "hidden"), output=tmp_path / "b")
    main(some)
    read = read_table(tmp_path / "b" / "cka.csv", SCHEMA)
    of = read.groupby("id_x")["layer_x"].unique().map(sorted)
    assert of[f"{names[0]}"] == ["conv3", "hidden"] and of[f"{names[1]}"] == ["hidden"]
    main(replace(settings, layers=("conv3",), output=tmp_path / "c"))
    assert f"{names[1]}: impala has no layer conv3, left out" in capsys.readouterr().err
