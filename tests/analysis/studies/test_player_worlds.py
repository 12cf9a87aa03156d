"""Worlds in files as the page shows them: the file's own frames, states spread evenly."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.player import SHIPPED, Settings, main
from analysis.records.tables import read_provenance, read_table
from analysis.studies.player import encoded
from analysis.studies.player_worlds import SCHEMA, WIDEST, measure, opened
from checkpoints.console import UserError
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"
FILES = [ROOT / path for path in SHIPPED]


def write(path: Path, *, name: str = "mine", **change: Any) -> Path:
    """A small world of 9 states on 3 variants."""
    rng = np.random.default_rng(0)
    arrays = {
        "frames": rng.integers(0, 256, (9, 3, 8, 10, 3), dtype=np.uint8),
        "level": np.arange(9) // 3,
        "own": np.array([0, 1, 2, -1, 0, 1, 2, 0, -1]),
        "time": np.arange(9) * 5,
    } | change.pop("arrays", {})
    meta = {"world": name, "variants": ["a", "b", "c"], "actions": 4} | change
    np.savez_compressed(path, meta=json.dumps(meta), **arrays)
    return path


def test_states_are_spread_over_those_met_on_a_variant_and_frames_are_theirs(tmp_path):
    path = write(tmp_path / "a.npz")
    table, pictures, worlds = measure(opened([path]), states=3)
    assert list(table["row"]) == [0, 4, 7]
    assert list(table["own"]) == [0, 0, 0]
    assert list(table["step"]) == [0, 20, 35]
    assert pictures["mine"] == encoded(np.load(path)["frames"][[0, 4, 7]])
    world = worlds["mine"]
    assert (world["shape"], world["variants"], world["called"]) == ([8, 10, 3], 3, ["a", "b", "c"])
    assert world["buttons"] == [[0], [1], [2], [3]]
    assert world["names"][3] == "action 3"
    every = measure(opened([path]), states=100)[0]
    assert list(every["row"]) == [0, 1, 2, 4, 5, 6, 7]


def test_continuous_actions_are_no_buttons(tmp_path):
    path = write(tmp_path / "a.npz", actions="continuous")
    assert measure(opened([path]), states=2)[2]["mine"]["buttons"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_committed_frames_are_those_of_the_shipped_file(path):
    ((name, found),) = opened([path]).items()
    rows = read_table(TABLES / "player_worlds.csv", SCHEMA)
    some = rows[rows["world"] == name]
    content = (TABLES / "player" / f"{name}.webp").read_bytes()
    sheet = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    _, variants, height, width, _ = found.shape
    drawn = sheet.reshape(variants, height, len(some), width, 3).transpose(2, 0, 1, 3, 4)
    np.testing.assert_array_equal(drawn, np.load(path)["frames"][some["row"]])
    world = read_provenance(TABLES / "player_worlds.csv")["worlds"][name]
    assert world["file"] == path.name and len(world["called"]) == variants


def test_the_command_writes_games_and_worlds(tmp_path, capsys):
    path = write(tmp_path / "a.npz")
    main(
        Settings(games=("coinrun",), levels=1, frames=70, output=tmp_path, world=(path,), states=2)
    )
    assert len(read_table(tmp_path / "player_worlds.csv", SCHEMA)) == 2
    for table in ("player", "player_worlds"):
        worlds = read_provenance(tmp_path / f"{table}.csv")["worlds"]
        assert set(worlds) == {"coinrun", "mine"}
    assert (tmp_path / "player" / "mine.webp").is_file()
    assert "mine" in capsys.readouterr().out


def test_no_world_is_an_empty_table():
    table, pictures, worlds = measure(opened([]), states=3)
    assert (list(table), len(table), pictures, worlds) == (list(SCHEMA.names), 0, {}, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "../up"}, "of letters, digits, - and _, which its picture is called by; got"),
        ({"name": "coinrun"}, "expected a world of another name than any game and other file"),
        (
            {"arrays": {"frames": np.zeros((9, 3, 8, 10, 1), np.uint8)}},
            "expected frames of 3 colours .* got 8 x 10 x 1",
        ),
        (
            {"arrays": {"frames": np.zeros((9, 3, 1, WIDEST + 1, 3), np.uint8)}},
            "fit one below the other into a picture of 16,383 pixels, got 1 x 16384 x 3",
        ),
    ],
)
def test_a_world_that_cannot_be_shown_is_refused_before_it_is_read(change, said, tmp_path):
    with pytest.raises(UserError, match=said):
        opened([write(tmp_path / "a.npz", **change)])


def test_states_met_nowhere_and_two_of_one_name_are_refused(tmp_path):
    path = write(tmp_path / "a.npz", arrays={"own": np.full(9, -1)})
    with pytest.raises(UserError, match="expected states that were met on one of the variants"):
        measure(opened([path]), states=3)
    with pytest.raises(UserError, match="expected a world of another name"):
        opened([path, path])
