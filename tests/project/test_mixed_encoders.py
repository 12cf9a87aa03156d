"""Every command that takes policies takes two encoders in one call."""

import importlib
from dataclasses import fields
from typing import Any

import pandas as pd
import pytest

from analysis.studies.examination import OnPolicies
from checkpoints.policy.recipes import Recipe
from tests.support.small_zoo import zoo
from tests.support.tree import ROOT

POLICIES = {
    "nature": ("leaper/ppo/0/peer0/step64", "leaper/mutual/0/peer0/step64"),
    "impala": ("leaper/ppo/1/peer0/step64", "leaper/mutual/0/peer1/step64"),
}
"""Of one method and of one run, as well as apart."""
SMALL: dict[str, Any] = {"states": 60, "backgrounds": 4, "replicates": 20, "untrained": 2}
"""Settings of all commands; those that one has not are passed over."""
OWN: dict[str, dict[str, Any]] = {
    "analysis.cka": {},
    "analysis.invariance": {},
    "analysis.returns": {"backgrounds": "all", "episodes": 2},
    "analysis.robustness": {"views": 1, "trajectories": 8},
    "analysis.samples": {"episodes": 2},
    "analysis.similarity": {"permutations": 10, "neighbours": 3},
}
"""Command -> what it needs beside."""
ELSEWHERE = {
    "analysis.embedding": "tests/analysis/test_embedding.py",
    "analysis.emergence": "tests/analysis/test_emergence.py",
    "analysis.erasure": "tests/analysis/test_erasure.py",
    "analysis.saliency": "tests/analysis/test_saliency.py",
    "probes": "tests/probes/test_layers.py",
    "probes.steps": "tests/probes/test_steps.py",
}
"""Command -> the test that has two encoders in it, with what that command asks of policies."""


def commands() -> list[str]:
    """Names of all commands that take policies, from their files."""
    found = []
    for package in ("analysis", "probes"):
        for file in sorted((ROOT / package).glob("*.py")):
            if file.stem == "__init__":
                continue
            module = importlib.import_module(f"{package}.{file.stem}")
            if issubclass(getattr(module, "Settings", object), OnPolicies):
                found.append(package if file.stem == "__main__" else f"{package}.{file.stem}")
    return found


def test_every_command_that_takes_policies_is_tested_on_two_encoders():
    assert sorted({*OWN, *ELSEWHERE}) == commands()
    for file in ELSEWHERE.values():
        assert "impala" in (ROOT / file).read_text()


@pytest.mark.parametrize("command", sorted(OWN))
def test_two_encoders_in_one_call(command, tmp_path, capsys):
    root = tmp_path / "zoo"
    for encoder, names in POLICIES.items():
        zoo(root, *names, recipe=Recipe(encoder=encoder, features=8, mode="easy"))
    module = importlib.import_module(command)
    known = {field.name for field in fields(module.Settings)}
    sizes = {name: value for name, value in SMALL.items() if name in known}
    ids = tuple(name for names in POLICIES.values() for name in names)
    given = {"ids": ids, "root": root, "output": tmp_path / "out"}
    module.main(module.Settings(**given, **(sizes | OWN[command])))
    capsys.readouterr()
    told = set()
    for table in (tmp_path / "out").glob("*.csv"):
        rows = pd.read_csv(table, skiprows=1)
        for column in {"id", "id_x"} & set(rows):
            told |= set(rows[column].astype(str))
    for names in POLICIES.values():
        assert told & set(names), sorted(told)
