"""Every command that takes policies takes two encoders in one call."""

import importlib
from dataclasses import fields
from pathlib import Path
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
    "probes": "tests/probes/studies/test_layers.py",
    "probes.steps": "tests/probes/test_steps.py",
}
"""Command -> the test that has two encoders in it, with what that command asks of policies."""
LAYERED: dict[str, dict[str, Any]] = {
    "analysis.erasure": {"episodes": 0},
    "probes": {"factors": ("agent_x",), "states": 150, "workers": 1},
}
"""Command of those, with the setting ``layers`` -> what it needs beside."""
OF_NATURE = "conv3"
"""A layer that only the first of the two encoders has."""


def commands() -> list[str]:
    """Names of all commands that take policies, from their files."""
    found = []
    for package in ("analysis", "probes"):
        for file in sorted((ROOT / package).glob("*.py")):
            if file.stem == "__init__":
                continue
            name = package if file.stem == "__main__" else f"{package}.{file.stem}"
            if issubclass(getattr(module_of(name), "Settings", object), OnPolicies):
                found.append(name)
    return found


def test_every_command_that_takes_policies_is_tested_on_two_encoders():
    assert sorted({*OWN, *ELSEWHERE}) == commands()
    for file in ELSEWHERE.values():
        assert "impala" in (ROOT / file).read_text()


def known(command: str) -> set[str]:
    """Names of the settings of a command."""
    return {field.name for field in fields(module_of(command).Settings)}


def module_of(command: str) -> Any:
    return importlib.import_module("probes.__main__" if command == "probes" else command)


def tables_of(command: str, folder: Path, **more: Any) -> list[pd.DataFrame]:
    """The tables that a command writes of all the policies."""
    for encoder, names in POLICIES.items():
        zoo(folder / "zoo", *names, recipe=Recipe(encoder=encoder, features=8, mode="easy"))
    sizes = {name: value for name, value in SMALL.items() if name in known(command)}
    ids = tuple(name for names in POLICIES.values() for name in names)
    given = {"ids": ids, "root": folder / "zoo", "output": folder / "out"}
    module = module_of(command)
    module.main(module.Settings(**given, **(sizes | more)))
    return [pd.read_csv(path, skiprows=1) for path in (folder / "out").glob("*.csv")]


def cells(tables: list[pd.DataFrame], *columns: str) -> set[str]:
    """What stands in columns of these names."""
    found = [rows[one] for rows in tables for one in columns if one in rows and len(rows)]
    return {str(cell) for column in found for cell in column}


@pytest.mark.parametrize("command", sorted(OWN))
def test_two_encoders_in_one_call(command, tmp_path):
    told = cells(tables_of(command, tmp_path, **OWN[command]), "id", "id_x")
    for names in POLICIES.values():
        assert told & set(names), sorted(told)


@pytest.mark.parametrize("command", [one for one in commands() if "layers" in known(one)])
def test_a_layer_of_one_encoder_leaves_the_other_out_and_says_so(command, tmp_path, capsys):
    tables = tables_of(command, tmp_path, **(OWN | LAYERED)[command], layers=(OF_NATURE,))
    said = capsys.readouterr().err
    assert cells(tables, "id", "id_x", "id_y") >= set(POLICIES["nature"])
    assert not cells(tables, "id", "id_x", "id_y") & set(POLICIES["impala"])
    assert cells(tables, "layer", "layer_x", "layer_y") <= {OF_NATURE, "pixels", "time"}
    for name in POLICIES["impala"]:
        assert f"{name}: impala has no layer {OF_NATURE}, left out" in said
