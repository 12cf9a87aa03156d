"""Every file of the tree: small, without paths of one machine; commands explain themselves."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sources import project_modules

from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

MODULES = project_modules(ROOT)
COMMANDS = sorted(
    name for name, file in MODULES.items() if '__name__ == "__main__"' in file.read_text()
)
MACHINE_PATH = re.compile(rb"(?<![\w.:/~-])/(?:home|root|work|Users|mnt|opt)/\w+")


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )


def project_files() -> list[Path]:
    """Every file that a clone would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


PYTHON_FILES = [*ROOT.glob("*.py"), *MODULES.values(), *sorted((ROOT / "tests").rglob("*.py"))]


@pytest.mark.parametrize("file", PYTHON_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_are_small(file):
    text = file.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_no_file_names_a_path_of_one_machine():
    for file in project_files():
        with file.open("rb") as stream:
            found = MACHINE_PATH.search(stream.read(4_000_000))
        assert found is None, f"{file.relative_to(ROOT)}: {found and found.group()!r}"


def test_a_machine_path_would_be_seen():
    home = b"/" + b"home/ann/x"
    assert MACHINE_PATH.search(b"saved to " + home)
    assert not MACHINE_PATH.search(b"https://example.org" + home)


def test_readme_is_short():
    # The bars and rules of a table are no words.
    assert len((ROOT / "README.md").read_text().split()) <= 900


def test_contributing_is_one_page():
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 50


# -- commands --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_explain_themselves(command):
    name = command.removesuffix(".__main__")
    done = run_python("-m", name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"python -m {name}" in done.stdout
    assert "gym" not in done.stderr.lower()
