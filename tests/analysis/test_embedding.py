"""Joint pictures: planted policies are told apart by their scores; the command and its refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.embedding import Settings, main
from analysis.measures import joint_maps as maps
from analysis.measures.icc import measure
from analysis.records.tables import read_table
from analysis.scenes.bank import Bank, StateList
from analysis.studies.embedding.points import SPREAD, MapSettings, PanelLayers, lay_out, spread_rows
from analysis.studies.embedding.study import SCHEMA, SCORES, VIEWS, one_a_level
from checkpoints.console import UserError
from checkpoints.policy.recipes import Recipe
from tests.support.planted_encoders import zoo

rng = np.random.default_rng(0)
SETTINGS = MapSettings(seeds=2, neighbours=5, perplexity=5.0)
STATES, VIEWS_DRAWN, WIDTH = 12, 4, 16


def planted(state: float, view: float, noise: float = 0.05) -> np.ndarray:
    """Features that say the state, the view, or both."""
    shape = STATES, VIEWS_DRAWN, WIDTH
    by_state, by_view = (
        rng.normal(size=(STATES, 1, WIDTH)),
        rng.normal(size=(1, VIEWS_DRAWN, WIDTH)),
    )
    return state * by_state + view * by_view + noise * rng.normal(size=shape)


def panel(**layers: np.ndarray) -> PanelLayers:
    anchors = {name: rng.normal(size=(40, x.shape[-1])) for name, x in layers.items()}
    return PanelLayers(layers, anchors, (3, 5, 7, 9), "background")


@pytest.fixture
def without_umap(monkeypatch):
    """UMAP compiles itself for many seconds; its own test is in test_maps."""

    def project(x: np.ndarray, seed: int, neighbours: int) -> np.ndarray:
        return maps.embed(x, "pca", neighbours=neighbours).at

    monkeypatch.setattr(maps, "_umap", project)


def scores_of(rows: list[dict]) -> pd.Series:
    return pd.DataFrame(rows).set_index(["map", "id", "measure"])["value"]


# -- one panel -------------------------------------------------------------------------------


def test_scores_tell_planted_policies_apart(without_umap):
    table, rows = lay_out(panel(invariant=planted(1, 0), blind=planted(0, 1)), SETTINGS)
    found = scores_of(rows)
    for kind in ("space", "tsne"):
        assert found[kind, "invariant", "purity by state"] == 1
        assert found[kind, "blind", "purity by background"] == 1
        assert found[kind, "blind", "purity by state"] < 0.1
        assert found[kind, "all", "purity by policy"] > 0.9
    chance = {row["measure"]: row["chance"] for row in rows if row["id"] == "blind"}
    assert chance["purity by state"] == pytest.approx(3 / 47)
    assert chance["purity by background"] == pytest.approx(11 / 47)
    assert len(table) == 2 * STATES * VIEWS_DRAWN
    assert set(table["view"]) == {3, 5, 7, 9}


def test_points_stand_at_their_own_place(without_umap):
    layers = {"a": planted(1, 1), "b": planted(1, 1)}
    one = panel(**layers)
    table, _ = lay_out(one, SETTINGS)
    x = maps.relative(layers["b"][4, 2][None], one.anchors["b"])
    whole = maps.embed(one.space(), "pca", neighbours=5)
    row = table[(table["id"] == "b") & (table["state"] == 4) & (table["view"] == 7)]
    place = int(row.index[0])
    assert one.space()[place] == pytest.approx(x[0])
    assert row[["pca_x", "pca_y"]].to_numpy()[0] == pytest.approx(whole.at[place], abs=6e-3)


def test_widths_may_differ_but_then_nothing_is_stacked(without_umap):
    x = planted(1, 0.5)
    _, rows = lay_out(panel(a=x, b=x[..., :9]), SETTINGS)
    assert "stacked" not in {row["map"] for row in rows}
    _, rows = lay_out(panel(a=x, b=x), SETTINGS)
    assert "stacked" in {row["map"] for row in rows}


def test_seeds_give_a_range_and_pca_has_none(without_umap):
    _, rows = lay_out(panel(a=planted(1, 1), b=planted(1, 1)), SETTINGS)
    by_map = pd.DataFrame(rows).groupby("map")
    ranges = by_map.apply(lambda one: (one["high"] - one["low"]).max(), include_groups=False)
    assert ranges["tsne"] > 0
    assert ranges["pca"] == ranges["space"] == 0


def test_a_policy_alone_and_a_collapsed_one_are_refused():
    with pytest.raises(UserError, match="at least 2 policies in a joint picture, got 1"):
        panel(a=planted(1, 0)).space()
    dead = PanelLayers(
        {"a": planted(1, 0), "b": np.ones((3, 4, 5))},
        {"a": rng.normal(size=(9, WIDTH)), "b": np.ones((9, 5))},
        (0, 1, 2, 3),
    )
    with pytest.raises(UserError, match="b: expected a layer that varies"):
        dead.space()


# -- the number it should have been ----------------------------------------------------------


def test_spread_by_brute_force():
    x = planted(1, 0, noise=0.7)
    row = next(spread_rows("a", measure(x, replicates=50)))
    assert row["measure"] == SPREAD
    flat = x.reshape(-1, WIDTH)
    square = ((flat[:, None] - flat) ** 2).sum(-1)
    state = np.repeat(np.arange(STATES), VIEWS_DRAWN)
    same = (state[:, None] == state) & ~np.eye(len(flat), dtype=bool)
    other = state[:, None] != state
    assert row["value"] == pytest.approx(np.sqrt(square[same].mean() / square[other].mean()))
    assert row["low"] <= row["value"] <= row["high"]


def test_spread_of_what_ignores_views_and_of_what_collapsed():
    invariant, noise = planted(1, 0, noise=1e-3), planted(0, 0, noise=1)
    values = [
        next(spread_rows("a", measure(x, replicates=20)))["value"] for x in (invariant, noise)
    ]
    assert values == pytest.approx([0, 1], abs=0.1)
    dead = list(spread_rows("a", measure(np.ones((12, 4, 3)), replicates=20)))
    assert np.isnan(dead[0]["value"])
    assert {row["verdict"] for row in dead} == {"collapsed"}


# -- the command -----------------------------------------------------------------------------


def bank(levels: list[int]) -> Bank:
    n = len(levels)
    frames = np.zeros((n, 64, 64, 3), dtype=np.uint8)
    count = np.zeros(n, dtype=np.int64)
    return Bank(StateList.of([b""] * n), frames, np.array(levels), count, count)


def test_one_state_a_level_and_not_always_the_first():
    levels = [4, 4, 4, 7, 7, 9, 1, 1] * 3
    found = one_a_level(bank(levels), 2, seed=0)
    assert sorted(np.array(levels)[found]) == [1, 4, 7, 9]
    draws = {tuple(one_a_level(bank(levels), 2, seed)) for seed in range(5)}
    assert len(draws) == 5
    with pytest.raises(UserError, match="at least 5 levels, 3 to draw and 2 for anchors, got 4"):
        one_a_level(bank(levels), 3, seed=0)


@pytest.fixture(scope="module")
def small_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = (
        "leaper/ppo/0/peer0/step64",
        "leaper/ppo/1/peer0/step64",
        "chaser/mutual/0/peer0/step64",
    )
    return zoo(tmp_path_factory.mktemp("zoo"), *names)


def small(root: Path) -> Settings:
    return Settings(
        states=48,
        drawn=4,
        backgrounds=3,
        frames=2,
        views=12,
        seeds=2,
        neighbours=4,
        perplexity=4.0,
        replicates=20,
        root=root,
    )


def test_the_command_prints_and_writes_tables(
    small_zoo, tmp_path, monkeypatch, capsys, without_umap
):
    monkeypatch.chdir(tmp_path)
    settings = replace(small(small_zoo), output=tmp_path / "o")
    main(settings)
    printed, said = capsys.readouterr()
    assert "chaser has one background and so no twins" in said
    assert "leaper, twins: joint maps" in printed
    assert printed.rstrip().endswith("embedding_scores.csv")
    points = read_table(tmp_path / "o" / "embedding.csv", SCHEMA)
    counts = points.groupby(["game", "panel"])["id"].agg(["size", "nunique"])
    assert counts.loc["leaper", "twins"].tolist() == [3 * 4 * 3, 3]
    # One policy a method: two seeds of PPO and the untrained one give two.
    assert counts.loc["leaper", "random-conv"].tolist() == [2 * 2 * 12, 2]
    assert counts.loc["chaser", "random-conv"].tolist() == [2 * 2 * 12, 2]
    scores = read_table(tmp_path / "o" / "embedding_scores.csv", SCORES)
    layer = scores[(scores["map"] == "layer") & (scores["panel"] == "random-conv")]
    assert len(layer) == 2 * (3 + 2)
    assert (layer["points"] % VIEWS == 0).all()
    before = (tmp_path / "o" / "embedding.csv").read_bytes()
    with pytest.raises(UserError, match=r"embedding\.csv exists and is kept; give --overwrite"):
        main(settings)
    main(replace(settings, overwrite=True))
    assert (tmp_path / "o" / "embedding.csv").read_bytes() == before
    main(replace(settings, seed=1, output=tmp_path / "other", ids=("chaser/mutual/0",)))
    after = read_table(tmp_path / "other" / "embedding.csv", SCHEMA)
    assert not after["pca_x"].equals(points.loc[points["game"] == "chaser", "pca_x"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backgrounds": 1}, "--backgrounds: expected a whole number from 2 to 62, got 1"),
        ({"views": 1}, "--views: expected a whole number from 2 to 10,000, got 1"),
        ({"frames": 5}, "no more --frames than --drawn, got 5 frames and 4 drawn"),
        ({"seeds": 0}, "--seeds: expected a whole number from 1 to 100, got 0"),
        ({"layer": "conv7"}, "unknown layer of nature 'conv7'"),
        ({"untrained": 0}, "at least 2 policies in a joint picture, got 1"),
        ({"neighbours": 24}, "less than half of the 48 points, got 24"),
        ({"perplexity": 48.0}, "less than the 48 points, got 48"),
        ({"drawn": 40}, "expected at least 42 levels"),
    ],
)
def test_wrong_settings_are_refused(
    small_zoo, tmp_path, monkeypatch, change, message, without_umap
):
    monkeypatch.chdir(tmp_path)
    settings = replace(small(small_zoo), ids=("chaser/mutual/0",), states=24, output=tmp_path / "o")
    with pytest.raises(UserError, match=message):
        main(replace(settings, **change))


def test_encoders_of_two_kinds_share_a_picture(tmp_path, monkeypatch, capsys, without_umap):
    monkeypatch.chdir(tmp_path)
    names = "chaser/mutual/0/peer0/step64", "chaser/ppo/0/peer0/step64"
    root = zoo(tmp_path / "zoo", names[0])
    zoo(root, names[1], recipe=Recipe(encoder="impala", features=16, mode="easy"))
    settings = replace(small(root), untrained=0, output=tmp_path / "o")
    main(settings)
    points = read_table(tmp_path / "o" / "embedding.csv", SCHEMA)
    assert set(points["id"]) == set(names)
    capsys.readouterr()
    main(replace(settings, layer="conv3", untrained=1, output=tmp_path / "q"))
    assert f"{names[1]}: impala has no layer conv3, left out" in capsys.readouterr().err
    assert names[1] not in set(read_table(tmp_path / "q" / "embedding.csv", SCHEMA)["id"])
    # A layer that one of them lacks leaves the other alone, and one alone is no joint picture.
    with pytest.raises(UserError, match="at least 2 policies in a joint picture, got 1"):
        main(replace(settings, layer="conv3", output=tmp_path / "p"))


def test_policies_of_one_method_are_laid_out_as_twins_only(
    small_zoo, tmp_path, monkeypatch, capsys, without_umap
):
    monkeypatch.chdir(tmp_path)
    ids = "leaper/ppo/0", "leaper/ppo/1"
    main(replace(small(small_zoo), drawn=6, ids=ids, untrained=0, output=tmp_path / "o"))
    assert "leaper: random convolutions are laid out for one policy a method, and all are ppo" in (
        capsys.readouterr().err
    )
    points = read_table(tmp_path / "o" / "embedding.csv", SCHEMA)
    assert set(points["panel"]) == {"twins"} and points["id"].nunique() == 2


def test_where_nothing_can_be_laid_out_no_game_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("analysis.studies.embedding.study.common_bank", None)
    names = "chaser/ppo/0/peer0/step64", "chaser/ppo/1/peer0/step64"
    root = zoo(tmp_path / "zoo", *names, "leaper/ppo/0/peer0/step64", "leaper/mutual/0/peer0/step8")
    settings = replace(small(root), untrained=0, output=tmp_path / "o")
    message = "chaser has one background, .* expected policies of 2 methods or more, got only ppo"
    with pytest.raises(UserError, match=message):
        main(settings)
    with pytest.raises(UserError, match="at least 2 policies in a joint picture, got 1"):
        main(replace(settings, ids=("leaper/ppo/0", "leaper/mutual/0", "chaser/ppo/0")))
    assert "gathering" not in capsys.readouterr().err
