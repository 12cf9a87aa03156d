"""A file of states x variants x features to an ICC with an interval, in one command."""

from pathlib import Path

import numpy as np
import pytest

from analysis.invariance import Settings, main
from analysis.records.tables import read_provenance, read_table
from analysis.studies.invariance.by_arrays import SCHEMA
from checkpoints.console import UserError

KEPT = 0.75


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Three quarters of the variance are the state's, the rest is each rendering's own."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    state = rng.normal(size=(200, 1, 10)) * KEPT**0.5
    np.save("x.npy", state + rng.normal(size=(200, 4, 10)) * (1 - KEPT) ** 0.5)
    np.save("blind.npy", rng.normal(size=(200, 4, 10)))
    np.save("line.npy", state[..., :1] * np.ones((1, 4, 3)))
    np.save("levels.npy", np.arange(200) // 4)
    return tmp_path


def measured(*names: str, **settings):
    main(Settings(ids=names, output=Path("out"), overwrite=True, **settings))
    return read_table("out/invariance_arrays.csv", SCHEMA).set_index("array")


def test_what_stays_is_found_with_its_interval(folder, capsys):
    found = measured("x.npy", "blind.npy", "line.npy", levels="levels.npy")
    one = found.loc["x.npy"]
    assert one.icc_low < KEPT < one.icc_high < one.icc_low + 0.1
    assert (one.states, one.variants, one.features, one.levels) == (200, 4, 10, 50)
    assert abs(found.icc["blind.npy"]) < 0.05
    assert found.verdict["line.npy"] == "collapsed" and np.isnan(found.icc["line.npy"])
    shown, said = capsys.readouterr()
    assert f"{one.icc:.3f}" in shown and "No interval" not in shown
    assert said.splitlines() == ["reading 3 arrays", "measuring arrays: 3 to do"]
    assert set(read_provenance("out/invariance_arrays.csv")["arrays"]) == {*found.index, "levels"}


def test_without_levels_there_is_no_interval(folder, capsys):
    one = measured("x.npy").loc["x.npy"]
    assert one.icc == pytest.approx(KEPT, abs=0.05)
    assert one.filter(regex="_(low|high)$").isna().tolist() == [True] * 4 and one.levels == 0
    assert "No interval: states of one level hang together" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (["flat.npy"], {}, r"shape \(states, variants, features\).*got \(200, 10\)"),
        (["one.npy"], {}, r"one\.npy: expected at least 2 states of at least 2 variants"),
        (["x.npy"], {"layers": ("hidden",)}, "--layers: expected policies, got arrays"),
        (["coinrun/ppo/0"], {"levels": "each"}, "--levels: expected arrays, got policies"),
    ],
)
def test_wrong_arrays_and_settings_write_nothing(folder, names, settings, message):
    x = np.load("x.npy")
    np.save("flat.npy", x[:, 0])
    np.save("one.npy", x[:, :1])
    with pytest.raises(UserError, match=message):
        measured(*names, **settings)
    assert not Path("out").exists()
