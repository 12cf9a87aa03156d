"""The notebooks, kept as percent scripts, run from the first cell to the last."""

import os
import re
import subprocess
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

NOTEBOOKS = sorted((ROOT / "probes" / "notebooks").glob("*.py"))

WORDS = {
    "one_layer": "count_flyer",
    "twins_to_robustness": "tv_between",
    "two_methods": "effective rank",
    "your_checkpoint": "cleanrl ppo_procgen",
    "your_environment": "hidden",
    "your_factor": "of the picture is ground",
}
"""Notebook -> what one of its outputs says."""
PICTURES = {
    **dict.fromkeys(("one_layer", "twins_to_robustness", "two_methods", "your_environment"), 2),
    **{"your_checkpoint": 1, "your_factor": 3},
}
"""Notebook -> its pictures, of a state on two backgrounds or more and of what was measured."""


SPOKEN = re.compile(r"\w+: (gathering|drawing) \d+ states( on \d+ backgrounds)?")
"""What a cell says before long work, where the cache has not got it."""


def outputs_of(notebook: NotebookNode) -> list[NotebookNode]:
    """What stands below the cells."""
    return [out for cell in notebook.cells for out in cell.get("outputs", ())]


def lines_of(out: NotebookNode) -> list[str]:
    return str(out["text"]).splitlines()


def run(notebook: NotebookNode) -> str:
    """Everything that a reader would see below the cells, as text."""
    where = {"metadata": {"path": str(ROOT)}}  # banks and twins lie in the cache of the clone
    # As a reader's kernel draws, and not as tests do.
    env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    NotebookClient(notebook, kernel_name="python3", timeout=PATIENCE, resources=where).execute(
        env=env
    )
    outputs = outputs_of(notebook)
    # What takes long says so; a warning would be another line.
    said = [line for out in outputs if out.get("name") == "stderr" for line in lines_of(out)]
    assert all(SPOKEN.fullmatch(line) for line in said), said
    outputs = [out for out in outputs if out.get("name") != "stderr"]
    return "\n".join(out.get("text") or out["data"]["text/plain"] for out in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path: Path):
    notebook = jupytext.read(path)
    assert notebook.cells[0].source.startswith("# ")
    assert WORDS[path.stem] in run(notebook)
    drawn = [out["data"].get("image/png") for out in outputs_of(notebook) if "data" in out]
    drawn = [one for one in drawn if one]
    assert len(drawn) == PICTURES[path.stem]
    assert max(map(len, drawn)) < 2 * 10**5


def test_notebooks_are_thin_and_their_outputs_are_not_kept():
    assert {path.stem for path in NOTEBOOKS} == set(WORDS)
    for path in NOTEBOOKS:
        assert len(path.read_text().splitlines()) <= 70
        assert {cell.cell_type for cell in jupytext.read(path).cells} == {"markdown", "code"}
    ignored = "probes/notebooks/one_layer.ipynb"
    assert subprocess.run(["git", "check-ignore", "-q", ignored], cwd=ROOT).returncode == 0


def test_a_broken_notebook_would_be_seen():
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run(jupytext.reads("# %%\n1 / 0\n", fmt="py:percent"))


def test_a_warning_would_be_seen():
    with pytest.raises(AssertionError, match="careful"):
        run(jupytext.reads("# %%\nimport warnings\nwarnings.warn('careful')\n", fmt="py:percent"))
