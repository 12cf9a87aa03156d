"""Decodable is not used: planted networks in which it is known, and the command."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.special
import torch

from analysis.erasure import Settings, main
from analysis.measures.erasers import KINDS, Fit
from analysis.policies.subjects import Subject
from analysis.records.tables import read_table
from analysis.studies.erasure.interventions import Layer
from analysis.studies.erasure.rows import PATCHING_SCHEMA, SCHEMA, erasure_rows, patching_rows
from checkpoints.console import UserError
from checkpoints.policy.adapters import Adapted
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import Provenance
from checkpoints.world.buttons import merged
from tests.support.planted import (
    BACKGROUNDS,
    STRIPES,
    Cells,
    Network,
    Stripes,
    both,
    nothing,
    only_background,
    only_sprites,
    pictures,
    product,
    split_pictures,
    subject,
)
from tests.support.planted_encoders import zoo


def tables(tmp_path, decide) -> tuple[pd.DataFrame, pd.DataFrame]:
    layer = Layer.of(subject(decide), "read", split_pictures(tmp_path))
    erasures, patches = pd.DataFrame(erasure_rows(layer)), pd.DataFrame(patching_rows(layer))
    return erasures.set_index("kind"), patches.set_index("part")


# --- planted truth ------------------------------------------------------------------------------


def test_a_policy_of_the_background_alone(tmp_path):
    """Erasing leaves nothing to tell twins apart, and the component alone carries everything."""
    rows, parts = tables(tmp_path, only_background)
    found = rows.loc["background"]
    assert (found.decoded, found.dimensions_erased) == (1, BACKGROUNDS - 1)
    assert found.tv_twins_before > 0.3 and found.tv_twins_after < 1e-5
    assert found.removed == pytest.approx(1, abs=1e-4)
    assert found.tv_states_before < 1e-5
    assert found.tv_change > 0.2 and found.value_change > 0.5
    assert found.verdict == "used"
    assert parts.loc["background"].moved == pytest.approx(1, abs=1e-4)
    assert parts.loc["background"].reached == pytest.approx(1, abs=1e-4)


def test_a_policy_of_the_sprites_alone(tmp_path):
    """The background is named without an error, and erasing it changes no decision."""
    rows, _ = tables(tmp_path, only_sprites)
    found = rows.loc["background"]
    assert found.decoded == 1
    assert found.tv_change < 1e-5 and found.value_change < 1e-4
    assert np.isnan(found.removed) and found.tv_states_before > 0.2
    assert found.verdict == "not used"
    assert rows.loc["random"].tv_change > 0.05  # an edit of equal rank would have been seen


def test_a_policy_of_both(tmp_path):
    """All of the dependence on the background goes, and that on the state stays."""
    rows, parts = tables(tmp_path, both)
    found = rows.loc["background"]
    assert found.tv_twins_before > 0.1
    assert found.removed == pytest.approx(1, abs=1e-4)
    assert found.tv_states_after > 0.3
    assert found.verdict == "used"
    assert (rows.loc[["random", "shuffled"]].verdict == "control").all()
    assert rows.loc["random"].removed < 0.6 and found.excess_low > 0.3
    # Twins differ in three dimensions, and shuffled names span the same three.
    assert rows.loc["shuffled"].removed == pytest.approx(1, abs=1e-3)
    assert parts.loc["background"].reached == pytest.approx(1, abs=1e-4)


def test_decisions_after_erasure_are_those_on_the_mean_background(tmp_path):
    """Twins make background and state uncorrelated: only the background's stripes are moved."""
    planted = split_pictures(tmp_path)
    erased = Layer.of(subject(both), "read", planted).erased("background").probs
    state = pictures(60)[:, 0, 32, ::8, 0] / 255
    mean = np.repeat([1 / BACKGROUNDS, 0], [BACKGROUNDS, STRIPES - BACKGROUNDS])
    logits = np.pad(4 * (state + mean), ((0, 0), (0, 15 - STRIPES)))
    wanted = merged(scipy.special.softmax(logits, axis=1), planted.twins.game)
    np.testing.assert_allclose(erased, np.repeat(wanted[:, None], BACKGROUNDS, 1), atol=1e-4)


@pytest.mark.parametrize(
    ("decide", "carries"), [(only_background, 1), (only_sprites, None), (both, 1)]
)
def test_cells_carry_what_lies_in_them(decide, carries, tmp_path):
    layer = Layer.of(subject(decide, Cells), "read", split_pictures(tmp_path))
    parts = pd.DataFrame(patching_rows(layer)).set_index("part")
    above, below = parts.loc["cells of background"], parts.loc["cells with a sprite"]
    assert (above.share, below.share) == (0.5, 0.5)
    if carries is None:  # twins are decided alike: there is nothing to carry
        assert np.isnan([above.reached, below.reached]).all()
    else:
        assert above[["moved", "reached"]].tolist() == pytest.approx([1, 1], abs=1e-5)
        assert below[["moved", "reached"]].tolist() == pytest.approx([0, 0], abs=1e-5)


def test_erasure_is_of_features_not_of_effects(tmp_path):
    """The sign of the effect hangs on the state; the features still hold the background plainly."""
    rows, _ = tables(tmp_path, product)
    assert rows.loc["background"].removed == pytest.approx(1, abs=1e-3)


def test_an_undecided_policy_is_called_so(tmp_path):
    rows, _ = tables(tmp_path, nothing)
    assert rows.loc["background"].tv_twins_before < 1e-3
    assert rows.loc["background"].verdict == "undecided"


