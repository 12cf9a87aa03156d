"""Two files of arrays to a number with an interval, in one command."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.cka import Settings, main
from analysis.records.tables import read_provenance, read_table
from analysis.studies.similarity import by_arrays
from analysis.studies.similarity.by_arrays import SCHEMA
from checkpoints.console import UserError
from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

SHARED, OWN = 4, 12


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Two arrays of 16 units of variance 1 that share 4, so that their CKA is 4 / 16; levels."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    levels = np.arange(400) // 4
    shared = (rng.normal(size=(100, SHARED))[levels] + rng.normal(size=(400, SHARED))) / 2**0.5
    for name in "ab":
        np.save(f"{name}.npy", np.hstack([shared, rng.normal(size=(400, OWN))]))
    np.save("c.npy", rng.normal(size=(400, 5)))
    np.save("levels.npy", levels)
    return tmp_path


def compared(*names: str, **settings):
    main(Settings(ids=names, output=Path("out"), overwrite=True, **settings))
    return read_table("out/cka_arrays.csv", SCHEMA).set_index(["x", "y"])


def test_what_is_shared_is_found_with_its_interval_and_chance(folder, capsys):
    found = compared("a.npy", "b.npy", "c.npy", levels="levels.npy")
    ab, ac = found.loc["a.npy", "b.npy"], found.loc["a.npy", "c.npy"]
    assert len(found) == 3
    assert ab.low < SHARED / (SHARED + OWN) < ab.high
    assert ab.low < ab.cka < ab.high < ab.low + 0.2
    assert (ab.states, ab.levels, ab.features_x) == (400, 100, 16)
    assert ab.p == pytest.approx(1 / 200) and ab.threshold < ab.low
    assert abs(ac.cka) < 0.05 < ac.p and ac.low < 0 < ac.high
    shown = capsys.readouterr().out
    assert f"{ab.cka:.3f}" in shown and "out/cka_arrays.csv" in shown
    assert "No interval" not in shown


def test_without_levels_it_says_what_is_missing(folder, capsys):
    one = compared("a.npy", "b.npy").loc["a.npy", "b.npy"]
    assert one.cka == pytest.approx(SHARED / (SHARED + OWN), abs=0.05)
    assert one.cka_biased > one.cka
    assert one[["low", "high", "chance", "threshold", "p"]].isna().all() and one.levels == 0
    assert "No interval, no chance level and no p: rows of one level" in capsys.readouterr().out


def test_rows_that_stand_alone_are_their_own_levels(folder):
    one = compared("a.npy", "b.npy", levels="each").loc["a.npy", "b.npy"]
    assert one.levels == 400 and one.low < one.cka < one.high
    assert one.cka == pytest.approx(compared("a.npy", "b.npy").cka.iloc[0], rel=1e-5)


def test_levels_that_cannot_change_places_leave_chance_out(folder, capsys):
    np.save("uneven.npy", np.repeat(np.arange(20), [*range(10, 29), 39]))
    one = compared("a.npy", "b.npy", levels="uneven.npy").iloc[0]
    assert np.isnan(one.p) and one.low < one.high
    assert "no chance level and no p: expected levels that can change" in capsys.readouterr().err


def test_what_decides_numbers_stands_in_the_provenance(folder):
    compared("a.npy", "b.npy", levels="levels.npy", seed=3)
    found = read_provenance("out/cka_arrays.csv")
    assert (found["seed"], found["replicates"], found["permutations"]) == (3, 500, 199)
    assert set(found["arrays"]) == {"a.npy", "b.npy", "levels"}
    assert not {"untrained", "states", "layers"} & set(found)


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (["a.npy"], {}, "expected at least 2 arrays"),
        (["a.npy", "b.npy"], {"layers": ("hidden",)}, "--layers: expected policies, got arrays"),
        (["coinrun/ppo/0"], {"levels": "levels.npy"}, "--levels: expected arrays, got policies"),
        (["a.npy", "b.npy"], {"replicates": 3}, "--replicates: expected a whole number from 20"),
    ],
)
def test_wrong_settings_write_nothing(folder, names, settings, message):
    with pytest.raises(UserError, match=message):
        compared(*names, **settings)
    assert not Path("out").exists()


def test_what_would_not_fit_into_memory_is_refused(folder, monkeypatch):
    monkeypatch.setattr(by_arrays, "MOST", 10**6)
    with pytest.raises(UserError, match="400 rows of 100 levels, which take"):
        compared("a.npy", "b.npy", levels="levels.npy")
    monkeypatch.setattr(by_arrays, "SMALLER", 10)
    with pytest.raises(UserError, match=r"a\.npy: expected at most 10 rows or 10 features, got"):
        compared("a.npy", "b.npy")


def test_a_file_that_is_there_is_kept(folder):
    compared("a.npy", "b.npy")
    with pytest.raises(UserError, match=r"cka_arrays\.csv exists and is kept"):
        main(Settings(ids=("a.npy", "b.npy"), output=Path("out")))


def test_the_command_ends_with_2_and_one_line(folder):
    np.save("bad.npy", np.array([{}]), allow_pickle=True)
    command = [sys.executable, str(ROOT / "twinscope.py"), "cka", "a.npy", "bad.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[0] == "reading 2 arrays" and len(said) == 2
    assert said[1].startswith("error: bad.npy: expected numbers, got an array of objects")
    assert not (folder / "results").exists()
    done = subprocess.run(
        [*command[:-1], "b.npy"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    header = (folder / "results" / "cka_arrays.csv").read_text().partition("\n")[0]
    assert json.loads(header[2:])["schema"] == "cka_arrays"
