"""A test file stands where its module does and is called after it, or is listed with a reason."""

from pathlib import Path

import pytest
from sources import project_modules

from tests.support.tree import ROOT

OWN = {"project", "support", "benchmarks"}
"""Folders of tests that mirror no package."""
ACROSS = {
    "analysis/measures/test_array_likes.py": "every public function of arrays, by one rule",
    "analysis/records/test_column_names.py": "every schema of the project, side by side",
    "analysis/records/test_hostile_tables.py": "damaged and forged tables, by any schema",
    "analysis/studies/looks/test_planted.py": "runs measured and the rule asked, end to end",
    "checkpoints/runs/test_hostile_archives.py": "pack and unpack against forged archives",
    "checkpoints/runs/test_hostile_studies.py": "study files and ids, mistyped and forged",
    "checkpoints/runs/test_kills.py": "every way in which a machine ends a run: train, resume",
    "checkpoints/runs/test_one_run.py": "one run as a job: queue, worker and folder together",
    "checkpoints/training/test_agreement.py": "the fast path against the plain one, a benchmark",
    "checkpoints/training/test_device.py": "groups, losses and networks, on fake CUDA tensors",
    "checkpoints/world/test_hostile_states.py": "states edited, drawn and stepped apart",
    "figures/browser/test_app.py": "the page's sources and what is built of them",
    "figures/browser/test_dropped_in_chromium.py": "the page in a browser: files dropped onto it",
    "figures/browser/test_network.py": "the page's own network, in JavaScript",
    "figures/browser/test_page_in_chromium.py": "the whole page in a browser",
    "figures/browser/test_player_in_chromium.py": "the player in a browser",
    "figures/browser/test_runs.py": "which runs the page shows, in JavaScript",
    "figures/browser/test_tables.py": "how the page reads tables, in JavaScript",
    "figures/browser/test_worlds_in_chromium.py": "worlds of files in a browser",
    "figures/plots/test_backgrounds_strengths.py": "two figures of settings, from one table",
    "figures/test_all_figures.py": "every figure on synthetic tables, by one rule",
    "probes/factors/test_all_games.py": "games whose own factors take a test or two each",
    "probes/factors/test_pixels.py": "every game: edited states against their pictures",
    "probes/factors/test_played.py": "every game: factors against real steps",
    "probes/notebooks/test_notebooks.py": "every notebook, from first cell to last",
}
"""Test file of several modules, or of none in Python -> what holds it together."""


def strays(root: Path, listed: set[str]) -> list[str]:
    """Test files that neither mirror a module nor are listed, and entries that are for nothing."""
    tests = root / "tests"
    files = {str(file.relative_to(tests)) for file in tests.glob("*/**/test_*.py")}
    files = {name for name in files if Path(name).parts[0] not in OWN}
    # That of a package's __main__ is called test_main.
    mirrors = {
        str(file.relative_to(root).with_name(f"test_{file.stem.strip('_')}.py"))
        for file in project_modules(root).values()
        if file.stem != "__init__"
    }
    found = [f"{name} mirrors no module" for name in files - mirrors - listed]
    found += [f"{name} is listed and not there" for name in listed - files]
    found += [f"{name} is listed and mirrors a module" for name in listed & mirrors]
    return sorted(found)


def test_every_test_file_mirrors_a_module_or_says_why_not():
    assert strays(ROOT, set(ACROSS)) == []


@pytest.mark.parametrize(
    ("name", "listed", "expected"),
    [
        ("analysis/stats/test_looks.py", set(), []),
        ("analysis/test_main.py", set(), []),
        ("analysis/stats/test_main.py", set(), ["analysis/stats/test_main.py mirrors no module"]),
        ("analysis/test_looks.py", set(), ["analysis/test_looks.py mirrors no module"]),
        ("analysis/stats/test_look.py", set(), ["analysis/stats/test_look.py mirrors no module"]),
        ("analysis/stats/test_look.py", {"analysis/stats/test_look.py"}, []),
        ("project/test_any.py", set(), []),
        (
            "analysis/stats/test_looks.py",
            {"analysis/stats/test_looks.py", "analysis/test_gone.py"},
            [
                "analysis/stats/test_looks.py is listed and mirrors a module",
                "analysis/test_gone.py is listed and not there",
            ],
        ),
    ],
)
def test_a_stray_and_a_stale_entry_would_be_seen(name, listed, expected, tmp_path):
    for file in ("analysis/__init__.py", "analysis/__main__.py", "analysis/stats/looks.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    test = tmp_path / "tests" / name
    test.parent.mkdir(parents=True)
    test.touch()
    assert strays(tmp_path, listed) == expected
