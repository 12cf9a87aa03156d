"""The command that scores saliency maps: its rows, its tiles, its seed and its refusals."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from analysis import saliency
from analysis.measures.mask_scores import mask_scores
from analysis.policies.attributions import Attribution, attribute
from analysis.policies.gradients import Scores
from analysis.policies.subjects import Subject, load_subjects
from analysis.records import tables
from analysis.saliency import Settings
from analysis.scenes.bank import Bank, StateList
from analysis.scenes.twin_sets import TwinSet
from analysis.studies.saliency.maps import TARGETS, MaskedTwins, PolicyMaps, masked_twins, score
from analysis.studies.saliency.rows import SCHEMA, SHEET_SCHEMA
from analysis.studies.saliency.sheet import as_grey, shown_policies, shown_states
from checkpoints.console import UserError
from checkpoints.policy.recipes import Recipe
from checkpoints.world.buttons import buttons, merged
from tests.support import planted
from tests.support.planted_encoders import zoo
from tests.support.planted_sight import looking_at, scenes

METHODS = ("gradient", "ig-twin", "gradcam-conv3")
FEW = {"states": 10, "backgrounds": 4, "sanity_states": 2, "replicates": 20}
SMALL = Settings(ids=("coinrun/ppo/0", "coinrun/mutual/0/peer0"), attributions=METHODS, **FEW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Written for two shipped policies and one untrained."""
    made = tmp_path_factory.mktemp("saliency")
    saliency.main(dataclasses.replace(SMALL, output=made))
    return made


@pytest.fixture(scope="module")
def rows(folder) -> pd.DataFrame:
    return tables.read_table(folder / "saliency.csv", SCHEMA)


@pytest.fixture(scope="module")
def tiles(folder) -> pd.DataFrame:
    return tables.read_table(folder / "saliency_sheet.csv", SHEET_SCHEMA)