def test_shuffled_names_cannot_be_erased_where_twins_are_alike(tmp_path):
    """A layer that is blind to the background: nothing to name, nothing to erase."""
    planted = split_pictures(tmp_path)
    rng = np.random.default_rng(0)
    blind = np.repeat(rng.normal(size=(60, 1, 5)).astype(np.float32), BACKGROUNDS, axis=1)
    fit = Fit.of(blind, planted.quarters, 0)
    assert [eraser.rank for eraser in fit.erasers["background"]] == [0, 0]
    assert [eraser.rank for eraser in fit.erasers["shuffled"]] == [0, 0]
    assert fit.decoded.mean() == pytest.approx(1 / BACKGROUNDS)


def test_what_no_fit_could_know_of_other_levels_is_left(tmp_path):
    """Backgrounds that look different in each level: the mean over other levels says nothing."""
    planted = split_pictures(tmp_path, 60)
    rng = np.random.default_rng(0)
    by_level = rng.normal(size=(20, BACKGROUNDS, 6))[np.arange(60) // 3]
    x = (by_level + 0.1 * rng.normal(size=by_level.shape)).astype(np.float32)
    fit = Fit.of(x, planted.quarters, 0)
    assert abs(fit.decoded.mean() - 1 / BACKGROUNDS) < 0.15


def test_fresh_readers_are_at_chance_where_erasure_holds(tmp_path):
    planted = split_pictures(tmp_path, 600, per_level=3)
    rng = np.random.default_rng(0)
    means = rng.normal(size=(BACKGROUNDS, 8))
    x = (means + rng.normal(size=(600, BACKGROUNDS, 8))).astype(np.float32)
    fit = Fit.of(x, planted.quarters, 0)
    assert fit.decoded.mean() > 0.7
    assert abs(fit.decoded_after.mean() - 1 / BACKGROUNDS) < 0.05


class Dead(Network):
    """A layer that says the same of every picture, beside what decides."""

    def __init__(self) -> None:
        super().__init__(both, Stripes())
        self.dead = torch.nn.Identity()

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, value = super().forward(frames)
        return logits + self.dead(logits.new_full((len(logits), 6), 0.1)).sum(
            1, keepdim=True
        ), value


def test_of_a_constant_layer_nothing_is_erased_and_nothing_stops(tmp_path):
    """The others go on; what is said of it is that no background can be read there."""
    policy = Adapted(Dead(), ("read", "dead"), name="planted")
    one = Subject.of(policy, Provenance("starpilot/ppo/0", {}, 0, {}, {}, "planted"))
    layer = Layer.of(one, "dead", split_pictures(tmp_path))
    found = {row["kind"]: row for row in erasure_rows(layer)}
    assert {row["dimensions_erased"] for row in found.values()} == {0}
    row = found["background"]
    assert row["verdict"] == "not decodable" and row["tv_twins_before"] > 0.1
    assert row["decoded"] == row["decoded_after"] == pytest.approx(1 / BACKGROUNDS)
    assert [row["removed"], row["tv_change"]] == pytest.approx([0, 0], abs=1e-6)
    assert [one["moved"] for one in patching_rows(layer)] == pytest.approx([0] * 3, abs=1e-6)


# --- the command --------------------------------------------------------------------------------


def test_the_command_writes_both_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # banks and twins are cached below the working folder
    ids = ("starpilot/ppo/0", "starpilot/untrained/0")
    settings = Settings(
        ids=ids, layers=("conv3", "hidden"), states=16, backgrounds=4, episodes=2, replicates=20
    )
    main(settings)
    shown = capsys.readouterr().out
    assert "undecided" in shown and "patching.csv" in shown.splitlines()[-1]
    rows = read_table("results/erasure.csv", SCHEMA)
    assert len(rows) == 2 * 2 * len(KINDS)
    played = rows[rows["episodes"] > 0]
    assert set(zip(played["layer"], played["method"], strict=True)) == {("hidden", "ppo")}
    assert played["return_change"].to_numpy() == pytest.approx(
        (played["return_after"] - played["return_before"]).to_numpy(), abs=1e-4
    )
    parts = read_table("results/patching.csv", PATCHING_SCHEMA).groupby("layer")["part"].nunique()
    assert parts.to_dict() == {"conv3": 5, "hidden": 3}
    with pytest.raises(UserError, match=r"erasure.csv exists and is kept"):
        main(settings)


def test_few_backgrounds_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"--backgrounds: expected .* from 4 to 62, got 3"):
        main(Settings(backgrounds=3, output=tmp_path))


def test_each_policy_has_the_layers_of_its_encoder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for seed, encoder in enumerate(("nature", "impala")):
        recipe = Recipe(encoder=encoder, features=8, mode="easy")
        zoo(tmp_path, f"leaper/ppo/{seed}/peer0/step64", recipe=recipe)
    few = Settings(
        layers=("hidden", "conv3", "block3"),
        states=8,
        backgrounds=4,
        episodes=0,
        replicates=20,
        untrained=0,
        root=tmp_path,
    )
    main(few)
    assert "conv3" in capsys.readouterr().out
    rows = read_table("results/erasure.csv", SCHEMA)
    found = {seed: set(some["layer"]) for seed, some in rows.groupby("seed")}
    assert found == {0: {"hidden", "conv3"}, 1: {"hidden", "block3"}}
    with pytest.raises(UserError, match=r"unknown layer of .* 'conv4'"):
        main(replace(few, layers=("conv4",), output=tmp_path / "other"))
