"""``python -m probes``: what is asked of which states, and the table that comes out."""

from pathlib import Path

import numpy as np
import pytest

from analysis.policies.subjects import load_subjects
from analysis.records.tables import read_provenance, read_table
from checkpoints.console import UserError
from probes.__main__ import Settings, main
from probes.factors.frame import choice, number
from probes.studies.layers import SCHEMA
from probes.studies.probing import probe_game
from probes.studies.questions import ask, background_groups, gather
from tests.support.small_zoo import zoo

N = 300
LEVELS = np.arange(N) // 3
FOLDS = LEVELS % 5
NUMBER = number("x", "cells", 0, 1, "a number", lambda view: 0.0)
CLASS = choice("kind", ("a", "b", "c"), "a class", lambda view: 0.0)


def test_background_groups_share_nothing():
    a, b = background_groups("coinrun")
    assert (len(a), len(b), a[0]) == (7, 7, 0)
    assert not set(a) & set(b)
    assert [len(group) for group in background_groups("plunder")] == [2, 2]
    assert background_groups("chaser") == ((0,), ())


def with_holes(count: int) -> np.ndarray:
    values = np.arange(N, dtype=float)
    values[count:] = np.nan
    return values


@pytest.mark.parametrize(
    ("factor", "values", "verdict", "used"),
    [
        (NUMBER, np.arange(N, dtype=float), "ok", N),
        (NUMBER, with_holes(150), "ok", 150),
        (NUMBER, with_holes(99), "too few", 99),
        (NUMBER, with_holes(3), "too few", 3),
        (NUMBER, np.full(N, np.nan), "missing", 0),
        (NUMBER, np.full(N, 2.0), "constant", N),
        (CLASS, np.full(N, 1.0), "constant", N),
        (NUMBER, np.where(np.arange(N) < 14, 1.0, 0), "low entropy", N),
        (NUMBER, np.where(FOLDS == 1, np.arange(N), 0) * 1.0, "too few", N),
        (CLASS, np.arange(N) % 3 * 1.0, "ok", N),
        (CLASS, np.where(np.arange(N) < 9, 2, np.arange(N) % 2) * 1.0, "ok", N - 9),
        (CLASS, np.where(np.arange(N) < 30, np.arange(N), 0) * 1.0, "too few", N - 29),
        (CLASS, np.where(FOLDS == 1, 1.0, 0), "too few", N - 60),
    ],
)
def test_verdicts(factor, values, verdict, used):
    found = ask(factor, values, LEVELS, FOLDS)
    assert (found.verdict, found.used) == (verdict, used)
    assert (found.task is None) == (verdict != "ok")


def test_classes_are_numbered_anew():
    values = np.where(np.arange(N) < 9, 0.0, 3.0 + 2 * (np.arange(N) % 2))
    task = ask(CLASS, values, LEVELS, FOLDS).task
    assert task is not None
    assert task.k == 2
    assert set(task.values[9:]) == {0, 1}
    assert np.isnan(task.values[:9]).all()


@pytest.fixture(scope="module")
def sights():
    return gather("bigfish", "easy", 150, 0)


def test_backgrounds_are_drawn_apart_from_levels(sights):
    background = {one.factor.name: one for one in sights.questions}["background"]
    assert background.verdict == "ok"
    task = background.task
    assert task is not None
    assert task.k == 4
    levels = np.asarray(sights.bank.levels)
    several = [len(set(task.values[levels == level])) > 1 for level in np.unique(levels)]
    assert np.mean(several) > 0.5
    assert sights.unseen is not None
    assert (sights.fitted != sights.unseen).any(axis=(1, 2, 3)).all()
    again = gather("bigfish", "easy", 150, 0)
    assert (again.fitted == sights.fitted).all()
    assert (again.folds == sights.folds).all()


