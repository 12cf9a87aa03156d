"""The command: pairs, their nulls given agreement, the three tables, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.measures.chance import level_permutations
from analysis.measures.panel import MEASURES, PROFILES, PolicyLayers, Setup
from analysis.policies.subjects import load_subjects
from analysis.records.tables import read_table
from analysis.similarity import Settings, main
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.agreement import Agreement
from analysis.studies.similarity.compared import SCHEMA, Compared, comparable_pairs, compare_pairs
from analysis.studies.similarity.nulls import (
    EQUAL,
    NULL_SCHEMA,
    PERMUTED,
    at_equal_kappa,
    compared_agreements,
    contrasts,
    nearest,
)
from analysis.studies.similarity.outliers import OUTLIER_SCHEMA
from analysis.studies.similarity.study import look_at
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from tests.support.planted_encoders import zoo

PEERS = ["leaper/mutual/0/peer0/step64", "leaper/mutual/0/peer1/step64"]
SEEDS = ["leaper/ppo/0/peer0/step64", "leaper/ppo/1/peer0/step64"]
UNTRAINED = ["leaper/untrained/0/peer0/step0", "leaper/untrained/1/peer0/step0"]
N, G = 120, 40
LEVELS = np.arange(N) % G


# --- planted pairs ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted():
    """Peers that share 3/4 of what they say and 80 % of what they do; seeds that share less."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(N, 6))
    looks = {}
    for pair, noise, agreed in ((PEERS, 0.5, 0.8), (SEEDS, 2.0, 0.6), (UNTRAINED, 9.0, 0.1)):
        shared, first = rng.normal(size=(N, 4)), rng.integers(0, 5, N)
        for name in pair:
            layers = [shared + noise * rng.normal(size=(N, 4)) for _ in "ab"]
            button = first if name == pair[0] else np.where(rng.random(N) < agreed, first, 9)
            looks[parse_id(name)] = PolicyLayers(("conv1", "hidden"), layers, layers, button)
    setup, weights = Setup.of(LEVELS, pixels, neighbours=5), cluster_weights(LEVELS, 50, 0)
    moves = level_permutations(LEVELS, 50, 0)
    found = compare_pairs(comparable_pairs([*looks]), looks, setup, weights, moves)
    rows = list(contrasts(found, looks, setup, pixels, moves, 50, 0))
    return found, pd.DataFrame(rows), looks


def test_trained_policies_are_not_compared_with_untrained(planted):
    found, _, _ = planted
    pairs = [one.pair for one in found]
    assert sorted(set(pairs)) == ["mutual peers", "mutual vs ppo", "ppo seeds", "untrained"]
    assert pairs.count("mutual vs ppo") == 4


def test_every_measure_of_every_cell_has_a_row(planted):
    found, _, _ = planted
    rows = pd.DataFrame(found[0].rows())
    assert set(rows["measure"]) == {one.name for one in MEASURES}
    assert len(rows) == 4 * len(MEASURES)
    kind = {one.name: one.kind for one in MEASURES}
    tested = rows["measure"].map(kind) == "profile"
    assert rows.loc[tested].notna().all(axis=None)
    assert (
        rows.loc[~tested, ["chance", "threshold", "p", "p_max", "calibrated"]].isna().all(axis=None)
    )
    spectra = rows["measure"].map(kind) == "spectrum"
    assert rows.loc[spectra, ["low", "high"]].isna().all(axis=None)
    inside = rows[~spectra]
    assert ((inside["low"] < inside["value"]) & (inside["value"] < inside["high"])).mean() > 0.9


def test_planted_likeness_stands_out_and_noise_does_not(planted):
    by_pair = {one.pair: one for one in planted[0]}
    for measure in ("cka", "cka_deconfounded", "cka_rbf", "rsa", "neighbours"):
        assert (by_pair["mutual peers"].chance[measure].p_max <= 0.05).all(), measure
        assert (by_pair["untrained"].chance[measure].p_max > 0.05).all(), measure


def test_the_contrast_finds_that_peers_are_more_alike(planted):
    _, rows, _ = planted
    assert set(rows["null"]) == {"ppo seeds", "untrained", "mutual vs ppo", EQUAL, PERMUTED}
    here = rows.query("measure == 'cka' and null == 'ppo seeds' and on == 'all'")
    assert len(here)
    assert (here["difference"] == here["value"] - here["null_value"]).all()
    assert (here["low"] > 0).all() and (here["high"] < 1).all()
    assert not here["matched"].any()


def test_given_agreement_both_pairs_agree_everywhere(planted):
    _, rows, looks = planted
    agreed = rows[rows["on"] == "agreed"]
    assert set(agreed["null"]) == {"ppo seeds"}  # mutual and ppo share no actions at all
    assert (agreed[["agreement", "null_agreement"]] == 1).all(axis=None) and agreed["matched"].all()
    both = [looks[parse_id(a)].button == looks[parse_id(b)].button for a, b in (PEERS, SEEDS)]
    assert set(agreed["states"]) == {int((both[0] & both[1]).sum())}
    cka = agreed[agreed["measure"] == "cka"]
    assert len(cka) and (cka["difference"] > 0.2).all()


