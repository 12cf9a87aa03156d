"""What the source says of a step: the files it runs through, and the tables it writes.

Nothing is imported: a graph of work is read many times a run, and each file is parsed once.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGES = ("checkpoints", "analysis", "probes", "figures")


@cache
def project_modules(root: Path) -> dict[str, Path]:
    """Dotted name of every module under the four packages of ``root``, with its file."""
    found = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file, parsed once a process."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def _nodes(file: Path) -> list[ast.Import | ast.ImportFrom | ast.Call]:
    """What a file imports and calls anywhere: its tree is walked once a process, too."""
    kinds = ast.Import | ast.ImportFrom | ast.Call
    return [node for node in ast.walk(parsed(file)) if isinstance(node, kinds)]


def imported_names(file: Path) -> Iterator[str]:
    """Every dotted name that ``file`` imports anywhere, also inside functions.

    ``from a import b`` yields ``a`` and ``a.b``, since ``b`` may be a module.
    """
    for node in _nodes(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def import_graph(root: Path) -> dict[str, set[str]]:
    """Module -> the project's modules that it imports; an ``__init__`` counts where it is named."""
    modules = project_modules(root)
    return {
        name: {target for target in imported_names(file) if target in modules} - {name}
        for name, file in modules.items()
    }


def sources_of(module: str, root: Path) -> list[str]:
    """Paths, relative to ``root``, of ``module`` and of all that it imports, sorted.

    Raises:
        KeyError: ``root`` has no such module.
    """
    graph, modules = import_graph(root), project_modules(root)
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return sorted(str(modules[name].relative_to(root)) for name in seen)


def drawers_of(root: Path) -> list[str]:
    """Modules that draw a figure: ``python -m figures`` imports each by its name, when it draws."""
    return sorted(
        name
        for name, file in project_modules(root).items()
        if name.startswith("figures.")
        and any(
            isinstance(one, ast.FunctionDef) and one.name == "draw" for one in parsed(file).body
        )
    )


def tables_of(root: Path) -> dict[str, list[str]]:
    """Command, such as ``analysis.cka`` -> names of the tables it writes, in order of the source.

    Read from each ``Schema("cka", …, command="analysis.cka")``, however the call is named.
    """
    found: dict[str, list[str]] = {}
    for file in project_modules(root).values():
        for node in _nodes(file):
            if isinstance(node, ast.Call) and node.args:
                command = next((k.value for k in node.keywords if k.arg == "command"), None)
                name = node.args[0]
                if isinstance(command, ast.Constant) and isinstance(name, ast.Constant):
                    found.setdefault(str(command.value), []).append(str(name.value))
    return found
