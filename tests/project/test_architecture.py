"""The house: which way imports run, which rooms there are, and that tests mirror them."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest
from sources import PACKAGES, import_graph, imported_names, project_modules, sources_of

from analysis.records.tables import Schema
from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

MODULES = project_modules(ROOT)
COMMANDS = sorted(
    name for name, file in MODULES.items() if '__name__ == "__main__"' in file.read_text()
)
# Figures read tables and statistics; what they take from a policy's side is how commands speak
# and what methods and pairs are called, and from a study the schemas of its tables.
FIGURES_MAY_IMPORT = {
    *("analysis", "analysis.records.tables", "analysis.records.runs", "analysis.records.values"),
    *("analysis.stats.clusters", "analysis.stats.look_verdicts", "analysis.policies.relations"),
    *("checkpoints.console", "checkpoints.doors.writing", "checkpoints.doors.places"),
    *("checkpoints.doors.children", "checkpoints.policy.ids", "checkpoints.policy.recipes"),
}
# The page carries policies as the files they are; nothing in Python runs them.
FIGURES_MAY_IMPORT |= {
    *("checkpoints.policy.store", "checkpoints.doors.reading", "checkpoints.doors.sheets")
}
STUDIES = ("analysis.studies.", "probes.studies.")
ORDER = {
    "checkpoints": ("console", "doors", "world", "policy", "training", "runs"),
    "analysis": ("stats", "records", "measures", "policies", "scenes", "studies"),
    "probes": ("factors", "readers", "studies"),
    "figures": ("kit", "plots", "browser"),
}
"""Rooms of a package: each imports from itself and those before it; commands stand at the top."""
FLOORS = 8
"""Rooms on the longest way from a command to what needs nothing."""
HEAVY = {"procgen", "torch", "gym", "gym3"}
MEASURES_WITHOUT_PROCGEN = (
    "analysis.records.tables",
    "analysis.stats.clusters",
    "analysis.cka",
    "figures.__main__",
)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )


def backward_imports(graph: dict[str, set[str]]) -> list[str]:
    """Edges that point from a package to one on its right."""
    rank = {package: place for place, package in enumerate(PACKAGES)}
    return [
        f"{name} imports {target}"
        for name, targets in graph.items()
        for target in targets
        if rank[target.split(".")[0]] > rank[name.split(".")[0]]
    ]


def room_of(module: str) -> str:
    """The folder that a module lies in; the package itself for its commands."""
    return str(MODULES[module].relative_to(ROOT).parent) if module in MODULES else module


def against_the_order(graph: dict[str, set[str]]) -> list[str]:
    """Imports from one room of a package to a later one, or from a room to a command."""
    found = []
    for name, targets in graph.items():
        package, *path = name.split(".")
        order = ORDER.get(package, ())
        mine = order.index(path[0]) if path and path[0] in order else len(order)
        for target in targets:
            other, *rest = target.split(".")
            if other != package or not rest or package not in ORDER:
                continue
            if (order.index(rest[0]) if rest[0] in order else len(order)) > mine:
                found.append(f"{name} imports {target}")
    return found


def rooms_below(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Room -> other rooms of its package that it imports from."""
    found: dict[str, set[str]] = {}
    for name, targets in graph.items():
        mine = room_of(name)
        inside = {room_of(t) for t in targets if t.split(".")[0] == name.split(".")[0]}
        # A folder's own __init__ says what it holds and stands for nothing.
        found.setdefault(mine, set()).update(r for r in inside - {mine} if "/" in r)
    return found


def floors(below: dict[str, set[str]]) -> int:
    """Rooms on the longest way down."""
    height: dict[str, int] = {}
    for room in TopologicalSorter(below).static_order():
        height[room] = 1 + max((height[one] for one in below.get(room, ())), default=0)
    return max(height.values())


def imports_of_figures(graph: dict[str, set[str]]) -> set[str]:
    """What modules of figures take from the other packages."""
    return {
        target
        for name, targets in graph.items()
        if name.split(".")[0] == "figures"
        for target in targets
        if target.split(".")[0] != "figures"
    }


def after_import(module: str, heavy: set[str]) -> set[str]:
    """Which of ``heavy`` are loaded once a fresh interpreter has imported ``module``."""
    program = f"import sys, {module}; print(*sorted(set(sys.modules) & {heavy!r}))"
    done = run_python("-c", program)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


# -- imports ---------------------------------------------------------------------------------


def test_imports_run_one_way():
    assert backward_imports(import_graph(ROOT)) == []


def test_a_backward_import_would_be_seen():
    graph = {
        "checkpoints.runs.train": {"analysis.cka"},
        "analysis.cka": {"checkpoints.policy.store"},
    }
    assert backward_imports(graph) == ["checkpoints.runs.train imports analysis.cka"]


def test_rooms_are_imported_in_their_order():
    assert against_the_order(import_graph(ROOT)) == []


def test_an_import_against_the_order_would_be_seen():
    graph = {
        "analysis.stats.clusters": {"analysis.measures.icc"},
        "analysis.studies.cka": {"analysis.cka", "analysis.stats.clusters"},
        "checkpoints.world.games": {"checkpoints.console", "checkpoints.policy.ids"},
    }
    assert against_the_order(graph) == [
        "analysis.stats.clusters imports analysis.measures.icc",
        "analysis.studies.cka imports analysis.cka",
        "checkpoints.world.games imports checkpoints.policy.ids",
    ]