def test_a_game_with_one_background_has_no_transfer():
    from probes.factors.targets import SHEETS

    if "chaser" not in SHEETS:
        pytest.skip("no factors of chaser")
    found = gather("chaser", "easy", 60, 0)
    assert found.unseen is None
    assert (found.fitted == found.bank.observations).all()
    asked = {one.factor.name: one.verdict for one in found.questions}
    assert asked["background"] == "constant"


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = zoo(tmp_path / "zoo", "bigfish/ppo/0/peer0/step64", "bigfish/mutual/0/peer0/step64")
    settings = Settings(
        factors=("agent_x", "time", "background", "hazard_dx"),
        layers=("hidden",),
        states=150,
        replicates=40,
        root=root,
        output=tmp_path,
    )
    main(settings)
    printed = capsys.readouterr().out
    assert printed.strip().splitlines()[-1] == str(tmp_path / "probes.csv")
    assert "not scored, too few: hazard_dx" in printed and " of 1) " not in printed
    rows = read_table(tmp_path / "probes.csv", SCHEMA)
    assert len(rows) == (2 + 3) * 4
    cells = rows.set_index(["method", "layer", "factor"])
    assert cells.loc[("time", "time", "time"), "score"] > 0.99
    assert cells.loc[("pixels", "pixels", "background"), "score"] > 0.9
    ok = rows[rows["verdict"] == "ok"]
    assert set(rows[rows["verdict"] != "ok"]["factor"]) == {"hazard_dx"}
    assert rows.loc[rows["verdict"] != "ok", "score"].isna().all()
    assert (ok["low"] <= ok["score"]).all()
    assert (ok["score"] <= ok["high"]).all()
    assert ok["converged"].all()
    missing = ok["transfer"].isna()
    assert (missing == ((ok["factor"] == "background") | (ok["layer"] == "time"))).all()
    with pytest.raises(UserError, match=r"probes\.csv exists and is kept; give --overwrite"):
        main(settings)


def test_policies_that_lack_a_layer_are_read_where_they_have_another(tmp_path, capsys):
    from dataclasses import replace

    from tests.support.small_zoo import RECIPE

    root = zoo(tmp_path / "zoo", "bigfish/ppo/0/peer0/step64")
    zoo(root, "bigfish/ppo/1/peer0/step64", recipe=replace(RECIPE, encoder="impala"))
    quick = Settings(factors=("agent_x",), states=150, replicates=20, root=root, output=tmp_path)
    main(replace(quick, layers=("conv3", "block3"), workers=1))
    printed = capsys.readouterr().out
    assert "block3" in printed and printed.count("(1 of 2) ") == 2
    rows = read_table(tmp_path / "probes.csv", SCHEMA)
    read = rows[rows["step"] > 0].set_index("id")["layer"]
    assert dict(read) == {
        "bigfish/ppo/0/peer0/step64": "conv3",
        "bigfish/ppo/1/peer0/step64": "block3",
    }
    made = read_provenance(tmp_path / "probes.csv")
    told = {name: made[name] for name in ("factors", "layers", "states", "untrained")}
    expected = {"factors": ["agent_x"], "layers": ["conv3", "block3"], "states": 150}
    assert told == expected | {"untrained": 1}
    assert not {"list", "workers"} & set(made)
    with pytest.raises(UserError, match="unknown layer of impala and nature 'conv9'"):
        main(replace(quick, layers=("hidden", "conv9"), overwrite=True))


def test_rows_do_not_depend_on_the_number_of_workers(tmp_path, sights):
    root = zoo(tmp_path, "bigfish/ppo/0/peer0/step64")
    subjects = load_subjects((), root, controls=0)["bigfish"]
    few = type(sights)(
        *(sights.bank, sights.fitted, sights.unseen, sights.folds),
        tuple(one for one in sights.questions if one.factor.name in ("agent_x", "background")),
    )
    one, two = (
        list(probe_game(subjects, few, ("hidden",), replicates=20, seed=0, workers=workers))
        for workers in (1, 2)
    )
    assert repr(one) == repr(two)


def test_encoders_may_differ(tmp_path, sights):
    from dataclasses import replace

    from tests.support.small_zoo import RECIPE

    root = zoo(tmp_path, "bigfish/ppo/0/peer0/step64")
    zoo(tmp_path, "bigfish/ppo/1/peer0/step64", recipe=replace(RECIPE, encoder="impoola"))
    subjects = load_subjects((), root, controls=0)["bigfish"]
    few = type(sights)(
        *(sights.bank, sights.fitted, sights.unseen, sights.folds),
        tuple(one for one in sights.questions if one.factor.name == "agent_x"),
    )
    rows = list(probe_game(subjects, few, ("conv3", "pooled"), replicates=20, seed=0))
    found = [(group[0]["id"], group[0]["layer"]) for group in rows[2:]]
    ids = [str(one.id) for one in subjects]
    assert found == [(ids[0], "conv3"), (ids[1], "pooled")]


def test_messages(tmp_path, sights):
    root = zoo(tmp_path / "zoo", "bigfish/ppo/0/peer0/step64")
    quick = Settings(states=150, root=root, output=tmp_path)
    subjects = load_subjects((), root, controls=0)["bigfish"]
    with pytest.raises(UserError, match="unknown layer of nature 'conv9'; expected one of"):
        list(probe_game(subjects, sights, ("conv9",), replicates=20, seed=0))
    with pytest.raises(UserError, match="unknown factor of bigfish 'agent_z'"):
        gather("bigfish", "easy", 150, 0, ("agent_z",))
    with pytest.raises(UserError, match=r"--workers: expected .* from 0 to .*, got -1"):
        main(Settings(**{**vars(quick), "workers": -1}))
