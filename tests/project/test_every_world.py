"""Planted worlds of three shapes through every command that takes one, against what is known."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.records.tables import read_provenance
from checkpoints.console import UserError
from tests.support.planted_world import PATCH, SHAPES, write_policy, write_world

FEW: dict[str, dict[str, Any]] = {
    "similarity": {"permutations": 20},
    "robustness": {"views": 1},
    "saliency": {"attributions": ("gradient",), "states": 8, "sanity_states": 0},
    "embedding": {
        **{"seeds": 1, "views": 4, "drawn": 5, "frames": 2, "neighbours": 4, "perplexity": 4.0},
        "untrained": 0,
    },
    "probes": {"workers": 1},
}


class World:
    """A planted world, and what commands say of it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.file = write_world(folder / "world.npz", name)
        looks = write_policy(folder, name)
        self.policies = f"{looks}:ignores", f"{looks}:sees"

    def run(self, command: str, **asked: Any) -> pd.DataFrame:
        """The table that bears the command's name."""
        module = "probes.__main__" if command == "probes" else f"analysis.{command}"
        settings = import_module(module)
        usual = {"policy": self.policies, "replicates": 20, "untrained": 1} | FEW.get(command, {})
        usual = {"states": 12} if command == "twins" else usual
        how = {"world": str(self.file), "output": self.folder / command, **usual, **asked}
        settings.main(settings.Settings(**how))
        return self.table(command, command)

    def table(self, command: str, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / command / f"{name}.csv", comment="#")


@pytest.fixture(scope="module", params=SHAPES)
def world(request, tmp_path_factory) -> World:
    return World(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(autouse=True)
def _here(tmp_path_factory, monkeypatch):
    # One cache for all: a world is unpacked once.
    folder = tmp_path_factory.getbasetemp() / "cwd"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)


def of(rows: pd.DataFrame, method: str, **cells: str) -> pd.DataFrame:
    """The rows of one policy."""
    found = rows[rows["id"].str.contains(f"/{method}/")]
    for name, value in cells.items():
        found = found[found[name] == value]
    assert len(found)
    return found


def test_invariance(world: World):
    rows = world.run("invariance")
    assert of(rows, "ignores", backgrounds="all")["icc"].to_numpy() == pytest.approx(1)
    assert of(rows, "sees", backgrounds="all")["icc"].abs().max() < 0.12


def test_robustness(world: World):
    rows = world.run("robustness")
    ignores, sees = (
        of(rows, m, axis="background", backgrounds="all").iloc[0] for m in ("ignores", "sees")
    )
    assert ignores["tv"] == pytest.approx(0, abs=1e-6) and ignores["tv_between"] > 0.02
    assert 0.9 < sees["ratio"] < 1.2 and sees["tv"] > 0.02
    grey = SHAPES[world.name][0][2] != 3
    vacuous = set(rows.loc[rows["verdict"] == "vacuous", "axis"]) - {"background"}
    assert vacuous == ({"theme", "colour-jitter", "random-conv"} if grey else {"theme"})


def test_cka(world: World):
    rows = world.run("cka")
    rows = rows[(rows["id_x"] == rows["id_y"]) & (rows["layer_x"] == rows["layer_y"])]
    twins = rows[rows["rendering"] == "twin"].set_index(["method_x", "layer_x"])["cka"]
    assert twins["ignores"].to_numpy() == pytest.approx(1)
    assert twins["sees"].abs().max() < 0.2


def test_similarity(world: World):
    rows = world.run("similarity", layers=("hidden",))
    one = rows[(rows["pair"] == "ignores vs sees") & (rows["measure"] == "cka")]
    assert len(one) == 1 and one["value"].abs().max() < 0.2


def test_erasure(world: World):
    rows = world.run("erasure", layers=("hidden",))
    assert (rows["episodes"] == 0).all()
    assert of(rows, "ignores")["tv_twins_before"].to_numpy() == pytest.approx(0, abs=1e-6)
    assert of(rows, "sees")["tv_twins_before"].min() > 0.02


def test_saliency(world: World):
    rows = world.run("saliency")
    height, width, _ = SHAPES[world.name][0]
    area = 1 - PATCH**2 / (height * width)
    assert of(rows, "ignores", target="button")["mass_over_area"].to_numpy() == pytest.approx(
        0, abs=1e-6
    )
    assert of(rows, "sees", target="button")["mass_over_area"].to_numpy() == pytest.approx(
        1 / area, rel=1e-4
    )


def test_embedding(world: World):
    world.run("embedding")
    scores = world.table("embedding", "embedding_scores")
    spread = scores[(scores["panel"] == "twins") & scores["measure"].str.startswith("spread")]
    assert of(spread, "ignores")["value"].to_numpy() == pytest.approx(0, abs=1e-3)
    assert of(spread, "sees")["value"].to_numpy() == pytest.approx(1, abs=0.1)


def test_probes(world: World):
    rows = world.run("probes")
    light = {m: of(rows, m, factor="brightness")["score"] for m in ("ignores", "sees")}
    assert light["ignores"].max() > 0.8 and light["sees"].max() < 0.1
    assert of(rows, "sees", factor="background")["low"].max() > 0.34
    blind = of(rows, "ignores", factor="background")
    assert (blind["low"] < blind["chance"]).all()


def test_twins(world: World):
    row = world.run("twins").iloc[0]
    noted = read_provenance(world.folder / "twins" / "twins.csv")["world"]
    digest = hashlib.sha256(world.file.read_bytes()).hexdigest()
    assert (noted["name"], noted["sha256"]) == (world.name, digest)
    height, width, _ = SHAPES[world.name][0]
    assert row["mask_area"] == pytest.approx(1 - PATCH**2 / (height * width), rel=1e-5)
    assert (world.folder / "twins" / "twins" / f"{world.name}.png").is_file()


STEPPED = ("analysis.returns", "analysis.emergence", "analysis.samples", "probes.steps")


@pytest.mark.parametrize("command", STEPPED)
def test_what_steps_is_vacuous(command: str, tmp_path: Path):
    module = import_module(command)
    with pytest.raises(UserError, match=r"vacuous: .*play.*, which nobody can step; ask this of a"):
        module.main(module.Settings(world="some.npz", output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_decisions_among_continuous_actions_are_refused_and_layers_measured(tmp_path: Path):
    import json

    name = "planted-small"
    meta = {"world": name, "variants": list("abcde"), "actions": "continuous"}
    world = World(name, tmp_path)
    world.file = write_world(tmp_path / "c.npz", name, meta=np.array(json.dumps(meta)))
    for command in ("robustness", "erasure", "saliency"):
        with pytest.raises(UserError, match=r"vacuous: decisions .* planted-small are continuous"):
            world.run(command)
        assert not (tmp_path / command).exists()
    assert of(world.run("invariance"), "ignores", backgrounds="all")["icc"].min() > 0.999
    assert world.run("cka")["agreement"].isna().all()


def test_policies_of_another_world_are_refused(tmp_path: Path):
    world = World("planted-small", tmp_path)
    with pytest.raises(UserError, match=r"world.npz: expected policies of that world, given by"):
        world.run("invariance", policy=())
    with pytest.raises(UserError, match=r"world.npz: expected policies of that world, given by"):
        world.run("invariance", ids=("starpilot/ppo/0",))
    other = World("planted-stack", tmp_path)
    world.file = write_world(tmp_path / "small.npz", "planted-small")
    with pytest.raises(
        UserError, match=r"expected policies of planted-small, got planted-stack/ignores/0"
    ):
        world.run("invariance", policy=other.policies)
