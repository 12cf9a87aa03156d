"""A file of features and a file of a factor to a score with an interval, in one command."""

from pathlib import Path

import numpy as np
import pytest

from analysis.records.tables import read_provenance, read_table
from checkpoints.console import UserError
from probes.__main__ import Settings, main
from probes.studies.by_arrays import SCHEMA, probe

WITH = "levels", "factor"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A number whose R² from the features is .8, and three classes that they tell apart."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    np.save("x.npy", x)
    np.save("noise.npy", rng.normal(size=(400, 6)))
    np.save("y.npy", x[:, 0] + rng.normal(size=400) / 2)
    np.save("kind.npy", np.array(["a", "b", "c"])[np.digitize(x[:, 1], [-0.5, 0.5])])
    np.save("levels.npy", np.arange(400) // 4)
    return tmp_path


def read(*names: str, **settings):
    main(Settings(ids=names, output=Path("out"), overwrite=True, **settings))
    return read_table("out/probes_arrays.csv", SCHEMA).set_index("array")


def test_a_number_is_found_where_it_is_and_not_elsewhere(folder, capsys):
    found = read("x.npy", "noise.npy", factor="y.npy", levels="levels.npy")
    one, none = found.loc["x.npy"], found.loc["noise.npy"]
    assert one.low < 0.8 < one.high < one.low + 0.15
    assert (one.kind, one.states, one.levels, one.chance) == ("number", 400, 100, 0)
    assert none.score < 0.05
    assert set(read_provenance("out/probes_arrays.csv")["arrays"]) == {*found.index, *WITH}
    shown, said = capsys.readouterr()
    assert f"{one.score:.3f}" in shown
    assert said.splitlines() == ["reading 2 arrays", "probing arrays: 2 to do"]


def test_classes_are_told_apart(folder):
    found = read("x.npy", "noise.npy", factor="kind.npy", levels="each")
    assert (found.classes == 3).all() and (found.chance.round(3) == 0.333).all()
    assert found.score["x.npy"] > 0.8 > 0.45 > found.score["noise.npy"]


def test_without_levels_there_is_no_interval(folder, capsys):
    one = read("x.npy", factor="y.npy").loc["x.npy"]
    assert one[["low", "high"]].isna().all() and one.levels == 0
    assert "which flatters a score" in capsys.readouterr().out


def test_few_whole_numbers_are_classes_and_many_are_numbers():
    x = np.arange(300.0)[:, None] % 60
    assert probe(x, (x[:, 0] // 30).astype(int)).classes == 2
    assert probe(x.tolist(), x[:, 0].astype(int)).classes == 0


@pytest.mark.parametrize("still", [0.0, 0.1])
def test_a_number_that_two_levels_alone_vary_in_has_a_finite_interval(still):
    rng, levels = np.random.default_rng(0), np.repeat(np.arange(60), 4)
    y = np.full(240, still)
    y[np.isin(levels, [0, 2])] += rng.normal(size=8)  # levels of different folds
    found = probe(rng.normal(size=(240, 5)), y, levels).score
    assert -10 < found.low < found.estimate < found.high < 1


def test_a_number_that_one_level_alone_varies_in_is_refused():
    levels = np.repeat(np.arange(60), 4)
    y = np.where(levels == 7, np.arange(240.0), 0.5)
    with pytest.raises(UserError, match=r"factor: expected numbers that vary .* got 0\.5 in all"):
        probe(np.random.default_rng(0).normal(size=(240, 5)), y, levels)


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (["x.npy"], {}, r"expected --factor y\.npy, what is to be read"),
        (["x.npy"], {"factor": "short.npy"}, r"factor of each of 400 rows, .* got \(399,\)"),
        (["x.npy"], {"factor": "one.npy"}, "factor: expected a factor that varies, got 1.0 in all"),
        (["x.npy"], {"factor": "nan.npy"}, "expected finite values of a factor, got NaN"),
        (["coinrun/ppo/0"], {"factor": "y.npy"}, "--factor: expected arrays, got policies"),
    ],
)
def test_what_does_not_fit_writes_nothing(folder, names, settings, message):
    np.save("short.npy", np.arange(399.0))
    np.save("one.npy", np.ones(400))
    np.save("nan.npy", np.full(400, np.nan))
    with pytest.raises(UserError, match=message):
        read(*names, **settings)
    assert not Path("out").exists()


def test_unequal_rows_are_refused():
    with pytest.raises(UserError, match="of the same states, got 30 and 29 rows"):
        probe(np.ones((30, 2)), np.arange(29))
    with pytest.raises(UserError, match="of the same states, got 30 and 28 rows"):
        probe(np.ones((30, 2)), np.arange(30.0), np.arange(28))