def planted_sight(folder: Path, states: int = 24) -> tuple[MaskedTwins, Subject, Subject]:
    """Planted scenes, and who looks at their background, or at their sprite."""
    seen, twins, mask = scenes(states)
    backgrounds = (seen, twins, seen[::-1], twins[::-1])
    frames = np.stack([np.where(mask[..., None], one, seen) for one in backgrounds], axis=1)
    np.save(folder / "frames.npy", frames)
    zeros = np.zeros(states, dtype=np.int64)
    bank = Bank(StateList.of([b"state"] * states), seen, np.arange(states) // 2, zeros, zeros)
    drawn = TwinSet("starpilot", bank, (0, 1, 2, 3), zeros, folder / "frames.npy")
    made = MaskedTwins(drawn, frames, mask, seed=0, replicates=100)
    who = planted.subject(planted.nothing)
    one, other = (
        dataclasses.replace(who, policy=looking_at(place)) for place in ("background", "sprite")
    )
    return made, one, other


# -- the table -------------------------------------------------------------------------------


def test_every_policy_has_every_target_and_method(rows):
    assert set(rows["method"]) == {"ppo", "mutual", "untrained"}
    for _, one in rows.groupby("id"):
        pairs = set(zip(one["target"], one["attribution"], strict=True))
        assert pairs == {(target, method) for target in TARGETS for method in METHODS}
    assert (rows["states"] + rows["no_mask"] + rows["blank"] + rows["rejected"] == 10).all()
    assert (rows["levels"] <= rows["states"]).all()


def test_intervals_hold_their_estimates(rows):
    scored = rows[rows["verdict"] == "scored"]
    assert set(scored["method"]) >= {"ppo", "mutual"}
    for name in ("mass", "mass_over_area", "sprites", "rank", "pointing"):
        assert (scored[f"{name}_low"] <= scored[name]).all()
        assert (scored[name] <= scored[f"{name}_high"]).all()
    assert ((scored["mass"] > 0) & (scored["mass"] < 1)).all()


def test_a_map_from_the_twin_lies_on_the_background_by_construction(rows):
    twin = rows[rows["attribution"] == "ig-twin"]
    assert set(twin["verdict"]) == {"by construction"}
    assert (twin["mass"] == 1).all() and (twin["pointing"] == 1).all()
    assert twin["faithful"].isna().all()
    assert twin["faithful_amount"].notna().all()
    assert (twin["error"] < 0.01).all()


def test_sanity_is_run_on_trained_policies_and_buttons(rows):
    run = (rows["target"] == "button") & (rows["method"] != "untrained")
    assert run.any() and set(rows.loc[run, "sanity"]) <= {"pass", "fail"}
    assert rows.loc[run, "logit_likeness"].notna().all()
    assert (rows.loc[~run, "sanity"] == "not run").all()
    assert ((rows["sanity"] == "pass") == (rows["sanity_layer"] != "none")).all()


def test_numbers_are_those_of_the_pure_functions(rows):
    (subject,) = load_subjects(["coinrun/ppo/0"], controls=0)["coinrun"]
    made = masked_twins("coinrun", "easy", states=10, backgrounds=4, replicates=20, seed=0)
    one = PolicyMaps(subject, made)
    p = merged(np.exp(_decide(subject, made.frames)), "coinrun")
    np.testing.assert_array_equal(one.buttons, p.argmax(1))
    scores = Scores(subject.policy, buttons("coinrun"))
    found = attribute(scores, made.frames, made.twin, one.buttons, "gradient")
    scores = mask_scores(found.maps, made.mask)
    row = rows.query("method == 'ppo' and target == 'button' and attribution == 'gradient'").iloc[0]
    assert row["mass"] == pytest.approx(np.nanmean(scores.mass), rel=1e-4)
    assert row["mass_over_area"] == pytest.approx(np.nanmean(scores.mass_over_area), rel=1e-4)
    moved = [
        np.abs(p[i] - merged(np.exp(_decide(subject, shown)), "coinrun")).sum(-1).mean() / 2
        for i, shown in enumerate(made.renderings[i][made.foreign[i]] for i in range(10))
    ]
    assert row["change"] == pytest.approx(np.mean(moved), rel=1e-4)
    assert not (made.twin == made.frames).all((1, 2, 3)).any()


def _decide(subject: Subject, frames: np.ndarray) -> np.ndarray:
    from analysis.policies.features import read

    return read(subject.policy, frames, []).log_probs


def test_the_same_seed_gives_the_same_bytes_and_another_others(tmp_path):
    few = dataclasses.replace(
        SMALL, ids=SMALL.ids[:1], attributions=("smoothgrad",), states=4, untrained=0
    )

    def files(name: str, seed: int) -> dict[str, bytes]:
        made = tmp_path / name
        saliency.main(dataclasses.replace(few, output=made, seed=seed))
        return {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*.*")}

    first, again, other = files("first", 0), files("again", 0), files("other", 1)
    written, pictures = {"saliency.csv", "saliency_sheet.csv"}, {"maps.png", "pictures.png"}
    assert set(first) == written | {f"saliency/{name}" for name in pictures}
    assert first == again
    assert not any(content == other[name] for name, content in first.items())


# -- planted sight, through the whole road ---------------------------------------------------


def test_who_looks_at_the_background_moves_with_it(tmp_path):
    made, looks, blind = planted_sight(tmp_path)
    seen = PolicyMaps(looks, made)
    cells, ratio = score(seen.maps("ig-twin")["button"], seen.effects["button"], made)
    assert cells["mass"] == pytest.approx(1)
    assert cells["sprites"] == pytest.approx(0)
    assert ratio == pytest.approx(1 / made.mask.mean((1, 2)))
    assert seen.effects["button"].mean() > 0.01 and seen.effects["value"].mean() > 0.1
    unseen = PolicyMaps(blind, made)
    assert unseen.effects["button"] == pytest.approx(0, abs=1e-6)
    cells, _ = score(unseen.maps("gradient")["button"], unseen.effects["button"], made)
    assert cells["mass"] == pytest.approx(0)
    cells, ratio = score(unseen.maps("ig-twin")["button"], unseen.effects["button"], made)
    assert (cells["verdict"], cells["states"], cells["blank"]) == ("too few states", 0, 24)
    assert np.isnan(ratio).all() and np.isnan(cells["mass"])


def test_an_amount_that_makes_the_effect_is_faithful(tmp_path):
    made, *_ = planted_sight(tmp_path)
    effect = np.random.default_rng(0).random(24) + 0.1
    maps = np.where(made.mask, effect[:, None, None], 0.3).astype(np.float32)
    found = Attribution(maps, np.full(24, np.nan, dtype=np.float32))
    cells, _ = score(found, effect, made)
    assert cells["faithful_amount"] == pytest.approx(1) == cells["faithful"]
    assert np.isnan(cells["faithful_area"])  # one area for all states
    cells, _ = score(found, effect[::-1].copy(), made)
    assert cells["faithful_amount"] < 0.6


def test_what_is_left_out_is_counted(tmp_path):
    made, *_ = planted_sight(tmp_path)
    mask = made.mask.copy()
    mask[0], mask[1] = True, False
    maps = np.random.default_rng(0).random((24, 64, 64)).astype(np.float32)
    maps[2] = 0
    error = np.zeros(24, dtype=np.float32)
    error[1], error[2], error[3] = 0.02, np.nan, 0.02
    flawed = dataclasses.replace(made, mask=mask)
    cells, ratio = score(Attribution(maps, error), np.arange(24.0), flawed)
    counts = [cells[name] for name in ("states", "levels", "no_mask", "blank", "rejected")]
    assert counts == [20, 10, 2, 1, 1]
    assert np.flatnonzero(np.isnan(ratio)).tolist() == [0, 1, 2, 3]
    nothing, _ = score(Attribution(0 * maps, error * np.nan), np.arange(24.0), flawed)
    assert nothing["verdict"] == "too few states" and np.isnan(nothing["error"])


# -- tiles -----------------------------------------------------------------------------------


def test_the_sheet_names_every_tile(tiles, folder):
    assert set(tiles["method"]) == {"ppo", "mutual"}
    assert tiles.groupby(["id", "state"]).size().tolist() == [3] * 4
    places = tiles[["map_line", "map_column"]].drop_duplicates()
    assert len(places) == len(tiles) == 12
    assert imread(folder / "saliency" / "maps.png").shape == (4 * 64, 3 * 64)
    assert imread(folder / "saliency" / "pictures.png").shape == (2 * 64, 3 * 64, 3)


def test_tiles_are_the_states_own(tiles, folder):
    made = masked_twins("coinrun", "easy", states=10, backgrounds=4, replicates=20, seed=0)
    shown = (255 * imread(folder / "saliency" / "pictures.png")).round()
    for line, one in tiles.groupby("picture_line"):
        state = one["state"].iloc[0]
        strip = shown[64 * line : 64 * line + 64]
        np.testing.assert_array_equal(strip[:, :64], made.frames[state])
        np.testing.assert_array_equal(strip[:, 64:128], made.twin[state])
        np.testing.assert_array_equal(strip[:, 128:, 0] > 0, made.mask[state])


def test_which_policies_and_states_are_shown():
    subjects = load_subjects(["coinrun/ppo/0", "coinrun/mutual/0"], controls=1)["coinrun"]
    assert [one.id.method for one in shown_policies(subjects)] == ["ppo", "mutual"]
    alone = [one for one in subjects if one.id.method in ("ppo", "untrained")]
    assert [one.id.method for one in shown_policies(alone[::-1])] == ["ppo", "untrained"]
    assert shown_states(np.array([0.1, 0.9, 0.2, 0.3, 0.0])) == [2, 1]
    assert shown_states(np.array([0.5])) == [0]


def test_greys_run_from_nothing_to_nearly_the_most():
    one = np.linspace(0, 2, 64 * 64).reshape(64, 64)
    grey = as_grey(one)
    assert (grey[0, 0], grey[-1, -1]) == (0, 255)
    np.testing.assert_array_equal(as_grey(3 * one), grey)
    assert not as_grey(0 * one).any()


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"), [("states", 1), ("backgrounds", 3), ("sanity_states", -1), ("replicates", 0)]
)
def test_numbers_too_small_are_refused_at_once(name, value, tmp_path):
    option = "--" + name.replace("_", "-")
    with pytest.raises(UserError, match=f"{option}: expected a whole number from .*, got {value}"):
        saliency.main(dataclasses.replace(SMALL, output=tmp_path, **{name: value}))


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("gradients", "unknown method 'gradients'.*Did you mean 'gradient'"),
        ("gradcam-hidden", "gradcam-hidden: expected a layer with positions"),
    ],
)
def test_methods_are_checked_before_anything_is_drawn(method, message, tmp_path):
    with pytest.raises(UserError, match=message):
        saliency.main(dataclasses.replace(SMALL, output=tmp_path, attributions=(method,)))


