"""``python -m probes.steps``: scores of whole layers, planted, and the tables of the command."""

from pathlib import Path

import numpy as np
import pytest

from analysis.records.tables import read_table
from analysis.records.values import EMERGENCE, EMERGENCE_ONSETS
from analysis.scenes.bank import Bank, StateList
from analysis.stats.clusters import cluster_weights
from analysis.studies.training import logged_returns
from checkpoints.console import UserError
from probes.factors.frame import choice, number
from probes.steps import Settings, main
from probes.studies.questions import Question, Sights
from probes.studies.training import NUISANCE, ONSETS_SCHEMA, SCHEMA, TASK, asked, mean_score
from tests.support.logged import log
from tests.support.probe_world import World
from tests.support.small_zoo import zoo


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def sights_of(world: World) -> Sights:
    """A number of the task, a background, and a class of the task that is not asked for."""
    n, pictures = len(world.levels), np.zeros((len(world.levels), 64, 64, 3), np.uint8)
    bank = Bank(
        StateList.of([b""] * n),
        pictures,
        world.levels,
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )
    kinds = (
        number("truth", "cells", 0, 1, "a number", lambda view: 0.0),
        choice("background", ("a", "b", "c"), "which", lambda view: 0.0, role="nuisance"),
        choice("sign", ("a", "b"), "a class", lambda view: 0.0),
    )
    pairs = zip(kinds, world.tasks, strict=True)
    asked_for = tuple(Question(kind, "ok", n, 80, task) for kind, task in pairs)
    return Sights(bank, pictures, None, world.folds, asked_for)


@pytest.mark.parametrize(("task", "leak"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)])
def test_planted_layers(world, task, leak):
    sights, (x, _) = sights_of(world), world.layer(task, leak)
    weights = cluster_weights(world.levels, 50, seed=0)
    found = {name: mean_score(x, sights, some, weights) for name, some in asked(sights).items()}
    for name, strength in ((TASK, task), (NUISANCE, leak)):
        low, high = np.quantile(found[name][1:], [0.025, 0.975])
        assert low <= found[name][0] <= high
        assert (found[name][0] > 0.8) == bool(strength)
        assert strength or abs(found[name][0]) < 0.1


def test_a_factor_that_few_levels_vary_in_leaves_no_replicate_undefined(world):
    world = World()
    rare = np.where(world.levels % 79 == 0, world.truth, 0.1)
    world.truth = rare
    x, sights = world.layer(1, 0)[0], sights_of(world)
    weights = cluster_weights(world.levels, 200, seed=0)
    found = mean_score(x, sights, ["truth"], weights)
    still = (weights[:, [0, 79]] == 0).all(axis=1)
    assert still.any()
    np.testing.assert_array_equal(found[1:][still], found[0])
    assert (np.abs(found) < 10).all()


def test_numbers_of_the_task_and_the_background_are_asked_for(world):
    assert asked(sights_of(world)) == {TASK: ["truth"], NUISANCE: ["background"]}


def test_each_encoder_starts_from_untrained_ones_of_its_kind(tmp_path, monkeypatch):
    from dataclasses import replace

    from tests.support.small_zoo import RECIPE

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logged_returns, "EPISODES", 8)
    root = zoo(tmp_path / "runs", "leaper/ppo/0/peer0/step64")
    zoo(root, "leaper/ppo/1/peer0/step64", recipe=replace(RECIPE, encoder="impala"))
    log(root, "leaper/ppo/0", (64,))
    log(root, "leaper/ppo/1", (64,))
    main(Settings(states=120, replicates=20, untrained=1, root=root, output=tmp_path))
    values = read_table(tmp_path / "probes_steps.csv", SCHEMA)
    values = values[values["measure"] == TASK].set_index(["id", "layer"])["value"]
    assert set(values.index) == {
        (f"leaper/{name}", layer)
        for seed, last in enumerate(("conv3", "block3"))
        for name in (f"ppo/{seed}/peer0/step64", f"untrained/{seed}/peer0/step0")
        for layer in (last, "hidden")
    }
    onsets = read_table(tmp_path / "probes_onsets.csv", ONSETS_SCHEMA)
    onsets = onsets[(onsets["measure"] == TASK) & (onsets["scope"] == "policy")]
    for seed, start in onsets[onsets["layer"] == "hidden"].set_index("id")["start"].items():
        blank = str(seed).replace("ppo", "untrained") + "/step0"
        assert start == values[blank, "hidden"]


def test_the_command_writes_both_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logged_returns, "EPISODES", 8)
    root = zoo(tmp_path / "runs", "leaper/ppo/0/peer0/step64", "leaper/ppo/0/peer0/step128")
    log(root, "leaper/ppo/0", (64, 128))
    settings = Settings(states=120, replicates=20, untrained=1, root=root, output=tmp_path / "o")
    main(settings)
    assert capsys.readouterr().out.rstrip().endswith("probes_onsets.csv")
    values = read_table(tmp_path / "o" / "probes_steps.csv", SCHEMA)
    assert len(values) == 3 * 2 * 2
    assert set(values["measure"]) == {TASK, NUISANCE}
    onsets = read_table(tmp_path / "o" / "probes_onsets.csv", ONSETS_SCHEMA)
    assert len(onsets) == 2 * 2 * 2
    with pytest.raises(UserError, match=r"probes_\w+\.csv exists and is kept; give --overwrite"):
        main(settings)


def test_wrong_settings_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"--states: expected .* from 100 to 100,000, got 99"):
        main(Settings(states=99, output=tmp_path))


def test_both_tables_join_those_of_emergence():
    assert SCHEMA.columns == EMERGENCE.columns
    assert ONSETS_SCHEMA.columns == EMERGENCE_ONSETS.columns
