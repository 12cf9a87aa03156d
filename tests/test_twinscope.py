"""One import that loads nothing before it is asked, one command that finds its own packages."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sources import project_modules

import twinscope
from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

COMMANDS = {
    name.removesuffix(".__main__")
    for name, file in project_modules(ROOT).items()
    if '__name__ == "__main__"' in file.read_text()
}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's with packages of the same names, first on the path."""
    for name in twinscope.PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_importing_it_loads_nothing_heavy():
    heavy = "{'torch', 'numpy', 'pandas', 'analysis', 'checkpoints'}"
    done = run(ROOT, "-c", f"import sys, twinscope; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout == "[]\n"
    done = run(ROOT, "-c", "import sys, twinscope; twinscope.cka; print('torch' in sys.modules)")
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", twinscope.FUNCTIONS)
def test_every_name_is_there(name):
    assert callable(getattr(twinscope, name))
    assert name in dir(twinscope)


def test_a_function_is_the_function():
    from analysis.measures.cka import cka

    assert twinscope.cka is cka
    x = np.random.default_rng(0).normal(size=(20, 3))
    assert twinscope.cka(x, 2 * x + 1) == pytest.approx(1)


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match=r"twinscope has no 'ckaa'; it has .*cka, "):
        twinscope.ckaa  # noqa: B018 - reading it is the test


def test_every_command_is_listed_with_what_it_does():
    known = twinscope.commands()
    assert {module for module, _ in known.values()} == COMMANDS
    assert {"cka", "probes", "probes.steps", "checkpoints.train"} <= set(known)
    assert all(what for _, what in known.values())
    done = run(ROOT, "-m", "twinscope")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in known)


@pytest.mark.parametrize("typed", ["cka", "analysis.cka"])
def test_a_command_is_found_beside_a_folder_of_the_same_name(elsewhere, typed):
    assert "wrong package" in run(elsewhere, "-m", "analysis.cka", "--help").stderr
    done = run(elsewhere, "-m", "twinscope", typed, "--help")
    assert done.returncode == 0, done.stderr
    assert "python -m analysis.cka" in done.stdout


def test_functions_are_found_beside_a_folder_of_the_same_name(elsewhere):
    done = run(elsewhere, "-c", "import twinscope; print(twinscope.icc.__module__)")
    assert done.stdout == "analysis.measures.icc\n"


def test_another_package_that_is_loaded_already_is_named(elsewhere):
    (elsewhere / "analysis" / "__init__.py").write_text("")
    done = run(elsewhere, "-c", "import analysis, twinscope; twinscope.cka")
    assert "ImportError: expected the package 'analysis' of" in done.stderr
    assert str(elsewhere / "analysis") in done.stderr


def test_an_unknown_command_is_one_line():
    done = run(ROOT, "-m", "twinscope", "ckaa")
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown command 'ckaa'; expected one of: figures")
    assert done.stderr.endswith("Did you mean 'cka'?\n")
    assert done.stderr.count("\n") == 1
