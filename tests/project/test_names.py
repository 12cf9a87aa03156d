"""A public name of a type, class or alias, means one thing: it is given in one module only."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from sources import parsed, project_modules

from tests.support.tree import ROOT

MODULES = project_modules(ROOT)
SHARED = {
    "Settings": "what a command takes: whose they are says its module",
    "Standings": "of the runs of a queue, which writes them and has them listed",
}
"""Name that may stand in several modules -> the one concept that it is in all of them."""
TYPE = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")


def types_of(tree: ast.Module) -> set[str]:
    """Public classes, wherever they stand, and public aliases of the module."""
    found = {one.name for one in ast.walk(tree) if isinstance(one, ast.ClassDef)}
    for one in tree.body:
        if isinstance(one, ast.Assign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if TYPE.fullmatch(name)}


def of_two_meanings(modules: Mapping[str, Path]) -> dict[str, list[str]]:
    """Name of a type -> the modules that give it, where they are several."""
    found: dict[str, list[str]] = {}
    for module, file in modules.items():
        for name in types_of(parsed(file)):
            found.setdefault(name, []).append(module)
    return {name: there for name, there in found.items() if len(there) > 1}


def test_a_type_has_a_name_of_its_own():
    twice = of_two_meanings(MODULES)
    assert {name: there for name, there in twice.items() if name not in SHARED} == {}
    assert set(SHARED) <= set(twice), "an exception that nothing needs"


def test_a_name_of_two_meanings_would_be_seen(tmp_path):
    written = {
        "one": "class Plan:\n    class Inner: ...\nclass _Row: ...\nN = 1\n",
        "two": "Plan = dict[str, int]\nInner: type = int\nclass _Row: ...\nN = 2\n",
        "three": "from one import Plan\nclass Planned: ...\ndef plan(): Inner = int\n",
    }
    modules = {name: tmp_path / f"{name}.py" for name in written}
    for name, file in modules.items():
        file.write_text(written[name])
    assert of_two_meanings(modules) == {"Inner": ["one", "two"], "Plan": ["one", "two"]}