def test_peers_are_held_against_their_own_levels_permuted(planted):
    found, rows, _ = planted
    here = rows[rows["null"] == PERMUTED].set_index(["measure", "layer"])
    (peers,) = (one for one in found if one.pair == "mutual peers")
    for name in PROFILES:
        chance = np.diagonal(peers.chance[name].chance)
        np.testing.assert_allclose(here.loc[name, "null_value"], chance)
        assert (here.loc[name, "low"] < here.loc[name, "difference"]).all()
    assert here.loc[["procrustes", "svcca"], "null_value"].isna().all()
    # Five actions: after a permutation the peers agree on 80 % of a fifth.
    assert here["null_agreement"].iloc[0] == pytest.approx(0.16, abs=0.03)
    assert (here["null_agreement_chance"] == here["agreement_chance"]).all()
    assert here["null_kappa"].iloc[0] == pytest.approx(0, abs=0.03)


def test_that_no_ppo_pair_agrees_as_often_is_a_row(planted):
    _, rows, _ = planted
    here = rows[rows["null"] == EQUAL]
    assert len(here) == 2 * len(MEASURES) and not here["matched"].any()
    assert here[["null_value", "difference", "low", "high"]].isna().all(axis=None)
    assert set(here["null_pair"]) == {
        f"none within 0.05: the nearest, {SEEDS[0]} {SEEDS[1]}, is another row"
    }


def like(pair, agreement, layers=("conv1",), chance=0.0):
    x, y = (parse_id(name) for name in pair)
    found = agreement if isinstance(agreement, Agreement) else Agreement(agreement, chance)
    return Compared(x, y, layers, layers, 10, 5, found, {}, {}, {})


def test_the_null_nearest_in_kappa_is_taken():
    third = "leaper/ppo/2/peer0/step64"
    seeds = [like(pair, a) for pair, a in ((SEEDS, 0.2), ([SEEDS[0], third], 0.7))]
    peers, other = like(PEERS, 0.8), like([SEEDS[1], third], 0.8, ("block1",))
    found = nearest(peers, [peers, *seeds, other, like(UNTRAINED, 0.0)])
    assert found["ppo seeds"] is seeds[1]  # the one at .8 has other layers
    assert set(found) == {"ppo seeds", "untrained"}
    # The pair that agrees as often, but by chance, is farther than the one that agrees less.
    by_chance = like(SEEDS, 0.8, chance=0.8)
    found = nearest(peers, [by_chance, like(UNTRAINED, 1.0, chance=1.0), seeds[1]])
    assert found["ppo seeds"] is seeds[1] and set(found) == {"ppo seeds", "untrained"}


def test_a_ppo_pair_that_agrees_as_often_is_taken_and_of_seeds_and_steps_the_nearest():
    peers, seeds = like(PEERS, 0.8), like(SEEDS, 0.77)
    steps = like([SEEDS[0], "leaper/ppo/0/peer0/step32"], 0.81)
    assert at_equal_kappa(peers, {"ppo seeds": seeds}).pair == " ".join(SEEDS)
    both = at_equal_kappa(peers, {"ppo seeds": seeds, "ppo steps": steps})
    assert (both.kind, both.agreement.share) == (EQUAL, 0.81)
    nobody = at_equal_kappa(peers, {"untrained": like(UNTRAINED, 0.8)})
    assert nobody.pair == "none: no two ppo policies were compared" and not nobody.values


def firing(states):
    """The buttons of a policy that fires but in some states, where it takes another."""
    button = np.full(1000, 8)
    button[states] = 2
    return button


def test_two_that_nearly_always_fire_are_not_matched_with_peers():
    # All four do something else in 2.5 % of states: peers in the same ones, strangers in others.
    mine = Agreement.of("starpilot", firing(slice(0, 25)), firing(slice(0, 25)))
    theirs = Agreement.of("starpilot", firing(slice(0, 25)), firing(slice(25, 50)))
    assert mine.share == 1 and theirs.share == pytest.approx(0.95)
    assert mine.kappa == 1 and theirs.kappa == pytest.approx(0, abs=0.03)
    cells = compared_agreements(mine, theirs)
    assert cells["agreement"] - cells["null_agreement"] == pytest.approx(0.05)
    assert not cells["matched"] and (cells["kappa"], cells["null_kappa"]) == (1, theirs.kappa)
    found = at_equal_kappa(like(PEERS, mine), {"ppo seeds": like(SEEDS, theirs)})
    assert found.pair.startswith("none within 0.05") and not found.values
    assert compared_agreements(mine, mine)["matched"]


def test_where_kappa_is_not_defined_nothing_is_matched():
    always = Agreement.of("starpilot", firing(slice(0)), firing(slice(0)))
    assert (always.share, always.chance) == (1, 1) and np.isnan(always.kappa)
    assert not compared_agreements(always, always)["matched"]
    found = at_equal_kappa(like(PEERS, always), {"ppo seeds": like(SEEDS, always)})
    assert found.pair.startswith("none: kappa is not defined") and not found.values


