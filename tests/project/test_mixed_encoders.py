"""Every command that takes policies takes two encoders in one call."""

import ast
import importlib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from analysis.studies.examination import OnPolicies
from checkpoints.policy.recipes import EncoderName, Recipe
from tests.support.small_zoo import zoo
from tests.support.tree import ROOT

ENCODERS = get_args(EncoderName)
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
    "analysis.embedding": (
        "tests/analysis/test_embedding.py",
        "test_encoders_of_two_kinds_share_a_picture",
    ),
    "analysis.emergence": (
        "tests/analysis/test_emergence.py",
        "test_policies_of_two_encoders_start_from_untrained_ones_of_their_own",
    ),
    "analysis.erasure": (
        "tests/analysis/test_erasure.py",
        "test_each_policy_has_the_layers_of_its_encoder",
    ),
    "analysis.saliency": (
        "tests/analysis/test_saliency.py",
        "test_methods_are_read_where_they_apply",
    ),
    "probes": (
        "tests/probes/studies/test_layers.py",
        "test_policies_that_lack_a_layer_are_read_where_they_have_another",
    ),
    "probes.steps": (
        "tests/probes/test_steps.py",
        "test_each_encoder_starts_from_untrained_ones_of_its_kind",
    ),
}
"""Command -> file and test that give it two encoders, with what that command asks of policies."""
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
    for command, (file, test) in ELSEWHERE.items():
        assert faults_of(command, (ROOT / file).read_text(), test) == [], (file, test)


def faults_of(command: str, source: str, test: str) -> list[str]:
    """What a test, read and not run, lacks of two encoders in a call of the command.

    It is to write policies of two encoders by ``zoo``, whose own is nature, to call the ``main``
    that the file imports from the command, and to assert something after that.
    """
    tree = ast.parse(source)
    found = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == test]
    if not found:
        return ["no such test"]
    nodes, module = list(ast.walk(found[0])), module_of(command).__name__
    imported = {
        (one.asname or one.name, f"{part.module}.{one.name}")
        for part in tree.body
        if isinstance(part, ast.ImportFrom)
        for one in part.names
    }
    mains = {name for name, path in imported if path == f"{module}.main"}
    mains |= {f"{name}.main" for name, path in imported if path == module}
    calls = [one for one in nodes if isinstance(one, ast.Call)]
    ran = [one.lineno for one in calls if ast.unparse(one.func) in mains]
    written = [one for one in calls if ast.unparse(one.func) == "zoo"]
    encoders = {one.value for one in nodes if isinstance(one, ast.Constant)} & set(ENCODERS)
    if any("recipe" not in {key.arg for key in one.keywords} for one in written):
        encoders.add("nature")
    asserts = [one.lineno for one in nodes if isinstance(one, ast.Assert)]
    faults = {
        "the command is not run": not ran,
        "policies of fewer than two encoders": not written or len(encoders) < 2,
        "nothing is asserted of the command": not ran or max(asserts, default=0) < min(ran),
    }
    return [fault for fault, there in faults.items() if there]


def test_a_test_of_one_encoder_or_of_another_command_would_be_seen():
    head = "from analysis.erasure import main\nfrom analysis.cka import main as other\n"
    body = "def test_x():\n zoo(root, 'a')\n zoo(root, 'b', recipe=of('impala'))\n"
    run, say = " main(few)\n", " assert rows\n"
    sound = head + body + run + say
    none, two = "the command is not run", "policies of fewer than two encoders"
    quiet = "nothing is asserted of the command"
    for source, faults in (
        (sound, []),
        (sound.replace("test_x", "test_y"), ["no such test"]),
        (sound.replace("impala", "nature") + "# impala\n", [two]),
        (sound.replace("zoo(", "made("), [two]),
        (sound.replace(" main(few)", " other(few)"), [none, quiet]),
        (head + body + say + run, [quiet]),
    ):
        assert faults_of("analysis.erasure", source, "test_x") == faults


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
