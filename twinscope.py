"""One import and one command for all of Twinscope.

``import twinscope`` loads nothing; ``twinscope.cka(x, y)`` loads what CKA needs, when it is asked
for. ``twinscope cka …`` on the command line is ``python -m analysis.cka …``, and finds the packages
of this installation also where a folder of the user's is called ``analysis``.
"""

import ast
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("checkpoints", "analysis", "probes", "figures")
FUNCTIONS = {
    "cka": "analysis.measures.cka:cka",
    "cka_matrix": "analysis.measures.cka:cka_matrix",
    "rbf_cka": "analysis.measures.kernels:rbf_cka",
    "angular_cka": "analysis.measures.kernels:angular_cka",
    "deconfounded_cka": "analysis.measures.kernels:deconfounded_cka",
    "rsa": "analysis.measures.rsa:rsa",
    "mutual_neighbours": "analysis.measures.neighbours:mutual_neighbours",
    "procrustes": "analysis.measures.alignment:procrustes",
    "svcca": "analysis.measures.alignment:svcca",
    "pwcca": "analysis.measures.alignment:pwcca",
    "icc": "analysis.measures.icc:measure",
    "effective_rank": "analysis.measures.effective_rank:effective_rank",
    "tv": "analysis.measures.decisions:total_variation",
    "probe": "probes.studies.by_arrays:probe",
    "bank": "analysis.scenes.common:common_bank",
    "twins": "analysis.scenes.twin_sets:twin_set",
    "world": "analysis.scenes.file_world:open_world",
    "load": "analysis.policies.subjects:load_subjects",
    "read": "analysis.policies.features:read",
    "Adapted": "checkpoints.policy.adapters:Adapted",
    "UserError": "checkpoints.console:UserError",
}
"""Name here -> module and name there; ``help(twinscope.cka)`` says more."""
_HERE = Path(__file__).resolve().parent

__all__ = [*FUNCTIONS, "commands", "main"]


class _Ours:
    """Finds the four packages beside this file, whatever else bears their names."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        """The specification of one of the packages; None of anything else."""
        if path is None and name in PACKAGES:
            return PathFinder.find_spec(name, [str(_HERE)])
        return None


@contextmanager
def _ours_first() -> Iterator[None]:
    for name in PACKAGES:
        loaded: ModuleType | None = sys.modules.get(name)
        places = list(getattr(loaded, "__path__", ()))
        if loaded is not None and str(_HERE / name) not in map(os.path.realpath, places):
            raise ImportError(
                f"expected the package {name!r} of {_HERE}, but {places or loaded} was imported "
                "under that name; import twinscope's functions first, or rename the other"
            )
    sys.meta_path.insert(0, _Ours)
    try:
        yield
    finally:
        sys.meta_path.remove(_Ours)


def __getattr__(name: str) -> Any:
    if name not in FUNCTIONS:
        raise AttributeError(f"twinscope has no {name!r}; it has {', '.join(sorted(FUNCTIONS))}")
    module, _, there = FUNCTIONS[name].partition(":")
    with _ours_first():
        for package in PACKAGES:
            import_module(package)
        found = getattr(import_module(module), there)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


def commands() -> dict[str, tuple[str, str]]:
    """What can be typed after ``twinscope`` -> the module behind it and what it does.

    Modules of ``analysis`` go by their last name: ``cka``; others by all of it: ``probes.steps``.
    """
    found = {}
    for package in reversed(PACKAGES):
        for file in sorted((_HERE / package).glob("*.py")):
            text = file.read_text(encoding="utf-8")
            if '__name__ == "__main__"' not in text:
                continue
            module = package if file.stem == "__main__" else f"{package}.{file.stem}"
            what = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
            found[module.removeprefix("analysis.")] = module, what.partition(": ``")[0]
    return found


def main() -> None:
    """Run the command that is typed; without one, list them. Exits as the command does."""
    known = commands()
    asked = sys.argv[1] if len(sys.argv) > 1 else "--help"
    name = asked.removeprefix("analysis.")
    with _ours_first():
        from checkpoints.console import UserError, one_of, outlive_readers

        outlive_readers()
        try:
            if asked in ("-h", "--help"):
                width = max(map(len, known))
                lines = (f"  {name:{width}}  {what}" for name, (_, what) in known.items())
                print("usage: twinscope COMMAND [-h] …\n", *lines, sep="\n", flush=True)
                return
            one_of("command", name, known)
        except (UserError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        if Path.cwd() != _HERE:
            # Processes that a command starts look for packages where this one does.
            os.environ.setdefault("PYTHONSAFEPATH", "1")
        del sys.argv[1]
        runpy.run_module(known[name][0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
