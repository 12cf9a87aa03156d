"""Two files of arrays compared by every measure of features, in one command."""

from pathlib import Path

import numpy as np
import pytest

from analysis.measures.alignment import procrustes
from analysis.measures.cka import cka
from analysis.measures.kernels import rbf_cka
from analysis.measures.neighbours import mutual_neighbours
from analysis.measures.panel import MEASURES
from analysis.measures.rsa import rsa
from analysis.records.tables import read_provenance, read_table
from analysis.similarity import Settings, main
from analysis.studies.similarity import panel_by_arrays
from analysis.studies.similarity.panel_by_arrays import OF_PICTURES, SCHEMA
from checkpoints.console import UserError

LEVELS, EACH = 30, 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A and b share 4 of 16 units of variance 1, so that their CKA is 4 / 16; c shares nothing."""
    monkeypatch.chdir(tmp_path)
    rng, n = np.random.default_rng(0), LEVELS * EACH
    shared = rng.normal(size=(n, 4))
    for name in "ab":
        np.save(f"{name}.npy", np.hstack([shared, rng.normal(size=(n, 12))]))
    np.save("c.npy", rng.normal(size=(n, 5)))
    np.save("levels.npy", np.arange(n) // EACH)
    return tmp_path


def compared(*names: str, **settings):
    given = {"output": Path("out"), "overwrite": True, "permutations": 99} | settings
    main(Settings(ids=names, **given))
    return read_table("out/similarity_arrays.csv", SCHEMA).set_index(["x", "y", "measure"])


def test_what_is_shared_stands_out_and_what_is_not_does_not(folder, capsys):
    found = compared("a.npy", "b.npy", "c.npy", levels="levels.npy")
    assert len(found) == 3 * (len(MEASURES) - len(OF_PICTURES))
    one = found.loc["a.npy", "b.npy", "cka"]
    assert one.low < 4 / 16 < one.high and (one.states, one.levels) == (120, 30)
    for measure in ("cka", "cka_rbf", "rsa", "neighbours"):
        ab, ac = (found.loc["a.npy", other, measure] for other in ("b.npy", "c.npy"))
        assert ab.p == pytest.approx(1 / 100) and ac.p > 0.05, measure
        assert ab.chance < ab.threshold < ab.value and ab.low < ab.value < ab.high
    spectra = found.loc["a.npy", "b.npy"].loc[["procrustes", "svcca", "pwcca"]]
    assert spectra["value"].between(0, 1).all() and spectra[["low", "p"]].isna().all(axis=None)
    shown = capsys.readouterr().out
    assert f"{one.value:.3f}" in shown and "out/similarity_arrays.csv" in shown
    assert "Not of arrays: cka_deconfounded and cka_one_background" in shown
    assert "No intervals" not in shown


def test_each_value_is_that_of_its_function(folder, capsys):
    found = compared("a.npy", "b.npy", neighbours=5).loc["a.npy", "b.npy"]["value"]
    x, y = np.load("a.npy"), np.load("b.npy")
    assert found["cka"] == pytest.approx(cka(x, y), abs=1e-6)
    assert found["cka_angular"] == pytest.approx(np.arccos(cka(x, y)), abs=1e-5)
    assert found["cka_rbf"] == pytest.approx(rbf_cka(x, y), abs=1e-6)
    assert found["rsa"] == pytest.approx(rsa(x, y), abs=1e-6)
    assert found["neighbours"] == pytest.approx(mutual_neighbours(x, y, 5), abs=1e-6)
    assert found["procrustes"] == pytest.approx(procrustes(x, y), abs=1e-6)
    assert "No intervals, no chance levels and no p: rows" in capsys.readouterr().out


def test_without_levels_there_is_nothing_but_values(folder):
    found = compared("a.npy", "b.npy")
    assert found[["low", "high", "chance", "threshold", "p"]].isna().all(axis=None)
    assert found["value"].notna().all() and (found["levels"] == 0).all()


def test_what_is_not_defined_is_said(folder, capsys):
    np.save("wide.npy", np.random.default_rng(1).normal(size=(LEVELS * EACH, 300)))
    found = compared("a.npy", "wide.npy", keep=1.0).loc["a.npy", "wide.npy"]["value"]
    assert np.isnan(found["svcca"]) and found["cka"] < 1
    assert "–: not defined" in capsys.readouterr().out


def test_what_decides_numbers_stands_in_the_provenance(folder):
    compared("a.npy", "b.npy", levels="each", bandwidth=0.7, seed=3)
    found = read_provenance("out/similarity_arrays.csv")
    assert (found["seed"], found["bandwidth"], found["permutations"]) == (3, 0.7, 99)
    assert set(found["arrays"]) == {"a.npy", "b.npy", "levels"}
    assert not {"untrained", "states", "layers"} & set(found)


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (["a.npy"], {}, "expected at least 2 arrays"),
        (["a.npy", "coinrun/ppo/0"], {}, "expected policies or arrays, got both"),
        (["a.npy", "b.npy"], {"layers": ("hidden",)}, "--layers: expected policies, got arrays"),
        (["coinrun/ppo/0"], {"levels": "levels.npy"}, "--levels: expected arrays, got policies"),
        (["a.npy", "b.npy"], {"neighbours": 120}, "expected ordered pairs and 1 to 119 neighbours"),
        (["a.npy", "b.npy"], {"levels": "three.npy"}, "states of at least 4 levels, got 3"),
    ],
)
def test_wrong_settings_write_nothing(folder, names, settings, message):
    np.save("three.npy", np.arange(LEVELS * EACH) % 3)
    with pytest.raises(UserError, match=message):
        compared(*names, **settings)
    assert not Path("out").exists()


def test_what_would_not_fit_into_memory_is_refused(folder, monkeypatch):
    monkeypatch.setattr(panel_by_arrays, "MOST", 10**6)
    with pytest.raises(UserError, match=r"got 2 of 120 rows, which take .*ask analysis\.cka"):
        compared("a.npy", "b.npy")