def test_methods_are_read_where_they_apply(tmp_path):
    """Nature has no block3: its other methods are read; only a layer that none has is refused."""
    for method, encoder in (("ppo", "nature"), ("mutual", "impala")):
        recipe = Recipe(encoder=encoder, features=8, mode="easy")
        zoo(tmp_path, f"coinrun/{method}/0/peer0/step64", recipe=recipe)
    few = dataclasses.replace(
        SMALL,
        ids=(),
        attributions=("gradient", "gradcam-block3"),
        states=4,
        root=tmp_path,
        output=tmp_path,
        untrained=0,
    )
    saliency.main(few)
    for name, schema in (("saliency", SCHEMA), ("saliency_sheet", SHEET_SCHEMA)):
        rows = tables.read_table(tmp_path / f"{name}.csv", schema)
        by_method = {method: set(some["attribution"]) for method, some in rows.groupby("method")}
        assert by_method == {"ppo": {"gradient"}, "mutual": {"gradient", "gradcam-block3"}}
    with pytest.raises(UserError, match="unknown method 'gradcam-block4'"):
        saliency.main(dataclasses.replace(few, attributions=("gradcam-block4",), overwrite=True))


def test_a_game_of_one_background_has_no_mask():
    with pytest.raises(UserError, match="chaser has one background, no twins; choose another game"):
        masked_twins("chaser", "easy", states=4, backgrounds=6, replicates=10, seed=0)


@pytest.mark.parametrize("file", ["saliency.csv", "saliency_sheet.csv", "saliency/maps.png"])
def test_what_exists_is_kept(file, tmp_path):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    with pytest.raises(UserError, match=f"{re.escape(Path(file).name)} exists and is kept; give"):
        saliency.main(dataclasses.replace(SMALL, output=tmp_path))
