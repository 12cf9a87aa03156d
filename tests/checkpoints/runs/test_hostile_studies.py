"""Studies and ids that somebody mistyped or forged: read, or refused in words and at once."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from checkpoints.console import UserError
from checkpoints.policy.ids import LARGEST, parse_id
from checkpoints.policy.recipes import METHODS
from checkpoints.runs.study import Planned, read_study
from checkpoints.world.games import GAMES
from tests.support.hostile_files import VALUES, changed_bytes, changed_json
from tests.support.tree import ROOT

INPUTS = 600
LINES = (
    "x: !!python/object/apply:os.system [id]",
    "x: 2026-13-45",
    "x: " + "9" * 5000,
    "x: " + "[" * 3000,
    "x: &a [1]\ny: *a",
    "x: !!binary no",
    "x: .nan",
    "? [1, 2]\n: 3",
    "? {a: 1}\n: 3",
    "x: !!timestamp yesterday",
    "\tx: 1",
    "x: '",
    "x: 0o9",
    "x: 1:99:99",
)


def changed(study: dict, rng: np.random.Generator) -> bytes:
    """The text of a study with one thing changed."""
    how = rng.integers(4)
    if how == 0:
        return changed_bytes(yaml.safe_dump(study).encode(), rng)
    if how == 1:
        value = VALUES[rng.integers(len(VALUES))]
        name = list(study["recipe"])[rng.integers(len(study["recipe"]))]
        study = json.loads(json.dumps(study)) | {"recipe": study["recipe"] | {name: value}}
        return json.dumps(study).encode()
    if how == 2:
        return (yaml.safe_dump(study) + LINES[rng.integers(len(LINES))] + "\n").encode()
    return json.dumps(changed_json(study, rng)).encode()


@pytest.mark.parametrize("name", ["study.yaml", "study-second.yaml"])
def test_changed_studies_are_refused_or_sound(name: str, tmp_path: Path):
    study = yaml.safe_load((ROOT / name).read_text())
    study["recipe"] |= {"learning_rate": 5e-4, "clip": 0.2, "num_envs": 64}
    path, rng, refused = tmp_path / "study.yaml", np.random.default_rng(0), 0
    for _ in range(INPUTS // 3):
        path.write_bytes(changed(study, rng))
        try:
            planned = read_study(path)
        except UserError:
            refused += 1
            continue
        assert planned and all(isinstance(run, Planned) and run.steps >= 1 for run in planned)
    assert 0.5 * INPUTS / 3 < refused < INPUTS / 3, refused


def test_what_is_no_file_is_refused_unread(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="is a pipe or device"):
            read_study(place)
    (tmp_path / "long").write_text("runs: [" + "a, " * 10**6)
    with pytest.raises(UserError, match=r"study.yaml of at most 262,144 bytes"):
        read_study(tmp_path / "long")


def strange_id(rng: np.random.Generator) -> str:
    """An id whose parts are right or wrong, each by a coin."""
    parts = (
        (["coinrun", "starpilot"], ["pong", "", "COINRUN", "..", "~", "\udcff"]),
        (list(METHODS), ["", "pp", "ppo-bg0", "ppo-bg99", "ppo-split62", "x" * 300, "ppo\n"]),
        (["0", "17"], ["-1", "01", "٣", "9" * 20, "9" * 5000, "1e3", "", " 1"]),
        (["", "peer0", "peer1"], ["peer", "peer-1", "peer99", "pear1"]),
        (["", "step64"], ["step", "step" + "9" * 30, "step064", "step1/"]),
    )
    chosen = [side[rng.random() < 0.25] for side in parts]
    return "/".join(text for side in chosen if (text := side[rng.integers(len(side))]))


def test_strange_ids_are_refused_or_print_back():
    rng, refused = np.random.default_rng(0), 0
    for _ in range(INPUTS):
        text = strange_id(rng)
        try:
            found = parse_id(text)
        except UserError as error:
            refused += 1
            assert len(str(error)) < 500
            continue
        assert str(found) == text and found.game in GAMES and found.seed <= LARGEST["seed"]
    assert 0.3 * INPUTS < refused < INPUTS, refused
