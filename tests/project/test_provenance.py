"""Every setting of every command stands in the provenance, or something stands there for it."""

import importlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from analysis.records.command import Output, provenance_of
from analysis.records.tables import read_provenance, write_table
from analysis.records.values import values_schema
from analysis.studies.examination import OnPolicies
from checkpoints.doors.reading import short_hash
from tests.support.planted_runs import planted
from tests.support.tree import ROOT

NOTHING = {"output", "overwrite", "cache", "workers", "list"}
"""Settings that decide no number: where results go, how the work is done, or no table at all."""
POLICIES = {"ids": "policies", "root": "policies", "world": "world"}
"""Setting of all commands that take policies -> the note that stands for it."""
STUDY = {"study": "study", "parts": "policies"}
NOTES: dict[str, dict[str, str]] = {
    "analysis.cka": {"levels": "arrays"},
    "analysis.contrasts": {"tables": "tables", "study": "study"},
    "analysis.curves": {"root": "runs"},
    "analysis.emergence": STUDY,
    "analysis.invariance": {"levels": "arrays"},
    "analysis.looks": {"study": "declaration", "root": "declaration"},
    "analysis.player": {"world": "worlds"},
    "analysis.similarity": {"levels": "arrays"},
    "analysis.twins": {"world": "world"},
    "probes": {"levels": "arrays", "factor": "arrays"},
    "probes.steps": STUDY,
}
"""Command -> its own settings that name a place -> the note that says what lay there."""


def commands() -> dict[str, type[Output]]:
    """Command that writes tables -> its settings."""
    found = {}
    for package in ("analysis", "probes", "figures"):
        for file in sorted((ROOT / package).glob("*.py")):
            module = importlib.import_module(f"{package}.{file.stem}".removesuffix(".__init__"))
            settings = getattr(module, "Settings", None)
            if isinstance(settings, type) and issubclass(settings, Output):
                found[module.__name__.removesuffix(".__main__")] = settings
    return found


COMMANDS = commands()


def test_commands_are_found():
    assert set(NOTES) < set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_setting_is_noted_or_what_it_names_is(command):
    settings: Any = COMMANDS[command]
    names = {field.name for field in fields(settings)}
    shared = POLICIES if issubclass(settings, OnPolicies) else {}
    noted = set(provenance_of(settings()))
    assert names - noted == names & (NOTHING | set(shared | NOTES.get(command, {})))
    assert noted <= names


def test_a_number_decides_whatever_it_is_called():
    from analysis.cka import Settings as OfArrays
    from analysis.player import Settings as Played

    assert provenance_of(Played(levels=7))["levels"] == 7
    assert "levels" not in provenance_of(OfArrays(levels="levels.npy"))


def test_contrasts_note_what_they_read(tmp_path):
    from analysis.contrasts import Settings, main

    for name in ("emergence", "probes_steps"):
        rows = planted().assign(measure="icc_one_way") if name == "probes_steps" else planted()
        rows = rows.drop_duplicates(["id", "measure", "layer"])
        write_table(rows, values_schema(name), tmp_path / f"{name}.csv", provenance={})
    study = ROOT / "study.yaml"
    asked = {"games": ("starpilot",), "tables": tmp_path, "study": study}
    main(Settings(**asked, output=tmp_path / "out"))
    noted = read_provenance(tmp_path / "out" / "contrasts.csv")
    read = [tmp_path / f"{name}.csv" for name in ("emergence", "probes_steps")]
    assert noted["tables"] == {path.name: short_hash(path) for path in read}
    assert noted["study"] == short_hash(study)


def test_curves_note_the_logs_they_are_from(tmp_path):
    from analysis.curves import Settings, main
    from tests.support.followed import pretend_runs, study_file

    study = study_file(tmp_path)
    root: Path = pretend_runs(study, tmp_path / "runs")
    main(Settings(root=root, output=tmp_path / "out"))
    noted = read_provenance(tmp_path / "out" / "curves.csv")["runs"]
    logs = {path.parent.relative_to(root).as_posix(): path for path in root.rglob("progress.csv")}
    assert noted == {run: short_hash(path) for run, path in logs.items()} and len(noted) > 1