def test_rooms_form_no_circle_and_few_floors():
    assert floors(rooms_below(import_graph(ROOT))) <= FLOORS


def test_a_circle_of_rooms_and_a_tower_would_be_seen():
    with pytest.raises(CycleError):
        floors({"a": {"b"}, "b": {"a"}})
    assert floors({str(k): {str(k + 1)} for k in range(9)}) == 10 > FLOORS


COMMAND_LINES = 144
"""A command is its settings and one call."""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_thin(command):
    assert len(MODULES[command].read_text().splitlines()) <= COMMAND_LINES


def test_modules_form_no_cycle():
    list(TopologicalSorter(import_graph(ROOT)).static_order())


def test_a_cycle_would_be_seen():
    with pytest.raises(CycleError):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_imports_inside_functions_count(tmp_path):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "late.py").write_text("def f():\n    from analysis import other\n")
    (tmp_path / "analysis" / "other.py").write_text("import numpy\n")
    assert import_graph(tmp_path)["analysis.late"] == {"analysis.other"}
    assert sources_of("analysis.late", tmp_path) == ["analysis/late.py", "analysis/other.py"]


def test_nothing_is_imported_relatively():
    for file in MODULES.values():
        tree = ast.parse(file.read_text())
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level], file


def beyond_tables(targets: set[str]) -> set[str]:
    """What figures should not import."""
    return {one for one in targets - FIGURES_MAY_IMPORT if not one.startswith(STUDIES)}


def test_figures_take_only_tables_names_and_console():
    assert beyond_tables(imports_of_figures(import_graph(ROOT))) == set()
    assert beyond_tables(imports_of_figures({"figures.curves": {"checkpoints.world.games"}}))


def taken_from_studies(file: Path) -> dict[str, object]:
    """What a file imports from modules of studies, by its dotted name."""
    names = [name for name in imported_names(file) if name.startswith(STUDIES)]
    parts = [name.rpartition(".") for name in names if name not in MODULES]
    return {f"{module}.{name}": getattr(import_module(module), name) for module, _, name in parts}


def test_figures_take_nothing_but_schemas_from_studies(tmp_path):
    for name, file in MODULES.items():
        if name.split(".")[0] == "figures":
            found = taken_from_studies(file)
            assert {one for one, value in found.items() if not isinstance(value, Schema)} == set()
    other = tmp_path / "other.py"
    other.write_text("from analysis.studies.similarity.cka import SCHEMA, look\n")
    kinds = [isinstance(value, Schema) for value in taken_from_studies(other).values()]
    assert kinds == [True, False]


def test_figures_name_no_heavy_library():
    for name, file in MODULES.items():
        if name.split(".")[0] == "figures":
            assert not {target.split(".")[0] for target in imported_names(file)} & HEAVY, file


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.split(".")[0] == "figures"))
def test_figures_load_no_heavy_library(module):
    assert after_import(module, HEAVY) == set()


def test_commands_speak_before_torch_is_loaded():
    imported = set()
    for package in ("analysis", "probes"):
        for file in (ROOT / package).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom):
                    imported |= {f"{node.module}.{one.name}" for one in node.names}
    modules = sorted(imported & set(MODULES))
    assert "analysis.studies.training.emergence" in modules
    assert after_import(", ".join(modules), {"torch", "captum"}) == set()


def test_a_loaded_library_would_be_seen():
    assert after_import("json", {"json", "torch"}) == {"json"}


@pytest.mark.parametrize("module", [m for m in MEASURES_WITHOUT_PROCGEN if m in MODULES])
def test_measures_work_without_procgen(module):
    blocked = "sys.modules.update(procgen=None, gym=None, gym3=None)"
    done = run_python("-c", f"import sys; {blocked}; import {module}")
    assert done.returncode == 0, done.stderr


def test_blocking_procgen_blocks_it():
    done = run_python("-c", "import sys; sys.modules['procgen'] = None; import procgen")
    assert done.returncode != 0
    assert "procgen" in done.stderr


def test_shapes_in_annotations_are_enforced():
    from jaxtyping import TypeCheckError

    from analysis.stats.clusters import cluster_weights

    with pytest.raises(TypeCheckError, match="clusters"):
        cluster_weights("no array", 10, 0)


def strangers(folders: list[Path], root: Path) -> list[str]:
    """Folders of tests that mirror no folder of the tree."""
    return [str(one) for one in folders if not (root / one).is_dir()]


def test_tests_mirror_the_tree():
    tests = ROOT / "tests"
    assert {p.name for p in tests.glob("test_*.py")} == {
        f"test_{module.name}" for module in ROOT.glob("*.py")
    }
    folders = [p.parent.relative_to(tests) for p in tests.glob("*/**/test_*.py")]
    own = {"project", "support", "benchmarks"}
    assert strangers([one for one in folders if one.parts[0] not in own], ROOT) == []
    assert strangers([Path("analysis/wallpaper")], ROOT) == ["analysis/wallpaper"]
