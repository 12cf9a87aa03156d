"""A Python file of the user's: run, told apart from ids, and its faults told in one line."""

import dataclasses
from pathlib import Path

import pytest
import torch

from analysis import cka, invariance
from analysis.policies.subjects import load_subjects
from analysis.records.tables import read_provenance, read_table
from analysis.studies.similarity.cka import SCHEMA
from checkpoints.console import UserError
from checkpoints.policy.from_file import hash_of, policy_from

MINE = """
import torch
from torch import nn
from beside import SCALE
from checkpoints.policy.adapters import Adapted
from checkpoints.policy.trained import Training

def network():
    torch.manual_seed(5)
    head = nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 16)
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), *head)

def make(id="starpilot/idaac/7"):
    net = network()
    def decide(frames):
        out = net(frames.permute(0, 3, 1, 2) / 255)
        return SCALE * out[:, :15], out[:, 15]
    return Adapted(net, ["2", "4"], decide, id=id, trained=Training(backgrounds=(0, 1)))

def nameless(): return make("")
def blank(): return make("starpilot/untrained/3")
def bare(): return network()
def broken(): return network().no_such_thing
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "beside.py").write_text("SCALE = 5\n")
    (tmp_path / "mine.py").write_text(MINE)
    return str(tmp_path / "mine.py")


def test_it_is_a_subject_with_what_it_says_of_itself_and_a_control_like_it(file):
    ((game, (one, control)),) = load_subjects([], controls=1, made=[f"{file}:make"]).items()
    assert game == "starpilot" and str(one.id) == "starpilot/idaac/7/peer0/step0"
    assert one.trained_backgrounds == (0, 1) and one.provenance is None
    assert one.code == hash_of(f"{file}:make") and control.code == ""
    assert str(control.id) == "starpilot/untrained/0/peer0/step0"
    mine, blank = (subject.policy.encoder.state_dict() for subject in (one, control))
    assert not any(torch.equal(mine[name], blank[name]) for name in mine)


def test_it_stands_beside_ids_in_a_command(file, tmp_path):
    settings = cka.Settings(
        ids=("starpilot/ppo/1",),
        policy=(f"{file}:make",),
        states=24,
        replicates=20,
        untrained=0,
        output=tmp_path / "out",
    )
    cka.main(settings)
    table = read_table(tmp_path / "out" / "cka.csv", SCHEMA)
    assert set(table["pair"]) == {"self", "idaac vs ppo"}
    assert set(table["layer_y"]) >= {"2", "4"} or set(table["layer_x"]) >= {"2", "4"}
    policies = read_provenance(tmp_path / "out" / "cka.csv")["policies"]
    assert policies["starpilot/idaac/7/peer0/step0"] == hash_of(f"{file}:make")


def test_of_several_each_counts_once_and_no_shipped_one_is_meant(file):
    with pytest.raises(UserError, match="expected each policy once, got starpilot/idaac/7"):
        load_subjects([], made=[f"{file}:make", f"{file}:make"])
    usual = invariance.Settings(policy=(f"{file}:make",))
    assert dataclasses.asdict(usual)["ids"] == ()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("mak", r"unknown function in .*mine\.py 'mak'; .*Did you mean 'make'"),
        ("nameless", r"mine.py:nameless: expected a policy with an id, .* give Adapted\(…, id="),
        ("blank", "expected the id of a trained policy, got 'starpilot/untrained/3'"),
        ("bare", r"expected bare\(\) to return a .*Adapted, got Sequential; wrap the network"),
        ("broken", r"mine.py:broken: expected a policy, got AttributeError: .*no_such_thing"),
    ],
)
def test_what_is_no_policy_is_told_in_one_line(file, function, message):
    with pytest.raises(UserError, match=message) as raised:
        load_subjects([], made=[f"{file}:{function}"])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("starpilot/ppo/0", "--policy: expected a Python file and a function in it"),
        ("mine.py", "--policy: expected a Python file and a function in it"),
        ("mine.py:a b", "--policy: expected a Python file and a function in it"),
        ("no_such.py:make", r"--policy: expected a Python file, there is none at no_such\.py"),
    ],
)
def test_other_names_are_refused_before_anything_is_run(text, message):
    with pytest.raises(UserError, match=message):
        policy_from(text)


def test_a_fault_of_the_file_is_told_with_its_line(tmp_path):
    (tmp_path / "bad.py").write_text("x = 1\ny = x / 0\n")
    with pytest.raises(UserError, match=r"got ZeroDivisionError: .*\(line 2 of .*bad\.py\)"):
        policy_from(f"{tmp_path}/bad.py:make")
    (tmp_path / "worse.py").write_text("x = (\n")
    with pytest.raises(UserError, match=r"worse\.py: expected a policy, got SyntaxError"):
        policy_from(f"{tmp_path}/worse.py:make")