def test_one_policy_where_two_are_needed():
    with pytest.raises(
        UserError, match=r"leaper: expected at least two policies.*peer0/step64 alo"
    ):
        comparable_pairs([parse_id(PEERS[0])])
    with pytest.raises(UserError, match="expected at least two policies to compare"):
        comparable_pairs([parse_id(name) for name in (PEERS[0], *UNTRAINED)])
    assert len(comparable_pairs([parse_id(name) for name in UNTRAINED])) == 1


# --- the command --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_zoo(tmp_path_factory) -> Path:
    return zoo(tmp_path_factory.mktemp("zoo"), *PEERS, *SEEDS)


@pytest.fixture
def settings(small_zoo, tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(
        states=48,
        permutations=20,
        replicates=20,
        neighbours=4,
        layers=("conv3", "hidden"),
        root=small_zoo,
        output=tmp_path / "out",
    )


def test_the_command_prints_two_tables_and_writes_three(settings, tmp_path, capsys):
    main(settings)
    printed = capsys.readouterr().out
    for words in ("mutual peers", "cka_deconfounded", "how much more alike peers are (cka)"):
        assert words in printed
    assert printed.rstrip().endswith("similarity_outliers.csv")
    rows = read_table(tmp_path / "out" / "similarity.csv", SCHEMA)
    assert len(rows) == 7 * len(MEASURES) * 4
    nulls = read_table(tmp_path / "out" / "similarity_nulls.csv", NULL_SCHEMA)
    assert set(nulls["null"]) == {"mutual vs ppo", "ppo seeds", "untrained", EQUAL, PERMUTED}
    curves = read_table(tmp_path / "out" / "similarity_outliers.csv", OUTLIER_SCHEMA)
    assert set(curves["pair"]) == {"mutual peers", "ppo seeds", "untrained"}
    whole = curves[curves["trimmed"] == 0].set_index(["id_x", "id_y", "layer"])["cka"]
    same = rows.query("measure == 'cka' and layer_x == layer_y")
    same = same.set_index(["id_x", "id_y", "layer_x"])["value"]
    assert whole.to_dict() == pytest.approx(same[whole.index].to_dict(), abs=1e-5)
    with pytest.raises(UserError, match=r"similarity\.csv exists and is kept; give --overwrite"):
        main(settings)
    before = (tmp_path / "out" / "similarity.csv").read_bytes()
    main(replace(settings, overwrite=True))
    assert ((tmp_path / "out" / "similarity.csv").read_bytes() == before) is True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(ids=("leaper/ppo/0",)), "leaper: expected at least two policies to compare, got"),
        (dict(neighbours=48), "neighbours, as many as a state has.*got 48; ask for fewer"),
        (dict(layers=("conv7",)), "unknown layer of nature 'conv7'"),
        (dict(permutations=0), "permutations: expected a whole number from 1 to"),
        (dict(keep=0.0), "keep: expected a number above 0 to 1, got 0.0"),
    ],
)
def test_wrong_settings_are_refused_and_leave_nothing(settings, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        main(replace(settings, **change))
    assert not (tmp_path / "out").exists()


def test_a_lone_policy_of_a_second_game_is_refused_before_any_work(settings, tmp_path, capsys):
    zoo(tmp_path / "zoo", *SEEDS, "maze/ppo/0/peer0/step64")
    ids = ("leaper/ppo/0", "leaper/ppo/1", "maze/ppo/0")
    with pytest.raises(UserError, match="maze: expected at least two policies to compare, got"):
        main(replace(settings, ids=ids, root=tmp_path / "zoo"))
    assert "gathering" not in capsys.readouterr().err


def test_a_policy_left_in_training_mode_is_refused(small_zoo):
    (subject,) = load_subjects([PEERS[0]], small_zoo, controls=0)["leaper"]
    frames, asked = np.zeros((4, 64, 64, 3), np.uint8), {subject.id: ["hidden"]}
    assert list(look_at([subject], frames, frames, asked)) == [subject.id]
    subject.policy.train()
    with pytest.raises(UserError, match=r"in training mode: call \.eval\(\)"):
        look_at([subject], frames, frames, asked)


def test_the_command_takes_encoders_of_two_kinds(settings, tmp_path, capsys):
    root = zoo(tmp_path / "zoo", *PEERS)
    impala = Recipe(encoder="impala", features=16, mode="easy")
    zoo(root, SEEDS[0], recipe=impala)
    main(replace(settings, root=root, untrained=0))
    out = capsys.readouterr().out
    rows = read_table(tmp_path / "out" / "similarity.csv", SCHEMA)
    of = rows.groupby("pair")[["layer_x", "layer_y"]].agg(lambda names: sorted(set(names)))
    assert of.loc["mutual vs ppo"].tolist() == [["conv3", "hidden"], ["hidden"]]
    line = next(one for one in out.splitlines() if "mutual vs ppo" in one)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    # After measure, pair and agreement: conv3, which one of them lacks, and hidden.
    assert cells[3] == "" and cells[4] != ""
    nulls = read_table(tmp_path / "out" / "similarity_nulls.csv", NULL_SCHEMA)
    assert set(nulls["null"]) == {EQUAL, PERMUTED}
