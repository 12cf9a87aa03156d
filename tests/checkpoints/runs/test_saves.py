"""Saves that somebody damaged or forged never reach Adam or Procgen, and nothing is half taken."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from checkpoints.console import UserError
from checkpoints.doors.tensors import read_tensors, write_tensors
from checkpoints.runs.folder import RUN_KEY, STATE
from checkpoints.runs.saves import read_checked
from checkpoints.runs.train import main
from tests.support.hostile_files import changed_tensors
from tests.support.tiny import RUN, kept_files, settings

INPUTS = 600


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A save of coinrun/mutual/3 after one iteration."""
    output = tmp_path_factory.mktemp("sound")
    main(settings(output))
    return (output / RUN / STATE).read_bytes()


def test_changed_saves_are_refused_or_whole(sound: bytes, tmp_path: Path):
    path, rng, refused = tmp_path / STATE, np.random.default_rng(0), 0
    for _ in range(INPUTS):
        path.write_bytes(changed_tensors(sound, RUN_KEY, rng))
        try:
            found = read_checked(path, "coinrun")
        except UserError:
            refused += 1
            continue
        assert found.content.settings.peers == 2 and len(found.log.recent) == 2
        for value in found.tensors.values():
            assert not value.is_floating_point() or value.isfinite().all()
    assert 0.7 * INPUTS < refused < INPUTS, refused


def edit(name: str, change):
    """Write a save with one tensor changed; ``None`` leaves it out."""

    def write(path: Path) -> None:
        tensors, header = read_tensors(path)
        tensors[name] = change(tensors[name])
        write_tensors({k: v for k, v in tensors.items() if v is not None}, header, path)

    return write


def edit_log(change):
    """Write a save with the rows of its log changed."""

    def write(path: Path) -> None:
        tensors, header = read_tensors(path)
        content = json.loads(header[RUN_KEY])
        change(content["extra"]["rows"])
        write_tensors(tensors, {RUN_KEY: json.dumps(content)}, path)

    return write


ADAM, STATES = "group/adam.0.exp_avg", "peer0/env.bytes"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(ADAM, lambda value: value[:1]), "'group/adam.0.exp_avg' as (32, 3, 8, 8) of float32"),
        (edit(ADAM, lambda value: value.double()), "got (32, 3, 8, 8) of float64"),
        (edit(ADAM, lambda value: value * torch.nan), "finite numbers in 'group/adam.0.exp_avg'"),
        (edit(ADAM, lambda value: None), "['group/adam.0.exp_avg'] missing"),
        (edit(ADAM + "_sq", lambda value: -1 - value), "squares below 0 in adam.0.exp_avg_sq"),
        (edit("group/adam.3.step", lambda value: value + 1), "adam.3.step 3 instead of 2 updates"),
        (edit("peer1/running", lambda value: value[:3]), "'peer1/running' as (4) of float64"),
        (edit("peer0/scale.moments", lambda value: -value), "rewards with variance -"),
        (edit("peer0/env.lengths", lambda value: value + 1), "bytes of states instead of"),
        (edit("peer0/env.lengths", lambda value: -value), "bytes of states instead of"),
        (edit_log(lambda rows: rows[1].pop("peer")), "a log without 'peer' in row 1"),
        (edit_log(lambda rows: rows[0].pop("train_return")), "without 'train_return' in row 0"),
        (edit_log(lambda rows: rows[0].update(peer=2)), "peer 2 at step 64 in row 0 of its log"),
        (edit_log(lambda rows: rows[1].update(step=128)), "peer 1 at step 128 in row 1 of its"),
        (edit(STATES, lambda value: value.flip(0)), "expected the whole state of a Procgen game"),
    ],
)
def test_a_refused_save_changes_nothing(change, message: str, sound: bytes, tmp_path: Path):
    path = tmp_path / RUN / STATE
    path.parent.mkdir(parents=True)
    path.write_bytes(sound)
    change(path)
    before = path.read_bytes()
    with pytest.raises(UserError, match=re.escape(message)):
        main(settings(tmp_path, steps=128.0))
    assert path.read_bytes() == before and not kept_files(tmp_path)


def test_states_of_other_levels_are_refused(sound: bytes, tmp_path: Path):
    path = tmp_path / STATE
    path.write_bytes(sound)
    with pytest.raises(UserError, match=r"of another game \(coinrun → bigfish\)"):
        read_checked(path, "bigfish")
    tensors, header = read_tensors(path)
    header[RUN_KEY] = header[RUN_KEY].replace('"levels": 20', '"levels": 30')
    write_tensors(tensors, header, path)
    with pytest.raises(UserError, match=r"another level seed high \(20 → 30\)"):
        read_checked(path, "coinrun")
